"""NIR 0.0.1 to 0.0.6: nodes by number at the top of the file, edges of numbers, three names that changed later.

Nothing of it is lost: ``weights`` is ``weight``, ``theta`` is ``v_threshold``, ``Linear`` with a bias is
``Affine``.
"""

from __future__ import annotations

import h5py
from snnhub.errors import FormatError
from snnhub_formats import hdf5_arrays

from snnhub_nir.names import Path
from snnhub_nir.walk import TYPES, Found, connect, made_node, read_field, type_of

RENAMED = {"weights": "weight", "theta": "v_threshold"}


def is_legacy(file: h5py.File) -> bool:
    """Whether the file has nodes and edges at its top."""
    return "node" not in file and isinstance(file.get("nodes"), h5py.Group) and "edges" in file


def walk(file: h5py.File, where: str) -> Found:
    """Everything in the file. Raises ``FormatError`` for edges that are none."""
    found = Found(where, legacy=True)
    found.nodes[()] = made_node((), "ct.NIRGraph", [])
    for name in file["nodes"]:
        item = file["nodes"][name]
        if not isinstance(item, h5py.Group):
            found.refuse("SNN-3503", name, "found numbers or text where a node belongs")
        elif (kind := type_of(item, found, name)) is not None:
            _node(found, (name,), item, kind)
    connect(found, [((), _edges(file["edges"], where))])
    return found


def _node(found: Found, path: Path, group: h5py.Group, kind: str) -> None:
    if kind == "Linear" and "bias" in group:
        kind = "Affine"
        found.converted.append(f"{path[0]} Linear")
    op = TYPES[kind]
    known = {item.name: item for item in op.fields}
    values = []
    for name in group:
        new = RENAMED.get(name, name)
        if not isinstance(group[name], h5py.Dataset):
            found.refuse("SNN-3503", path[0], f"found a group {name!r} where a field belongs")
        elif name != "type":
            values += list(read_field(found, path[0], new, group[name], known))
            found.converted += [f"{path[0]}/{name}"] if new != name else []
    found.nodes[path] = made_node(path, op.name, values)


def _edges(item: object, where: str) -> list[tuple[str, str]]:
    if not isinstance(item, h5py.Dataset):
        raise FormatError("edges are a group", where=where)
    if item.size == 0:
        return []
    numbers = hdf5_arrays.numbers(item, f"{where}:/edges")
    if numbers.ndim != 2 or numbers.shape[1] != 2 or numbers.dtype.kind not in "iu" or len(numbers) > 2**20:
        raise FormatError("edges are no pairs of numbers", where=where, found=f"{item.dtype} {list(item.shape)}")
    return [(str(a), str(b)) for a, b in numbers.tolist()]
