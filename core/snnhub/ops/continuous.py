"""The node types of NIR as continuous-time ops: fields and equations as NIR documents them.

Sources: documentation and package of NIR 0.0.1 to 1.0.8 (https://neuroir.org). Units are those that every file
and every framework uses (seconds, otherwise dimensionless); NIR's documentation gives ms, mV and Ohm. Fields that
are not required came with a later version (``w_in`` 0.2.0, ``input_shape`` 1.0.0, ``v_reset`` 1.0.6).
"""

from __future__ import annotations

from snnhub.ir.continuous import GRAPH, ContinuousOp, Field, OutputShape, elementwise
from snnhub.ir.graph import Node
from snnhub.ir.op import Shape
from snnhub.ops.continuous_shapes import conv_shape, dense_shape, flatten_shape, pool_shape, terminal_shape

TAU = Field("tau", "time constant of the membrane", "s")
TAU_MEM = Field("tau_mem", "time constant of the membrane", "s")
TAU_SYN = Field("tau_syn", "time constant of the synaptic current", "s")
R = Field("r", "resistance R: factor of the current")
V_LEAK = Field("v_leak", "potential that the membrane decays to")
V_THRESHOLD = Field("v_threshold", "a spike is fired where v > v_threshold")
V_RESET = Field("v_reset", "potential after a spike; 0 where the file does not say", required=False)
W_IN = Field("w_in", "factor of what arrives; 1 where the file does not say", required=False)
WEIGHT = Field("weight", "weights, (out, in) or (out, in / groups, *kernel)")
BIAS = Field("bias", "added to every sum, (out,)")
STRIDE = Field("stride", "step of the window, one number or one per spatial axis")
PADDING = Field(
    "padding", "zeros on both sides, one number or one per spatial axis; or words", words=("same", "valid")
)
POOL_PADDING = Field("padding", "padding on both sides, one number or one per spatial axis")
CONV = (
    Field("input_shape", "spatial shape of the input; worked out where the file does not say", required=False),
    WEIGHT,
    STRIDE,
    PADDING,
    Field("dilation", "distance of kernel taps, one number or one per spatial axis"),
    Field("groups", "blocks of channels that do not mix"),
    BIAS,
)
POOL = (Field("kernel_size", "size of the window, one number or one per axis"), STRIDE, POOL_PADDING)
SHAPE = Field("shape", "shape of the values, without time and batch")


def _within(node: Node, arriving: Shape | None) -> Shape | None:
    """The output of a nested graph is worked out when it is laid flat."""
    return None


def _op(name: str, doc: str, *fields: Field, rule: OutputShape = elementwise) -> ContinuousOp:
    return ContinuousOp(name, 1, doc, fields, rule)


CONTINUOUS: tuple[ContinuousOp, ...] = (
    _op("ct.Input", "where values come into a graph", SHAPE, rule=terminal_shape),
    _op("ct.Output", "where values leave a graph", SHAPE, rule=terminal_shape),
    _op(GRAPH, "a graph within a graph; the node % is the whole of it", rule=_within),
    _op("ct.Linear", "y = weight x", WEIGHT, rule=dense_shape),
    _op("ct.Affine", "y = weight x + bias", WEIGHT, BIAS, rule=dense_shape),
    _op("ct.Scale", "y = scale * x", Field("scale", "factor per element")),
    _op("ct.Conv1d", "cross-correlation over (channels, length), as torch.nn.Conv1d", *CONV, rule=conv_shape),
    _op(
        "ct.Conv2d", "cross-correlation over (channels, height, width), as torch.nn.Conv2d", *CONV, rule=conv_shape
    ),
    _op("ct.SumPool2d", "sum over a window of (channels, height, width)", *POOL, rule=pool_shape),
    _op("ct.AvgPool2d", "mean over a window of (channels, height, width)", *POOL, rule=pool_shape),
    _op(
        "ct.Flatten",
        "merges the axes start_dim .. end_dim (counted without a batch axis)",
        Field("input_type", "shape of the input; worked out where the file does not say", required=False),
        Field("start_dim", "first axis to merge, 1 where the file does not say", required=False),
        Field("end_dim", "last axis to merge; -1, as where the file does not say, is the last", required=False),
        rule=flatten_shape,
    ),
    _op("ct.Delay", "y(t) = x(t - delay)", Field("delay", "how much later", "s")),
    _op("ct.Threshold", "y = 1 where x > threshold, else 0", Field("threshold", "what has to be exceeded")),
    _op("ct.I", "dv/dt = R x; y = v", R),
    _op("ct.IF", "dv/dt = R x; a spike where v > v_threshold, then v = v_reset", R, V_THRESHOLD, V_RESET),
    _op("ct.LI", "tau dv/dt = v_leak - v + R x; y = v", TAU, R, V_LEAK),
    _op(
        "ct.LIF",
        "tau dv/dt = v_leak - v + R x; a spike where v > v_threshold, then v = v_reset",
        *(TAU, R, V_LEAK, V_THRESHOLD, V_RESET),
    ),
    _op(
        "ct.CubaLI",
        "tau_syn dI/dt = -I + w_in x; tau_mem dv/dt = v_leak - v + R I; y = v",
        *(TAU_SYN, TAU_MEM, R, V_LEAK, W_IN),
    ),
    _op(
        "ct.CubaLIF",
        "tau_syn dI/dt = -I + w_in x; tau_mem dv/dt = v_leak - v + R I; a spike where v > v_threshold",
        *(TAU_SYN, TAU_MEM, R, V_LEAK, V_THRESHOLD, V_RESET, W_IN),
    ),
)
"""All node types that NIR 1.0.8 can write and read back: 19."""
