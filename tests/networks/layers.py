"""One network per kind of layer or function: each stands between neurons, so that every change is seen in spikes.

Weights are random floats; those behind a layer of neurons are scaled so that neurons fire.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from spikingjelly.activation_based import functional, layer, neuron
from torch import nn
from torch.nn import functional as F  # noqa: N812  as everybody calls it

CHANNELS = 6


def scaled(net: nn.Module, mode: str, gain: float = 2.0, seed: int = 5) -> nn.Module:
    """``net`` with reproducible weights and statistics, in one step mode."""
    torch.manual_seed(seed)
    for module in net.modules():
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.Linear):
            nn.init.kaiming_uniform_(module.weight)
            module.weight.data = module.weight.data * gain + 0.1 / module.weight[0].numel() ** 0.5
            if module.bias is not None:
                nn.init.uniform_(module.bias, -0.2, 0.2)
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            if module.affine:
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.uniform_(module.bias, -0.2, 0.4)
            module.running_mean = torch.randn(module.num_features) * 0.1
            module.running_var = torch.rand(module.num_features) + 0.5
    functional.set_step_mode(net, mode)
    return net


def cells() -> nn.Module:
    """Leaky neurons, which forget: a difference stays visible, but not for ever."""
    return neuron.LIFNode(tau=2.5, v_threshold=0.7, decay_input=False)


def conv(dims: int, before: int = CHANNELS, **changes: Any) -> nn.Module:
    """A convolution of the rank, same size."""
    kind = {1: layer.Conv1d, 2: layer.Conv2d, 3: layer.Conv3d}[dims]
    return kind(before, CHANNELS, **{"kernel_size": 3, "padding": 1, **changes})


SIZES = {1: (2, 12), 2: (2, 7, 6), 3: (2, 6, 5, 4)}
"""Input of the networks with one, two and three spatial axes."""


def around(dims: int, *middle: nn.Module, **changes: Any) -> nn.Module:
    """conv, neurons, what is tested, conv, neurons."""
    return nn.Sequential(conv(dims, SIZES[dims][0]), cells(), *middle, conv(dims, **changes), cells())


def norm(dims: int, **changes: Any) -> nn.Module:
    """conv, norm, neurons."""
    kind = {1: layer.BatchNorm1d, 2: layer.BatchNorm2d, 3: layer.BatchNorm3d}[dims]
    return nn.Sequential(conv(dims, SIZES[dims][0]), kind(CHANNELS, **changes), cells(), conv(dims), cells())


def vector(*middle: nn.Module, out: int = 12) -> nn.Module:
    """dense, neurons, what is tested, dense, neurons; 10 inputs."""
    return nn.Sequential(layer.Linear(10, 24), cells(), *middle, layer.Linear(out, 9), cells())


Net = tuple[Callable[[], nn.Module], tuple[int, ...]]


def rank(dims: int) -> dict[str, Callable[[], nn.Module]]:
    """Every kind of layer that comes with one, two and three spatial axes."""
    name, factors = f"{dims}d", (3, 2, 2)[:dims]
    average, maximum, adaptive = (
        getattr(layer, kind + name) for kind in ("AvgPool", "MaxPool", "AdaptiveAvgPool")
    )
    return {
        f"Conv{name}": lambda: around(dims),
        f"Conv{name} strided": lambda: around(dims, stride=2, padding=2, dilation=2, bias=False),
        f"Conv{name} groups": lambda: around(dims, groups=3),
        f"Conv{name} same": lambda: around(dims, padding="same", dilation=2),
        f"BatchNorm{name}": lambda: norm(dims),
        f"BatchNorm{name} plain": lambda: norm(dims, affine=False, eps=0.01, momentum=None),
        f"AvgPool{name}": lambda: around(dims, average(2)),
        f"AvgPool{name} padded": lambda: around(dims, average(3, 2, 1, ceil_mode=True, count_include_pad=False)),
        f"AvgPool{name} ceil": lambda: around(dims, average(3, 2, 1, ceil_mode=True)),
        f"MaxPool{name}": lambda: around(dims, maximum(2)),
        f"MaxPool{name} dilated": lambda: around(dims, maximum(3, 1, 1, dilation=2, ceil_mode=True)),
        f"AdaptiveAvgPool{name}": lambda: around(dims, adaptive(3)),
        f"AdaptiveAvgPool{name} to 1": lambda: around(dims, adaptive(1)),
        f"AdaptiveAvgPool{name} uneven": lambda: around(dims, adaptive((4, 3, 2)[-dims:])),
        f"Upsample{name}": lambda: around(dims, layer.Upsample(scale_factor=2)),
        f"Upsample{name} factors": lambda: around(
            dims, layer.Upsample(scale_factor=factors, mode="nearest-exact")
        ),
    }


class Forward(nn.Module):
    """Two branches of convolution and neurons, and a forward of its own that combines them."""

    def __init__(self, combine: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.stem, self.n0 = conv(2, 2), cells()
        self.branch, self.n1 = conv(2), cells()
        self.head, self.n2 = conv(2), cells()
        self.combine = combine

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.n0(self.stem(x))
        return self.n2(self.head(self.combine(self.n1(self.branch(x)), x)))


class Sew(nn.Module):
    """A spike-element-wise residual block whose function is chosen by name, as SpikingJelly's SEW ResNet does."""

    def __init__(self, connection: str) -> None:
        super().__init__()
        self.connection = connection
        self.stem, self.n0 = conv(2, 2), cells()
        self.conv1, self.bn1, self.n1 = conv(2, bias=False), layer.BatchNorm2d(CHANNELS), cells()
        self.conv2, self.bn2, self.n2 = conv(2, bias=False), layer.BatchNorm2d(CHANNELS), cells()
        self.pool, self.fc, self.n3 = (
            layer.AdaptiveAvgPool2d((1, 1)),
            layer.Linear(CHANNELS, 10),
            neuron.IFNode(0.2),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        identity = self.n0(self.stem(x))
        out = self.n2(self.bn2(self.conv2(self.n1(self.bn1(self.conv1(identity))))))
        if self.connection == "ADD":
            out = identity + out
        elif self.connection == "AND":
            out = identity * out
        else:
            out = identity * (1.0 - out)
        return self.n3(self.fc(torch.flatten(self.pool(out), -3)))


COMBINE: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "product": lambda a, b: a * b,
    "IAND": lambda a, b: a * (1.0 - b),
    "difference": lambda a, b: torch.sub(a, b) + 0.3,
    "numbers": lambda a, b: (2 - a * 0.7) / 4 + 0.5 * b - 0.125,
    "methods": lambda a, b: a.mul(b).add(b).neg().sub(0.1).div(-2),
    "rsub": lambda a, b: torch.rsub(torch.multiply(a, 0.3), b),
    "relu": lambda a, b: F.relu(a - b) + torch.relu(b - 0.4) + (a * 0.3).relu(),
    "in place": lambda a, b: F.relu((a - 0.5).add_(b), inplace=True),
    "mean over space": lambda a, b: (
        a.mean((-2, -1), keepdim=True) + torch.mean(b, [-1, -2]).unsqueeze(-1).unsqueeze(-1)
    ),
    "square": lambda a, b: a * a + b,
}


