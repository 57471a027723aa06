"""Factories of SpikingJelly networks, one for each thing that an importer must get right.

Weights are drawn by the factory from a fixed seed and scaled so that neurons fire.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from spikingjelly.activation_based import functional, layer, neuron
from torch import nn


def scaled(net: nn.Module, gain: float = 2.0, seed: int = 7) -> nn.Module:
    """``net`` with reproducible weights, large enough to make neurons fire, and batch statistics that matter."""
    torch.manual_seed(seed)
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_uniform_(module.weight)
            module.weight.data *= gain
            if module.bias is not None:
                nn.init.uniform_(module.bias, -0.2, 0.2)
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.2, 0.2)
            module.running_mean = torch.randn(module.num_features) * 0.1
            module.running_var = torch.rand(module.num_features) + 0.5
    return net


def mlp(mode: str = "s", **lif: float) -> nn.Module:
    """Two dense layers, the second leaky; step by step or over the whole sequence."""
    net = nn.Sequential(
        layer.Linear(20, 32, bias=False), neuron.IFNode(), layer.Linear(32, 10, bias=False), neuron.LIFNode(**lif)
    )
    functional.set_step_mode(net, mode)
    return scaled(net)


def neurons(
    kind: str = "IF",
    v_reset: float | None = 0.0,
    v_threshold: float = 1.0,
    tau: float = 2.0,
    decay_input: bool = True,
    mode: str = "m",
) -> nn.Module:
    """One dense layer and one layer of neurons with every option of theirs."""
    if kind == "IF":
        cells: nn.Module = neuron.IFNode(v_threshold=v_threshold, v_reset=v_reset)
    else:
        cells = neuron.LIFNode(tau=tau, decay_input=decay_input, v_threshold=v_threshold, v_reset=v_reset)
    net = nn.Sequential(layer.Linear(12, 40), cells)
    functional.set_step_mode(net, mode)
    return scaled(net)


def cnn(mode: str = "m", pool: str = "avg") -> nn.Module:
    """Convolution, batch norm, pooling, dropout, flatten, dense."""
    pooling = layer.AvgPool2d(2) if pool == "avg" else layer.MaxPool2d(2)
    net = nn.Sequential(
        layer.Conv2d(2, 8, 3, padding=1, bias=False),
        layer.BatchNorm2d(8),
        neuron.IFNode(),
        pooling,
        layer.Conv2d(8, 8, 3, stride=2, padding=1),
        layer.BatchNorm2d(8),
        neuron.LIFNode(tau=1.5),
        layer.Dropout(0.5),
        layer.Flatten(),
        layer.Linear(8 * 2 * 2, 10, bias=False),
        neuron.IFNode(v_reset=None),
    )
    functional.set_step_mode(net, mode)
    return scaled(net)


class Block(nn.Module):
    """A residual block whose sum goes through neurons again."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = layer.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn = layer.BatchNorm2d(channels)
        self.n1 = neuron.IFNode()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.n1(self.bn(self.conv(x))) + x


