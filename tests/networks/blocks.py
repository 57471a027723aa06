"""Factories of networks that exist only beside lava-dl, and one that only SpikingJelly before 2.0 can build."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from spikingjelly.activation_based import functional, lava_exchange, layer, neuron, surrogate
from torch import nn

WEIGHTS = Path(__file__).resolve().parents[2] / "docs" / "examples" / "mnist_csnn" / "weights.pt"


class MNISTNet(nn.Module):
    """SpikingJelly's Lava example as its documentation has it: BlockContainers, then the mean over time."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_fc = nn.Sequential(
            spiking(nn.Conv2d(1, channels, kernel_size=3, stride=1, padding=1, bias=False)),
            spiking(nn.Conv2d(channels, channels, kernel_size=2, stride=2, bias=False)),
            spiking(nn.Conv2d(channels, channels, kernel_size=3, stride=1, padding=1, bias=False)),
            spiking(nn.Conv2d(channels, channels, kernel_size=2, stride=2, bias=False)),
            lava_exchange.BlockContainer(nn.Flatten(), None),
            spiking(nn.Linear(channels * 7 * 7, 128, bias=False)),
            spiking(nn.Linear(128, 10, bias=False)),
        )
        functional.set_step_mode(self, "m")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rates: torch.Tensor = self.conv_fc(x).mean(0)
        return rates


def spiking(synapse: nn.Module) -> nn.Module:
    """A block with IF neurons, as the example has them."""
    node = neuron.IFNode(surrogate_function=surrogate.ATan(), detach_reset=True)
    block: nn.Module = lava_exchange.BlockContainer(synapse, node)
    return block


def csnn(channels: int = 16) -> nn.Module:
    """The example with the weights that snnhub ships: those of the same network without blocks."""
    net = MNISTNet(channels)
    shipped = list(torch.load(WEIGHTS, weights_only=True).values())
    synapses = [block.synapse for block in net.conv_fc if hasattr(block.synapse, "weight")]
    for synapse, weight in zip(synapses, shipped, strict=True):
        synapse.weight.data = weight.clone()
    return net


def scaled(net: nn.Module, gain: float = 2.0, seed: int = 11) -> nn.Module:
    """``net`` with reproducible weights, large enough to make neurons fire."""
    torch.manual_seed(seed)
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_uniform_(module.weight)
            module.weight.data *= gain
    return net


def block(synapse: nn.Module, node: nn.Module | None, mode: str = "m") -> nn.Module:
    """A BlockContainer."""
    made: nn.Module = lava_exchange.BlockContainer(synapse, node, step_mode=mode)
    return made


def mlp(kind: str = "IF", mode: str = "m", gain: float = 2.0, **settings: Any) -> nn.Module:
    """Two dense blocks of one kind of neuron: IF, LIF or Cuba."""
    kinds: Mapping[str, Any] = {
        "IF": neuron.IFNode,
        "LIF": lambda **given: neuron.LIFNode(decay_input=False, **given),
        "Cuba": lava_exchange.CubaLIFNode,
    }
    first, second = (kinds[kind](**settings) for _ in range(2))
    net = nn.Sequential(
        block(nn.Linear(24, 32, bias=False), first, mode), block(nn.Linear(32, 10, bias=False), second, mode)
    )
    return scaled(net, gain)


