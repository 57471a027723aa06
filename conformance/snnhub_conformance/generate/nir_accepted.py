"""``importer.nir``, read: every type, every version, every dtype, any name; and our own words in a file."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from snnhub.api.load import load_graph
from snnhub.api.lower import choose_exporter
from snnhub.api.options import ImportOptions
from snnhub.ir.digest import network_digest
from snnhub.ir.graph import Graph

from snnhub_conformance.generate.entry import Answer, Family
from snnhub_conformance.generate.nir_parts import (
    FILE,
    Node,
    affine,
    chain,
    conv2d,
    flatten,
    graph_of,
    neuron,
    nir,
    pool2d,
    spread,
    terminal,
    weights,
)
from snnhub_conformance.generate.write import Writer

FAMILY = "importer.nir"
SOURCE = {
    "kind": "reader",
    "ref": "nir importer, held against nir 1.0.8 by tests/differential/test_nir_official.py",
}


@dataclass(frozen=True)
class Row:
    """A file, what it is there for, findings that must be reported, options of the importer."""

    data: bytes
    comment: str
    findings: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    landmine: int | None = None


def add(writer: Writer) -> None:
    """Each with the digest of the graph that it is."""
    family = Family(writer, FAMILY, "importer", ("importer", "nir"), SOURCE)
    for title, row in {**types(), **numbers(), **oddities(), **own()}.items():
        digest = digest_of(row.data, row.options)
        answer = Answer(None, row.findings, digest)
        files = {"nir": (FILE, row.data)}
        family.add(title, row.comment, files, answer, options=row.options, landmine=row.landmine)


def digest_of(data: bytes, given: Mapping[str, str]) -> str:
    """The digest of the network in a file, after it was written and read again with the same result.

    Raises ``ValueError`` where it was not.
    """
    with tempfile.TemporaryDirectory() as folder:
        path, again = Path(folder) / FILE, Path(folder) / "again.nir"
        path.write_bytes(data)
        options = ImportOptions(given=given)
        graph = load_graph(path, importer="nir", options=options, continuous=True).graph
        digest = network_digest(graph)
        written(graph, again)
        if network_digest(load_graph(again, importer="nir", options=options, continuous=True).graph) != digest:
            raise ValueError(f"{graph.name}: written and read it is another network")
    return digest


def written(graph: Graph, path: Path) -> None:
    """Write a graph as NIR."""
    choose_exporter(path, "nir").write(graph, path)


def types() -> dict[str, Row]:
    """All nineteen types between them."""
    cells = {kind: neuron(kind) for kind in ("I", "IF", "LI", "LIF", "CubaLI", "CubaLIF")}
    others: dict[str, Node] = {
        "delay": {"type": "Delay", "delay": np.full(4, 2e-4, "f4")},
        "threshold": {"type": "Threshold", "threshold": np.full(4, 0.5, "f4")},
        "scale": {"type": "Scale", "scale": np.full(4, 2, "f4")},
        "linear": affine(4, 4, bias=None),
        "affine": affine(4, 4, bias=0.125),
    }
    line = {
        "conv": {**conv2d(4, 2, (3, 3), (9, 9)), "input_shape": np.array(9), "type": "Conv1d"},
        "flat": flatten(4, 7),
        "fc": affine(4, 28),
    }
    line["conv"] |= {"weight": weights(4, 2, 3), **{name: np.array([1]) for name in ("stride", "dilation")}}
    line["conv"]["padding"] = np.array([0])
    space = {
        "conv": conv2d(4, 2, (3, 3), (10, 10)),
        "sum": pool2d("SumPool2d"),
        "mean": pool2d("AvgPool2d"),
        "flat": flatten(4, 2, 2),
    }
    words, cell, weight = ("same", "valid"), neuron("LIF"), affine(4, 4, bias=0.125)
    ends = {"input": terminal("Input", 4), "output": terminal("Output", 4)}
    loops = [("input", "lif"), ("lif", "w"), ("w", "lif"), ("lif", "output"), ("lif", "lif")]
    return {
        "neurons of six types": Row(nir(chain(cells)), "Every field in f32.", ("SNN-3505",)),
        "five types without space": Row(nir(chain(others)), "Delay, Threshold, Scale, Linear, Affine."),
        "over one axis": Row(nir(chain(line, (2, 9))), "Conv1d, Flatten, Affine."),
        "over two axes": Row(nir(chain(space, (2, 10, 10), (16,))), "Conv2d, SumPool2d, AvgPool2d, Flatten."),
        "kernel that is not square, groups": Row(
            nir(chain({"conv": conv2d(4, 4, (3, 5), (10, 10), groups=np.array(2))}, (4, 10, 10), (4, 8, 6))),
            "nir 1.0.8 infers a false shape of it: [4, 8, 8].",
        ),
        "padding in words": Row(
            nir(chain({word: conv2d(2, 2, (3, 3), (6, 6), padding=word) for word in words}, (2, 6, 6), (2, 4, 4))),
            "same, then valid.",
        ),
        "a graph in a graph in a graph": Row(
            nir(chain({"outer": chain({"inner": chain({"lif": cell})})})), "Edges lead into it and out of it."
        ),
        "recurrent": Row(
            nir(graph_of({**ends, "lif": cell, "w": weight}, loops)),
            "A loop through weights and a loop of one edge; where its delay sits is not in the file.",
            ("SNN-3505",),
            landmine=22,
        ),
    }


def numbers() -> dict[str, Row]:
    """Versions, dtypes, single numbers."""
    lif = neuron("LIF")
    old = {"lif": neuron("LIF", v_reset=None), "cuba": neuron("CubaLIF", v_reset=None, w_in=None)}
    small = {
        "w": {"type": "Linear", "weight": np.arange(-8, 8, dtype="i1").reshape(4, 4)},
        "s": {"type": "Scale", "scale": np.array([True, False, True, True])},
    }
    several, odd = spread(4, 1e-3, 4e-3), [1e-3, np.nan, -1, 0]
    return {
        "before v_reset and w_in": Row(
            nir(chain(old), "0.2.0"),
            "Held as it is, without them; readers take 0 and 1.",
            ("SNN-3507",),
            landmine=23,
        ),
        "NIR 0.0": Row(
            _legacy(), "Nodes by number, weights, theta: read as today's names.", ("SNN-3509",), landmine=23
        ),
        "version from the future": Row(nir(chain({"lif": lif}), "99.0.0"), "Read, and said.", ("SNN-3512",)),
        "no version": Row(nir(chain({"lif": lif}), None), "Read, and said.", ("SNN-3512",)),
        "single numbers": Row(
            nir(chain({"lif": neuron("LIF", None)})),
            "They stay single; nir.read wants one per neuron.",
            ("SNN-3510",),
            landmine=21,
        ),
        "single numbers beside arrays": Row(
            nir(chain({"lif": {**lif, "r": np.float32(1)}})), "One field of five."
        ),
        "f16": Row(nir(chain({"lif": neuron("LIF", dtype="f2")})), "Kept as f16."),
        "f64": Row(nir(chain({"lif": neuron("LIF", dtype="f8", tau=several)})), "Kept as f64."),
        "i8 and truth values": Row(
            nir(chain(small)),
            "Kept as they are.",
        ),
        "big-endian numbers": Row(
            nir(chain({"lif": neuron("LIF", dtype=">f4")})), "The same network as little-endian."
        ),
        "numbers that no network can mean": Row(
            nir(chain({"lif": neuron("LIF", tau=odd)})), "Held, and said.", ("SNN-3508",)
        ),
    }


def oddities() -> dict[str, Row]:
    """Names, edges, metadata, what nir.read refuses or changes."""
    lif = neuron("LIF")
    names = {"": "é Ω", "slash": "a/b", "escapes": "%2F..~", "dots": "G.B"}
    named = {name: neuron("LIF", v_threshold=0.25 * (1 + i)) for i, name in enumerate(names.values())}
    twice = chain({"lif": lif})
    twice["edges"].append(("input", "lif"))
    note = {"a": {"b": np.array(True), "c": "text"}, "n": np.arange(3)}
    dotted = graph_of({"G": graph_of({"B": lif}, []), "fc": affine(4, 4)}, [("fc", "G.B")])
    swapped = graph_of({"output": terminal("Input", 4), "input": terminal("Output", 4)}, [("output", "input")])
    return {
        "names": Row(nir(chain(named)), "Letters beyond ASCII, a slash, percents and dots; ids hold all of them."),
        "terminals named for each other": Row(nir(swapped), "The Input is called output, the Output input."),
        "edge to a node within a graph": Row(
            nir(dotted), "G.B, as NIR's documents say and nir.read refuses.", ("SNN-3510",)
        ),
        "an edge twice": Row(nir(twice), "Kept twice, and in its place.", ("SNN-3510",), landmine=22),
        "metadata": Row(
            nir(chain({"lif": {**lif, "metadata": note}}, metadata=note)), "Of the graph and of a node, nested."
        ),
        "a field that is not NIR's": Row(
            nir(chain({"lif": lif}), change=lambda file: file.create_dataset("more", data=1, track_times=False)),
            "Beside the graph, where nobody reads: said, and left.",
            ("SNN-3513",),
        ),
        "nothing but an edge": Row(nir(chain({})), "From Input to Output.", landmine=22),
        "compressed": Row(_packed(), "gzip with shuffle, as nir 1.0.8 writes, and lzf."),
    }


def own() -> dict[str, Row]:
    """Networks of steps in the metadata of a file that other tools read."""
    from snnhub.api.discretise import discretise

    with tempfile.TemporaryDirectory() as folder:
        path, again = Path(folder) / FILE, Path(folder) / "own.nir"
        path.write_bytes(nir(chain({"fc": affine(3, 4, scale=20.0), "lif": neuron("LIF", 3, r=20.0)}, out=(3,))))
        continuous = load_graph(path, importer="nir", continuous=True).graph
        written(discretise(continuous, 1e-4, "spikingjelly-2"), again)
        data = again.read_bytes()
    return {
        "a network of steps": Row(data, "What snnhub wrote is what it was: steps, not equations.", ("SNN-4513",)),
        "a network of steps, its plain fields": Row(
            data, "Asked for, the words of snnhub are passed over.", ("SNN-3505",), {"ignore_metadata": "true"}
        ),
    }


def stale() -> bytes:
    """A file of ``own`` of which another tool has changed one number."""
    import io

    import h5py

    stream = io.BytesIO(own()["a network of steps"].data)
    with h5py.File(stream, "r+") as file:
        file["node/nodes/lif/v_threshold"][0] = 0.75
    return stream.getvalue()


def _legacy() -> bytes:
    """A file of NIR 0.0: nodes by number at the top, edges of numbers."""

    def change(file: Any) -> None:
        del file["node"], file["version"]
        first, second = file.create_group("nodes/0"), file.create_group("nodes/1")
        first["type"], second["type"] = "Linear", "LIF"
        first["weights"], first["bias"] = weights(4, 4), np.zeros(4, "f4")
        for name, value in {"tau": 2e-3, "r": 1.0, "v_leak": 0.0, "theta": 0.5}.items():
            second[name] = np.full(4, value, "f4")
        file["edges"] = np.array([[0, 1]])

    return nir(chain({}), change=change)


def _packed() -> bytes:
    rows: dict[str, dict[str, Any]] = {
        "fc/weight": {"compression": "gzip", "shuffle": True},
        "lif/tau": {"compression": "lzf"},
    }

    def change(file: Any) -> None:
        for place, options in rows.items():
            data = file[f"node/nodes/{place}"][()]
            del file[f"node/nodes/{place}"]
            file.create_dataset(f"node/nodes/{place}", data=data, track_times=False, **options)

    return nir(chain({"fc": affine(4, 4), "lif": neuron("LIF")}), change=change)
