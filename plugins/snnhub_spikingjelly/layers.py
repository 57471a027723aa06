"""Layers without state to transforms: weighted sums, normalisation, pooling, shapes."""

from __future__ import annotations

from typing import Any

from snnhub.ir.tensor import tensor

from snnhub_spikingjelly.signals import RefusedError, Signal
from snnhub_spikingjelly.site import Handler, Site, array, merged, step_mode

BOTH = ("torch", "spikingjelly")


def _linear(module: Any, signal: Signal, site: Site) -> Signal:
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


def _conv2d(module: Any, signal: Signal, site: Site) -> Signal:
    merged(module, signal, 3)
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
    made = [
        (size + 2 * pad - gap * (kernel - 1) - 1) // step + 1
        for size, pad, gap, kernel, step in zip(sizes, padding, dilation, module.kernel_size, stride, strict=True)
    ]
    return {"stride": stride, "padding": padding, "dilation": dilation}, made


def _padding(module: Any) -> tuple[int, ...]:
    """Padding as numbers; 'same' is the same on both sides, which has been checked."""
    if module.padding == "valid":
        return (0,) * len(module.kernel_size)
    if module.padding != "same":
        return tuple(module.padding)
    return tuple(gap * (kernel - 1) // 2 for gap, kernel in zip(module.dilation, module.kernel_size, strict=True))


def _batch_norm2d(module: Any, signal: Signal, site: Site) -> Signal:
    """Coefficients as torch computes them in evaluation mode: f32, the offset with one fused rounding."""
    import numpy as np
    from snnhub.engine.exact import fused_multiply_add

    merged(module, signal, 3)
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


def _avg_pool2d(module: Any, signal: Signal, site: Site) -> Signal:
    merged(module, signal, 3)
    kernel, stride, padding = (_two(v) for v in (module.kernel_size, module.stride, module.padding))
    port = site.builder.node(
        site.name,
        "core.AvgPool",
        signal.port,
        origin=site.origin,
        kernel=kernel,
        stride=stride,
        padding=padding,
        ceil_mode=bool(module.ceil_mode),
        count_include_pad=bool(module.count_include_pad),
    )
    return _pooled(signal, port, kernel, stride, padding, (1, 1), bool(module.ceil_mode))


def _max_pool2d(module: Any, signal: Signal, site: Site) -> Signal:
    merged(module, signal, 3)
    kernel, stride, padding, dilation = (
        _two(v) for v in (module.kernel_size, module.stride, module.padding, module.dilation)
    )
    port = site.builder.node(
        site.name,
        "core.MaxPool",
        signal.port,
        origin=site.origin,
        kernel=kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        ceil_mode=bool(module.ceil_mode),
    )
    return _pooled(signal, port, kernel, stride, padding, dilation, bool(module.ceil_mode))


def _two(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))


def _pooled(
    signal: Signal,
    port: Any,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    ceil: bool,
) -> Signal:
    from snnhub.ops.rules import window_size

    sizes = [
        window_size(*numbers, ceil=ceil)
        for numbers in zip(signal.features[1:], kernel, stride, padding, dilation, strict=True)
    ]
    return signal.moved(port, (signal.features[0], *sizes))


def _flatten(module: Any, signal: Signal, site: Site) -> Signal:
    lead = signal.lead.axes
    if hasattr(module, "step_mode"):
        lead = 1
        step_mode(module, signal)
    rank = lead + len(signal.features)
    start, end = (axis % rank for axis in (module.start_dim, module.end_dim))
    return flatten(signal, site, start - lead, end - lead)


def flatten(signal: Signal, site: Site, start: int, end: int) -> Signal:
    """Merge feature axes start .. end. Raises ``RefusedError`` if a leading axis would be merged in."""
    from math import prod

    if start < 0:
        raise RefusedError(
            "SNN-3003",
            f"flatten merges {signal.lead.value} with the features",
            "Flatten from the first feature axis on, or use SpikingJelly's layer.Flatten.",
        )
    if start >= end:
        return signal
    port = site.builder.node(site.name, "core.Flatten", signal.port, origin=site.origin, start=start, end=end)
    features = (*signal.features[:start], prod(signal.features[start : end + 1]), *signal.features[end + 1 :])
    return signal.moved(port, features)


def _nothing(module: Any, signal: Signal, site: Site) -> Signal:
    """Dropout in evaluation mode and Identity compute nothing."""
    return signal


LAYERS: dict[tuple[str, str], Handler] = {
    **{(root, "Linear"): _linear for root in BOTH},
    **{(root, "Conv2d"): _conv2d for root in BOTH},
    **{(root, "BatchNorm2d"): _batch_norm2d for root in BOTH},
    **{(root, "AvgPool2d"): _avg_pool2d for root in BOTH},
    **{(root, "MaxPool2d"): _max_pool2d for root in BOTH},
    **{(root, "Flatten"): _flatten for root in BOTH},
    **{(root, name): _nothing for root in BOTH for name in ("Dropout", "Dropout2d")},
    ("torch", "Identity"): _nothing,
}
REMOVED = frozenset({"Dropout", "Dropout2d", "Identity"})
"""Layers that compute nothing in evaluation mode."""
