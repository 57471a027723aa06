"""``dynapse2.DynapSim/1``: the neuron of Rockpool's DynapSim, one rounding per operation in f32.

Equations of Rockpool 3.1.0 (``rockpool.devices.dynapse.DynapSim.evolve``), after E. Chicca, F. Stefanini, C.
Bartolozzi, G. Indiveri, "Neuromorphic electronic circuits for building autonomous cognitive systems", Proc. IEEE
102(9), 2014, and P. Livi, G. Indiveri, "A current-mode conductance-based silicon neuron", ISCAS 2009. exp and log
are computed in f64 and rounded once, XLA's are not: nobody may claim ``bits``.
"""

from __future__ import annotations

from typing import NamedTuple

from snnhub.ir.numtype import F32
from snnhub.ir.op import Attributes, StepOp
from snnhub.ir.program import Slot, State
from snnhub.ir.trace import Namespace, Step, Value, cast, ceil, check, exp, log, maximum, where

from snnhub_dynapse2.parameters import KEEPS_BIASES, parameters

MOST_SPIKES = 255
"""ceil(ln(a / b)) of two f32 numbers above 0 is at most 192."""


class Membrane(NamedTuple):
    """What the membrane makes of a step: states by name, and the spikes as a float and as an integer."""

    states: dict[str, Value]
    fired: Value


def synapse(x: Value, current: Value, param: Namespace) -> Value:
    """The synaptic current one step later: it decays, and takes ``f_charge`` of where the weights pull it."""
    target = maximum(param.r_syn * (x * param.Iscale), param.Io)
    following: Value = param.f_discharge * current + param.f_charge * target
    return following


def adaptation(state: Namespace, param: Namespace) -> Value:
    """The adaptation current one step later; the neuron's own last spikes charge it."""
    pull = param.r_ahp * (param.Iw_ahp * state.spikes)
    return maximum(param.f_discharge_ahp * state.iahp + param.f_charge_ahp * pull, param.Io)


def membrane(drive: Value, leak: Value, iahp: Value, state: Namespace, param: Namespace) -> Membrane:
    """Membrane current, potential, spikes and refractory timer one step later.

    ``drive``: current into the membrane before the refractory gate. vmem is not reset by a spike: it follows imem
    as it was when the neuron fired.
    """
    iin = maximum(where(state.r == 0.0, drive, 0.0), param.Io)
    steady = param.r_mem * (iin - leak)
    feedback = param.Io * exp(param.kp * (state.vmem / param.Ut))
    charged = state.imem + param.Ig_mem
    pull = steady + (feedback / leak) * charged - state.imem * (1.0 + iahp / param.It_mem)
    slope = state.imem / ((param.c_tau / leak) * charged) * pull
    reached = maximum(state.imem + slope * param.dt, param.Io)
    count = check(maximum(ceil(log(reached / param.Ispkthr)), 0.0), 0.0, float(MOST_SPIKES))
    fired = count > 0.0
    states = {
        "iahp": iahp,
        "imem": where(fired, param.Io, reached),
        "vmem": param.utk * log(reached / param.Io),
        "spikes": count,
        "r": where(fired, param.t_ref, maximum(state.r - param.dt, 0.0)),
    }
    return Membrane(states, count)


def _dynapsim(x: Value, state: Namespace, param: Namespace, *, biases: bool) -> Step:
    isyn = synapse(x, state.isyn, param)
    iahp = adaptation(state, param)
    leak = param.It_mem + iahp
    found = membrane(isyn - leak + param.Idc, leak, iahp, state, param)
    return {"isyn": isyn, **found.states}, {"s": cast(found.fired, "int")}


def states(_: Attributes) -> tuple[State, ...]:
    """States at rest: every current is a dark current, nothing has fired."""
    return (
        State("isyn", F32, "I_init"),
        State("iahp", F32, "I_init"),
        State("imem", F32, "I_init"),
        State("vmem", F32, 0.0),
        State("spikes", F32, 0.0),
        State("r", F32, 0.0),
    )


MISMATCH = "snnhub_dynapse2.mismatch:mismatched"
DYNAPSIM = StepOp(
    "dynapse2.DynapSim",
    1,
    "Adaptive exponential integrate and fire in the log domain, as Rockpool's DynapSim has it: one synaptic "
    "current isyn, adaptation iahp, membrane imem and vmem, refractory timer r; ceil(ln(imem / Ispkthr)) spikes.",
    _dynapsim,
    lambda _: (Slot("x", F32),),
    states,
    parameters,
    (KEEPS_BIASES,),
    mismatch=MISMATCH,
)
