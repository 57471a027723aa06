"""``xylo.Core/1``: the digital core of SynSense's Xylo chips, in the integers that the chip computes with.

Semantics: what xylosim 0.1.3 computes, the simulator that its authors call bit exact, checked against it value by
value (``tests/differential/test_xylosim.py``); ``snnhub_xylo.definition`` spells them out. Whether a chip computes
the same is the vendor's claim, and not verified here.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from snnhub.errors import GraphError
from snnhub.ir.graph import Node
from snnhub.ir.numtype import integer, signed, unsigned
from snnhub.ir.op import Attribute, Attributes, KernelOp, KernelState, OpSchema, Parameter, Ports, Shapes, Types

from snnhub_xylo.core import CAP_HIDDEN, NO_ALIAS, Core

NAME = "xylo.Core"
INPUT = unsigned(8)
"""Events per channel and step that may arrive; the core takes 15 of them."""
STATE = signed(16)
COUNT = integer(0, CAP_HIDDEN)
MAX_NEURONS = 2**15 - 1
DASH, SHIFT, WEIGHT = unsigned(4), unsigned(4), signed(8)

VERSION = Attribute("core", "v2: syns61201, syns63300, syns65302; v1: syns61300, without biases", ("v1", "v2"))
SYNAPSES = Attribute("synapses", "synaptic currents per hidden neuron", range=(1, 2))


def _parameters(attributes: Attributes) -> tuple[Parameter, ...]:
    rows = [
        ("weights_in", "(inputs, hidden, synapses)", WEIGHT),
        ("weights_rec", "(hidden, hidden, synapses), source first", WEIGHT),
        ("weights_out", "(hidden, outputs)", WEIGHT),
        ("shift_in", "bits by which input weights are shifted left", SHIFT),
        ("shift_rec", "bits by which recurrent weights are shifted left", SHIFT),
        ("shift_out", "bits by which output weights are shifted left", SHIFT),
        ("threshold", "(hidden,) fires when the membrane potential reaches it", STATE),
        ("dash_mem", "(hidden,) a step takes 2^-dash of the membrane potential", DASH),
        ("dash_syn", "(hidden, synapses) a step takes 2^-dash of the current", DASH),
        (
            "alias",
            "(hidden,) neuron that gets this one's spikes as its own, -1 for none",
            integer(-1, MAX_NEURONS),
        ),
        ("threshold_out", "(outputs,)", STATE),
        ("dash_mem_out", "(outputs,)", DASH),
        ("dash_syn_out", "(outputs,)", DASH),
    ]
    if attributes.get("core") == "v2":
        rows.append(("bias", "(hidden,) added to the membrane potential in every step", STATE))
        rows.append(("bias_out", "(outputs,)", STATE))
    return tuple(Parameter(name, doc, type_, elementwise=False) for name, doc, type_ in rows)


def _states(attributes: Attributes) -> tuple[KernelState, ...]:
    second = (KernelState("isyn2", STATE),) if attributes.get("synapses") == 2 else ()
    return (
        KernelState("isyn", STATE),
        *second,
        KernelState("vmem", STATE),
        KernelState("isyn_out", STATE),
        KernelState("vmem_out", STATE),
        KernelState("pending", COUNT),
    )


def _state_shapes(node: Node, shapes: Shapes) -> Shapes:
    own = dict.fromkeys(("isyn", "isyn2", "vmem", "pending"), shapes["s"])
    return {**own, "isyn_out": shapes["s_out"], "vmem_out": shapes["s_out"]}


def _shapes(node: Node, shapes: Shapes) -> Shapes:
    """Every array must fit the others: all that do not are named at once."""
    found = {name: tensor.shape for name, tensor in node.param.items()}
    if len(found["weights_in"]) != 3 or len(found["weights_out"]) != 2:
        raise GraphError("weights_in has three axes, weights_out two", found=str(found["weights_in"]))
    inputs, hidden, _ = found["weights_in"]
    outputs, synapses = found["weights_out"][1], node.integer("synapses")
    wanted: dict[str, tuple[int, ...]] = {
        "weights_in": (inputs, hidden, synapses),
        "weights_rec": (hidden, hidden, synapses),
        "weights_out": (hidden, outputs),
        "dash_syn": (hidden, synapses),
        **dict.fromkeys(("shift_in", "shift_rec", "shift_out"), ()),
        **dict.fromkeys(("threshold", "bias", "dash_mem", "alias"), (hidden,)),
        **dict.fromkeys(("threshold_out", "bias_out", "dash_mem_out", "dash_syn_out"), (outputs,)),
    }
    wrong = [
        f"{name} {list(shape)} for {list(wanted[name])}" for name, shape in found.items() if shape != wanted[name]
    ]
    if min(inputs, hidden, outputs) < 1:
        wrong.append("no inputs, hidden neurons or outputs")
    if shapes["x"] != (inputs,):
        wrong.append(f"input {list(shapes['x'])} for [{inputs}]")
    if node.param["alias"].statistics.max >= hidden:
        wrong.append(f"alias to neuron {node.param['alias'].statistics.max} of {hidden}")
    if wrong:
        raise GraphError("the arrays of the core do not fit", found="; ".join(wrong))
    return {"s": (hidden,), "s_out": (outputs,)}


def _types(node: Node, types: Types) -> Types:
    if not types["x"].is_int or not INPUT.holds(types["x"]):
        raise GraphError("the core takes counts of events", found=str(types["x"]), allowed=str(INPUT))
    return {"s": COUNT, "s_out": integer(0, 1)}


def latency(node: Node) -> Mapping[str, int]:
    """Steps from an input to the first hidden and the first output neuron that it can make fire.

    A hidden neuron hears the inputs in the same step, other neurons one step later; an alias is as fast as its
    source.
    """
    core = Core.of(node)
    into = (core.weights_rec != 0).any(axis=2)
    aliased = np.flatnonzero(core.alias != NO_ALIAS)
    depth, reached = 0, (core.weights_in != 0).any(axis=(0, 2))
    while True:
        reached = _with_aliases(reached, aliased, core.alias)
        if (core.weights_out[reached] != 0).any():
            return {"s": 0, "s_out": depth + 1}
        following = reached | into[reached].any(axis=0)
        if (following == reached).all():
            return {"s": 0, "s_out": 1}  # no input reaches an output
        depth, reached = depth + 1, following


def _with_aliases(reached: np.ndarray, aliased: np.ndarray, alias: np.ndarray) -> np.ndarray:
    while True:
        more = reached.copy()
        more[alias[aliased[reached[aliased]]]] = True
        if (more == reached).all():
            return reached
        reached = more


CORE = KernelOp(
    NAME,
    1,
    "Xylo's core: saturating 16-bit currents and potentials, up to 31 spikes per step, aliases; hidden neurons "
    "hear each other one step later.",
    _shapes,
    _types,
    _states,
    _state_shapes,
    "snnhub_xylo.kernel:prepare",
    (VERSION, SYNAPSES),
    _parameters,
    Ports(("x",), ("s", "s_out")),
    latency,
    ("s", "s_out"),
)

OPS: tuple[OpSchema, ...] = (CORE,)
