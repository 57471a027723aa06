"""Pooling layers."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from snnhub.ir.graph import Origin, Port
from snnhub.ops.rules import window_size
from snnhub.torchnet.shaping import flatten
from snnhub.torchnet.signals import Signal
from snnhub.torchnet.site import Site, merged

POOL = re.compile(r"\w*Pool([123])d")


def average(module: Any, signal: Signal, site: Site) -> Signal:
    """AvgPool1d to 3d: ``core.AvgPool``."""
    return _pool(module, signal, site, "core.AvgPool", count_include_pad=bool(module.count_include_pad))


def maximum(module: Any, signal: Signal, site: Site) -> Signal:
    """MaxPool1d to 3d: ``core.MaxPool``."""
    return _pool(module, signal, site, "core.MaxPool", dilation=_each(module.dilation, _dims(module)))


def _pool(module: Any, signal: Signal, site: Site, op: str, **choices: Any) -> Signal:
    dims, ceil = _dims(module), bool(module.ceil_mode)
    merged(module, signal, dims + 1)
    kernel, stride, padding = (_each(v, dims) for v in (module.kernel_size, module.stride, module.padding))
    port = site.builder.node(
        site.name,
        op,
        signal.port,
        origin=site.origin,
        kernel=kernel,
        stride=stride,
        padding=padding,
        ceil_mode=ceil,
        **choices,
    )
    windows = zip(signal.features[1:], kernel, stride, padding, choices.get("dilation", (1,) * dims), strict=True)
    return signal.moved(port, (signal.features[0], *(window_size(*numbers, ceil=ceil) for numbers in windows)))


def side_by_side(site: Site, name: str, source: Port, kernel: tuple[int, ...], origin: Origin) -> Port:
    """Means over windows that neither overlap nor leave anything out."""
    return site.builder.node(
        name,
        "core.AvgPool",
        source,
        origin=origin,
        kernel=kernel,
        stride=kernel,
        padding=(0,) * len(kernel),
        ceil_mode=False,
        count_include_pad=True,
    )


def adaptive(module: Any, signal: Signal, site: Site) -> Signal:
    """AdaptiveAvgPool1d to 3d: ``core.AvgPool`` where that divides as torch does, else ``core.AdaptiveAvgPool``.

    Torch divides by the length of the window along one axis after the other, but by its whole size where every
    output size is 1 (measured with torch 2.13). Both are one division where at most one length is no power of two.
    """
    dims = _dims(module)
    merged(module, signal, dims + 1)
    sizes = tuple(
        have if want is None else int(want)
        for have, want in zip(signal.features[1:], _each(module.output_size, dims), strict=True)
    )
    kernel = tuple(have // want for have, want in zip(signal.features[1:], sizes, strict=True))
    whole = all(have % want == 0 for have, want in zip(signal.features[1:], sizes, strict=True))
    odd = sum(length & (length - 1) != 0 for length in kernel)
    if whole and (odd <= 1 or set(sizes) == {1}):
        port = side_by_side(site, site.name, signal.port, kernel, site.origin)
    else:
        port = site.builder.node(site.name, "core.AdaptiveAvgPool", signal.port, origin=site.origin, sizes=sizes)
    return signal.moved(port, (signal.features[0], *sizes))


def everywhere(signal: Signal, site: Site, keep: bool) -> Signal:
    """The mean over all spatial axes: one window. ``keep``: the axes stay, with length 1."""
    spatial = signal.features[1:]
    name = site.name if keep else f"{site.name}/pool"
    origin = site.origin if keep else replace(site.origin, path=f"{site.origin.path} (inside)")
    port = side_by_side(site, name, signal.port, spatial, origin)
    pooled = signal.moved(port, (signal.features[0], *(1 for _ in spatial)))
    return pooled if keep else flatten(pooled, site, 0, len(spatial))


def _dims(module: Any) -> int:
    """Spatial axes of a layer, by the digit in the name of the torch class that it derives from."""
    names = (POOL.fullmatch(base.__name__) for base in type(module).__mro__)
    return next(int(found[1]) for found in names if found)


def _each(value: Any, dims: int) -> tuple[Any, ...]:
    """One entry per spatial axis: a number alone, or a tuple of one, counts for all."""
    entries = tuple(value) if isinstance(value, tuple | list) else (value,)
    return entries if len(entries) == dims else entries * dims
