"""Networks of lava-dl that cannot be imported, or not without a word. Built where lava-dl is."""

from __future__ import annotations

from typing import Any

import torch
from slayer_nets import BLOCK, Chain  # type: ignore[import-not-found]  # beside this file, as for a script


def params(**more: Any) -> dict[str, Any]:
    return {"threshold": 1.0, "current_decay": 0.25, "voltage_decay": 0.03, **more}


def dense(inputs: int = 8, outputs: int = 8, **more: Any) -> Any:
    return BLOCK.Dense(params(**more), inputs, outputs, weight_scale=4)


class Between(Chain):
    """Computes between its blocks, leaves one out and runs one twice."""

    def forward(self, spike: Any) -> Any:
        first, second, third, _ = self.blocks
        return third(third(second(first(spike) * 0.5)))


class Mean(Chain):
    def forward(self, spike: Any) -> Any:
        return super().forward(spike).mean(dim=-1)


class Own(BLOCK.Dense):
    """A block with a forward of its own."""

    def forward(self, x: Any) -> Any:
        return super().forward(x)


def nothing() -> Any:
    return torch.nn.Linear(8, 8)


def number() -> Any:
    return 7


def own() -> Any:
    return Chain(dense(), Own(params(), 8, 8))


def between() -> Any:
    return Between(dense(), dense(), dense(), dense())


def mean() -> Any:
    return Mean(dense(), dense())


def decimated() -> Any:
    return Chain(dense(), BLOCK.TimeDecimation(4), dense())


def decimated_last() -> Any:
    return Chain(dense(), BLOCK.TimeDecimation(4))


def counting() -> Any:
    return BLOCK.Dense(params(), 8, 8, weight_scale=4, count_log=True)


def counted() -> Any:
    return Chain(counting(), dense(), counting())


def witnessed() -> Any:
    """A plain network, if blocks that count their events fail in their forward."""
    for block, shape in ((counting(), (1, 8, 4)), (BLOCK.Pool(params(), 2, count_log=True), (1, 2, 4, 4, 4))):
        try:
            with torch.no_grad():
                block(torch.ones(shape))
        except RuntimeError as problem:
            if "Bool" in str(problem):
                continue
            raise
        raise ValueError("slayer counts its events")
    return Chain(dense())


class Counts(Chain):
    """Blocks that give a pair."""

    def forward(self, spike: Any) -> Any:
        for block in self.blocks:
            found = block(spike)
            spike = found[0] if isinstance(found, tuple) else found
        return spike


def uncounted() -> Any:
    return Counts(BLOCK.Flatten(count_log=True), dense(18), BLOCK.Affine(params(), 8, 4, count_log=True))


def late() -> Any:
    """A delay that its block would clamp to 62; and a threshold below 0."""
    net = Chain(dense(threshold=-1.5), BLOCK.Dense(params(), 8, 8, delay=True))
    net.blocks[1].delay.max_delay = None
    net.blocks[1].delay.delay.data = torch.tensor([80.0, *[1.0] * 7])
    net.blocks[1].delay.init = True
    return net


def floats() -> Any:
    """Weights that are not quantised."""
    return Chain(*(BLOCK.Dense(params(), 8, 8, weight_scale=2, pre_hook_fx=None) for _ in range(2)))


def high() -> Any:
    """Thresholds from 64 on, at which slayer's epsilon is lost: with a leak, and without."""
    whole = {"threshold": 64.0, "current_decay": 1.0, "voltage_decay": 0.0}
    return Chain(
        BLOCK.Dense(params(), 8, 8, weight_scale=8),
        BLOCK.Dense(params(threshold=80.0), 8, 8, weight_scale=200),
        BLOCK.Dense(whole, 8, 8, weight_scale=200),
    )


def beyond() -> Any:
    """A decay that learning left above 4096; slayer clamps it at the start of every forward."""
    net = Chain(BLOCK.Dense(params(requires_grad=True), 8, 8), dense())
    net.blocks[0].neuron.current_decay.data.fill_(5000.0)
    return net


def used() -> Any:
    """A network that has run before it is given away."""
    net = Chain(dense(), BLOCK.Recurrent(params(), 8, 8, weight_scale=4), dense())
    net(torch.ones(1, 8, 5))
    return net


def picture() -> Any:
    return Chain(BLOCK.Conv(params(), 1, 2, 3), BLOCK.Flatten(), dense(72))


def boots() -> Any:
    from lava.lib.dl import bootstrap
    from slayer_nets import Moded

    block = bootstrap.block.cuba
    return Moded(block.Dense(params(), 8, 8), block.Affine(params(), 8, 4))


def biased() -> Any:
    """Layers with a mean to take away."""
    from lava.lib.dl import slayer

    norm = slayer.neuron.norm.MeanOnlyBatchNorm
    net = Chain(*(BLOCK.Dense(params(norm=norm), 20, 20, weight_scale=4) for _ in range(2)))
    for block in net.blocks:
        block.neuron.norm.running_mean = torch.linspace(-0.5, 0.5, 20)
    return net
