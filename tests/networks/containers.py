"""Networks with SpikingJelly's containers: merged time, stepped time, and what is fed back."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import torch
from spikingjelly.activation_based import functional, layer, neuron
from torch import nn

from tests.networks.spiking import scaled


def merging() -> nn.Module:
    """SeqToANNContainer around plain torch layers, one nested in a Sequential, and one called StepMode."""
    return scaled(
        nn.Sequential(
            layer.SeqToANNContainer(
                nn.Conv2d(2, 4, 3, padding=1, bias=False), nn.Sequential(nn.BatchNorm2d(4), nn.AvgPool2d(2))
            ),
            neuron.IFNode(step_mode="m"),
            layer.StepModeContainer(False, "m", nn.Flatten(), nn.Linear(4 * 3 * 3, 10), nn.Dropout(0.5)),
            neuron.LIFNode(step_mode="m"),
        )
    )


def stepping(mode: str = "m") -> nn.Module:
    """Neurons inside containers that step through time, three deep."""
    inner = layer.StepModeContainer(True, "s", nn.Linear(12, 12), neuron.LIFNode(tau=1.5))
    parts: list[nn.Module] = [nn.Linear(20, 12), neuron.IFNode(), nn.Sequential(inner, nn.Linear(12, 8)), Head()]
    if mode == "m":
        return scaled(nn.Sequential(layer.MultiStepContainer(*parts), neuron.IFNode(step_mode="m")))
    return scaled(nn.Sequential(layer.StepModeContainer(True, "s", *parts), neuron.IFNode()))


class Head(nn.Module):
    """A class of the user's inside a container: adds a shortcut and joins two parts."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 8)
        self.n = neuron.IFNode(v_reset=None)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.n(self.fc(x)) + x
        return torch.cat([y, x, self.fc(x)], dim=1).flatten(1)


def recurrent(kind: str = "IF", hidden: bool = True, bias: bool = True, mode: str = "m") -> nn.Module:
    """LinearRecurrentContainer, around a neuron alone or around a layer of its own."""
    cells = neuron.IFNode(v_threshold=0.7) if kind == "IF" else neuron.LIFNode(tau=1.5, v_reset=None)
    sub = nn.Sequential(nn.Linear(12, 9), cells) if hidden else cells
    net = nn.Sequential(
        layer.Linear(20, 12),
        neuron.IFNode(),
        layer.LinearRecurrentContainer(sub, 12, 9 if hidden else 12, bias=bias, step_mode=mode),
        layer.Linear(9 if hidden else 12, 5),
        neuron.IFNode(),
    )
    for index in (0, 1, 3, 4):
        functional.set_step_mode(net[index], mode)
    return scaled(net, 1.5)


ELEMENT_WISE: dict[str, Callable[..., Any]] = {
    "operator": operator.add,
    "torch": torch.add,
    "lambda": lambda x, y: x + y,
    "twice": lambda y, x: y + x + y,
    "forgetful": lambda y, x: x,
    "number": lambda y, x: y * 0.5 + x,
    "product": lambda y, x: x * (1 - y),
    "with itself": lambda y, x: (y * y).relu() + x,
}


def element_wise(function: str = "operator", mode: str = "m") -> nn.Module:
    """ElementWiseRecurrentContainer with a named function."""
    loop = layer.ElementWiseRecurrentContainer(
        nn.Sequential(nn.Linear(12, 12), neuron.LIFNode(v_reset=None)), ELEMENT_WISE[function], step_mode=mode
    )
    net = nn.Sequential(layer.Linear(20, 12), neuron.IFNode(), loop)
    for index in (0, 1):
        functional.set_step_mode(net[index], mode)
    return scaled(net, 1.5)


def nested_recurrence() -> nn.Module:
    """A recurrent container in a recurrent container in a stepping one, and convolutions that feed back."""
    loop = layer.ElementWiseRecurrentContainer(
        nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), neuron.IFNode()), torch.add
    )
    inner = layer.LinearRecurrentContainer(nn.Sequential(nn.Linear(10, 8), neuron.IFNode()), 10, 8)
    outer = layer.LinearRecurrentContainer(nn.Sequential(nn.Linear(16, 10), inner), 16, 8)
    return scaled(
        layer.MultiStepContainer(
            nn.Conv2d(1, 4, 3, padding=1),
            neuron.IFNode(),
            loop,
            nn.AvgPool2d(3),
            nn.Flatten(),
            outer,
            nn.Linear(8, 6),
            neuron.LIFNode(),
        ),
        1.5,
    )


class SixProblems(nn.Module):
    """Six things wrong in six ways, none of which hides another."""

    def __init__(self) -> None:
        super().__init__()
        self.offset = nn.Parameter(torch.zeros(6))
        self.fc = nn.Linear(6, 6)
        self.n = neuron.IFNode(step_mode="m")
        self.activation = nn.Softmax(-1)
        self.padded = nn.Sequential(nn.Conv1d(4, 4, 1), nn.Conv2d(2, 2, 1, padding_mode="circular"))
        self.single = neuron.IFNode(step_mode="s")
        self.box = layer.MultiStepContainer(nn.Linear(6, 6), nn.Softmax(-1), neuron.IFNode())
        self.merged = layer.SeqToANNContainer(nn.Linear(6, 6), neuron.IFNode())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.activation(self.n(self.fc(x)))  # a layer that cannot be held
        x = self.n(x)  # one neuron at two places
        x = self.single(x)  # the wrong step mode
        x = torch.tanh(x + self.offset)  # a function, and a tensor outside a layer
        x = self.merged(x)  # neurons that see time as batch
        return self.box(x)  # a neuron inside a container


def six_problems() -> nn.Module:
    """See the class."""
    return SixProblems()


class Unrolled(nn.Module):
    """Goes through time itself, a known number of steps, or however many there are."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps = steps
        self.fc = nn.Linear(6, 6)
        self.n = neuron.IFNode()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.steps:
            return torch.stack([self.n(self.fc(x[t])) for t in range(self.steps)])
        return torch.stack([self.n(self.fc(step)) for step in x])


class Sized(Unrolled):
    """Loops over the size of its input."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([self.n(self.fc(x[t])) for t in range(x.shape[0])])


class Around(nn.Module):
    """Uses what it gives to a box once more, next to what the box gives back."""

    def __init__(self, box: nn.Module, after: Callable[[torch.Tensor], torch.Tensor], mode: str = "m") -> None:
        super().__init__()
        self.fc, self.n = layer.Linear(6, 6, step_mode=mode), neuron.IFNode(step_mode=mode)
        self.box, self.after = box, after

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.fc(x)
        return self.n(self.after(self.box(y)) + y)


class PlusOne(nn.Module):
    """Adds one to its input, in place."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x += 1
        return x * 2


def unrolled(steps: int = 4, nested: bool = False, sized: bool = False) -> nn.Module:
    """A loop over time in the forward, at the top or in a part."""
    net = Sized(0) if sized else Unrolled(steps)
    return nn.Sequential(nn.Linear(6, 6), net, nn.Softmax(-1)) if nested else net
