"""The runner: the same networks by other code, which is what makes a comparison worth something.

It knows dense layers and the neuron of this plugin and computes them in plain NumPy, without snnhub's engine and
without looking at step programs.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from snnhub.api.request import RunRequest
from snnhub.errors import UsageError
from snnhub.ir.recording import Recording

from snnhub_example.chain import Pair, chain
from snnhub_example.op import NUMBERS

EVERYTHING = "*"
Floats = NDArray[np.float32]


def run(request: RunRequest) -> Recording:
    """Run the graph of the request. Keys: ``output``, ``<layer>/s``, ``/v`` and ``/b``, and ``<layer>/synapse/y``.

    Raises ``UnsupportedError`` with every reason for a network that this runner does not have, ``UsageError`` for
    keys and options that it does not have.
    """
    pairs = chain(request.graph, "SNN-6101")
    known = [
        "output",
        *(f"{p.synapse.id}/y" for p in pairs),
        *(f"{p.neuron.id}/{n}" for p in pairs for n in "svb"),
    ]
    wanted = known if EVERYTHING in request.record else list(request.record)
    if missing := [key for key in wanted if key not in known]:
        raise UsageError("not recorded here", found=", ".join(missing), allowed=", ".join(known))
    values = _input(request)
    size = request.integer("samples", values.shape[1])
    if size < 1:
        raise UsageError("option needs a positive number", where="--option samples", found=str(size))
    parts = [_run(pairs, values[:, first : first + size]) for first in range(0, values.shape[1], size)]
    arrays = {key: np.concatenate([part[key] for part in parts], axis=1) for key in wanted}
    if not request.stimulus.batched:  # a batch axis if and only if the input had one
        arrays = {key: array[:, 0] for key, array in arrays.items()}
    return Recording(arrays, request.stimulus.batched, "example", request.stimulus.findings)


def _input(request: RunRequest) -> Floats:
    """The stimulus (time, samples, neurons), as long as the run: beyond its end the input is zero."""
    given = request.stimulus.values
    values = np.zeros((request.length, *given.shape[1:]), np.float32)
    steps = min(len(given), request.length)
    values[:steps] = given[:steps]
    return values


def _run(pairs: list[Pair], x: Floats) -> dict[str, NDArray[np.generic]]:
    """Every quantity (time, samples, neurons) of a feed-forward chain, layer by layer."""
    found: dict[str, NDArray[np.generic]] = {}
    for pair in pairs:
        weight = pair.synapse.param["weight"].array.astype(np.float64)
        # sums of floats are exact to the last bit of f32: accumulated in f64 and rounded once
        x = (x.astype(np.float64) @ weight.T).astype(np.float32)
        found[f"{pair.synapse.id}/y"] = x
        numbers = {key: pair.neuron.param[key].array.astype(np.float32) for key in NUMBERS}
        steps = list(_neurons(x, numbers, str(pair.neuron.attribute["reset"])))
        for name, series in zip("svb", zip(*steps, strict=True), strict=True):
            found[f"{pair.neuron.id}/{name}"] = np.stack(series)
        x = found[f"{pair.neuron.id}/s"].astype(np.float32)
    found["output"] = found[f"{pairs[-1].neuron.id}/s"]
    return found


def _neurons(
    x: Floats, number: dict[str, Floats], reset: str
) -> Iterator[tuple[NDArray[np.uint8], Floats, Floats]]:
    """Spikes, v and b after each step. The comments of ``op.py`` say what is computed."""
    v, b = np.zeros(x.shape[1:], np.float32), np.zeros(x.shape[1:], np.float32)
    for arrived in x:
        h = v * number["decay"] + arrived
        spikes = h >= number["v_threshold"] + b
        v = np.where(spikes, np.float32(0) if reset == "value" else h - number["v_threshold"], h)
        b = b * number["rho"] + np.where(spikes, number["beta"], np.float32(0))
        yield spikes.astype(np.uint8), v, b
