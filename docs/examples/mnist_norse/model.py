"""Two spiking networks for MNIST in norse: that of norse's tutorial, small, and one that Loihi's LIF can hold."""

import norse.torch as norse
import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

CLASSES = 10


class Tutorial(nn.Module):
    """Convolution, LIFCell and maximum, twice; a Linear; a membrane without spikes as readout.

    Takes (T, N, 1, 28, 28) and returns the membrane of each class in every step, (T, N, 10): the class is that of
    the largest of all steps.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        p = norse.LIFParameters(v_th=torch.tensor(0.4))
        self.conv1, self.conv2 = nn.Conv2d(1, channels, 5), nn.Conv2d(channels, 2 * channels, 5)
        self.fc1 = nn.Linear(2 * channels * 16, 64)
        self.lif0, self.lif1, self.lif2 = norse.LIFCell(p), norse.LIFCell(p), norse.LIFCell(p)
        self.out = norse.LILinearCell(64, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        s0 = s1 = s2 = so = None
        voltages = []
        for step in x:
            z, s0 = self.lif0(self.conv1(step), s0)
            z = max_pool2d(z, 2, 2)
            z, s1 = self.lif1(3 * self.conv2(z), s1)
            z = max_pool2d(z, 2, 2).flatten(1)
            z, s2 = self.lif2(self.fc1(z), s2)
            v, so = self.out(z, so)
            voltages.append(v)
        return torch.stack(voltages)


def tutorial(channels: int = 8) -> nn.Module:
    """The network of norse's MNIST tutorial, with ``channels`` where that has 20."""
    return Tutorial(channels)


def boxed(channels: int = 8) -> nn.Module:
    """Convolutions with strides, LIFBoxCells, and spikes at the end: NIR says it whole, and Loihi's LIF holds it.

    Takes one step (N, 1, 28, 28); the class is the one that fires most.
    """

    def cell() -> nn.Module:
        return norse.LIFBoxCell(norse.LIFBoxParameters(v_th=torch.tensor(0.25)))

    return norse.SequentialState(
        nn.Conv2d(1, channels, 5, stride=2, bias=False),
        cell(),
        nn.Conv2d(channels, 2 * channels, 3, stride=2, bias=False),
        cell(),
        nn.Flatten(1),
        nn.Linear(2 * channels * 25, 64, bias=False),
        cell(),
        nn.Linear(64, CLASSES, bias=False),
        cell(),
    )