def pooled(window: int = 2) -> nn.Module:
    """A convolution with stride, dilation and groups, a sum pool, and the change of shape as a block."""
    return scaled(
        nn.Sequential(
            block(nn.Conv2d(2, 4, 3, stride=2, padding=2, dilation=2, groups=2, bias=False), neuron.IFNode()),
            block(lava_exchange.SumPool2d(window, stride=window), neuron.IFNode(v_threshold=2.0)),
            block(nn.Flatten(), None),
            block(nn.Linear(4 * (6 // window) ** 2, 10, bias=False), neuron.LIFNode(tau=3.0, decay_input=False)),
        )
    )


def mixed() -> nn.Module:
    """A layer with float weights before a block."""
    net = nn.Sequential(
        layer.Linear(24, 32, bias=False), neuron.IFNode(), block(nn.Linear(32, 10, bias=False), neuron.IFNode())
    )
    functional.set_step_mode(net, "m")
    return scaled(net)


def heavy() -> nn.Module:
    """Weights at the upper clamp, where SpikingJelly computes 255 and Lava 254."""
    net = mlp()
    net[0].synapse.weight.data[0, :3] = 5.0
    return net


def wrong() -> nn.Module:
    """Everything that a block can be given and that cannot be held, each in a block of its own."""
    normed = neuron.IFNode()
    half = block(nn.Linear(24, 24, bias=False), neuron.IFNode())
    half.synapse.bias = nn.Parameter(torch.ones(24))
    norm = lava_exchange.BatchNorm2d(24)
    return nn.Sequential(
        half,
        block(nn.BatchNorm2d(24), normed),
        block(nn.AvgPool2d(2), neuron.IFNode()),
        block(nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular", bias=False), neuron.IFNode()),
        block(nn.Linear(24, 24, bias=False), lava_exchange.CubaLIFNode(0.5, 0.1, norm=norm)),
        block(nn.Linear(24, 24, bias=False), lava_exchange.CubaLIFNode(1.0, 0.0, scale=48)),
        block(nn.Linear(24, 24, bias=False), neuron.LIFNode(tau=2.0, v_threshold=0.3, decay_input=False)),
        block(lava_exchange.SumPool2d(3), neuron.IFNode()),
    )


def between() -> nn.Module:
    """A block behind a pool of means: what reaches it is not spikes."""
    net = nn.Sequential(
        layer.Conv2d(1, 2, 3, padding=1, bias=False),
        layer.AvgPool2d(2),
        block(nn.Conv2d(2, 2, 3, bias=False), neuron.IFNode()),
    )
    functional.set_step_mode(net, "m")
    return scaled(net)


def refused_by_spikingjelly() -> nn.Module:
    """A setting that SpikingJelly's own constructor refuses."""
    return block(nn.Linear(4, 4, bias=False), neuron.LIFNode(decay_input=True))


def bare(v_threshold: float = 0.3) -> nn.Module:
    """CubaLIFNodes outside blocks: one sees graded input itself, one behind float weights."""
    cuba = lava_exchange.CubaLIFNode
    first, second = cuba(0.5, 0.1, v_threshold=v_threshold), cuba(1.0, 0.02)
    return scaled(nn.Sequential(first, nn.Linear(24, 10, bias=False), second))


def bare_wrong() -> nn.Module:
    """A norm; the scale that is no power of two beside it is held."""
    norm = lava_exchange.BatchNorm2d(24)
    return nn.Sequential(
        lava_exchange.CubaLIFNode(0.5, 0.1, scale=48), lava_exchange.CubaLIFNode(0.5, 0.1, norm=norm)
    )


def tie() -> nn.Module:
    """One weight of one half: two spikes sum to exactly the threshold."""
    made = block(nn.Linear(1, 1, bias=False), neuron.IFNode())
    made.synapse.weight.data.fill_(0.5)
    return made


def old(tau: float = 2.0, soft: bool = False) -> nn.Module:
    """Names and arguments that SpikingJelly 2.0 dropped: ``backend=`` and ``functional.set_backend``."""
    net = nn.Sequential(
        layer.Conv2d(1, 4, 3, padding=1, bias=False),
        neuron.IFNode(backend="torch"),
        layer.MaxPool2d(2),
        layer.Flatten(),
        layer.Linear(4 * 4 * 4, 10, bias=False),
        neuron.LIFNode(tau=tau, v_reset=None if soft else 0.0, decay_input=not soft, backend="torch"),
    )
    functional.set_step_mode(net, "m")
    functional.set_backend(net, "torch")
    return scaled(net)
