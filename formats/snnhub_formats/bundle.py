"""Archives of a failing piece: graphs, inputs, recordings and the facts about them in one stored zip.

Members are ``README.md``, ``repro.json``, ``a.snn`` and where there is a second network ``b.snn``, ``input.npy``
(``input-1.npy`` and so on where there are more), ``a.npz`` and ``b.npz``. Same content, same bytes.
"""

from __future__ import annotations

import json
import re
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from snnhub.errors import FormatError, UsageError
from snnhub.files import replacing
from snnhub.ir.graph import Graph
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import Array

from snnhub_formats.container import load, save
from snnhub_formats.recording import BROKEN, DATE, load_array, load_arrays, save_recording

FORMAT, VERSION = "snnhub repro", 1
MEMBERS = re.compile(r"README\.md|repro\.json|[ab]\.snn|input(-\d{1,3})?\.npy|[ab]\.npz")
FACTS_LIMIT = 2**20


@dataclass(frozen=True)
class Bundle:
    """``graphs`` by ``a`` and ``b``; ``inputs`` in order; ``recordings`` by ``a`` and ``b``."""

    facts: Mapping[str, Any]
    graphs: Mapping[str, Graph]
    inputs: Sequence[Array]
    recordings: Mapping[str, Mapping[str, Array]]


def save_bundle(bundle: Bundle, readme: str, path: Path) -> None:
    """Write the archive, whole or not at all."""
    with tempfile.TemporaryDirectory(prefix="snnhub-repro-") as folder:
        parts = Path(folder)
        facts = {"format": FORMAT, "version": VERSION, **bundle.facts}
        (parts / "README.md").write_text(readme)
        (parts / "repro.json").write_text(json.dumps(facts, indent=1) + "\n")
        names = ["README.md", "repro.json"]
        for name, graph in bundle.graphs.items():
            save(graph, parts / f"{name}.snn")
            names.append(f"{name}.snn")
        for number, values in enumerate(bundle.inputs):
            names.append(f"input-{number}.npy" if number else "input.npy")
            np.save(parts / names[-1], np.ascontiguousarray(values), allow_pickle=False)
        for name, arrays in bundle.recordings.items():
            save_recording(Recording(arrays, True), parts / f"{name}.npz")
            names.append(f"{name}.npz")
        with replacing(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for name in names:
                info = zipfile.ZipInfo(name, DATE)
                info.external_attr = 0o644 << 16
                archive.writestr(info, (parts / name).read_bytes())


@contextmanager
def open_bundle(path: Path) -> Iterator[Bundle]:
    """The content of an archive, while the block runs: numbers of its graphs stay on disk until they are used.

    Raises ``UsageError`` if there is no such file, ``FormatError`` for what ``save_bundle`` does not write.
    """
    if not path.is_file():
        raise UsageError("no such file", where=str(path))
    with tempfile.TemporaryDirectory(prefix="snnhub-repro-") as folder:
        parts = Path(folder)
        names = _unpack(path, parts)
        facts = _facts(parts / "repro.json", str(path)) if "repro.json" in names else {}
        if not facts or "a.snn" not in names or "input.npy" not in names or "b.npz" not in names:
            raise FormatError(
                "not the archive of a failing piece", where=str(path), found=", ".join(names) or "nothing"
            )
        inputs = sorted((name for name in names if name.startswith("input")), key=lambda name: (len(name), name))
        yield Bundle(
            facts,
            {name[0]: load(parts / name) for name in names if name.endswith(".snn")},
            [load_array(parts / name) for name in inputs],
            {name[0]: load_arrays(parts / name) for name in names if name.endswith(".npz")},
        )


def _unpack(path: Path, folder: Path) -> list[str]:
    """Members into a folder: stored, each once, of known names only, none larger than the file."""
    try:
        with zipfile.ZipFile(path) as archive:
            items = archive.infolist()
            names = [item.filename for item in items]
            strange = [
                item.filename
                for item in items
                if not MEMBERS.fullmatch(item.filename) or item.compress_type != zipfile.ZIP_STORED
            ]
            total = sum(item.file_size for item in items)
            if strange or len(set(names)) < len(names) or total > path.stat().st_size:
                raise FormatError(
                    "holds what does not belong there", where=str(path), found=", ".join(strange[:5])
                )
            for item in items:
                (folder / item.filename).write_bytes(archive.read(item))
    except BROKEN as problem:
        raise FormatError("not a readable archive", where=str(path), found=str(problem)[:120]) from None
    return names


def _facts(path: Path, where: str) -> dict[str, Any]:
    place = f"{where}:repro.json"
    if path.stat().st_size > FACTS_LIMIT:
        raise FormatError("is too large", where=place, found=f"{path.stat().st_size} bytes")
    try:
        facts = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise FormatError("is not JSON", where=place) from None
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise FormatError("not the facts of a failing piece", where=place)
    if facts.get("version") != VERSION:
        raise FormatError(
            "version is not known here",
            where=place,
            found=str(facts.get("version")),
            allowed=str(VERSION),
            remedy="Read it with a newer snnhub",
        )
    return facts
