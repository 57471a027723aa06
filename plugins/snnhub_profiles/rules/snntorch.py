"""snnTorch 1.0.0, ``import_from_nir``: dt is 1e-4 s whatever the file; thresholds carry the gain of the input."""

from __future__ import annotations

import numpy as np
from snnhub.findings import Finding
from snnhub.ir.tensor import Array

from snnhub_profiles import transforms
from snnhub_profiles.layer import Layer, ignored, layer, number, otherwise, replaced, spread
from snnhub_profiles.rules import common
from snnhub_profiles.rules.rule import Rule
from snnhub_profiles.source import Item, RefusedError, Source
from snnhub_profiles.wiring import program

DT = 1e-4


def _single(values: Array, name: str) -> Array:
    found = np.unique(values)
    if found.size != 1:
        raise RefusedError(f"{name} must be the same for all neurons; found {spread(values)}")
    return np.asarray(found[0])


def _factor(values: Array, recipe: str) -> Array:
    """``clip(f32(values), 0, 1)``, as the forward pass clamps it."""
    return np.clip(np.asarray(values).astype(np.float32), np.float32(0), np.float32(1))


def _decay(tau: Array, recipe: str, dt: float = DT) -> tuple[Array, str]:
    words = f"clip(float32(1 - {dt:g} / {recipe}), 0, 1), {recipe} and the difference in {np.asarray(tau).dtype}"
    return _factor(1 - (dt / tau), words), words


def _lif(item: Item, dt: float) -> Layer:
    tau, r, threshold = item["tau"], item["r"], item["v_threshold"]
    if not np.allclose(item["v_leak"], 0.0):
        raise RefusedError("v_leak must be 0")
    _single(threshold, "v_threshold")
    beta, words = _decay(tau, "tau")
    scale = r * DT / tau
    found: list[Finding] = ignored(item, "v_reset", 0)
    recipe = "v_threshold"
    if not np.allclose(scale, 1.0):
        smallest = np.unique(scale)[0]
        threshold = threshold / smallest
        recipe = f"v_threshold / min(r {DT:g} / tau), in {np.asarray(threshold).dtype}"
        if np.unique(scale).size > 1:
            found.append(
                otherwise(
                    item,
                    "r",
                    "the smallest gain of the layer goes for all its neurons",
                    spread(scale),
                    f"{smallest:g}",
                )
            )
    value = _single(threshold, "v_threshold over gain")
    params = {"beta": number(beta, words), "v_threshold": number(value, recipe)}
    return layer("snntorch.Leaky", params, found, reset="zero")


def _if(item: Item, dt: float) -> Layer:
    threshold, r = _single(item["v_threshold"], "v_threshold"), _single(item["r"], "r")
    if r != 1:
        raise RefusedError(f"r must be 1; found {r:g}")
    found = [
        replaced(item, "IF leaks: its potential keeps 0.9 per step; a spike takes the threshold away", "1", "0.9")
    ]
    found += ignored(item, "v_reset", 0)
    found.append(otherwise(item, "r", "the input is added as it is, without dt", f"{DT:g}", "1"))
    params = {"beta": number(0.9, "0.9"), "v_threshold": number(threshold * r, "v_threshold r")}
    return layer("snntorch.Leaky", params, found, reset="subtract")


def _cuba(item: Item, dt: float) -> Layer:
    syn, mem, w_in, threshold = item["tau_syn"], item["tau_mem"], item["w_in"], item["v_threshold"]
    if not np.allclose(item["v_leak"], 0):
        raise RefusedError("v_leak must be 0")
    if not np.allclose(item["r"], mem / DT):
        raise RefusedError("r must be tau_mem / 1e-4")
    alpha, alpha_words = _decay(syn, "tau_syn")
    beta, beta_words = _decay(mem, "tau_mem")
    scale = w_in * (DT / syn)
    recipe = "v_threshold"
    if not np.allclose(scale, 1.0):
        threshold = threshold / scale
        recipe = f"v_threshold / (w_in ({DT:g} / tau_syn)), in {np.asarray(threshold).dtype}"
    value = _single(threshold, "v_threshold over gain")
    params = {
        "alpha": number(alpha, alpha_words),
        "beta": number(beta, beta_words),
        "v_threshold": number(value, recipe),
    }
    return layer("snntorch.Synaptic", params, ignored(item, "v_reset", 0))


def _behind(source: Source, name: str) -> list[str]:
    """What takes the value of a node: the nodes behind it, and those behind the outputs of graphs within it."""
    found: list[str] = []
    pending = [name]
    while pending:
        here = pending.pop()
        for dst in (dst for src, dst in source.edges if src == here and dst not in found):
            found.append(dst)
            pending += [dst] if source.items[dst].type == "Output" else []
    return found


def _check(source: Source) -> list[tuple[str, str]]:
    """IF answers a tuple, which nothing but the network's output takes; recurrent layers become subgraphs that
    nirtorch does not build.
    """
    tuples = "IF answers a tuple, which the next layer does not take"
    found = [
        (item.id, tuples)
        for item in source.of("IF")
        if any(source.items[name].type != "Output" for name in _behind(source, item.name))
    ]
    pairs = set(source.edges)
    for item in source.of("LIF", "CubaLIF"):
        for other in source.of("Affine", "Linear"):
            leads = [edge for edge in pairs if other.name in edge]
            if {(item.name, other.name), (other.name, item.name)} <= pairs and len(leads) == 2:
                found.append((item.id, "a recurrent layer becomes a subgraph, which nirtorch 2.6 cannot build"))
    return found


NEURON = {"initial": {"v": 0}, "compare": "gt", "spikes_per_step": 1, "latency": 0, "reset_time": "same step"}
RULE = Rule(
    "snntorch-1",
    {
        **common.TERMINALS,
        "Linear": common.dense,
        "Affine": common.dense,
        "Conv2d": common.conv,
        "AvgPool2d": common.average,
        "SumPool2d": common.lp_sum,
        "Conv1d": common.conv,
        "IF": _if,
        "LIF": _lif,
        "CubaLIF": _cuba,
    },
    program,
    {
        "profile": "snntorch/1",
        "frameworks": ["snntorch>=1.0,<2"],
        "dt": "1e-4 s, fixed",
        "numerics": common.torch_numbers(),
        "nodes": {
            "LIF": {
                **NEURON,
                "op": "snntorch.Leaky/1",
                "coefficients": {
                    "beta": "clip(1 - 1e-4 / tau, 0, 1)",
                    "v_threshold": "v_threshold / min(r 1e-4 / tau)",
                },
                "gain": "in the threshold, the smallest of the layer",
                "ignores": ["v_reset"],
                "reset": "value 0",
            },
            "IF": {
                **NEURON,
                "op": "snntorch.Leaky/1",
                "coefficients": {"beta": "0.9", "v_threshold": "v_threshold"},
                "gain": "1",
                "ignores": ["v_reset"],
                "reset": "subtract v_threshold",
            },
            "CubaLIF": {
                **NEURON,
                "op": "snntorch.Synaptic/1",
                "coefficients": {
                    "alpha": "clip(1 - 1e-4 / tau_syn, 0, 1)",
                    "beta": "clip(1 - 1e-4 / tau_mem, 0, 1)",
                    "v_threshold": "v_threshold / (w_in 1e-4 / tau_syn)",
                },
                "gain": "in the threshold",
                "ignores": ["v_reset"],
                "reset": "value 0",
            },
        },
        "graph": common.PROGRAM,
    },
    transforms.flatten_with_batch,
    dt=DT,
    check=_check,
    nests=True,
)
