"""NIR files that are broken, false or meant to harm, by class of attack; and odd ones that are sound.

``CASES``: class, name, what writes the file, and the words of the refusal, or ``""`` where it must be read.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tests.networks.nir_files import TEXT, Spec, affine, chain, conv2d, neuron, terminal, whole, write_nir

Write = Callable[[Path], object]
SECRET = b"root:x:0:0: the bytes of another file, which nobody may read out through a network file"


def plain() -> Spec:
    return chain(("fc", affine()), ("lif", neuron("LIF")))


def made(path: Path, spec: Spec | None = None, **options: Any) -> None:
    write_nir(path, spec or plain(), **options)


def changed(act: Callable[[h5py.File, Path], object], spec: Spec | None = None) -> Write:
    """A sound file to which something is done."""

    def write(path: Path) -> None:
        made(path, spec)
        with h5py.File(path, "r+") as file:
            act(file, path)

    return write


def replaced(name: str, **options: Any) -> Write:
    """A dataset created anew with these options."""

    def act(file: h5py.File, path: Path) -> None:
        group, _, key = name.rpartition("/")
        if name in file:
            del file[name]
        file[group].create_dataset(key, **options)

    return changed(act)


def raw(data: Callable[[bytes], bytes]) -> Write:
    """The bytes of a sound file, changed."""

    def write(path: Path) -> None:
        made(path)
        path.write_bytes(data(path.read_bytes()))

    return write


def with_node(name: str, **fields: Any) -> Write:
    return partial(made, spec=chain(("fc", affine()), (name, fields)))


def with_field(**fields: Any) -> Write:
    return partial(made, spec=chain(("lif", {**neuron("LIF"), **fields})))


def with_edges(*edges: tuple[str, str]) -> Write:
    spec = plain()
    return partial(made, spec={**spec, "edges": [*spec["edges"], *edges]})


def edges_as(data: Any, **options: Any) -> Write:
    return replaced("node/edges", data=data, **options)


def outside(path: Path) -> Path:
    place = path.with_suffix(".secret")
    place.write_bytes(SECRET * 4)
    return place


def external_link(file: h5py.File, path: Path) -> None:
    secret = path.with_suffix(".h5")
    with h5py.File(secret, "w") as other:
        other["tau"] = np.ones(2, np.float32)
    del file["node/nodes/lif/tau"]
    file["node/nodes/lif/tau"] = h5py.ExternalLink(str(secret), "/tau")


def external_node(file: h5py.File, path: Path) -> None:
    secret = path.with_suffix(".h5")
    made(secret)
    file["node/nodes/other"] = h5py.ExternalLink(str(secret), "/node/nodes/lif")


def external_storage(name: str, shape: tuple[int, ...]) -> Write:
    def act(file: h5py.File, path: Path) -> None:
        group, _, key = name.rpartition("/")
        del file[name]
        size = int(np.prod(shape)) * 4
        file[group].create_dataset(key, shape, "f4", external=[(str(outside(path)), 0, size)])

    return changed(act)


def virtual(file: h5py.File, path: Path) -> None:
    del file["node/nodes/fc/weight"]
    layout = h5py.VirtualLayout((2, 2), "f4")
    layout[:] = h5py.VirtualSource(str(path.with_suffix(".h5")), "tau", (2, 2))
    file["node/nodes/fc"].create_virtual_dataset("weight", layout)


def link(target: str, place: str) -> Write:
    def act(file: h5py.File, path: Path) -> None:
        file[place] = file[target]

    return changed(act)


def soft(place: str, target: str) -> Write:
    def act(file: h5py.File, path: Path) -> None:
        file[place] = h5py.SoftLink(target)

    return changed(act)


def nested(depth: int) -> Write:
    def write(path: Path) -> None:
        spec: Spec = whole({"lif": neuron("LIF")}, [])
        for _ in range(depth):
            spec = whole({"g": spec}, [])
        made(path, spec)

    return write


def inflating(claimed: int, real: int) -> Write:
    """A chunk of a few bytes that becomes ``real`` bytes under a dataset of ``claimed``."""

    def act(file: h5py.File, path: Path) -> None:
        del file["node/nodes/fc/weight"]
        shape = (2, claimed // 8)
        item = file["node/nodes/fc"].create_dataset("weight", shape, "f4", chunks=shape, compression="gzip")
        item.id.write_direct_chunk((0, 0), zlib.compress(bytes(real), 9))

    return changed(act)


def zeros(count: int) -> Write:
    return replaced(
        "node/nodes/fc/weight", data=np.zeros((2, count), np.float32), compression="gzip", chunks=(2, count // 64)
    )


def many_strings(path: Path) -> None:
    """A hundred thousand edges whose names are one and the same megabyte."""
    made(path)
    with h5py.File(path, "r+") as file:
        del file["node/edges"]
        file["node"].create_dataset("edges", data=np.array([["a" * 2**20, "lif"]], object), dtype=TEXT)
        item = file["node/edges"]
        offset, size = item.id.get_offset(), item.id.get_storage_size()
    data = bytearray(path.read_bytes())
    heap = bytes(data[offset : offset + size])
    with h5py.File(path, "r+") as file:
        del file["node/edges"]
        file["node"].create_dataset("edges", data=np.array([["x", "y"]] * 100_000, object), dtype=TEXT)
        again = file["node/edges"].id.get_offset()
    data = bytearray(path.read_bytes())
    data[again : again + 16 * 200_000] = heap[:16] * 200_000
    path.write_bytes(bytes(data))


def bit(data: bytes) -> bytes:
    """The highest exponent bit of a time constant: 0.02 becomes 6.8e36."""
    at = data.index(struct.pack("<2f", 0.02, 0.02))
    return data[: at + 3] + bytes([data[at + 3] ^ 0x40]) + data[at + 4 :]


def legacy(path: Path, edges: Any = ((0, 1),), **changes: Any) -> None:
    """A file of NIR 0.0: nodes by number at the top."""
    with h5py.File(path, "w") as file:
        first, second = file.create_group("nodes/0"), file.create_group("nodes/1")
        first["type"], second["type"] = "Linear", "LIF"
        first["weights"], first["bias"] = np.ones((2, 2), np.float32), np.ones(2, np.float32)
        for name, value in {"tau": 0.02, "r": 1.0, "v_leak": 0.0, "theta": 1.0, **changes}.items():
            second[name] = np.full(2, value, np.float32)
        file["edges"] = np.array(edges)


LINKS, SIZE, SOUND = "links are never followed", "far beyond what is stored", ""
CASES: tuple[tuple[str, str, Write, str], ...] = (
    ("not hdf5", "empty", lambda path: Path(path).write_bytes(b""), "not a readable HDF5 file"),
    ("not hdf5", "text", lambda path: Path(path).write_text("{}"), "not a readable HDF5 file"),
    ("not hdf5", "truncated", raw(lambda data: data[: len(data) // 2]), "not a readable HDF5 file"),
    ("not hdf5", "signature only", raw(lambda data: data[:8]), "not a readable HDF5 file"),
    ("not hdf5", "no network", changed(lambda f, p: f.move("node", "other")), "nothing is at /node"),
    ("flipped bit", "time constant", raw(bit), SOUND),
    ("flipped bit", "infinite", with_field(tau=np.array([np.inf, 1], np.float32)), SOUND),
    ("flipped bit", "nan", with_field(tau=np.array([np.nan, 1], np.float32)), SOUND),
    ("flipped bit", "negative", with_field(tau=np.array([-0.02, 1], np.float32)), SOUND),
    ("version", "missing", partial(made, version=None), SOUND),
    ("version", "from the future", partial(made, version="99.0.0"), SOUND),
    ("version", "no version", partial(made, version="main\x1b[31m"), SOUND),
    (
        "version",
        "a number",
        changed(lambda f, p: f.__delitem__("version") or f.create_dataset("version", data=1)),
        "the version is no text",
    ),
    ("type", "unknown", with_node("x", type="Foo", r=np.ones(2)), "found type 'Foo'"),
    ("type", "a class of Python", with_node("x", type="__import__", r=np.ones(2)), "found type '__import__'"),
    ("type", "no type", with_node("x", r=np.ones(2)), "does not say its type"),
    ("type", "a number", with_node("x", type=np.array(3)), "does not say its type"),
    ("type", "Identity", with_node("x", type="Identity", shape=np.array([2])), "found type 'Identity'"),
    ("extra field", "number", with_field(refractory=np.ones(2)), "unknown field 'refractory'"),
    ("extra field", "text", with_field(reset="subtract"), "unknown field 'reset'"),
    ("extra field", "of another type", with_field(tau_mem=np.ones(2)), "unknown field 'tau_mem'"),
    (
        "extra field",
        "of a graph",
        partial(made, spec={**plain(), "type_check": np.array(1)}),
        "unknown field 'type_check'",
    ),
    ("missing field", "tau", partial(made, spec=chain(("lif", neuron("LIF", tau=None)))), "needs field tau"),
    ("missing field", "weight", with_node("x", type="Affine", bias=np.ones(2)), "needs field weight"),
    ("missing field", "edges", changed(lambda f, p: f.__delitem__("node/edges")), "graph has no edges"),
    ("missing field", "nodes", changed(lambda f, p: f.__delitem__("node/nodes")), "graph has no group nodes"),
    ("wrong shape", "parameters", with_field(tau=np.ones(3)), SOUND),
    ("wrong shape", "bias", with_node("x", type="Affine", weight=np.ones((2, 2)), bias=np.ones(5)), SOUND),
    ("wrong shape", "weight of one axis", with_node("x", type="Linear", weight=np.ones(4)), SOUND),
    ("wrong shape", "input below 1", partial(made, spec=chain(("a", affine()), into=(-2,))), r"found \[-2\]"),
    (
        "wrong shape",
        "input of halves",
        partial(made, spec=whole({"i": {"type": "Input", "shape": np.array([0.5])}}, [])),
        "has a fraction",
    ),
    ("text for numbers", "tau", with_field(tau="fast"), "is text and needs numbers"),
    (
        "text for numbers",
        "padding",
        partial(made, spec=chain(("c", conv2d(1, 1, (3, 3), None, padding="wide")))),
        "found 'wide'",
    ),
    ("text for numbers", "weight", with_node("x", type="Linear", weight="w"), "is text and needs numbers"),
    ("dangling edge", "target", with_edges(("lif", "nobody")), "there is no node 'nobody'"),
    ("dangling edge", "source", with_edges(("nobody", "lif")), "there is no node 'nobody'"),
    (
        "dangling edge",
        "thousands",
        with_edges(*((f"n{i}", "lif") for i in range(5000))),
        "5000|5001|4980|there is no node",
    ),
    ("dangling edge", "into no graph", with_edges(("lif.tau", "fc")), "there is no node 'lif.tau'"),
    ("edges", "numbers", edges_as(np.zeros((3, 2))), "found edges"),
    ("edges", "three columns", edges_as(np.array([["a", "b", "c"]], object), dtype=TEXT), "found edges"),
    ("edges", "not UTF-8", edges_as(np.array([[b"\xff\xfe", b"lif"]], "S4")), "not UTF-8"),
    ("edges", "none", edges_as(np.array([])), SOUND),
    ("cycle", "self", with_edges(("lif", "lif")), SOUND),
    ("cycle", "algebraic loop", with_edges(("fc", "fc")), SOUND),
    ("cycle", "two", with_edges(("lif", "fc")), SOUND),
    ("cycle", "edge twice", with_edges(("fc", "lif")), SOUND),
    ("size", "contiguous", replaced("node/nodes/fc/weight", shape=(10**6, 10**6), dtype="f4"), SIZE),
    (
        "size",
        "chunked",
        replaced("node/nodes/fc/weight", shape=(10**6, 10**6), dtype="f4", chunks=(512, 512)),
        SIZE,
    ),
    (
        "size",
        "packed",
        replaced("node/nodes/fc/weight", shape=(10**6, 10**6), dtype="f4", chunks=(512, 512), compression="gzip"),
        SIZE,
    ),
    ("size", "strings", replaced("node/edges", shape=(10**9, 2), dtype=TEXT, chunks=(100, 2)), SIZE),
    (
        "size",
        "huge chunks",
        replaced("node/nodes/fc/weight", shape=(2, 2), maxshape=(None, 2), dtype="f4", chunks=(10**8, 2)),
        "chunks are larger",
    ),
    (
        "size",
        "tiny chunks",
        replaced("node/nodes/fc/weight", data=np.ones((300, 300), "f4"), chunks=(1, 1), compression="gzip"),
        "too many and too small",
    ),
    ("bomb", "zeros", zeros(2**26), "more than the file can mean"),
    ("bomb", "chunk that grows", inflating(8, 2**28), "not of its size"),
    ("bomb", "chunk that shrinks", inflating(2**16, 8), "not of its size"),
    (
        "bomb",
        "one array under many names",
        changed(
            lambda f, p: (
                [f.__setitem__(f"node/nodes/fc/w{i}", f["node/nodes/fc/weight"]) for i in range(64)] and None
            ),
            chain(("fc", {**affine(), "weight": np.ones((2048, 1024), np.float32)})),
        ),
        "more than the file can mean|unknown field",
    ),
    ("bomb", "one string for many edges", many_strings, "too much text|broken HDF5"),
    ("depth", "400 graphs", nested(400), "too deep"),
    ("depth", "33 graphs", nested(33), "too deep"),
    ("depth", "20 graphs", nested(20), SOUND),
    ("depth", "group in itself", link("node", "node/nodes/again"), "linked twice"),
    ("depth", "node twice", link("node/nodes/lif", "node/nodes/copy"), "linked twice"),
    ("links", "external field", changed(external_link), LINKS),
    ("links", "external node", changed(external_node), LINKS),
    ("links", "soft", soft("node/nodes/lif/v", "/node/nodes/lif/tau"), LINKS),
    ("links", "soft to itself", soft("node/nodes/x", "/node/nodes/x"), LINKS),
    ("storage", "tau", external_storage("node/nodes/lif/tau", (2,)), "external storage"),
    ("storage", "weight", external_storage("node/nodes/fc/weight", (2, 2)), "external storage"),
    ("storage", "virtual", changed(virtual), "virtual dataset"),
    ("types", "reference", replaced("node/nodes/lif/tau", shape=(2,), dtype=h5py.ref_dtype), "needs numbers"),
    (
        "types",
        "compound",
        replaced("node/nodes/lif/tau", shape=(2,), dtype=np.dtype([("a", "f4"), ("b", "i8")])),
        "needs numbers",
    ),
    ("types", "complex", replaced("node/nodes/lif/tau", data=np.ones(2, np.complex64)), "needs numbers"),
    (
        "types",
        "sequence",
        replaced("node/nodes/lif/tau", shape=(2,), dtype=h5py.vlen_dtype(np.float32)),
        "needs numbers",
    ),
    ("types", "nothing", replaced("node/nodes/lif/tau", data=h5py.Empty("f4")), "empty HDF5 dataset"),
    ("types", "named type", changed(lambda f, p: f["node"].__setitem__("t", np.dtype("f4"))), "named HDF5 types"),
    (
        "filters",
        "checksum",
        replaced("node/nodes/fc/weight", data=np.ones((2, 2), "f4"), chunks=(2, 2), fletcher32=True),
        "filter is never run",
    ),
    (
        "filters",
        "scale",
        replaced("node/nodes/fc/weight", data=np.ones((2, 2), "i4"), chunks=(2, 2), scaleoffset=4),
        "filter is never run",
    ),
    (
        "filters",
        "lzf",
        replaced("node/nodes/fc/weight", data=np.ones((2, 2), "f4"), chunks=(2, 2), compression="lzf"),
        SOUND,
    ),
    ("names", "slash", partial(made, spec=chain(("a/b", neuron("LIF")))), SOUND),
    ("names", "slash in a node", partial(made, spec=chain(("a", neuron("LIF")), ("a/b", neuron("LIF")))), SOUND),
    ("names", "dots and escapes", partial(made, spec=chain(("..\x1b[2J%2F é", neuron("LIF")))), SOUND),
    (
        "names",
        "not UTF-8",
        changed(lambda f, p: f["node/nodes"].move("lif", b"\xff")),
        "utf-8",
    ),
    (
        "names",
        "reserved",
        partial(
            made,
            spec=whole({"output": terminal("Input", 2), "input": terminal("Output", 2)}, [("output", "input")]),
        ),
        SOUND,
    ),
    (
        "names",
        "subgraph",
        partial(made, spec=whole({"G": whole({"B": neuron("LIF")}, []), "a": affine()}, [("a", "G.B")])),
        SOUND,
    ),
    ("scalar", "single numbers", partial(made, spec=chain(("lif", neuron("LIF", None)))), SOUND),
    ("scalar", "beside arrays", with_field(r=np.float32(1)), SOUND),
    ("scalar", "shape", partial(made, spec=whole({"input": {"type": "Input", "shape": np.array(2)}}, [])), SOUND),
    (
        "metadata",
        "nested",
        partial(made, spec={**plain(), "metadata": {"a": {"b": {"c": np.array(True)}, "d": "x"}}}),
        SOUND,
    ),
    (
        "metadata",
        "list",
        partial(made, spec={**plain(), "metadata": {"a": np.array(["x", "y"], object), "b": np.arange(3)}}),
        SOUND,
    ),
    ("metadata", "empty", partial(made, spec={**plain(), "metadata": {}}), SOUND),
    ("metadata", "a number", partial(made, spec={**plain(), "metadata": np.array(1)}), "unknown field 'metadata'"),
    (
        "metadata",
        "snnhub, no JSON",
        partial(made, spec={**plain(), "metadata": {"snnhub": "[" * 10_000}}),
        "not strict JSON",
    ),
    (
        "metadata",
        "snnhub, another schema",
        partial(made, spec={**plain(), "metadata": {"snnhub": "{}"}}),
        "another form",
    ),
    ("legacy", "0.0", legacy, SOUND),
    ("legacy", "edge to nothing", partial(legacy, edges=((0, 7),)), "there is no node '7'"),
    ("legacy", "edges of floats", partial(legacy, edges=((0.5, 1),)), "no pairs of numbers"),
    ("legacy", "unknown field", partial(legacy, w=1.0), "unknown field 'w'"),
)
