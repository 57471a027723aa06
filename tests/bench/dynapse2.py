"""Dynap-SE2: weights to masks, and a network to a board, against Rockpool's quantiser and mapper.

Ours is the whole mapping with cores, tags, destinations, checks and findings; Rockpool's is its graph, mapper and
quantiser, without the configuration, which needs samna. The first call of Rockpool's, which compiles, does not
count.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from snnhub_dynapse2.mapping.mapped import map_network
from snnhub_dynapse2.network import Floats
from snnhub_dynapse2.quantiser.weights import quantise

from tests.bench.timing import Ratio, compare, seconds
from tests.differential.dynapse2_reference import ask
from tests.networks.dynapse2_nets import DEFAULTS, fixed_fan_in, matrices

NAMES = ("16 x 16 normal", "64 x 64 normal", "64 x 64 lognormal")
ISCALE = 1e-8


def measure(folder: Path) -> Iterator[Ratio]:
    """A line per matrix, with how many times smaller our error is, and one for a network."""
    for name in NAMES:
        yield _quantised(name, matrices()[name][0], folder)
    network = fixed_fan_in(16, 100, 16, 0)

    def ours() -> float:
        return seconds(lambda: map_network(network))

    def rockpool() -> float:
        return float(ask(folder, "map", w_in=network.w_in, w_rec=network.w_rec, runs=1, seed=0)["seconds"][0])

    yield compare("map: 100 neurons, fan-in 16", "Rockpool mapper and autoencoder", ours, rockpool)


def _quantised(name: str, matrix: Floats, folder: Path) -> Ratio:
    weights = matrix[matrix != 0]
    errors: list[float] = []

    def ours() -> float:
        return seconds(lambda: quantise(weights, ISCALE, DEFAULTS["Igain_syn"]))

    def rockpool() -> float:
        found = ask(folder, "autoencoder", w_in=matrix, iscale=ISCALE, runs=1, seed=len(errors))
        errors.append(float(np.square(found["weights"][0] - matrix)[matrix != 0].mean()))
        return float(found["seconds"][0])

    done = compare(f"quantise: {name}", "Rockpool autoencoder", ours, rockpool)
    values = quantise(weights, ISCALE, DEFAULTS["Igain_syn"]).values
    less = min(errors) / float(np.square(values - weights).mean())
    return replace(done, what=f"{done.what}, error / {less:.1f}")
