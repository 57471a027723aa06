"""Random networks of slayer and bootstrap, by kind and seed. Built where lava-dl is; imported nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from lava.lib.dl import bootstrap, slayer

BLOCK = slayer.block.cuba
NORMS = (slayer.neuron.norm.MeanOnlyBatchNorm, slayer.neuron.norm.WgtScaleBatchNorm)


class Chain(torch.nn.Module):
    """Blocks one after another, as lava-dl's tutorials have them."""

    def __init__(self, *blocks: Any) -> None:
        super().__init__()
        self.blocks = torch.nn.ModuleList(blocks)

    def forward(self, spike: Any) -> Any:
        for block in self.blocks:
            spike = block(spike)
        return spike


class Moded(Chain):
    """Blocks of bootstrap, each with its mode."""

    def forward(self, spike: Any, mode: Any) -> Any:  # type: ignore[override]
        for block, now in zip(self.blocks, mode, strict=False):
            spike = block(spike, mode=now)
        return spike


def neuron(draw: torch.Generator, **more: Any) -> dict[str, Any]:
    """Parameters of a neuron."""

    def uniform(low: float, high: float) -> float:
        return low + (high - low) * float(torch.rand(1, generator=draw))

    return {
        "threshold": uniform(0.5, 3),
        "current_decay": uniform(0.05, 1),
        "voltage_decay": uniform(0.01, 0.5),
        **more,
    }


def _spread(net: Any, draw: torch.Generator, most: float) -> Any:
    """Delays, unlike slayer's own draw from 0 .. 1, over ``most`` steps."""
    for module in net.modules():
        if type(module).__name__ == "Delay":
            module.delay.data = torch.rand(module.channels, generator=draw) * most
            module.init = True
    return net


def _delaying(block: Any, channels: int) -> Any:
    block.delay.channels = channels
    return block


def dense(draw: torch.Generator) -> Any:
    return Chain(
        BLOCK.Dense(neuron(draw), 20, 24, weight_scale=4, weight_norm=True),
        BLOCK.Dense(neuron(draw), 24, 20, weight_scale=4, mask=torch.rand(20, 24, generator=draw) < 0.5),
        BLOCK.Dense(neuron(draw), 20, 10, weight_scale=4),
    )


def convolution(draw: torch.Generator) -> Any:
    return Chain(
        BLOCK.Conv(neuron(draw), 2, 4, 3, padding=1, stride=2, weight_scale=5, weight_norm=True),
        BLOCK.Pool(neuron(draw), 2, weight_scale=1.5),
        BLOCK.Conv(neuron(draw), 4, 6, 2, groups=2, weight_scale=5),
        BLOCK.Flatten(),
        BLOCK.Dense(neuron(draw), 24, 10, weight_scale=5),
    )


def recurrent(draw: torch.Generator) -> Any:
    return Chain(
        BLOCK.Dense(neuron(draw), 20, 24, weight_scale=4),
        BLOCK.Recurrent(neuron(draw), 24, 20, weight_scale=3),
        BLOCK.Dense(neuron(draw), 20, 10, weight_scale=4),
    )


def delayed(draw: torch.Generator) -> Any:
    return _spread(
        Chain(
            _delaying(BLOCK.Dense(neuron(draw), 20, 24, weight_scale=4, delay=True), 24),
            _delaying(BLOCK.Dense(neuron(draw), 24, 20, weight_scale=4, delay=True, delay_shift=False), 20),
            BLOCK.Dense(neuron(draw), 20, 10, weight_scale=4),
        ),
        draw,
        9,
    )


def delayed_channels(draw: torch.Generator) -> Any:
    return _spread(
        Chain(
            _delaying(BLOCK.Conv(neuron(draw), 2, 5, 3, weight_scale=5, delay=True), 5),
            BLOCK.Flatten(),
            BLOCK.Dense(neuron(draw), 180, 10, weight_scale=4),
        ),
        draw,
        20,
    )


def normed(draw: torch.Generator) -> Any:
    """Every norm, feed-forward and recurrent, with statistics of a training that was not."""
    kind = NORMS[int(torch.randint(2, (1,), generator=draw))]
    net = Chain(
        BLOCK.Dense(neuron(draw, norm=kind), 20, 24, weight_scale=4),
        BLOCK.Recurrent(neuron(draw, norm=kind), 24, 20, weight_scale=3),
        BLOCK.Dense(neuron(draw, norm=kind), 20, 10, weight_scale=4),
    )
    for block, size in zip(net.blocks, (24, 20, 10), strict=True):
        norm = block.neuron.norm
        norm.running_mean = 0.3 * torch.randn(size, generator=draw)
        if hasattr(norm, "running_var"):
            norm.running_var = 3 * torch.rand(1, generator=draw)
    return net


