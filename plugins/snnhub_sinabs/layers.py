"""sinabs' layers without a state. Sources: sinabs 3.1.3, ``layers.pool2d``, ``crop2d``, ``channel_shift`` …"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from snnhub.ir.graph import Port
from snnhub.ir.tensor import tensor
from snnhub.torchnet import pooling
from snnhub.torchnet.settings import refuse
from snnhub.torchnet.shaping import relu
from snnhub.torchnet.signals import RefusedError, Signal
from snnhub.torchnet.site import Site, merged, scalar


class _Mean:
    """What ``torch.nn.LPPool2d`` asks of ``avg_pool2d``."""

    def __init__(self, module: Any) -> None:
        self.kernel_size = module.kernel_size
        self.stride = module.kernel_size if module.stride is None else module.stride
        self.padding = 0
        self.ceil_mode = module.ceil_mode
        self.count_include_pad = True


class AvgPool2d(_Mean):
    """Named as the handler of means tells the number of axes."""


def sum_pool(module: Any, signal: Signal, site: Site) -> Signal:
    """SumPool2d: as ``torch.nn.LPPool2d`` computes it, a mean times the size of the window, both rounded."""
    kernel = module.kernel_size
    size = prod(kernel) if isinstance(kernel, tuple) else int(kernel) ** 2
    mean = pooling.average(AvgPool2d(module), signal, Site(f"{site.name}/mean", site.origin, site.builder))
    params = {"scale": scalar(float(size)), "shift": scalar(0.0)}
    port = site.builder.node(site.name, "core.Scale", mean.port, params=params, origin=site.origin)
    return mean.moved(port, mean.features)


def crop(module: Any, signal: Signal, site: Site) -> Signal:
    """Cropping2dLayer: a convolution of each channel with a kernel of zeros and a one: it moves numbers only."""
    merged(module, signal, 3)
    channels, height, width = signal.features
    top, bottom, left, right = (
        int(size) for size in (module.top_crop, module.bottom_crop, module.left_crop, module.right_crop)
    )
    if min(top, bottom, left, right) < 0 or top + bottom >= height or left + right >= width:
        words = f"cropping {((top, bottom), (left, right))} of {height} x {width}"
        raise RefusedError("SNN-3551", words, "Crop sizes from 0 on, and leave something.")
    if not any((top, bottom, left, right)):
        return signal
    kernel = np.zeros((channels, 1, top + bottom + 1, left + right + 1), np.float32)
    kernel[:, 0, top, left] = 1
    recipe = "zeros and a one: cuts the edges off, and adds nothing"
    port = site.builder.node(
        site.name,
        "core.Conv",
        signal.port,
        params={"weight": tensor(kernel).described(recipe)},
        origin=site.origin,
        bias=False,
        accumulate="exact",
        stride=(1, 1),
        padding=(0, 0),
        dilation=(1, 1),
        groups=channels,
    )
    return signal.moved(port, (channels, height - top - bottom, width - left - right))


def channel_shift(module: Any, signal: Signal, site: Site) -> Signal:
    """ChannelShift: zeros before the channels."""
    axis = len(signal.features) + int(module.channel_axis)
    if axis < 0:
        raise RefusedError("SNN-3551", f"channel_axis {module.channel_axis} of {list(signal.features)}", "")
    count = int(module.channel_shift)
    before = tuple(count if place == axis else 0 for place in range(len(signal.features)))
    after = (0,) * len(before)
    port = site.builder.node(site.name, "core.Pad", signal.port, origin=site.origin, before=before, after=after)
    sizes = zip(signal.features, before, strict=True)
    return signal.moved(port, tuple(size + more for size, more in sizes))


def neuromorphic_relu(module: Any, signal: Signal, site: Site) -> Signal:
    """NeuromorphicReLU in evaluation mode: a ReLU, then down to whole numbers (or to the nearest)."""
    if not module.quantize:
        return relu(module, signal, site)
    above = relu(module, signal, Site(f"{site.name}/relu", site.origin, site.builder))
    return _whole(above.port, above, site, "rint" if module.stochastic_rounding else "floor")


def quantize(module: Any, signal: Signal, site: Site) -> Signal:
    """QuantizeLayer: down to whole numbers."""
    return _whole(signal.port, signal, site, "floor") if module.quantize else signal


def _whole(port: Port, signal: Signal, site: Site, mode: str) -> Signal:
    made = site.builder.node(site.name, "sinabs.Quantize", port, origin=site.origin, mode=mode)
    return signal.moved(made, signal.features)


def shifted(module: Any) -> None:
    """Raise ``RefusedError`` for a ChannelShift that cuts channels off."""
    if int(module.channel_shift) < 0 or int(module.channel_axis) >= 0:
        words = f"channel_shift {module.channel_shift} along axis {module.channel_axis}"
        refuse(words, "Shift by a number from 0 on, along an axis counted from the end.")


def mixes(module: Any) -> None:
    """Raise ``RefusedError``: SpikingMaxPooling2dLayer adds up what it takes for time, which is the batch, too."""
    words = "SpikingMaxPooling2dLayer compares sums over the steps of all samples"
    refuse(words, "Use SumPool2d, or MaxPool2d.")


def mixed(module: Any, signal: Signal, site: Site) -> Signal:
    """Raise ``RefusedError``, as the check before does."""
    mixes(module)
    return signal
