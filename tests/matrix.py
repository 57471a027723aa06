"""The support matrix by feature: measured, then written into docs/support.md.

    make matrix                 measure, and put the tables into docs/support.md
    python -m tests.matrix --check   measure, and fail if docs/support.md says something else
    python -m tests.matrix nir       the table of NIR files alone

Each row of the first table is a small SpikingJelly network that goes the whole way: imported, compared with
SpikingJelly, lowered, compared with what was imported, written as NetX, read back, compared with live Lava.
Each row of the second is a NetX file with one feature of the format, read and compared with live Lava.
Each row of the third is a NIR file, in every framework that reads such files.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import snnhub
from snnhub.api.options import ImportOptions
from snnhub.errors import SnnhubError, UnsupportedError
from snnhub.ir.graph import Graph
from snnhub.ir.tensor import Array

from tests import matrix_nir
from tests.networks import netx_features

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "support.md"
STEPS, SAMPLES = 12, 4
RESET = {"reset_interval": "1000", "reset_offset": "1"}
"""Clears what biases did before the first input arrived; see finding SNN-2111."""
BEGIN, END = "<!-- matrix:{name} -->", "<!-- /matrix -->"
Row = list[str]


def stimulus(shape: tuple[int, ...], steps: int = STEPS) -> Array:
    """Random spikes, the same on every machine."""
    return (np.random.default_rng(0).random((steps, SAMPLES, *shape)) < 0.4).astype(np.float32)


def spikingjelly_row(feature: str, folder: Path) -> Row:
    """What each station keeps of one network: import, lowering, NetX, Lava."""
    from tests.networks.features import LOWERING, SHAPE, network

    net = network(feature)
    x = stimulus(SHAPE, 1 if "frame held" in feature else STEPS)
    graph = snnhub.import_model(net, "spikingjelly", SHAPE)
    options = ImportOptions(input_shape=SHAPE)
    imported = snnhub.verify(net, stimulus=x, against="spikingjelly", from_="spikingjelly", options=options)
    row = [feature, keep(imported.passed, imported.verdict.reached.value)]
    snnhub.save(graph, folder / "net.snn")
    try:
        given = LOWERING.get(feature, {})
        snnhub.convert(folder / "net.snn", folder / "net.net", calibration=held(x, graph), lowering=given)
    except UnsupportedError as problem:
        codes = sorted({finding.code for finding in problem.findings if finding.severity.value == "error"})
        return [*row, f"refused: {', '.join(codes)}", "", ""]
    return [*row, *netx_cells(folder / "net.snn", folder / "net.net", x, graph)]


def netx_cells(before: Path, path: Path, x: Array, graph: Graph) -> Row:
    """Lowering, reading back, Lava."""
    biased = any(f.code == "SNN-2111" for f in snnhub.load(path).findings) or has_bias(path)
    given = RESET if biased else {}
    lowered = snnhub.verify(before, path, stimulus=x, runner_options=given)
    cell = lowered.verdict.reached.value + (" with reset" if biased else "")
    read = snnhub.load(path)
    again = path.with_name("again.net")
    snnhub.convert(path, again)
    same = snnhub.load(again).network() == read.network()
    lava = snnhub.verify(path, stimulus=held(x, graph), against="lava")
    return [cell, keep(same, "equal"), keep(lava.passed, lava.verdict.reached.value)]


def has_bias(path: Path) -> bool:
    """Whether any neuron of a NetX file has one."""
    return any(bool(node.param["bias"].array.any()) for node in snnhub.load(path).nodes if "bias" in node.param)


def held(x: Array, graph: Graph) -> Array:
    """The input as the lowered network takes it: it has no frame to hold."""
    return np.repeat(x, graph.inputs[0].hold, axis=0) if graph.inputs[0].hold else x


def keep(passed: bool, words: str) -> str:
    """A cell; what fails is printed as such, never left out."""
    return words if passed else f"FAILS: {words}"


def netx_row(feature: str, folder: Path) -> Row:
    """Reading and live Lava on one file."""
    path, shape, options = netx_features.write_feature(feature, folder)
    x = stimulus(shape, 40)
    try:
        result = snnhub.verify(path, stimulus=x, against="lava", runner_options=options)
    except UnsupportedError as problem:
        return [feature, f"refused: {', '.join(sorted({f.code for f in problem.findings}))}"]
    recording = snnhub.run(path, x, record="all", runner_options=options).recording
    busy = any(array.any() for key, array in recording.items() if key.endswith("/s"))
    return [feature, keep(result.passed and busy, result.verdict.reached.value)]


def rows_of(names: list[str], measure: Callable[[str, Path], Row]) -> list[Row]:
    """All rows, each in a folder of its own; progress on standard error."""
    rows = []
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            try:
                rows.append(measure(name, Path(folder)))
            except SnnhubError as problem:
                raise SystemExit(f"{name}: {problem}") from problem
        print("  ".join(rows[-1]), file=sys.stderr, flush=True)
    return rows


def markdown(header: Row, rows: list[Row]) -> str:
    """A table; short rows are filled up."""
    lines = [header, ["---"] * len(header), *([*row, *[""] * (len(header) - len(row))] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def tables(only: str = "") -> dict[str, str]:
    """Measure everything, or the table of NIR alone."""
    from tests.networks.features import FEATURES

    third = {"nir": markdown(["NIR file", *matrix_nir.PROFILES], matrix_nir.rows())}
    if only:
        return third
    first = rows_of(list(FEATURES), spikingjelly_row)
    second = rows_of(list(netx_features.FEATURES), netx_row)
    return {
        "spikingjelly": markdown(
            ["SpikingJelly", "imported", "lowered to Loihi", "NetX read back", "engine and Lava"], first
        ),
        "netx": markdown(["NetX file", "engine and Lava"], second),
        **third,
    }


def inserted(text: str, found: dict[str, str]) -> str:
    """The page with the tables between their marks. Raises ``ValueError`` if a mark is missing."""
    for name, table in found.items():
        begin = text.index(BEGIN.format(name=name)) + len(BEGIN.format(name=name))
        end = text.index(END, begin)
        text = f"{text[:begin]}\n{table}\n{text[end:]}"
    return text


def main(arguments: list[str]) -> Any:
    """Exit code."""
    old = PAGE.read_text()
    new = inserted(old, tables("nir" if "nir" in arguments else ""))
    if "--check" in arguments:
        if new != old:
            print("docs/support.md does not say what was measured: run make matrix", file=sys.stderr)
        return int(new != old)
    PAGE.write_text(new)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
