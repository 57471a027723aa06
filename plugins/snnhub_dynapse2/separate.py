"""``dynapse2.DynapSimSeparate/1``: DynapSim with a current for each of the chip's four synapses. Not verified.

DynapSim has one synaptic current for all synapses and floors what pulls it at Io: inhibition that arrives after
excitation is ignored. The chip has four differential pair integrators per neuron (O. Richter et al., "DYNAP-SE2:
a scalable multi-core dynamic neuromorphic asynchronous spiking neural network processor", arXiv 2310.00564): AMPA
and NMDA excite, GABA is taken away from what excites, SHUNT adds to the leak. The integrator is that of C.
Bartolozzi, G. Indiveri, "Synaptic dynamics in analog VLSI", Neural Computation 19(10), 2007; the NMDA gate and
both kinds of inhibition meet the membrane as in Chicca et al. 2014.
"""

from __future__ import annotations

from typing import Any

from snnhub.ir.numtype import F32
from snnhub.ir.op import Attribute, Attributes, Parameter, Ports, StepOp
from snnhub.ir.program import Slot, State
from snnhub.ir.trace import Namespace, Step, Value, cast, maximum

from snnhub_dynapse2.dynapsim import MISMATCH, adaptation, membrane, states, synapse
from snnhub_dynapse2.parameters import COMPUTING, KEEPS_BIASES, parameters

KINDS = ("gaba", "nmda", "shunt")
"""Synapses beside AMPA, which every neuron has: port ``x_<kind>``, state ``i<kind>``, parameters ``…_<kind>``."""
SYNAPSES = Attribute(
    "synapses", "the chip's synapses that the neuron has: ampa and gaba, or all four", ("ampa+gaba", "all")
)
GATE = Parameter("If_nmda", "membrane current at which half of the NMDA current passes", F32, unit="A")


def of_kind(kind: str) -> tuple[Parameter, ...]:
    """Parameters of one more synapse."""
    name = kind.upper()
    return (
        Parameter(f"f_charge_{kind}", f"part of its target that the {name} current takes in one pulse", F32),
        Parameter(f"f_discharge_{kind}", f"part of the {name} current kept per step", F32),
        Parameter(f"r_{kind}", f"gain of the {name} synapse: its Igain / Itau", F32, unit="1"),
    )


def _separate(*arguments: Any, biases: bool, synapses: str) -> Step:
    x, *others, state, param = arguments
    kinds = kinds_of({"synapses": synapses})
    current = {kind: _current(port, kind, state, param) for kind, port in zip(kinds, others, strict=True)}
    isyn = synapse(x, state.isyn, param)
    iahp = adaptation(state, param)
    drive, leak = isyn, param.It_mem + iahp
    if "nmda" in current:
        drive = drive + current["nmda"] * (state.imem / (state.imem + param.If_nmda))
    drive = drive - current["gaba"]
    if "shunt" in current:
        leak = leak + current["shunt"]
    found = membrane(drive - leak + param.Idc, leak, iahp, state, param)
    following = {"isyn": isyn, **{f"i{kind}": value for kind, value in current.items()}, **found.states}
    return following, {"s": cast(found.fired, "int")}


def _current(x: Value, kind: str, state: Namespace, param: Namespace) -> Value:
    """One more synaptic current: the same integrator, counted from 0. The dark current is in ``isyn`` already."""
    target = maximum(getattr(param, f"r_{kind}") * (x * param.Iscale), 0.0)
    kept = getattr(param, f"f_discharge_{kind}") * getattr(state, f"i{kind}")
    following: Value = kept + getattr(param, f"f_charge_{kind}") * target
    return following


def kinds_of(attributes: Attributes) -> tuple[str, ...]:
    """The synapses beside AMPA that these attributes name."""
    return KINDS if attributes.get("synapses") == "all" else KINDS[:1]


def _inputs(attributes: Attributes) -> tuple[Slot, ...]:
    return (Slot("x", F32), *(Slot(f"x_{kind}", F32) for kind in kinds_of(attributes)))


def _states(attributes: Attributes) -> tuple[State, ...]:
    return (*states(attributes), *(State(f"i{kind}", F32, 0.0) for kind in kinds_of(attributes)))


def _parameters(attributes: Attributes) -> tuple[Parameter, ...]:
    kinds = kinds_of(attributes)
    own = tuple(parameter for kind in kinds for parameter in of_kind(kind))
    gate = (GATE,) if "nmda" in kinds else ()
    behind = tuple(p for p in parameters(attributes)[len(COMPUTING) :] if p.name != GATE.name or not gate)
    return (*COMPUTING, *own, *gate, *behind)


SEPARATE = StepOp(
    "dynapse2.DynapSimSeparate",
    1,
    "DynapSim with separate AMPA, GABA, NMDA and SHUNT currents, as the chip has them: GABA is taken away from "
    "the drive, NMDA passes a gate that imem opens, SHUNT adds to the leak. Not verified on a chip.",
    _separate,
    _inputs,
    _states,
    _parameters,
    (KEEPS_BIASES, SYNAPSES),
    Ports(("x", "x_gaba"), ("s",)),
    mismatch=MISMATCH,
)
