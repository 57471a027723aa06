"""A larger comparison of profiles with their frameworks, by hand: ``python -m tests.differential.profile_sweep``.

Single layers of 256 neurons over 1,000 steps, and MLPs and loops with random weights and weights on a grid.
Prints a
row per profile: files that ran, bins, bins that differ with the torch engine in the framework's call shape and
with the reference engine, spikes; and how many files are order-robust and how many part, the last of them with the
first difference flagged as a tie by the engine. A file that parts without that is named.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from snnhub.api.load import load_graph
from snnhub.api.options import ImportOptions
from snnhub.engine.reference import prepare
from snnhub.errors import UnsupportedError
from snnhub.peers.protocol import Worker

from tests.differential.nir_peer import FRAMEWORK, in_their_call_shape, open_frameworks, theirs
from tests.differential.nir_ties import parting
from tests.networks.nir_nets import DT, Net, affine, chain, cuba, integrate, lif, stimulus, weights
from tests.networks.nir_zoo import loop

LAYERS, NETS = (256, 1000), 8


UNIT: dict[str, Any] = {"r": 20.0, "w_in": 10.0}
MAKES: dict[str, Callable[[int], tuple[str, Any]]] = {
    "lif": lambda n: lif(n, r=20.0, th=1.0),
    "if": lambda n: integrate(n, r=1e4, th=1.0),
    "cuba": lambda n: cuba(n, th=1.0, **UNIT),
}


def layers() -> Iterator[tuple[str, Net, int]]:
    """Single layers in f32 and f64."""
    size, steps = LAYERS
    spread = np.random.default_rng(0).uniform(1, 4, size)
    for dtype in ("f4", "f8"):
        kinds = {
            "lif": lif(size, dtype),
            "lif_r": lif(size, dtype, r=20.0, th=4.0),
            "lif_leak": lif(size, dtype, leak=0.2),
            "lif_spread": lif(size, dtype, tau=spread * 1e-3),
            "if": integrate(size, dtype, th=3.0),
            "if_r": integrate(size, dtype, r=1e4, th=3.0),
            "cuba": cuba(size, dtype, th=1.0),
            "cuba_unit": cuba(size, dtype, r=20.0, w_in=10.0, th=9.0),
            "cuba_spread": cuba(size, dtype, r=10 * spread, mem=1e-3 * spread, w_in=10.0, th=9.0),
        }
        yield from ((f"{name} {dtype}", chain(kind, shape=[size]), steps) for name, kind in kinds.items())


def networks() -> Iterator[tuple[str, Net, int]]:
    """MLPs of three layers and loops."""
    for seed in range(NETS):
        for grid in (False, True):
            kind = "grid" if grid else "random"
            w = [weights(o, i, seed * 9 + k, grid=grid) for k, (o, i) in enumerate(((30, 20), (20, 30), (10, 20)))]
            bias = [np.zeros(len(each), "f4") for each in w]
            for name, make in MAKES.items():
                parts = [
                    part
                    for each, zero in zip(w, bias, strict=True)
                    for part in (affine(each, zero), make(len(zero)))
                ]
                yield f"mlp {name} {kind} {seed}", chain(*parts, shape=[20], out=[10]), 100
        yield (
            f"loop {seed}",
            loop(cuba(6, **UNIT), cuba(3, **UNIT), [int(k) for k in np.random.default_rng(seed).permutation(7)]),
            200,
        )


def main() -> None:
    """Run the profiles named on the command line, or all."""
    names = sys.argv[1:] or [name for name in FRAMEWORK if name != "nengo-4"]
    with open_frameworks() as worker:
        for profile in names:
            rows = {"layers": list(layers()), "random": [], "grid": []}
            for item in networks():
                rows["grid" if "grid" in item[0] else "random"].append(item)
            for kind, nets in rows.items():
                print(profile, kind, *_row(worker, profile, nets), flush=True)


def _row(worker: Worker, profile: str, nets: list[tuple[str, Net, int]]) -> tuple[str, ...]:
    ran = refused = bins = torch = reference = spikes = robust = parted = 0
    odd: list[str] = []
    for index, (name, net, steps) in enumerate(nets):
        path = net.write(Path(worker.folder) / f"{index}.nir")
        x = stimulus(net, steps, index)
        found = theirs(worker, FRAMEWORK[profile], path, x, DT)
        try:
            graph = load_graph(path, options=ImportOptions(profile=profile, dt=DT)).graph
        except UnsupportedError:
            refused += isinstance(found, str)
            odd += [] if isinstance(found, str) else [f"refused {name}"]
            continue
        if isinstance(found, str):
            odd.append(f"taken {name}")
            continue
        ran, bins, spikes = ran + 1, bins + found.size, spikes + int(np.abs(found).sum())
        off = int((in_their_call_shape(graph, x).reshape(found.shape) != found).sum())
        torch += off
        odd += [f"{name}: {off}"] if off else []
        told = parting(graph, x)
        robust, parted = robust + (not told.ties), parted + (told.flagged is not None)
        odd += [f"{name}: no tie, {told}"] if told.flagged is False else []
        if not np.array_equal(found, np.trunc(found)):
            continue  # values, not spikes
        exact, _ = prepare(graph).run(x, record=["output"])
        reference += int((exact["output"].reshape(found.shape) != found).sum())
    return (
        f"ran {ran}, refused {refused}, bins {bins:,}, torch {torch}, reference {reference}, spikes {spikes:,}, "
        f"robust {robust}, part {parted}",
        *odd,
    )


if __name__ == "__main__":
    main()
