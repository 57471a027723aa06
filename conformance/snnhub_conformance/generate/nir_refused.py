"""``importer.nir``, refused: files that are broken, mean nothing that is known, or are meant to harm."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from snnhub.errors import FormatError

from snnhub_conformance.generate.entry import Family, Refusal
from snnhub_conformance.generate.nir_accepted import FAMILY, SOURCE, stale
from snnhub_conformance.generate.nir_parts import FILE, Node, affine, chain, neuron, nir
from snnhub_conformance.generate.write import Writer

Change = Callable[[Any], object]
FC, TAU = "node/nodes/fc/weight", "node/nodes/lif/tau"


@dataclass(frozen=True)
class Row:
    """A file, why it must be refused, and how: code and place of the finding, where there is one."""

    data: bytes
    comment: str
    code: str = ""
    place: str = ""
    also: tuple[str, ...] = ()
    landmine: int | None = None


def add(writer: Writer) -> None:
    """Every one a ``FormatError``."""
    family = Family(writer, FAMILY, "importer", ("importer", "nir"), SOURCE)
    for title, row in {**meanings(), **attacks(), **damage()}.items():
        wanted = Refusal(FormatError, row.code, row.place, row.also)
        files = {"nir": (FILE, row.data)}
        family.add(f"refused: {title}", row.comment, files, wanted, landmine=row.landmine)


def meanings() -> dict[str, Row]:
    """What might change what a node computes is never passed over."""
    edges = chain({"lif": neuron("LIF")})
    edges["edges"].append(("lif", "nobody"))
    several: dict[str, Node] = {"a": {"type": "Foo"}, "b": neuron("LIF", tau=None), "c": {**neuron("I"), "x": "y"}}
    return {
        "unknown type": Row(
            nir(chain({"x": {"type": "Foo"}})),
            "nir.read gives a bare AssertionError.",
            "SNN-3502",
            "x",
            landmine=12,
        ),
        "no type": Row(
            nir(chain({"x": {"r": np.ones(4, "f4")}})), "A node without one.", "SNN-3502", "x", landmine=12
        ),
        "unknown field": Row(
            nir(chain({"lif": {**neuron("LIF"), "refractory": np.ones(4, "f4")}})),
            "A refractory period that nobody would compute.",
            "SNN-3503",
            "lif",
        ),
        "missing field": Row(
            nir(chain({"lif": neuron("LIF", tau=None)})), "A LIF without tau.", "SNN-1005", "lif/tau"
        ),
        "text for numbers": Row(
            nir(chain({"lif": {**neuron("LIF"), "tau": "fast"}})), "tau in words.", "SNN-3503", "lif"
        ),
        "edge to nobody": Row(nir(edges), "nir.read accepts it.", "SNN-3504", "%", landmine=22),
        "graph without edges": Row(
            nir(chain({"lif": neuron("LIF")}), change=lambda file: file.__delitem__("node/edges")),
            "Not even an empty list.",
            "SNN-3503",
            "%",
        ),
        "several at once": Row(
            nir(chain(several)), "All of them in one report.", "SNN-3502", "a", ("SNN-3503 c", "SNN-1005 b/tau")
        ),
        "words of ours that are stale": Row(
            stale(),
            "Another tool has changed a threshold and kept snnhub's metadata.",
            "SNN-3511",
            "metadata/snnhub",
        ),
    }


def attacks() -> dict[str, Row]:
    """HDF5 can do more than hold numbers."""
    import h5py

    def swap(place: str, **options: Any) -> Change:
        def change(file: Any) -> None:
            del file[place]
            file.create_dataset(place, track_times=False, **options)

        return change

    def links(place: str, link: Any) -> Change:
        return lambda file: file.__setitem__(place, link)

    def virtual(file: Any) -> None:
        del file[TAU]
        layout = h5py.VirtualLayout((4,), "f4")
        layout[:] = h5py.VirtualSource("other.h5", "tau", (4,))
        file.create_virtual_dataset(TAU, layout)

    def again(file: Any) -> None:
        file["node/nodes/again"] = file["node"]

    def growing(file: Any) -> None:
        del file[FC]
        item = file.create_dataset(FC, (4, 4), "f4", chunks=(4, 4), compression="gzip", track_times=False)
        item.id.write_direct_chunk((0, 0), zlib.compress(bytes(2**20), 9))

    rows: dict[str, tuple[Change, str]] = {
        "external link": (
            links("node/nodes/lif/v", h5py.ExternalLink("/etc/hostname", "/tau")),
            "nir.read follows it.",
        ),
        "soft link": (links("node/nodes/x", h5py.SoftLink("/node/nodes/lif")), "To a node that is there."),
        "external storage": (
            swap(TAU, shape=(4,), dtype="f4", external=[("/etc/hostname", 0, 16)]),
            "nir.read gives the bytes as tau.",
        ),
        "virtual dataset": (virtual, "Of another file."),
        "declared 4 TB": (swap(FC, shape=(10**6, 10**6), dtype="f4", chunks=(512, 512)), "In a file of a few kB."),
        "a chunk that grows": (growing, "Declared 64 bytes, unpacked a megabyte."),
        "a graph in itself": (again, "Endless, for who goes down."),
        "filter": (
            swap(FC, data=np.ones((4, 4), "f4"), chunks=(4, 4), fletcher32=True),
            "No filter but gzip, lzf, shuffle.",
        ),
        "reference": (swap(TAU, shape=(4,), dtype=h5py.ref_dtype), "Instead of numbers."),
        "complex numbers": (swap(TAU, data=np.ones(4, np.complex64)), "NIR has none."),
        "named type": (lambda file: file["node"].__setitem__("t", np.dtype("f4")), "Beside the nodes."),
    }
    whole = chain({"fc": affine(4, 4), "lif": neuron("LIF")})
    made = {title: Row(nir(whole, change=change), comment) for title, (change, comment) in rows.items()}
    deep = chain({"lif": neuron("LIF")})
    for _ in range(33):
        deep = {"type": "NIRGraph", "nodes": {"g": deep}, "edges": []}
    return {**made, "66 groups deep": Row(nir(deep), "33 graphs, each in the one before.")}


def damage() -> dict[str, Row]:
    """Copies that stopped early, and what is no network."""
    whole = nir(chain({"fc": affine(4, 4), "lif": neuron("LIF")}))
    return {
        "cut in half": Row(whole[: len(whole) // 2], "A copy that stopped early."),
        "empty": Row(b"", "Nothing."),
        "text": Row(b"{}\n", "No HDF5."),
        "no network": Row(
            nir(chain({}), change=lambda file: file.move("node", "other")), "HDF5, but nothing at /node."
        ),
    }