class Shapes(nn.Module):
    """Views in every way that can be held, in multi-step mode."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.n0 = conv(2, 2), cells()
        self.line, self.n1 = conv(1, CHANNELS), cells()
        self.fc, self.n2 = layer.Linear(21, 8), cells()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.n0(self.stem(x))
        x = x.reshape(x.shape[0], x.shape[1], CHANNELS, 42)
        x = self.n1(self.line(x)).view(x.shape[0], x.shape[1], CHANNELS, 2, 21)
        return self.n2(self.fc(x.flatten(2, 3).unsqueeze(3).squeeze(3)))


class Merged(nn.Module):
    """Time and batch merged by hand; pooling, padding and resizing as functions between."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.n0 = layer.Conv2d(2, CHANNELS, 3), cells()
        self.head, self.n1 = layer.Conv2d(CHANNELS, CHANNELS, 3, padding=1), cells()
        self.fc, self.n2 = layer.Linear(CHANNELS * 4, 10), cells()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        steps, samples = x.shape[0], x.shape[1]
        x = self.n0(self.stem(x)).flatten(0, 1)
        x = F.interpolate(F.pad(F.avg_pool2d(x, 2, stride=1), (1, 0, 2, 1)), scale_factor=2)
        x = F.max_pool2d(x, kernel_size=3, stride=2, ceil_mode=True)
        x = self.n1(self.head(x.reshape(steps, samples, x.shape[1], x.shape[2], x.shape[3])))
        x = F.dropout(F.adaptive_avg_pool2d(x.flatten(0, 1), (2, 2)), 0.3, self.training)
        return self.n2(self.fc(x.view(steps, samples, -1)))


