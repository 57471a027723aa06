"""One small network per feature of the support matrix. Weights are multiples of an eighth, which 8 bits hold:
what a conversion then changes, it changes by its own arithmetic and not by rounding weights.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from spikingjelly.activation_based import functional, lava_exchange, layer, neuron
from torch import nn

SHAPE = (2, 8, 8)
"""Every network takes frames of this shape."""
CHANNELS = 4


def on_grid(net: nn.Module, seed: int = 11) -> nn.Module:
    """``net`` in multi-step mode with weights and biases on the grid."""
    generator = torch.Generator().manual_seed(seed)
    for module in net.modules():
        norms = nn.modules.batchnorm._BatchNorm
        if not isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.Linear | norms):
            continue  # what neurons have learned stays as it is
        for name, parameter in module.named_parameters(recurse=False):
            if isinstance(module, norms):
                parameter.data = torch.full_like(parameter, 1.0 if name == "weight" else 0.125)
            else:
                low, high = (-3, 5) if name == "weight" else (0, 3)
                parameter.data = torch.randint(low, high, parameter.shape, generator=generator) / 8
        if isinstance(module, norms):
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


class Sew(nn.Module):
    """A residual of spikes by product, or by one minus the other."""

    def __init__(self, inverted: bool) -> None:
        super().__init__()
        self.stem, self.n0 = conv(), neuron.IFNode()
        self.conv, self.n1 = conv(CHANNELS), neuron.IFNode()
        self.flatten, self.fc, self.n2 = *dense(), neuron.IFNode()
        self.inverted = inverted

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.n0(self.stem(x))
        y = self.n1(self.conv(x))
        return self.n2(self.fc(self.flatten(x * (1.0 - y) if self.inverted else x * y)))


class Numbers(nn.Module):
    """Spikes scaled and shifted by numbers, subtracted, rectified, in another shape."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.n0 = conv(), neuron.IFNode()
        self.conv, self.n1 = conv(CHANNELS), neuron.IFNode()
        self.fc, self.n2 = layer.Linear(64, 10, bias=False), neuron.IFNode()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.n0(self.stem(x))
        y = torch.relu(0.5 * self.n1(self.conv(x)) - x / 4 + 0.25)
        return self.n2(self.fc(y.view(x.shape[0], x.shape[1], 2, 2, 64)))


def in_one_axis() -> nn.Module:
    """Both spatial axes as one line."""
    return stack(
        layer.Flatten(2),
        layer.Conv1d(2, CHANNELS, 3, padding=1, bias=False),
        layer.BatchNorm1d(CHANNELS),
        neuron.IFNode(),
        layer.MaxPool1d(2),
        layer.Conv1d(CHANNELS, CHANNELS, 3, stride=2, groups=2, bias=False),
        neuron.IFNode(),
        layer.AvgPool1d(3),
        layer.Flatten(),
        layer.Linear(CHANNELS * 5, 10, bias=False),
        neuron.IFNode(),
    )


def in_three_axes() -> nn.Module:
    """Channels as depth."""
    return stack(
        nn.Unflatten(2, (1, 2)),
        layer.Conv3d(1, CHANNELS, 3, padding=1, bias=False),
        layer.BatchNorm3d(CHANNELS),
        neuron.IFNode(),
        layer.MaxPool3d((1, 2, 2)),
        layer.Conv3d(CHANNELS, CHANNELS, (1, 3, 3), padding=(0, 1, 1), bias=False),
        neuron.IFNode(),
        layer.AvgPool3d(2),
        layer.Flatten(),
        layer.Linear(CHANNELS * 4, 10, bias=False),
        neuron.IFNode(),
    )


def spread(*middle: nn.Module, size: int) -> nn.Module:
    """conv, neurons, what is tested, dense, neurons."""
    return stack(conv(), neuron.IFNode(), *middle, *dense(size), neuron.IFNode())


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
    "ParametricLIFNode": lambda: single(lambda: neuron.ParametricLIFNode(decay_input=False)),
    "ParametricLIFNode, decay_input, soft reset": lambda: single(lambda: neuron.ParametricLIFNode(v_reset=None)),
    "KLIFNode": lambda: single(neuron.KLIFNode),
    "KLIFNode, scale_reset, soft reset": lambda: single(lambda: neuron.KLIFNode(True, v_reset=None)),
    "QIFNode": lambda: single(neuron.QIFNode),
    "EIFNode": lambda: single(neuron.EIFNode),
    "IzhikevichNode": lambda: single(lambda: neuron.IzhikevichNode(a=0.25, b=0.125)),
    "RAFNode": lambda: single(neuron.RAFNode),
    "CUBALIFNode": lambda: single(neuron.CUBALIFNode),
    "lava_exchange.CubaLIFNode": lambda: single(lambda: lava_exchange.CubaLIFNode(0.25, 0.125)),
    "SynapseFilter": lambda: single(lambda: stack(layer.SynapseFilter(3.0), neuron.IFNode(2.0))),
    "SimpleIFNode, SimpleLIFNode": lambda: stack(
        conv(), neuron.SimpleIFNode(), *dense(), neuron.SimpleLIFNode(2.0, decay_input=False)
    ),
    "SLTTLIFNode": lambda: single(lambda: neuron.SLTTLIFNode(decay_input=False)),
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
    "BatchNorm1d behind Linear": lambda: stack(
        layer.Flatten(), layer.Linear(128, 10, bias=False), layer.BatchNorm1d(10), neuron.IFNode()
    ),
    "Conv1d, BatchNorm1d, MaxPool1d, AvgPool1d": in_one_axis,
    "Conv3d, BatchNorm3d, MaxPool3d, AvgPool3d, Unflatten": in_three_axes,
    "AdaptiveAvgPool2d to 4 x 4": lambda: spread(layer.AdaptiveAvgPool2d(4), size=4),
    "AdaptiveAvgPool2d to 3 x 3 of 8 x 8": lambda: spread(layer.AdaptiveAvgPool2d(3), size=3),
    "Upsample (nearest)": lambda: spread(layer.Upsample(scale_factor=2), size=16),
    "ZeroPad2d": lambda: spread(nn.ZeroPad2d((1, 0, 0, 1)), size=9),
    "VotingLayer": lambda: stack(
        *single(neuron.IFNode), layer.VotingLayer(2), layer.Linear(5, 5), neuron.IFNode()
    ),
    "ReLU": lambda: stack(conv(), nn.ReLU(), conv(CHANNELS), neuron.IFNode()),
    "SEW residual: AND (product)": lambda: Sew(inverted=False),
    "SEW residual: IAND": lambda: Sew(inverted=True),
    "numbers, difference, relu, view in the forward": Numbers,
    "residual sum, view, mean over time": Residual,
    "SeqToANNContainer, MultiStepContainer": lambda: stack(
        layer.SeqToANNContainer(nn.Conv2d(SHAPE[0], CHANNELS, 3, padding=1, bias=False), nn.AvgPool2d(2)),
        layer.MultiStepContainer(neuron.IFNode()),
        *dense(4),
        neuron.IFNode(),
    ),
    "LinearRecurrentContainer": lambda: stack(
        layer.Flatten(),
        layer.Linear(128, 10, bias=False),
        layer.LinearRecurrentContainer(neuron.IFNode(), in_features=10, out_features=10, bias=False),
    ),
    "frame held for T steps": Held,
}


LOWERING = {"MaxPool2d, --maxpool or-layer": {"maxpool": "or-layer"}}
"""What the conversion of a row is asked for, where it is not the default."""


def network(feature: str) -> nn.Module:
    """The network of one row."""
    return on_grid(FEATURES[feature]()).eval()
