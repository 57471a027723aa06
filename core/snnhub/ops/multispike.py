"""Neurons that may fire several times in a step, with several synaptic currents, and a synapse alone.

Equations of Rockpool 3.1.0 (``LIFTorch``, ``LIFBitshiftTorch``, ``ExpSynTorch``), one rounding per operation in
f32. What arrives and what recurs are two ports: one summed port would round once where Rockpool rounds twice.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

from snnhub.ir.numtype import F32
from snnhub.ir.op import Attribute, Attributes, Parameter, Ports, StepOp
from snnhub.ir.program import Slot, State
from snnhub.ir.trace import Namespace, Step, Value, cast, check, floor, where

MAX_SPIKES = 1 << 16
"""Rockpool's own default of ``max_spikes_per_dt``."""
MAX_SYNAPSES = 32

SYNAPSES = Attribute(
    "n_syn", "synaptic currents per neuron: x, x2, … go to isyn, isyn2, …", range=(1, MAX_SYNAPSES)
)
RECURRENT = Attribute("recurrent", "whether there are ports r, r2, … beside x, x2, …", (True, False))
CAP = Attribute("max_spikes", "most spikes of a neuron in one step; the rest stays in vmem", range=(1, MAX_SPIKES))


def unrolled(name: str, attributes: Attributes) -> tuple[str, ...]:
    """``name``, ``name2``, ``name3`` …: one per synapse of these attributes."""
    return tuple(name if k == 0 else f"{name}{k + 1}" for k in range(int(str(attributes["n_syn"]))))


def _multi_spike(*arguments: Any, n_syn: int, recurrent: bool, max_spikes: int) -> Step:
    *arrived, state, param = arguments
    names = unrolled("isyn", {"n_syn": n_syn})
    factors = unrolled("beta", {"n_syn": n_syn})
    currents = []
    for k, (name, factor) in enumerate(zip(names, factors, strict=True)):
        current = getattr(state, name) + arrived[k]
        current = current + arrived[n_syn + k] if recurrent else current
        currents.append(current * getattr(param, factor))
    h = state.vmem * param.alpha + reduce(Value.__add__, currents) + param.bias
    due = where(h >= param.threshold, floor(h / param.threshold), 0.0)
    # a threshold of 0 or below, which no importer lets pass, ends here: the number of spikes would be none
    n = check(where(due > float(max_spikes), float(max_spikes), due), 0.0, float(max_spikes))
    states = dict(zip(names, currents, strict=True))
    return {**states, "vmem": h - n * param.threshold}, {"s": cast(n, "int")}


def _exp_syn(x: Value, state: Namespace, param: Namespace) -> Step:
    y = (state.isyn + x) * param.beta
    return {"isyn": y}, {"y": y}


def _ports(attributes: Attributes) -> tuple[Slot, ...]:
    names = [*unrolled("x", attributes), *(unrolled("r", attributes) if attributes["recurrent"] else ())]
    return tuple(Slot(name, F32) for name in names)


def _states(attributes: Attributes) -> tuple[State, ...]:
    return tuple(State(name, F32, 0.0) for name in (*unrolled("isyn", attributes), "vmem"))


def _parameters(attributes: Attributes) -> tuple[Parameter, ...]:
    n_syn = attributes.get("n_syn")
    known = {"n_syn": n_syn if isinstance(n_syn, int) and 1 <= n_syn <= MAX_SYNAPSES else 1}
    return (
        Parameter("alpha", "factor of the membrane potential per step", F32),
        *(Parameter(name, "factor of a synaptic current per step", F32) for name in unrolled("beta", known)),
        Parameter("threshold", "potential taken away by one spike, above 0 (dimensionless)", F32),
        Parameter("bias", "added to the membrane potential in every step (dimensionless)", F32),
    )


MULTI_SPIKE_LIF = StepOp(
    "core.MultiSpikeLIF",
    1,
    "Leaky integrate and fire with several spikes per step: isyn = (isyn + x + r) beta, h = vmem alpha + isyn + "
    "bias, floor(h / threshold) spikes up to max_spikes, each of which takes the threshold away.",
    _multi_spike,
    _ports,
    _states,
    _parameters,
    (SYNAPSES, RECURRENT, CAP),
)

EXP_SYN = StepOp(
    "core.ExpSyn",
    1,
    "A decaying current that does not spike: isyn = (isyn + x) beta, which is its output.",
    _exp_syn,
    lambda _: (Slot("x", F32),),
    lambda _: (State("isyn", F32, 0.0),),
    lambda _: (Parameter("beta", "factor of the current per step", F32),),
    (),
    Ports(("x",), ("y",)),
)
