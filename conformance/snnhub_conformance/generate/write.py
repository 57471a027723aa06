"""Writes cases: numbers them, stores their files with digests, and leaves alone what is there already.

A case is known by its key (family and title). The key keeps its number for ever; numbers are never used again.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from snnhub.ir.digest import network_digest
from snnhub.ir.graph import Graph
from snnhub.ir.microop import LEAVES
from snnhub.ir.tensor import Array
from snnhub.ir.topology import strongly_connected, successors
from snnhub_formats.container import to_bytes
from snnhub_formats.graph_json import to_graph_json

from snnhub_conformance.case import FILE, Case, Expect, File, Requires, read

INDEX = "index.json"
ATOMIC_BYTES = 8192
"""What model, input and records of an atomic case may take together."""


@dataclass
class Writer:
    """Collects cases and writes them under ``folder`` at once."""

    folder: Path
    cases: list[tuple[Case, Mapping[str, bytes]]] = field(default_factory=list)

    def add(self, case: Case, files: Mapping[str, bytes]) -> None:
        """A case whose ``subject``, ``inputs`` and ``expect.records`` name ``files``; its id is given here."""
        if any(other.family == case.family and other.title == case.title for other, _ in self.cases):
            raise ValueError(f"two cases of one title: {case.family} {case.title}")
        self.cases.append((case, files))

    def numbers(self, family: str, start: str) -> list[int]:
        """The numbers behind ``start`` in titles of a family that were ever given."""
        titles = (title for title in self._index().get(family, {}) if title.startswith(start))
        return [int(title.removeprefix(start)) for title in titles]

    def finish(self, families: set[str], about: str = "") -> list[Case]:
        """Write everything; what is left of ``families`` from before and is made no more is removed.

        ``about``: only cases whose titles begin so were made, and only such are removed.
        """
        index = self._index()
        written = []
        for case, files in self.cases:
            number = index.setdefault(case.family, {}).setdefault(case.title, len(index[case.family]) + 1)
            done = replace(
                case, id=f"{case.family}.{number:04d}", folder=self.folder / case.family / f"{number:04d}"
            )
            self._write(done, files)
            written.append(done)
        kept = {case.folder for case in written}
        for family in families:
            for path in sorted((self.folder / family).glob("*")):
                if path not in kept and read(path / FILE).title.startswith(about):
                    shutil.rmtree(path)
        (self.folder / INDEX).write_text(json.dumps(index, indent=0, sort_keys=True) + "\n")
        return written

    def _index(self) -> dict[str, dict[str, int]]:
        path = self.folder / INDEX
        found: dict[str, dict[str, int]] = json.loads(path.read_text()) if path.exists() else {}
        return found

    def _write(self, case: Case, files: Mapping[str, bytes]) -> None:
        case.folder.mkdir(parents=True, exist_ok=True)
        for path in case.folder.iterdir():
            if path.name not in files and path.name != FILE:
                path.unlink()
        for name, data in files.items():
            (case.folder / name).write_bytes(data)
        (case.folder / FILE).write_text(layout(case.to_json()))


def layout(data: Mapping[str, Any]) -> str:
    """JSON with a line per entry of the first level: short, and a change shows where it is."""
    lines = [f"{json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}" for key, value in data.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def file(name: str, data: bytes) -> File:
    """The entry of a file."""
    return File(name, hashlib.sha256(data).hexdigest())


def npy(array: Array) -> bytes:
    """The bytes of a ``.npy`` file, version 1, C order."""
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
    return stream.getvalue()


def requirements(graph: Graph, *, batched: bool) -> Requires:
    """What an implementation must have to run a graph."""
    programs = [node.program for node in graph.nodes if node.program is not None]
    micro = {instr.op.value for program in programs for instr in program.code if instr.op not in LEAVES}
    kinds = {instr.type.kind.value for program in programs for instr in program.code}
    following = successors(graph, graph.edges)
    cyclic = any(len(part) > 1 or part[0] in following[part[0]] for part in strongly_connected(following))
    attributes = {
        f"{node.op}.{name}={value}"
        for node in graph.nodes
        for name, value in node.attributes
        if isinstance(value, (str, bool))
    }
    return Requires(
        tuple(sorted({node.kind for node in graph.nodes})),
        tuple(sorted(attributes)),
        tuple(sorted(micro)),
        tuple(sorted(kinds | {item.type.kind.value for item in graph.inputs})),
        max((edge.delay for edge in graph.edges), default=0),
        len(graph.inputs),
        batched,
        cyclic,
    )


def runner_case(
    family: str,
    title: str,
    comment: str,
    graph: Graph,
    inputs: Mapping[str, Array],
    records: Mapping[str, Array],
    *,
    level: str = "R4",
    rung: str = "bits",
    batched: bool = False,
    steps: int = 0,
    bound: float | None = None,
    **more: Any,
) -> tuple[Case, dict[str, bytes]]:
    """A case for runners from a graph, what goes in and what must come out."""
    files = {"model.snn": to_bytes(graph), "model.json": to_graph_json(graph)}
    subject = {"snn": file("model.snn", files["model.snn"]), "json": file("model.json", files["model.json"])}
    entries: dict[str, dict[str, File]] = {"in": {}, "out": {}}
    for prefix, arrays in (("in", inputs), ("out", records)):
        for number, (key, array) in enumerate(arrays.items()):
            name = f"{prefix}{number}.npy"
            files[name] = npy(array)
            entries[prefix][key] = file(name, files[name])
    length = steps or next(iter(inputs.values())).shape[0]
    case = Case(
        id="",
        family=family,
        kind="runner",
        title=title,
        comment=comment,
        level=level,
        subject=subject,
        expect=Expect(rung=rung, records=entries["out"], steps=length, bound=bound),
        digest=network_digest(graph),
        requires=requirements(graph, batched=batched),
        inputs=entries["in"],
        batched=batched,
        **more,
    )
    return case, files
