"""Layers with numbers: Linear, convolutions, batch normalisation."""

from __future__ import annotations

from typing import Any

from snnhub.ir.tensor import tensor
from snnhub.ops.rules import window_size
from snnhub.torchnet.signals import Signal
from snnhub.torchnet.site import Site, array, merged


def linear(module: Any, signal: Signal, site: Site) -> Signal:
    """``core.Dense`` over the last axis."""
    params = {"weight": array(module.weight)}
    if module.bias is not None:
        params["bias"] = array(module.bias)
    port = site.builder.node(
        site.name,
        "core.Dense",
        signal.port,
        params=params,
        origin=site.origin,
        bias=module.bias is not None,
        accumulate="exact",
        shift=0,
    )
    return signal.moved(port, (*signal.features[:-1], module.out_features))


def convolution(module: Any, signal: Signal, site: Site) -> Signal:
    """``core.Conv`` over as many spatial axes as the kernel has."""
    merged(module, signal, len(module.kernel_size) + 1)
    params = {"weight": array(module.weight)}
    if module.bias is not None:
        params["bias"] = array(module.bias)
    geometry, sizes = conv_geometry(module, signal.features[1:])
    port = site.builder.node(
        site.name,
        "core.Conv",
        signal.port,
        params=params,
        origin=site.origin,
        bias=module.bias is not None,
        accumulate="exact",
        **geometry,
        groups=module.groups,
    )
    return signal.moved(port, (module.out_channels, *sizes))


def conv_geometry(module: Any, sizes: tuple[int, ...]) -> tuple[dict[str, Any], list[int]]:
    """Stride, padding and dilation of a module as attributes, and the output sizes for input of ``sizes``."""
    padding, stride, dilation = _padding(module), tuple(module.stride), tuple(module.dilation)
    windows = zip(sizes, module.kernel_size, stride, padding, dilation, strict=True)
    made = [window_size(*numbers) for numbers in windows]
    return {"stride": stride, "padding": padding, "dilation": dilation}, made


def _padding(module: Any) -> tuple[int, ...]:
    """Padding as numbers; 'same' is the same on both sides, which has been checked."""
    if module.padding == "valid":
        return (0,) * len(module.kernel_size)
    if module.padding != "same":
        return tuple(module.padding)
    return tuple(gap * (kernel - 1) // 2 for gap, kernel in zip(module.dilation, module.kernel_size, strict=True))


NORM_RANKS = {"BatchNorm1d": (1, 2), "BatchNorm2d": (3,), "BatchNorm3d": (4,)}
"""Feature axes that each batch normalisation takes: channels first, then what is spatial."""


def batch_norm(module: Any, signal: Signal, site: Site) -> Signal:
    """Coefficients as torch computes them in evaluation mode: f32, the offset with one fused rounding."""
    import numpy as np

    from snnhub.engine.exact import fused_multiply_add

    merged(module, signal, *next(ranks for name, ranks in NORM_RANKS.items() if _derives(module, name)))
    mean, var = array(module.running_mean).array, array(module.running_var).array
    weight = array(module.weight).array if module.affine else np.ones_like(mean)
    bias = array(module.bias).array if module.affine else np.zeros_like(mean)
    with np.errstate(all="ignore"):
        scale = weight * (np.float32(1) / np.sqrt(var + np.float32(module.eps)))
    shift = fused_multiply_add(-mean, scale, bias)
    shape = (-1, *[1] * (len(signal.features) - 1))
    port = site.builder.node(
        site.name,
        "core.BatchNorm",
        signal.port,
        origin=site.origin,
        params={
            "scale": tensor(scale.reshape(shape)).described(
                f"f32: weight * (1 / sqrt(running_var + {module.eps!r}))"
            ),
            "shift": tensor(shift.reshape(shape)).described("f32: fma(-running_mean, scale, bias)"),
        },
    )
    return signal.moved(port, signal.features)


def _derives(module: Any, name: str) -> bool:
    return any(base.__name__ == name for base in type(module).__mro__)
