"""Nodes that samples and strategies build networks from, one call each."""

from __future__ import annotations

from typing import Any

import numpy as np
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Port
from snnhub.ir.tensor import Array, smallest_integer, tensor

IF: dict[str, Any] = {"reset": "value", "compare": "ge"}


def scalar(value: float) -> Any:
    """A 0-d f32 tensor."""
    return tensor(value, "float32")


def dense(
    builder: GraphBuilder, name: str, source: Port, weight: Array, delay: int = 0, bias: Array | None = None
) -> Port:
    """A Dense node; float or integer by the dtype of its weight."""
    params = {"weight": tensor(weight)}
    if bias is not None:
        params["bias"] = tensor(bias)
    return builder.node(
        name, "core.Dense", source, params=params, delay=delay, bias=bias is not None, accumulate="exact", shift=0
    )


def conv(builder: GraphBuilder, name: str, source: Port, weight: Array, delay: int = 0, **changes: Any) -> Port:
    """A 2-d Conv node."""
    attributes: dict[str, Any] = {
        "bias": False,
        "accumulate": "exact",
        "stride": (1, 1),
        "padding": (0, 0),
        "dilation": (1, 1),
        "groups": 1,
        **changes,
    }
    return builder.node(name, "core.Conv", source, params={"weight": tensor(weight)}, delay=delay, **attributes)


def neurons(
    builder: GraphBuilder, name: str, source: Port, v_threshold: float = 1.0, v_reset: float = 0.0, **changes: Any
) -> Port:
    """IF neurons with a hard reset."""
    params = {"v_threshold": scalar(v_threshold), "v_reset": scalar(v_reset)}
    return builder.node(name, "core.IF", source, params=params, **{**IF, **changes})


def cuba(
    builder: GraphBuilder,
    name: str,
    source: Port,
    *,
    vth: int = 64,
    i_decay: Any = 4096,
    v_decay: Any = 0,
    bias: Any = 0,
    reset: tuple[int, int] = (0, 0),
) -> Port:
    """Loihi neurons."""
    values = {"iDecay": i_decay, "vDecay": v_decay, "vThMant": vth, "bias": bias}
    params = {key: smallest_integer(np.asarray(value, dtype=np.int64)) for key, value in values.items()}
    return builder.node(
        name, "loihi.CubaLIF", source, params=params, reset_interval=reset[0], reset_offset=reset[1]
    )