class Residual(nn.Module):
    """Class-defined forward with additions in two blocks, a view, and a mean over time."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = layer.Conv2d(1, 4, 3, padding=1)
        self.n0 = neuron.IFNode()
        self.blocks = nn.Sequential(Block(4), Block(4))
        self.fc = layer.Linear(4 * 6 * 6, 10)
        self.n = neuron.LIFNode(decay_input=False)
        functional.set_step_mode(self, "m")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.blocks(self.n0(self.stem(x)))
        x = x.view(x.shape[0], x.shape[1], -1)
        return self.n(self.fc(x)).mean(0)


def residual() -> nn.Module:
    """Two residual blocks in a class of its own."""
    return scaled(Residual())


class Held(nn.Module):
    """One frame goes through a convolution once and is then held for T steps; the output is summed over time."""

    def __init__(self, steps: int, expand: bool) -> None:
        super().__init__()
        self.steps = steps
        self.expand = expand
        self.encode = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4))
        self.n1 = neuron.IFNode(step_mode="m")
        self.flatten = nn.Flatten(2)
        self.fc = nn.Linear(4 * 4 * 4, 5)
        self.n2 = neuron.IFNode(step_mode="m")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.encode(x)
        if self.expand:
            x = x.unsqueeze(0).expand(self.steps, -1, -1, -1, -1)
        else:
            x = x.unsqueeze(0).repeat(self.steps, 1, 1, 1, 1)
        return self.n2(self.fc(self.flatten(self.n1(x)))).sum(dim=0)


def held(steps: int = 5, expand: bool = False) -> nn.Module:
    """A network that holds its input in time itself."""
    return scaled(Held(steps, expand))


class Merged(nn.Module):
    """Merges time and batch by hand around plain torch layers, as seq_to_ann does."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 3, 3)
        self.n1 = neuron.IFNode(step_mode="m")
        self.fc = nn.Linear(3 * 4 * 4, 6)
        self.n2 = neuron.LIFNode(step_mode="m")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.conv(x.flatten(0, 1))
        y = self.n1(y.view(x.shape[0], x.shape[1], y.shape[1], y.shape[2], y.shape[3]))
        return self.n2(self.fc(torch.flatten(y, 2)))


def merged() -> nn.Module:
    """flatten(0, 1) and view back."""
    return scaled(Merged())


class Twice(nn.Module):
    """Uses one neuron at two places, which cannot be held."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(6, 6)
        self.n = neuron.IFNode(step_mode="m")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.n(self.fc(self.n(self.fc(x))))


class Loop(nn.Module):
    """Loops over time in its own forward."""

    def __init__(self, steps: int = 4) -> None:
        super().__init__()
        self.steps = steps
        self.fc = nn.Linear(6, 6)
        self.n = neuron.IFNode()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        total = self.n(self.fc(x))
        for _ in range(self.steps - 1):
            total = total + self.n(self.fc(x))
        return total / self.steps


def many_faults() -> nn.Module:
    """Five things that cannot be held, to be reported at once."""
    return nn.Sequential(
        layer.Conv2d(1, 2, 3),
        nn.Tanh(),
        neuron.GatedLIFNode(4),
        layer.ConvTranspose2d(2, 2, 3),
        nn.Softmax(-1),
        neuron.PSN(4),
    )


def sequences(net: nn.Module, steps: int, samples: int, shape: Sequence[int], seed: int = 3) -> torch.Tensor:
    """Random spikes for a network."""
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(steps, samples, *shape, generator=generator) < 0.4).float()


def deployable(
    pool: str = "none",
    norm: bool = False,
    bias: bool = False,
    kind: str = "IF",
    v_reset: float = 0.0,
    tau: float = 2.0,
    decay_input: bool = False,
) -> nn.Module:
    """A network that Loihi can hold once all is folded: conv, [norm], [pool], neurons, flatten, dense, neurons."""

    def cells() -> nn.Module:
        if kind == "IF":
            return neuron.IFNode(v_reset=v_reset)
        return neuron.LIFNode(tau=tau, v_reset=v_reset, decay_input=decay_input)

    parts: list[nn.Module] = [layer.Conv2d(1, 6, 3, padding=1, bias=bias)]
    parts += [layer.BatchNorm2d(6)] if norm else []
    size = 8
    if pool == "before neuron":
        parts += [layer.AvgPool2d(2), cells()]
        size = 4
    elif pool == "between neurons":
        parts += [cells(), layer.AvgPool2d(2), neuron.IFNode(v_threshold=0.75)]
        size = 4
    elif pool == "before conv":
        parts += [cells(), layer.AvgPool2d(2), layer.Conv2d(6, 6, 3, padding=1, bias=bias), cells()]
        size = 4
    elif pool == "before dense":
        parts += [cells(), layer.AvgPool2d(2)]
        size = 4
    else:
        parts += [cells()]
    parts += [layer.Flatten(), layer.Linear(6 * size * size, 10, bias=bias), cells()]
    net = nn.Sequential(*parts)
    functional.set_step_mode(net, "m")
    return scaled(net)
