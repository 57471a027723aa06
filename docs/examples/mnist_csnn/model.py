"""The MNIST network that snnhub ships: a convolutional SNN in plain SpikingJelly, no bias anywhere.

Shape of SpikingJelly's own Lava example (channels = 16): every layer is followed by an IF neuron,
pooling is strided convolution, the decision is the class with the highest mean output rate.
"""

import torch
from spikingjelly.activation_based import functional, layer, neuron, surrogate
from torch import nn


def spiking() -> neuron.IFNode:
    """An IF neuron: threshold 1, hard reset to 0, ArcTan surrogate gradient for training."""
    return neuron.IFNode(surrogate_function=surrogate.ATan(), detach_reset=True)


class MNISTNet(nn.Module):
    """Input (time, batch, 1, 28, 28) of spikes, output (batch, 10): mean rate of each class neuron."""

    def __init__(self, channels: int = 16) -> None:
        super().__init__()
        self.conv_fc = nn.Sequential(
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
        functional.set_step_mode(self, "m")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rates: torch.Tensor = self.conv_fc(x).mean(0)
        return rates


def csnn(channels: int = 16) -> MNISTNet:
    """The factory that ``snnhub convert model.py:csnn --set channels=16`` calls."""
    return MNISTNet(channels)