def plain(dims: int) -> nn.Module:
    """Layers of torch.nn alone with a single-step neuron: (N, …) in, (N, …) out."""
    kind = f"{dims}d"
    return nn.Sequential(
        getattr(nn, f"ZeroPad{kind}")(1),
        getattr(nn, f"Conv{kind}")(2, CHANNELS, 3),
        getattr(nn, f"BatchNorm{kind}")(CHANNELS),
        cells(),
        getattr(nn, f"ConstantPad{kind}")(tuple(range(2 * dims)), 0.0),
        getattr(nn, f"AvgPool{kind}")(2, padding=1),
        getattr(nn, f"Dropout{kind}")(),
        getattr(nn, f"Conv{kind}")(CHANNELS, CHANNELS, 2),
        nn.ReLU(inplace=True),
        getattr(nn, f"MaxPool{kind}")(2),
        nn.Upsample(scale_factor=2),
        cells(),
        nn.AlphaDropout(),
        nn.Identity(),
        getattr(nn, f"AdaptiveAvgPool{kind}")(2),
        nn.Flatten(),
        nn.Linear(CHANNELS * 2**dims, 12),
        cells(),
    )


KINDS: dict[str, Net] = {
    **{name: (make, SIZES[dims]) for dims in SIZES for name, make in rank(dims).items()},
    "BatchNorm1d of vectors": (lambda: nn.Sequential(layer.Linear(10, 16), layer.BatchNorm1d(16), cells()), (10,)),
    "BatchNorm1d behind Linear": (
        lambda: nn.Sequential(layer.Linear(6, 6), layer.BatchNorm1d(6), cells()),
        (6, 6),
    ),
    "VotingLayer": (lambda: vector(layer.VotingLayer(2)), (10,)),
    "VotingLayer, rest": (lambda: vector(layer.VotingLayer(5), out=4), (10,)),
    "ReLU": (lambda: nn.Sequential(layer.Linear(10, 16), nn.ReLU(), layer.Linear(16, 12), cells()), (10,)),
    **{f"forward {name}": (partial(Forward, make), SIZES[2]) for name, make in COMBINE.items()},
    **{f"SEW {name}": (partial(Sew, name), SIZES[2]) for name in ("ADD", "AND", "IAND")},
}
"""In both step modes."""
MULTI_STEP: dict[str, Net] = {"Shapes": (Shapes, SIZES[2]), "Merged": (Merged, (2, 8, 7))}
SINGLE_STEP: dict[str, Net] = {
    **{f"torch.nn {dims}d": (partial(plain, dims), SIZES[dims]) for dims in SIZES},
    "Unflatten": (lambda: nn.Sequential(nn.Unflatten(1, (2, 5)), nn.Conv1d(2, 6, 3), cells()), (10,)),
}


def network(kind: str, mode: str = "m") -> tuple[nn.Module, tuple[int, ...]]:
    """The network of a kind in evaluation mode, and the shape of its input."""
    make, shape = {**KINDS, **MULTI_STEP, **SINGLE_STEP}[kind]
    return scaled(make(), mode).eval(), shape
