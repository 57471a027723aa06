"""What ``nir.read`` makes of random files, beside ours: ``python -m tests.differential.official_sweep FIRST N``.

By hand. Compared are refusals, nodes in their order, those added, edges in their order, shapes at every terminal,
and dtypes and shapes of fields, those that are filled in, too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from snnhub.api.options import ImportOptions
from snnhub.errors import SnnhubError
from snnhub_nir.reader import import_nir
from snnhub_profiles.official import read
from snnhub_profiles.source import RefusedError, Shape, Source

from tests.conftest import ROOT
from tests.differential.nir_peer import frameworks_interpreter
from tests.networks.nir_fields import any_file

SCRIPT = ROOT / "tests" / "networks" / "nir_read.py"
EITHER, BOTH = "refused by one", "refused by both"


def live(python: Path, folder: Path) -> dict[str, dict[str, Any]]:
    """What ``nir.read`` says of every file of a folder, by name."""
    words = [str(python), str(SCRIPT), str(folder)]
    given = {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run(words, capture_output=True, text=True, timeout=600, check=True, env=given)
    return {item["file"]: item for item in map(json.loads, done.stdout.splitlines())}


def ours(path: Path) -> Source | str:
    """What we make of it, or who refuses it and why."""
    try:
        graph = import_nir(path, ImportOptions(given={"ignore_metadata": "true"}))
    except SnnhubError as problem:
        return f"reader: {problem}"
    try:
        return read(graph)
    except (RefusedError, SnnhubError) as problem:
        return f"official: {problem}"


def differences(found: dict[str, Any], made: Source) -> Iterable[str]:
    """In words, what is not equal in a graph and those within."""
    names = [node["name"] for node in found["nodes"]]
    if names != list(made.items):
        yield f"nodes {names}, here {list(made.items)}"
        return
    edges = [tuple(edge) for edge in found["edges"]]
    if edges != list(made.edges):
        yield f"edges {edges}, here {list(made.edges)}"
    for node in found["nodes"]:
        item = made.items[node["name"]]
        for key, shape in (("into", item.arriving), ("out", item.leaving)):
            if _shape(node[key]) != shape:
                yield f"{node['name']} {key} {node[key]}, here {shape}"
        for field, (dtype, axes) in node["fields"].items():
            values = item.fields.get(field)
            if values is not None and (str(values.dtype), list(values.shape)) != (dtype, axes):
                yield f"{node['name']}.{field} {dtype} {axes}, here {values.dtype} {values.shape}"
        if node["inner"] is not None and item.inner is not None:
            yield from differences(node["inner"], item.inner)


def _shape(types: dict[str, Any]) -> Shape | None:
    first = next(iter(types.values()), None)
    return None if first is None else tuple(int(size) for size in np.ravel(first))


def compared(python: Path, folder: Path, tally: Counter[str]) -> list[str]:
    """What differs for the files of a folder. ``tally``: how many of which kind."""
    words = []
    for name, item in live(python, folder).items():
        made = ours(folder / name)
        if "refused" in item or isinstance(made, str):
            both = "refused" in item and isinstance(made, str)
            tally[BOTH if both else EITHER] += 1
            tally["left to the reader of files"] += both and str(made).startswith("reader")
            if not both:
                words.append(
                    f"{name}: {item.get('refused', 'read')} | {made if isinstance(made, str) else 'read'}"
                )
            continue
        found = list(differences(item["graph"], made))
        tally["differ" if found else "equal"] += 1
        words += [f"{name}: {found[0]}"] if found else []
    return words


def main() -> None:
    """Seeds FIRST to FIRST + N."""
    first, count = (int(word) for word in sys.argv[1:3])
    tally: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for seed in range(first, first + count):
            any_file(seed).write(folder / f"{seed}.nir")
        print("\n".join(compared(frameworks_interpreter(), folder, tally)))
    print(dict(tally))


if __name__ == "__main__":
    main()
