"""Leaky integrate-and-fire neurons of any importer in the same few numbers, for analog neurons to stand for them.

    u = factor u + jump x          the synaptic current; factor 0 where there is none
    v = kept v + u + bias          fires at theta above rest

A unit of ``x`` brings ``jump`` at once, and jump / (1 - factor) in all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from snnhub.findings import Finding, error
from snnhub.ir.graph import Node
from snnhub.ir.tensor import Array

from snnhub_dynapse2.network import Floats

MULTI = "core.MultiSpikeLIF"
NEURONS = (
    *("core.IF", "core.LIF", "core.LIFCoeff", "core.CubaLIF", MULTI),
    *("loihi.CubaLIF", "loihi.FloatCubaLIF"),
)
FILTERS = ("core.SynapseFilter", "core.ExpSyn")
"""Currents that do not spike: as part of a neuron's synapse they are its current."""
FOREIGN = {
    "core.KLIF": "Its potential is scaled and cut off before it is compared: train with LIFNode.",
    "core.QIF": "Its potential moves by a polynomial: train with LIFNode.",
    "core.EIF": "Its potential moves by an exponential: train with LIFNode.",
    "core.Izhikevich": "It has two coupled states: train with LIFNode.",
    "core.RAF": "DynapSim does not resonate: train with LIFNode.",
}
UNITY, ALIGN = 4096, 64
"""Loihi's decays count in 4096ths; what arrives, biases and thresholds are shifted left by 6."""


@dataclass(frozen=True, eq=False)
class Source:
    """A layer of ``size`` neurons; arrays are f64 of shape (size,). ``reset``: ``subtract`` or ``value``.

    ``most``: spikes of a neuron in one step at most.
    """

    name: str
    op: str
    size: int
    kept: Floats
    factor: Floats
    jump: Floats
    theta: Floats
    bias: Floats
    reset: str
    most: int = 1

    def tau(self, dt: float) -> tuple[Floats, Floats]:
        """Time constants of membrane and current in s, as their decays per step say: inf for a pure integrator."""
        with np.errstate(divide="ignore"):
            return np.asarray(-dt / np.log(self.kept)), np.asarray(-dt / np.log(self.factor))


def problems(node: Node) -> Iterator[Finding]:
    """Everything that keeps a neuron from being told in these numbers."""
    if node.op in FOREIGN:
        yield _refused(node, f"DynapSim does not stand for {node.op}", node.op, FOREIGN[node.op])
    if node.op not in NEURONS:
        return
    if node.attribute.get("reset") == "none":
        yield _refused(node, "an analog neuron is reset by its spike", "reset none", "Train with a reset.")
    if node.attribute.get("reset_interval"):
        words = f"reset_interval {node.attribute['reset_interval']}"
        yield _refused(node, "analog neurons are not reset by a clock", words, "Set the network's reset to 0.")
    if node.op == MULTI and node.attribute["n_syn"] != 1:
        remedy = "Use one synapse per neuron."
        yield _refused(node, "DynapSim has one synaptic current", f"{node.attribute['n_syn']} synapses", remedy)
        return
    found = _numbers(node)
    for name, wrong in (
        ("membrane's decay", ~((found["kept"] > 0) & (found["kept"] <= 1))),
        ("current's decay", ~((found["factor"] >= 0) & (found["factor"] < 1))),
        ("threshold above rest", ~(found["theta"] > 0)),
        ("bias", ~np.isfinite(found["bias"])),
    ):
        if np.any(wrong):
            allowed = "0 or below" if "threshold" in name else "out of range"
            yield _refused(node, f"the {name} is {allowed}", f"{int(np.sum(wrong))} numbers", "Train within it.")


def _refused(node: Node, words: str, found: str, remedy: str) -> Finding:
    return error("SNN-2540", node.id, words, old=found, remedy=remedy)


def read_source(node: Node, size: int) -> Source:
    """The numbers of a neuron that ``problems`` has nothing against."""
    found = {
        name: np.array(np.broadcast_to(array, np.shape(array)).ravel(), np.float64)
        for name, array in _numbers(node).items()
    }
    full = {name: np.array(np.broadcast_to(array, (size,))) for name, array in found.items()}
    reset = "subtract" if node.op == MULTI else str(node.attribute.get("reset", "value"))
    most = node.integer("max_spikes") if node.op == MULTI else 1
    return Source(node.id, node.op, size, reset=reset, most=most, **full)


def _numbers(node: Node) -> dict[str, Array]:
    param = {name: tensor.array.astype(np.float64) for name, tensor in node.params}
    zero, one = np.zeros(()), np.ones(())
    if node.op.startswith("loihi."):
        return _loihi(node, param)
    if node.op == MULTI:
        names = {"kept": "alpha", "factor": "beta", "jump": "beta", "theta": "threshold", "bias": "bias"}
        return {name: param[own] for name, own in names.items()}
    if node.op == "core.CubaLIF":
        fixed = node.attribute["arithmetic"] == "fixed"
        kept = 1 - param["v_decay"] / UNITY if fixed else param["v_factor"]
        factor = 1 - param["u_decay"] / UNITY if fixed else param["u_factor"]
        return {"kept": kept, "factor": factor, "jump": one, "theta": param["v_threshold"], "bias": zero}
    rest = param["v_reset"] if node.attribute["reset"] == "value" else zero
    leak = {"core.IF": zero, "core.LIF": 1 / param.get("tau", one), "core.LIFCoeff": param.get("leak", zero)}
    jump = leak[node.op] if node.attribute.get("decay_input") else one
    theta = param["v_threshold"] - rest
    return {"kept": 1 - leak[node.op], "factor": zero, "jump": jump, "theta": theta, "bias": zero}


def _loihi(node: Node, param: dict[str, Array]) -> dict[str, Array]:
    if node.op == "loihi.FloatCubaLIF":
        names = {"kept": "v_factor", "factor": "u_factor", "theta": "v_threshold", "bias": "bias"}
        return {**{name: param[own] for name, own in names.items()}, "jump": np.ones(())}
    return {
        "kept": 1 - param["vDecay"] / UNITY,
        "factor": 1 - param["iDecay"] / UNITY,
        "jump": np.full((), float(ALIGN)),
        "theta": param["vThMant"] * ALIGN,
        "bias": param["bias"] * ALIGN,
    }