def channels(draw: torch.Generator) -> Any:
    """Decays of their own for every neuron, drawn by slayer in the first forward."""
    own = {"shared_param": False, "current_decay": (0.1, 0.9), "voltage_decay": (0.02, 0.4)}
    return Chain(
        BLOCK.Dense(neuron(draw, **own), 20, 24, weight_scale=4),
        BLOCK.Dense(neuron(draw, **own), 24, 10, weight_scale=4),
    )


def winners(draw: torch.Generator) -> Any:
    return Chain(
        BLOCK.Dense(neuron(draw), 20, 16, weight_scale=4),
        BLOCK.KWTA(neuron(draw), 16, 12, 3, weight_scale=4),
        BLOCK.Dense(neuron(draw), 12, 8, weight_scale=4),
    )


def bootstrapped(draw: torch.Generator) -> Any:
    block = bootstrap.block.cuba
    return Moded(
        block.Dense(neuron(draw), 20, 24, weight_scale=4, weight_norm=True),
        block.Dense(neuron(draw), 24, 20, weight_scale=4, weight_norm=True, delay_shift=True),
        block.Affine(neuron(draw), 20, 10, weight_norm=True),
    )


def affine(draw: torch.Generator) -> Any:
    """A last layer that integrates and never fires."""
    return torch.nn.Sequential(
        BLOCK.Dense(neuron(draw), 20, 24, weight_scale=4),
        BLOCK.Affine(neuron(draw), 24, 10, weight_scale=2),
    )


def graded(draw: torch.Generator) -> Any:
    """Spikes that carry a potential, late by channel."""
    first = _delaying(BLOCK.Dense(neuron(draw, graded_spike=True), 20, 24, weight_scale=4, delay=True), 24)
    return _spread(Chain(first, BLOCK.Dense(neuron(draw), 24, 10, weight_scale=4)), draw, 5)


def pooled(draw: torch.Generator) -> Any:
    """Pooling whose windows do not fit: rows of two channels add up, and slayer appends rows of its own count."""
    return Chain(
        BLOCK.Pool(neuron(draw), 3, stride=1, padding=1),
        BLOCK.Unpool(neuron(draw), 2, weight_scale=2),
        BLOCK.Flatten(),
        BLOCK.Average(4),
    )


def convt(draw: torch.Generator) -> Any:
    """Transposed convolutions: groups, padding, taps apart, weight norm, and a delay per channel."""
    delayed = BLOCK.ConvT(
        neuron(draw), 4, 6, (3, 2), padding=(0, 1), dilation=2, groups=2, weight_scale=6, delay=True
    )
    return _spread(
        Chain(
            BLOCK.ConvT(neuron(draw), 3, 4, 3, stride=2, padding=1, weight_scale=6, weight_norm=True),
            _delaying(delayed, 6),
            BLOCK.ConvT(neuron(draw), 6, 2, (2, 3), stride=(1, 2), weight_scale=6),
            BLOCK.Flatten(),
            BLOCK.Dense(neuron(draw), 456, 10, weight_scale=5),
        ),
        draw,
        6,
    )


def decoder(draw: torch.Generator) -> Any:
    """Down and up again, small enough for a chip: strides, padding and groups."""
    return Chain(
        BLOCK.Conv(neuron(draw), 2, 4, 3, stride=2, padding=1, weight_scale=6),
        BLOCK.ConvT(neuron(draw), 4, 4, (2, 3), stride=2, padding=(0, 1), groups=2, weight_scale=6),
        BLOCK.ConvT(neuron(draw), 4, 2, 2, dilation=2, weight_scale=6, weight_norm=True),
    )


def unpool(draw: torch.Generator) -> Any:
    """Unpooling whose windows overlap, leave gaps or are cut: what one channel gives lands in the next."""
    return Chain(
        BLOCK.Unpool(neuron(draw), (2, 3), stride=(2, 1), padding=(0, 1), weight_scale=2),
        BLOCK.Unpool(neuron(draw), 2, stride=(2, 3), weight_scale=3),
        BLOCK.Unpool(neuron(draw), (3, 2), stride=(1, 2), padding=(2, 0), dilation=(2, 1), weight_scale=1.5),
        BLOCK.Flatten(),
        BLOCK.Average(4),
    )


