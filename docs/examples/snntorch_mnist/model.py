"""Two MNIST networks in snnTorch as its tutorials write them, both with its default neuron.

That neuron resets softly and a step late. ``fc`` shows one frame for all steps and loops over time itself;
``conv`` is a ``Sequential`` of layers that keep their own states (``init_hidden``), called once per step. The
decision is the class with the most spikes.
"""

import snntorch as snn
import torch
from snntorch import surrogate
from torch import nn


class Fc(nn.Module):
    """Input (samples, 784), one frame; output (steps, samples, 10) of spikes."""

    def __init__(self, hidden: int, steps: int, beta: float) -> None:
        super().__init__()
        self.steps = steps
        self.fc1 = nn.Linear(784, hidden)
        self.lif1 = snn.Leaky(beta=beta, learn_beta=True)
        self.fc2 = nn.Linear(hidden, 10)
        self.lif2 = snn.Leaky(beta=beta, learn_threshold=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mem1 = self.lif1.init_leaky()
        mem2 = self.lif2.init_leaky()
        spikes = []
        for _ in range(self.steps):
            spk1, mem1 = self.lif1(self.fc1(x), mem1)
            spk2, mem2 = self.lif2(self.fc2(spk1), mem2)
            spikes.append(spk2)
        return torch.stack(spikes)


def fc(hidden: int = 100, steps: int = 25, beta: float = 0.95) -> nn.Module:
    """784 - hidden - 10, one learnt decay and one learnt threshold."""
    return Fc(hidden, steps, beta)


def conv(channels: int = 8, beta: float = 0.5) -> nn.Module:
    """Two convolutions of 5 x 5, each with max pooling, and a readout."""
    grad = surrogate.fast_sigmoid(slope=25)
    return nn.Sequential(
        nn.Conv2d(1, channels, 5),
        nn.MaxPool2d(2),
        snn.Leaky(beta=beta, spike_grad=grad, init_hidden=True),
        nn.Conv2d(channels, 2 * channels, 5),
        nn.MaxPool2d(2),
        snn.Leaky(beta=beta, spike_grad=grad, init_hidden=True),
        nn.Flatten(),
        nn.Linear(2 * channels * 4 * 4, 10),
        snn.Leaky(beta=beta, spike_grad=grad, init_hidden=True, output=True),
    )
