"""Adaptive average pooling where all windows have one size and do not overlap: an average pooling like others."""

from __future__ import annotations

from typing import Any

from snnhub_spikingjelly.signals import RefusedError, Signal
from snnhub_spikingjelly.site import Handler, Site, merged


def _adaptive_avg_pool2d(module: Any, signal: Signal, site: Site) -> Signal:
    merged(module, signal, 3)
    asked = module.output_size if isinstance(module.output_size, tuple | list) else (module.output_size,) * 2
    sizes = signal.features[1:]
    wanted = tuple(size if out is None else int(out) for out, size in zip(asked, sizes, strict=True))
    if wanted == sizes:
        return signal
    if any(size % out for out, size in zip(wanted, sizes, strict=True)):
        raise RefusedError(
            "SNN-3009",
            f"adaptive pooling from {list(sizes)} to {list(wanted)} has windows of several sizes",
            "Use sizes that divide, or AvgPool2d.",
        )
    kernel = tuple(size // out for out, size in zip(wanted, sizes, strict=True))
    port = site.builder.node(
        site.name,
        "core.AvgPool",
        signal.port,
        origin=site.origin,
        kernel=kernel,
        stride=kernel,
        padding=(0, 0),
        ceil_mode=False,
        count_include_pad=True,
    )
    return signal.moved(port, (signal.features[0], *wanted))


ADAPTIVE: dict[tuple[str, str], Handler] = {
    (root, "AdaptiveAvgPool2d"): _adaptive_avg_pool2d for root in ("torch", "spikingjelly")
}
