"""spyx's layers as NIR's: what its own ``from_nir`` reads as the same layers again.

A spike of spyx comes one step late and takes the threshold away, and images have their channels last: NIR's fields
say neither, so that every neuron is a loss. Metadata keeps the program.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np
from snnhub.findings import Finding
from snnhub.ir.tensor import Array, Tensor, tensor

from snnhub_nir.back_layers import Place, UnsayableError, Written, full

PROFILE = "spyx-1"
OTHER = "SNN-4535"
LATE = "a spike comes one step late, of the potential before this step's input; NIR tells it in the step"
SUBTRACT = "a spike takes the threshold away (soft reset); NIR resets to v_reset"
AGAIN = "what spikes bring back is added in the step in which they are told; in NIR a loop is a loop"


def _constant(place: Place, name: str) -> Array:
    """The time constant dt / (1 - factor) in f64. Raises ``UnsayableError`` for a factor of 1."""
    part = 1.0 - np.asarray(place.node.param[name].array, np.float64)
    if not bool(np.all(np.isfinite(part) & (part > 0))):
        raise UnsayableError(f"{name} is not below 1 for all neurons: no time constant says so")
    return np.asarray(place.dt / part)


def _common(place: Place) -> tuple[dict[str, Tensor], list[Finding]]:
    zero = full(0.0, place.leaving)
    fields = {"v_threshold": full(place.node.param["v_threshold"], place.leaving), "v_reset": zero}
    lost = [place.lost(OTHER, LATE), place.lost(OTHER, SUBTRACT, "subtract", "v_reset = 0")]
    if place.node.op.startswith("spyx.R"):
        lost.append(place.lost(OTHER, AGAIN))
    return fields, lost


def integrate(place: Place) -> Written:
    """IF and RIF: r = 1 / dt, so that one step adds x."""
    fields, lost = _common(place)
    if place.node.op == "spyx.RIF":
        words = "spyx reads a recurrent IF as a graph within the graph only, and never ends in this loop"
        lost.append(place.lost(OTHER, words))
    return Written("IF", fields | {"r": full(1 / place.dt, place.leaving)}, tuple(lost))


def leaky(place: Place) -> Written:
    """LIF and RLIF: r = tau / dt, so that one step adds x."""
    fields, lost = _common(place)
    tau = _constant(place, "beta")
    fields |= {"tau": full(tau, place.leaving), "r": full(tau / place.dt, place.leaving)}
    return Written("LIF", fields | {"v_leak": full(0.0, place.leaving)}, tuple(lost))


def cuba(place: Place) -> Written:
    """CuBaLIF and RCuBaLIF: gains of 1 for the current and the potential."""
    fields, lost = _common(place)
    syn, mem = (_constant(place, name) for name in ("alpha", "beta"))
    values = {"tau_syn": syn, "tau_mem": mem, "w_in": syn / place.dt, "r": mem / place.dt, "v_leak": np.zeros(())}
    fields |= {name: full(value, place.leaving) for name, value in values.items()}
    return Written("CubaLIF", fields, tuple(lost))


def unit(place: Place) -> Written:
    """PSU_LIF: LI, and a Threshold behind it. All of it is in the fields."""
    tau = _constant(place, "beta")
    values = {"tau": tau, "r": tau / place.dt, "v_leak": np.zeros(())}
    fields = {name: full(value, place.leaving) for name, value in values.items()}
    after = Written("Threshold", {"threshold": full(place.node.param["v_threshold"], place.leaving)})
    return Written("LI", fields, then=after)


def _finite(place: Place) -> None:
    if place.node.attribute["odd"]:
        raise UnsayableError("weights that are NaN or infinite")


def dense(place: Place) -> Written:
    """Linear, or Affine where there is a bias."""
    _finite(place)
    params = {name: item.bare() for name, item in place.node.params}
    return Written("Affine" if "bias" in params else "Linear", params)


def conv(place: Place) -> Written:
    """Conv2d. Zeros that differ in front and behind are ``same`` or nothing."""
    _finite(place)
    node = place.node
    weight = node.param["weight"].bare()
    stride, before, after = (node.integers(name) for name in ("stride", "before", "after"))
    bias = node.param["bias"].bare() if "bias" in node.param else tensor(np.zeros(weight.shape[0], weight.dtype))
    numbers = {"stride": stride, "dilation": (1, 1), "groups": 1, "input_shape": place.arriving[1:]}
    words: Mapping[str, str] = {}
    if before == after:
        numbers["padding"] = before
    elif stride == (1, 1) and all(
        (low, high) == ((taps - 1) // 2, taps - 1 - (taps - 1) // 2)
        for low, high, taps in zip(before, after, weight.shape[2:], strict=True)
    ):
        words = {"padding": "same"}
    else:
        raise UnsayableError(
            f"zeros {list(before)} in front and {list(after)} behind; NIR has as many on both sides"
        )
    fields = {"weight": weight, "bias": bias} | {name: tensor(np.array(value)) for name, value in numbers.items()}
    return Written("Conv2d", fields, words=words)


def sum_pool(place: Place) -> Written:
    """SumPool2d over height and width; padding above 0 says SAME to spyx."""
    node = place.node
    kernel, stride, before, after = (node.integers(name) for name in ("kernel", "stride", "before", "after"))
    if len(kernel) != 3 or (kernel[0], stride[0], before[0], after[0]) != (1, 1, 0, 0):
        raise UnsayableError("a sum over other axes than height and width")
    padding: tuple[int, ...] = (0, 0)
    if any((*before, *after)):
        padding = _same_as(place, kernel[1:], stride[1:], before[1:], after[1:])
    fields = {"kernel_size": kernel[1:], "stride": stride[1:], "padding": padding}
    lost = [place.lost(OTHER, "zeros in front and behind as many as SAME takes")] if any(padding) else []
    return Written("SumPool2d", {name: tensor(np.array(value)) for name, value in fields.items()}, tuple(lost))


def _same_as(
    place: Place, kernel: tuple[int, ...], stride: tuple[int, ...], before: tuple[int, ...], after: tuple[int, ...]
) -> tuple[int, ...]:
    """A padding of as many sums as SAME gives. Raises ``UnsayableError`` where there is none."""
    found = []
    sizes = zip(place.arriving[1:], place.leaving[1:], kernel, stride, before, after, strict=True)
    for size, sums, taps, step, low, high in sizes:
        total = max((sums - 1) * step + taps - size, 0)
        fits = sums == -(-size // step) and (low, high) == (total // 2, total - total // 2)
        each = [p for p in range(taps) if (size + 2 * p - taps) // step + 1 == sums]
        if not fits or not each:
            raise UnsayableError(f"zeros {list(before)} in front and {list(after)} behind a sum over windows")
        found.append(max(each))
    if not any(found):
        raise UnsayableError("zeros around a sum over windows, which no padding says")
    return tuple(found)


def flatten(place: Place) -> Written:
    """Flatten of all axes."""
    numbers = {"start_dim": 0, "end_dim": -1, "input_type": place.arriving}
    shape = place.arriving
    lost = []
    if len(shape) == 3 and shape[0] > 1 and prod(shape[1:]) > 1:
        words = (
            "axes are merged with the channels running fastest; NIR merges channels, height, width in this order"
        )
        lost.append(place.lost(OTHER, words, "height, width, channels", "channels, height, width"))
    return Written("Flatten", {name: tensor(np.array(value)) for name, value in numbers.items()}, tuple(lost))


NEURONS = {
    "spyx.IF": integrate,
    "spyx.LIF": leaky,
    "spyx.CuBaLIF": cuba,
    "spyx.PSU": unit,
    "spyx.RIF": integrate,
    "spyx.RLIF": leaky,
    "spyx.RCuBaLIF": cuba,
}
LAYERS = {"spyx.Dense": dense, "spyx.Conv": conv, "spyx.SumPool": sum_pool, "spyx.Flatten": flatten}
