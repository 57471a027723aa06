"""Nodes that samples, strategies and cases build networks from, one call each."""

from __future__ import annotations

from typing import Any

import numpy as np
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Port
from snnhub.ir.tensor import Array, Tensor, smallest_integer, tensor

IF: dict[str, Any] = {"reset": "value", "compare": "ge"}
Numbers = Array | Tensor


def scalar(value: float) -> Tensor:
    """A 0-d f32 tensor."""
    return tensor(value, "float32")


def stored(values: Any) -> Tensor:
    """Floats as f32, integers in the smallest dtype; a tensor as it is."""
    if isinstance(values, Tensor):
        return values
    array = np.asarray(values)
    if array.dtype.kind in "iub":
        return smallest_integer(array.astype(np.int64))
    return tensor(array.astype(np.float32))


def dense(
    builder: GraphBuilder,
    name: str,
    source: Port,
    weight: Numbers,
    delay: int = 0,
    bias: Numbers | None = None,
    **changes: Any,
) -> Port:
    """A Dense node; float or integer by the dtype of its weight. ``changes``: ``accumulate``, ``shift``."""
    attributes = {"accumulate": "exact", "shift": 0, "bias": bias is not None, **changes}
    return builder.node(name, "core.Dense", source, params=_weighted(weight, bias), delay=delay, **attributes)


def conv(
    builder: GraphBuilder,
    name: str,
    source: Port,
    weight: Numbers,
    delay: int = 0,
    bias: Numbers | None = None,
    **changes: Any,
) -> Port:
    """A Conv node of as many spatial axes as its weight has."""
    dims = len(weight.shape) - 2
    attributes: dict[str, Any] = {
        "bias": bias is not None,
        "accumulate": "exact",
        "stride": (1,) * dims,
        "padding": (0,) * dims,
        "dilation": (1,) * dims,
        "groups": 1,
        **changes,
    }
    return builder.node(name, "core.Conv", source, params=_weighted(weight, bias), delay=delay, **attributes)


def conv_transpose(
    builder: GraphBuilder,
    name: str,
    source: Port,
    weight: Numbers,
    delay: int = 0,
    bias: Numbers | None = None,
    **changes: Any,
) -> Port:
    """A ConvTranspose node of as many spatial axes as its weight (in, out / groups, *kernel) has."""
    dims = len(weight.shape) - 2
    attributes: dict[str, Any] = {
        "bias": bias is not None,
        "accumulate": "exact",
        "stride": (1,) * dims,
        "padding": (0,) * dims,
        "output_padding": (0,) * dims,
        "dilation": (1,) * dims,
        "groups": 1,
        **changes,
    }
    params = _weighted(weight, bias)
    return builder.node(name, "core.ConvTranspose", source, params=params, delay=delay, **attributes)


def _weighted(weight: Numbers, bias: Numbers | None) -> dict[str, Tensor]:
    given = {"weight": weight} | ({} if bias is None else {"bias": bias})
    return {name: value if isinstance(value, Tensor) else tensor(value) for name, value in given.items()}


def neurons(
    builder: GraphBuilder,
    name: str,
    source: Port,
    v_threshold: Any = 1.0,
    v_reset: Any = 0.0,
    *,
    delay: int = 0,
    tau: Any = None,
    **changes: Any,
) -> Port:
    """IF neurons with a hard reset; LIF neurons that decay their input where there is a time constant."""
    params = {"v_threshold": stored(v_threshold), "v_reset": stored(v_reset)}
    if tau is None:
        return builder.node(name, "core.IF", source, params=params, delay=delay, **{**IF, **changes})
    params["tau"] = stored(tau)
    attributes = {**IF, "decay_input": True, **changes}
    return builder.node(name, "core.LIF", source, params=params, delay=delay, **attributes)


def cuba(
    builder: GraphBuilder,
    name: str,
    source: Port,
    *,
    vth: Any = 64,
    i_decay: Any = 4096,
    v_decay: Any = 0,
    bias: Any = 0,
    reset: tuple[int, int] = (0, 0),
    delay: int = 0,
) -> Port:
    """Loihi neurons."""
    values = {"iDecay": i_decay, "vDecay": v_decay, "vThMant": vth, "bias": bias}
    params = {key: stored(value) for key, value in values.items()}
    return builder.node(
        name, "loihi.CubaLIF", source, params=params, delay=delay, reset_interval=reset[0], reset_offset=reset[1]
    )
