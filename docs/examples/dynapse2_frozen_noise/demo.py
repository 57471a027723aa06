"""From a network to a board's file and back, and what that does to its firing-rate ratios.

``python demo.py``: with our own weights. ``--weights FOLDER``: with those of Rockpool's tutorial. Needs no
Rockpool, except for ``--live`` and ``--rockpool``; pictures need matplotlib.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import snnhub
from network import OWN, save, weights
from noise import KNOWN, UNKNOWN, frozen_noise
from snnhub.api.distribution import count_spikes
from snnhub.api.draws import draws
from snnhub.compare.rate_ratio import rate_ratio, summary
from snnhub.ir.graph import Graph

HERE = Path(__file__).parent
MISMATCH, SEED = 0.05, 1
"""As the tutorial has it: 5 %, which Rockpool reads as three standard deviations."""


@dataclass(frozen=True)
class Line:
    """A network, or copies of it: spikes of the known samples (networks, samples, neurons), of the unknown
    ones.
    """

    name: str
    known: np.ndarray[Any, Any]
    unknown: np.ndarray[Any, Any]

    @property
    def right(self) -> int:
        """Known samples in which the neuron that was trained for it fires most."""
        return sum(rate_ratio(row).winner == k for run in self.known for k, row in enumerate(run))

    def cells(self) -> list[str]:
        """What the table shows."""
        found = []
        for sample in range(self.known.shape[1]):
            runs = [rate_ratio(run[sample]) for run in self.known]
            seen = sorted(runs, key=lambda item: item.ratio)
            found.append(str(runs[0]) if len(runs) == 1 else f"{_short(seen[0])} … {_short(seen[-1])}")
        all_ = self.known.shape[0] * self.known.shape[1]
        others = summary(rate_ratio(row) for row in self.unknown.reshape(-1, self.unknown.shape[-1]))
        return [self.name, *found, f"{self.right} of {all_}", str(others)]

    def to_json(self) -> dict[str, Any]:
        """Every count of the known samples, and ratios of the others."""
        flat = self.unknown.reshape(-1, self.unknown.shape[-1])
        others = summary(rate_ratio(row) for row in flat).to_json()
        return {"network": self.name, "known": self.known.tolist(), "right": self.right, "unknown": others}


def _short(ratio: Any) -> str:
    return f"{ratio.ratio:.1f}" if ratio.least else f"{ratio.most}/0"


def measured(name: str, graphs: Iterable[Graph], unknown: tuple[int, int]) -> Line:
    """Run networks over all samples."""
    chosen = list(graphs)
    both = []
    for samples, seed in (KNOWN, unknown):
        counts = count_spikes(chosen, frozen_noise(samples, seed))
        both.append(counts.reshape(len(chosen), samples, -1))
    return Line(name, *both)


def by_rockpool(python: str, source: Path, folder: Path, runs: int, copies: int) -> list[Line]:
    """The same in Rockpool, in its own process: float, and quantised by its autoencoder."""
    out = folder / "rockpool.npz"
    command = [
        python,
        str(HERE / "with_rockpool.py"),
        str(source),
        str(out),
        f"--runs={runs}",
        f"--draws={copies}",
    ]
    subprocess.run(command, check=True)
    names = {
        "float": "Rockpool, float",
        "mismatch": f"Rockpool, {copies} draws of mismatch",
        "autoencoder": f"Rockpool, autoencoder, {runs} runs",
    }
    with np.load(out) as file:
        return [
            Line(words, file[f"{name}_known"].astype(int), file[f"{name}_unknown"].astype(int))
            for name, words in names.items()
            if f"{name}_known" in file
        ]


def imported(given: argparse.Namespace, folder: Path) -> Graph:
    """The float network: through the ``.npz`` form, or with ``--live`` from a factory of Rockpool."""
    w_in, w_rec = weights(given.weights)
    if not given.live:
        return snnhub.import_model(save(folder / "float.npz", w_in, w_rec), source="dynapse2")
    np.savez(folder / "weights.npz", w_in=w_in, w_rec=w_rec)
    settings = {"weights": str(folder / "weights.npz")}
    return snnhub.import_model(f"{HERE / 'factory.py'}:network", source="dynapse2", settings=settings)


def statistics(before: Graph, after: Graph, given: argparse.Namespace) -> list[str]:
    """Are the rates still the same? Over the unknown samples, as they are and on chips that differ."""
    x, lines = frozen_noise(given.unknown, UNKNOWN[1]), []
    for mismatch in (None, MISMATCH):
        result = snnhub.distribution(
            before, after, x, mismatch_a=mismatch, mismatch_b=mismatch, runs=given.draws, seed=SEED
        )
        tested = next(finding for finding in result.findings if finding.code == "SNN-5401")
        lines.append(f"{result.verdict.answer.value}: {tested.message}")
    return lines


def main() -> None:
    """Build, simulate, map, quantise, write, read back, simulate again."""
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("--weights", type=Path, help="folder with w_in_optimized.npy and w_rec_optimized.npy")
    said.add_argument("--out", type=Path, default=Path("frozen_noise"), help="where files go")
    said.add_argument("--draws", type=int, default=10, help="copies with mismatch")
    said.add_argument("--unknown", type=int, default=UNKNOWN[0], help="samples that the network does not know")
    said.add_argument("--live", action="store_true", help="import the factory, in the environment dynapse2")
    said.add_argument(
        "--rockpool", metavar="PYTHON", help="interpreter with Rockpool and jax, for its own results"
    )
    said.add_argument("--runs", type=int, default=5, help="runs of Rockpool's autoencoder")
    said.add_argument("--rockpool-draws", type=int, default=0, help="draws of Rockpool's mismatch, 12 s each")
    given = said.parse_args()
    folder = given.out
    folder.mkdir(parents=True, exist_ok=True)

    before = imported(given, folder)
    snnhub.save(before, folder / "float.snn")
    converted = snnhub.convert(folder / "float.snn", folder / "dynapse2.json", to="dynapse2")
    after = snnhub.load(folder / "dynapse2.json")
    unknown = given.unknown, UNKNOWN[1]
    networks = {"float": before, "dynapse2.json": after}
    lines = [measured(name, [graph], unknown) for name, graph in networks.items()]
    for name, graph in networks.items():
        copies = draws(graph, given.draws, MISMATCH, SEED)
        lines.append(measured(f"{name}, {given.draws} draws of {100 * MISMATCH:g} %", copies, unknown))
    if given.rockpool:
        source = given.weights or OWN
        lines += by_rockpool(given.rockpool, source, folder, given.runs, given.rockpool_draws)

    titles = ["network", "known sample 0", "known sample 1", "right", "unknown samples"]
    for row in [titles, *(line.cells() for line in lines)]:
        print("| " + " | ".join(row) + " |")
    told = statistics(before, after, given)
    print("\n".join(told))
    snnhub.plot_ratios(
        networks,
        [folder / "ratios.png", folder / "ratios.svg"],
        stimulus=frozen_noise(*unknown),
        marked=frozen_noise(*KNOWN),
        mismatch=MISMATCH,
        runs=given.draws,
        seed=SEED,
    )
    report = {
        "networks": [line.to_json() for line in lines],
        "distribution": told,
        "findings": [finding.to_json() for finding in converted.findings],
    }
    (folder / "report.json").write_text(json.dumps(report, indent=1))
    print(f"wrote {folder}/dynapse2.json, ratios.png, ratios.svg, ratios.csv, report.json")


if __name__ == "__main__":
    main()
