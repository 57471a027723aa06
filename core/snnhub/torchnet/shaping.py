"""Layers that move numbers or leave them: Flatten, Unflatten, padding, Upsample, ReLU."""

from __future__ import annotations

from math import prod
from typing import Any

from snnhub.torchnet.signals import RefusedError, Signal
from snnhub.torchnet.site import Site, merged


def flatten_layer(module: Any, signal: Signal, site: Site) -> Signal:
    """Flatten; the layer counts its axes with the leading ones."""
    lead = signal.lead.axes
    rank = lead + len(signal.features)
    start, end = (axis % rank for axis in (module.start_dim, module.end_dim))
    return flatten(signal, site, start - lead, end - lead)


def flatten(signal: Signal, site: Site, start: int, end: int) -> Signal:
    """Merge feature axes start .. end. Raises ``RefusedError`` if a leading axis would be merged in."""
    if start < 0:
        raise RefusedError(
            "SNN-3003",
            f"flatten merges {signal.lead.value} with the features",
            "Flatten from the first feature axis on.",
        )
    if start >= end:
        return signal
    port = site.builder.node(site.name, "core.Flatten", signal.port, origin=site.origin, start=start, end=end)
    return signal.moved(port, flattened(signal.features, start, end))


def flattened(features: tuple[int, ...], start: int, end: int) -> tuple[int, ...]:
    """Shape after merging axes start .. end."""
    return (*features[:start], prod(features[start : end + 1]), *features[end + 1 :])


def reshape(signal: Signal, site: Site, features: tuple[int, ...]) -> Signal:
    """The same numbers in another shape: nothing, a Flatten where it is one, else ``core.Reshape``."""
    if features == signal.features:
        return signal
    axes = range(len(signal.features))
    for start, end in ((start, end) for start in axes for end in reversed(axes) if start < end):
        if features == flattened(signal.features, start, end):
            return flatten(signal, site, start, end)
    port = site.builder.node(site.name, "core.Reshape", signal.port, origin=site.origin, shape=features)
    return signal.moved(port, features)


def unflatten(module: Any, signal: Signal, site: Site) -> Signal:
    """Unflatten of one feature axis."""
    return split(signal, site, module.dim, module.unflattened_size)


def split(signal: Signal, site: Site, dim: Any, sizes: Any) -> Signal:
    """One axis, counted with the leading ones, into several. Raises ``RefusedError`` for a leading axis."""
    lead = signal.lead.axes
    if not isinstance(dim, int) or not all(isinstance(size, int) for size in sizes):
        raise RefusedError("SNN-3009", "unflatten with named axes or sizes that are worked out", "Pass numbers.")
    axis = dim % (lead + len(signal.features)) - lead
    if axis < 0:
        raise RefusedError("SNN-3003", f"unflatten takes {signal.lead.value} apart", "Unflatten a feature axis.")
    rest = signal.features[axis] // abs(prod(sizes))  # one size may be -1: what is left
    parts = tuple(rest if size == -1 else size for size in sizes)
    return reshape(signal, site, (*signal.features[:axis], *parts, *signal.features[axis + 1 :]))


def pad(module: Any, signal: Signal, site: Site) -> Signal:
    """ZeroPad and ConstantPad of zeros, 1d to 3d: ``core.Pad``. Torch lists the last axis first."""
    pairs = [tuple(module.padding[place : place + 2]) for place in range(0, len(module.padding), 2)]
    if len(pairs) > len(signal.features):
        raise RefusedError("SNN-3003", f"padding of {signal.lead.value}", "Pad feature axes only.")
    around = [(0, 0)] * (len(signal.features) - len(pairs)) + pairs[::-1]
    before, after = (tuple(int(pair[side]) for pair in around) for side in (0, 1))
    port = site.builder.node(site.name, "core.Pad", signal.port, origin=site.origin, before=before, after=after)
    sizes = zip(signal.features, before, after, strict=True)
    return signal.moved(port, tuple(size + first + last for size, first, last in sizes))


def upsample(module: Any, signal: Signal, site: Site) -> Signal:
    """Nearest neighbour with whole factors: ``core.Upsample``."""
    merged(module, signal, 2, 3, 4)
    spatial = signal.features[1:]
    if module.size is not None:
        wanted = module.size if isinstance(module.size, tuple | list) else [module.size] * len(spatial)
        factors = [out / size for out, size in zip(wanted, spatial, strict=True)]
    else:
        given = module.scale_factor
        factors = list(given) if isinstance(given, tuple | list) else [given] * len(spatial)
    if any(factor != int(factor) or factor < 1 for factor in factors):
        raise RefusedError(
            "SNN-3009", f"upsampling by {[float(f) for f in factors]}", "Factors must be whole numbers from 1 on."
        )
    whole = tuple(int(factor) for factor in factors)
    for size, factor in zip(spatial, whole, strict=True):
        _as_torch_repeats(size, factor, str(module.mode))
    port = site.builder.node(site.name, "core.Upsample", signal.port, origin=site.origin, factor=whole)
    return signal.moved(
        port, (signal.features[0], *(n * factor for n, factor in zip(spatial, whole, strict=True)))
    )


def _as_torch_repeats(size: int, factor: int, mode: str) -> None:
    """Raise ``RefusedError`` where torch repeats entries unevenly: it multiplies indices by 1/factor in f32, which
    is too small for 41, 47 and some others.
    """
    import torch
    from torch.nn import functional

    line = torch.arange(size, dtype=torch.float32).reshape(1, 1, size)
    found = functional.interpolate(line, scale_factor=float(factor), mode=mode)
    if not torch.equal(found, line.repeat_interleave(factor, dim=2)):
        raise RefusedError(
            "SNN-3009",
            f"torch rounds 1/{factor} down and repeats entries unevenly",
            "Use a factor that torch repeats evenly, such as a power of two.",
        )


def relu(module: Any, signal: Signal, site: Site) -> Signal:
    """``core.ReLU``, whatever the axes are."""
    port = site.builder.node(site.name, "core.ReLU", signal.port, origin=site.origin)
    return signal.moved(port, signal.features)


def nothing(module: Any, signal: Signal, site: Site) -> Signal:
    """Dropout in evaluation mode and Identity compute nothing."""
    return signal