def alif(draw: torch.Generator) -> Any:
    more = {"threshold_decay": 0.03, "refractory_decay": 0.1, "threshold_step": 0.25}
    block = slayer.block.alif
    return Chain(
        block.Dense(neuron(draw, **more), 20, 24, weight_scale=4),
        block.Dense(neuron(draw, **more), 24, 10, weight_scale=4),
    )


def rf(draw: torch.Generator) -> Any:
    block = slayer.block.rf
    own = {"threshold": 0.5, "period": 5 + 10 * float(torch.rand(1, generator=draw)), "decay": 0.05}
    return Chain(block.Dense(own, 20, 24, weight_scale=4), block.Dense(dict(own), 24, 10, weight_scale=4))


def rf_iz(draw: torch.Generator) -> Any:
    """Every resonator with a period and a decay of its own, drawn by slayer in the first forward."""
    block = slayer.block.rf_iz
    own = {"threshold": 0.5 + float(torch.rand(1, generator=draw)), "period": (4, 20), "decay": (0.01, 0.2)}
    own |= {"shared_param": False}
    return Chain(
        block.Dense(dict(own), 20, 24, weight_scale=4, weight_norm=True),
        block.Dense(dict(own), 24, 16, weight_scale=4),
        block.Dense(dict(own), 16, 10, weight_scale=4),
    )


def rf_normed(draw: torch.Generator) -> Any:
    """A norm for each part of the input, and spikes that carry what crossed the threshold."""
    kind = NORMS[int(torch.randint(2, (1,), generator=draw))]
    own = {"threshold": 0.5, "period": 9, "decay": 0.05, "norm": kind}
    block = slayer.block.rf_iz
    net = Chain(
        block.Dense({**own, "graded_spike": True}, 20, 24, weight_scale=4),
        block.Dense(dict(own), 24, 10, weight_scale=4),
    )
    for layer, size in zip(net.blocks, (24, 10), strict=True):
        for norm in (layer.neuron.real_norm, layer.neuron.imag_norm):
            norm.running_mean = 0.3 * torch.randn(size, generator=draw)
            if hasattr(norm, "running_var"):
                norm.running_var = 3 * torch.rand(1, generator=draw)
    return net


def sigma_delta(draw: torch.Generator) -> Any:
    block = slayer.block.sigma_delta
    own = {"threshold": 0.1 + float(torch.rand(1, generator=draw)), "activation": torch.nn.functional.relu}
    return Chain(
        block.Input(dict(own)),
        block.Dense(dict(own), 20, 24, weight_scale=2),
        block.Output(dict(own), 24, 10, weight_scale=2),
    )


def sigma_delta_normed(draw: torch.Generator) -> Any:
    """Biases and norms before the ReLU."""
    block, kind = slayer.block.sigma_delta, NORMS[int(torch.randint(2, (1,), generator=draw))]
    own = {"threshold": 0.1 + float(torch.rand(1, generator=draw)), "activation": torch.nn.functional.relu}
    net = Chain(
        block.Input(dict(own), weight=1.5, bias=0.25),
        block.Dense({**own, "norm": kind}, 20, 24, weight_scale=2),
        block.Dense(dict(own), 24, 16, weight_scale=2),
        block.Output(dict(own), 16, 10, weight_scale=2),
    )
    norm = net.blocks[1].neuron.norm
    norm.running_mean = 0.3 * torch.randn(24, generator=draw)
    if hasattr(norm, "running_var"):
        norm.running_var = 3 * torch.rand(1, generator=draw)
    net.blocks[2].neuron.set_bias(torch.randn(16, generator=draw))
    return net


KINDS: dict[str, Callable[[torch.Generator], Any]] = {
    kind.__name__: kind
    for kind in (
        *(dense, convolution, recurrent, delayed, delayed_channels, normed, channels, winners, bootstrapped),
        *(affine, graded, pooled, convt, decoder, unpool, alif),
        *(rf, rf_iz, rf_normed, sigma_delta, sigma_delta_normed),
    )
}


def net(kind: str, seed: int = 0) -> Any:
    """A network of a kind."""
    torch.manual_seed(seed)
    return KINDS[kind](torch.Generator().manual_seed(seed))
