"""snnTorch 1.0.0, ``import_from_nir``: dt is 1e-4 s whatever the file; thresholds carry the gain of the input."""

from __future__ import annotations

import numpy as np
from snnhub.findings import Finding
from snnhub.ir.ct_names import node_id
from snnhub.ir.tensor import Array

from snnhub_profiles import transforms
from snnhub_profiles.layer import Layer, Op, ignored, layer, number, otherwise, replaced, spread
from snnhub_profiles.official import official
from snnhub_profiles.program import program, returned
from snnhub_profiles.rules import common
from snnhub_profiles.rules.rule import Rule
from snnhub_profiles.source import Item, RefusedError, Shape, Source
from snnhub_profiles.torch_shapes import Spread, together

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


def _conv1d(item: Item, dt: float) -> Layer:
    """By nirtorch's default, which sets the weights as they are: torch takes none of integers."""
    parts = [name for name in ("weight", "bias") if item[name].dtype.kind != "f"]
    if parts:
        raise RefusedError(f"{' and '.join(parts)} must be of floats")
    return common.conv(item, dt)


def _check(source: Source) -> list[tuple[str, str]]:
    """IF answers a tuple, which nothing but the network's output takes."""
    return _tuples(source)[0]


def _tuples(source: Source) -> tuple[list[tuple[str, str]], bool]:
    """Refusals, and whether the graph's own output is such a tuple."""
    found, telling = [], {item.name for item in source.of("IF")}
    for item in source.nested:
        inner, told = _tuples(item.inner or source)
        found += inner
        telling |= {item.name} if told else set()
    ends = {item.name for item in source.of("Output")}
    for src, dst in source.edges:
        if src in telling and dst not in ends:
            found.append((source.items[src].id, "IF answers a tuple, which the next layer does not take"))
    return list(dict.fromkeys(found)), bool(ends) and any(name in telling for name in returned(source)[:1])


def _loops(source: Source) -> Source:
    """A LIF or CubaLIF and the dense layer that only leads back to it become a graph within, under the first part
    of the neurons' name; what arrives goes to the dense layer.
    """
    items, edges = dict(source.items), list(source.edges)
    for edge in source.edges:
        back = edge[::-1]
        if edge == back or back not in edges or edge not in edges:
            continue
        neurons, dense = edge
        leads = [len([one for one in edges if one[at] == dense]) for at in (0, 1)]
        if items[neurons].type not in ("LIF", "CubaLIF") or items[dense].type not in ("Affine", "Linear"):
            continue
        if leads == [1, 1]:
            items, edges = _within(items, edges, neurons, dense)
    return Source(items, tuple(edges))


def _within(
    items: dict[str, Item], edges: list[tuple[str, str]], neurons: str, dense: str
) -> tuple[dict[str, Item], list[tuple[str, str]]]:
    key = neurons.split(".", maxsplit=1)[0]
    lif, own = items[neurons], {}
    for kind in ("Input", "Output"):
        name = f"{key}.{kind.lower()}"
        own[name] = Item(node_id((name,)), name, kind, {"shape": np.array(lif.leaving)}, {})
    inner = Source(
        {neurons: lif, dense: items[dense], **own},
        ((neurons, dense), (dense, neurons), (neurons, f"{key}.output"), (f"{key}.input", dense)),
    )
    rest = {name: item for name, item in items.items() if name not in (neurons, dense)}
    if key in rest:
        raise RefusedError(f"{neurons} and {dense} become a graph {key}, and there is a node of this name")
    graph = Item(lif.id, key, "NIRGraph", {}, {}, official(inner), lif.arriving, lif.leaving)
    kept = [edge for edge in edges if edge not in ((neurons, dense), (dense, neurons))]
    moved = [(key if a == neurons else a, key if b == neurons else b) for a, b in kept]
    return {**rest, key: graph}, moved


def _spreads(item: Item, op: Op, shape: Shape) -> Spread:
    """A state that does not have the shape of what arrives is put to 0. Decays that are the same for all neurons
    of a CubaLIF are one number, that of IF is, too.
    """
    if item.type == "IF":
        return Spread(shape)
    decays = {name: op.params[name].array for name in ("alpha", "beta") if name in op.params}
    if item.type == "CubaLIF":
        decays = {name: np.unique(item[tau]) for name, tau in (("alpha", "tau_syn"), ("beta", "tau_mem"))}
        decays = {
            name: op.params[name].array if found.size > 1 else np.zeros(()) for name, found in decays.items()
        }
    found, lost = shape, []
    for state, name in (("i", "alpha"), ("v", "beta")):
        if name in decays:
            found = together([found, decays[name].shape], item.id)
            lost += [state] if found != shape else []
    return Spread(found, tuple(lost))


NEURON = {"initial": {"v": 0}, "compare": "gt", "spikes_per_step": 1, "latency": 0, "reset_time": "same step"}
RULE = Rule(
    "snntorch-1",
    {
        **common.TERMINALS,
        "Linear": common.dense,
        "Affine": common.dense,
        "Conv2d": common.conv,
        "AvgPool2d": common.average_of_pairs,
        "SumPool2d": common.lp_sum,
        "Conv1d": _conv1d,
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
    rewrite=_loops,
    counted=0,
    spreads=_spreads,
)
