"""One small network per feature of the support matrix. Weights are multiples of an eighth, which 8 bits hold:
what a conversion then changes, it changes by its own arithmetic and not by rounding weights.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from spikingjelly.activation_based import functional, layer, neuron
from torch import nn

SHAPE = (2, 8, 8)
"""Every network takes frames of this shape."""
CHANNELS = 4


def on_grid(net: nn.Module, seed: int = 11) -> nn.Module:
    """``net`` in multi-step mode with weights and biases on the grid."""
    generator = torch.Generator().manual_seed(seed)
    for module in net.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if isinstance(module, nn.BatchNorm2d):
                parameter.data = torch.full_like(parameter, 1.0 if name == "weight" else 0.125)
            else:
                low, high = (-3, 5) if name == "weight" else (0, 3)
                parameter.data = torch.randint(low, high, parameter.shape, generator=generator) / 8
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean = torch.full_like(module.running_mean, 0.25)
            module.running_var = torch.full_like(module.running_var, 0.25 - module.eps)
    functional.set_step_mode(net, "m")
    return net


def conv(channels: int = SHAPE[0], bias: bool = False) -> nn.Module:
    """3 x 3, same size."""
    return layer.Conv2d(channels, CHANNELS, 3, padding=1, bias=bias)


def dense(size: int = 8, bias: bool = False) -> list[nn.Module]:
    """Flatten and a dense layer."""
    return [layer.Flatten(), layer.Linear(CHANNELS * size * size, 10, bias=bias)]


def stack(*modules: nn.Module) -> nn.Module:
    """In sequence."""
    return nn.Sequential(*modules)


def single(cells: Callable[[], nn.Module]) -> nn.Module:
    """conv, neurons, dense, neurons."""
    return stack(conv(), cells(), *dense(), cells())


class Residual(nn.Module):
    """A residual sum, a view, and a mean over time."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.n0 = conv(), neuron.IFNode()
        self.conv, self.n1 = conv(CHANNELS), neuron.IFNode()
        self.fc, self.n2 = layer.Linear(CHANNELS * 64, 10, bias=False), neuron.IFNode()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.n0(self.stem(x))
        x = self.n1(self.conv(x)) + x
        return self.n2(self.fc(x.view(x.shape[0], x.shape[1], -1))).mean(0)


class Held(nn.Module):
    """One frame, held for twelve steps; spikes are averaged over time."""

    def __init__(self) -> None:
        super().__init__()
        self.body = single(neuron.IFNode)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(x.unsqueeze(0).repeat(12, 1, 1, 1, 1)).mean(0)


def pool_before(what: str) -> nn.Module:
    """Average pooling at one of the four places where it occurs."""
    pool = layer.AvgPool2d(2)
    cells = neuron.IFNode
    return {
        "conv": lambda: stack(conv(), cells(), pool, conv(CHANNELS), cells(), *dense(4), cells()),
        "dense": lambda: stack(conv(), cells(), pool, *dense(4), cells()),
        "neuron": lambda: stack(conv(), pool, cells(), *dense(4), cells()),
        "neuron after neuron": lambda: stack(conv(), cells(), pool, neuron.IFNode(0.5), *dense(4), cells()),
    }[what]()


def max_pooled() -> nn.Module:
    """Maximum pooling of spikes."""
    return stack(conv(), neuron.IFNode(), layer.MaxPool2d(2), *dense(4), neuron.IFNode())


FEATURES: dict[str, Callable[[], nn.Module]] = {
    "IFNode, hard reset": lambda: single(neuron.IFNode),
    "IFNode, v_reset not 0": lambda: single(lambda: neuron.IFNode(v_reset=-0.25)),
    "IFNode, soft reset": lambda: single(lambda: neuron.IFNode(v_reset=None)),
    "LIFNode": lambda: single(lambda: neuron.LIFNode(decay_input=False)),
    "LIFNode, decay_input": lambda: single(lambda: neuron.LIFNode(decay_input=True)),
    "LIFNode, soft reset": lambda: single(lambda: neuron.LIFNode(v_reset=None)),
    "Linear, Flatten": lambda: stack(layer.Flatten(), layer.Linear(128, 10, bias=False), neuron.IFNode()),
    "Conv2d: stride, padding, dilation, groups": lambda: stack(
        layer.Conv2d(2, CHANNELS, 3, stride=2, padding=2, dilation=2, groups=2, bias=False), neuron.IFNode()
    ),
    "bias": lambda: stack(conv(bias=True), neuron.IFNode(), *dense(bias=True), neuron.IFNode()),
    "BatchNorm2d": lambda: stack(conv(), layer.BatchNorm2d(CHANNELS), neuron.IFNode(), *dense(), neuron.IFNode()),
    "AvgPool2d before Conv2d": lambda: pool_before("conv"),
    "AvgPool2d before Linear": lambda: pool_before("dense"),
    "AvgPool2d between Conv2d and neurons": lambda: pool_before("neuron"),
    "AvgPool2d between neurons": lambda: pool_before("neuron after neuron"),
    "MaxPool2d": max_pooled,
    "MaxPool2d, --maxpool or-layer": max_pooled,
    "Dropout (removed)": lambda: stack(conv(), neuron.IFNode(), layer.Dropout(0.3), *dense(), neuron.IFNode()),
    "residual sum, view, mean over time": Residual,
    "frame held for T steps": Held,
}


LOWERING = {"MaxPool2d, --maxpool or-layer": {"maxpool": "or-layer"}}
"""What the conversion of a row is asked for, where it is not the default."""


def network(feature: str) -> nn.Module:
    """The network of one row."""
    return on_grid(FEATURES[feature]()).eval()
