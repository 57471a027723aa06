"""The MNIST networks that snnhub ships: convolutional SNNs in plain SpikingJelly, no bias anywhere.

``csnn`` has the shape of SpikingJelly's own Lava example (channels = 16): every layer is followed by an IF
neuron, pooling is strided convolution. ``pooled`` is smaller and has average pooling right before IF neurons,
so that sums land exactly on the threshold. The decision is the class with the highest mean output rate.
"""

import torch
from spikingjelly.activation_based import functional, layer, neuron, surrogate
from torch import nn


def spiking() -> neuron.IFNode:
    """An IF neuron: threshold 1, hard reset to 0, ArcTan surrogate gradient for training."""
    return neuron.IFNode(surrogate_function=surrogate.ATan(), detach_reset=True)


class MNISTNet(nn.Module):
    """Input (time, batch, 1, 28, 28) of spikes, output (batch, 10): mean rate of each class neuron."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.conv_fc = nn.Sequential(*layers)
        functional.set_step_mode(self, "m")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rates: torch.Tensor = self.conv_fc(x).mean(0)
        return rates


def csnn(channels: int = 16) -> MNISTNet:
    """The factory that ``snnhub convert model.py:csnn --set channels=16`` calls."""
    return MNISTNet(
        layer.Conv2d(1, channels, kernel_size=3, padding=1, bias=False),
        spiking(),
        layer.Conv2d(channels, channels, kernel_size=2, stride=2, bias=False),
        spiking(),
        layer.Conv2d(channels, channels, kernel_size=3, padding=1, bias=False),
        spiking(),
        layer.Conv2d(channels, channels, kernel_size=2, stride=2, bias=False),
        spiking(),
        layer.Flatten(),
        layer.Linear(channels * 7 * 7, 128, bias=False),
        spiking(),
        layer.Linear(128, 10, bias=False),
        spiking(),
    )


def pooled(channels: int = 8) -> MNISTNet:
    """A smaller network with average pooling before IF neurons: four spikes of a quarter make exactly 1."""
    return MNISTNet(
        layer.Conv2d(1, channels, kernel_size=3, padding=1, bias=False),
        spiking(),
        layer.AvgPool2d(2),
        spiking(),
        layer.Conv2d(channels, channels, kernel_size=3, padding=1, bias=False),
        spiking(),
        layer.AvgPool2d(2),
        spiking(),
        layer.Flatten(),
        layer.Linear(channels * 7 * 7, 10, bias=False),
        spiking(),
    )
