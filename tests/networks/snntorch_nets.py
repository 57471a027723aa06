"""snnTorch networks as its tutorials and users write them. Each factory seeds itself; ``SHAPES``: input shapes.

Weights are scaled so that every layer of neurons fires.
"""

from __future__ import annotations

from typing import Any

import snntorch as snn
import torch
from snntorch import surrogate, utils
from torch import nn
from torch.nn import functional as F  # noqa: N812

STEPS = 12
Tensor = torch.Tensor


def _loud(net: nn.Module, gain: float = 3.0) -> nn.Module:
    """Weights times ``gain``: torch's initialisation leaves deeper layers silent."""
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.Linear | nn.Conv2d):
                module.weight.mul_(gain)
    return net


def _made(kind: Any, *arguments: Any, gain: float = 3.0) -> nn.Module:
    torch.manual_seed(7)
    return _loud(kind(*arguments), gain)


class Fc(nn.Module):
    """Tutorial 5: two layers, a loop over time, spikes and potentials of the last layer."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(20, 30)
        self.lif1 = snn.Leaky(beta=0.95)
        self.fc2 = nn.Linear(30, 5)
        self.lif2 = snn.Leaky(beta=torch.rand(5), learn_beta=True, threshold=0.8, learn_threshold=True)

    def forward(self, x: Tensor) -> Any:
        mem1, mem2 = self.lif1.init_leaky(), self.lif2.init_leaky()
        spikes, potentials = [], []
        for step in range(x.size(0)):
            spk1, mem1 = self.lif1(self.fc1(x[step]), mem1)
            spk2, mem2 = self.lif2(self.fc2(spk1), mem2)
            spikes.append(spk2)
            potentials.append(mem2)
        return torch.stack(spikes, dim=0), torch.stack(potentials, dim=0)


class Regression(nn.Module):
    """Regression tutorial: the potential of a last neuron that no spike resets."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(20, 30)
        self.lif1 = snn.Leaky(beta=0.9, threshold=0.5, reset_delay=False, reset_mechanism="zero")
        self.fc2 = nn.Linear(30, 2)
        self.lif2 = snn.Leaky(beta=0.9, reset_mechanism="none")

    def forward(self, x: Tensor) -> Tensor:
        mem1, mem2 = self.lif1.reset_mem(), self.lif2.reset_mem()
        found = []
        for step in x:
            spk1, mem1 = self.lif1(self.fc1(step), mem1)
            _, mem2 = self.lif2(self.fc2(spk1), mem2)
            found.append(mem2)
        return torch.stack(found)


class Static(nn.Module):
    """Tutorial 5 with one frame for all steps, and a decision by counting."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(20, 30)
        self.lif1 = snn.Leaky(beta=0.9)
        self.fc2 = nn.Linear(30, 5)
        self.lif2 = snn.Synaptic(alpha=0.7, beta=0.8, reset_mechanism="zero")

    def forward(self, x: Tensor) -> Tensor:
        mem1 = self.lif1.init_leaky()
        syn2, mem2 = self.lif2.init_synaptic()
        spikes = []
        for _ in range(STEPS):
            spk1, mem1 = self.lif1(self.fc1(x), mem1)
            spk2, syn2, mem2 = self.lif2(self.fc2(spk1), syn2, mem2)
            spikes.append(spk2)
        return torch.stack(spikes).sum(0)


class Conv(nn.Module):
    """Tutorial 6 with functions: convolutions, max pooling, a view, a potential read out."""

    def __init__(self) -> None:
        super().__init__()
        grad = surrogate.fast_sigmoid(slope=25)
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.lif1 = snn.Leaky(beta=0.5, spike_grad=grad)
        self.conv2 = nn.Conv2d(6, 8, 3)
        self.lif2 = snn.Leaky(beta=0.5, threshold=0.5, spike_grad=grad, graded_spikes_factor=0.75)
        self.fc1 = nn.Linear(32, 4)
        self.lif3 = snn.Leaky(beta=0.5, spike_grad=grad, reset_delay=False)

    def forward(self, x: Tensor) -> Tensor:
        mem1, mem2, mem3 = self.lif1.init_leaky(), self.lif2.init_leaky(), self.lif3.init_leaky()
        spikes = []
        for step in range(x.shape[0]):
            spk1, mem1 = self.lif1(F.max_pool2d(self.conv1(x[step]), 2), mem1)
            spk2, mem2 = self.lif2(F.max_pool2d(self.conv2(spk1), 2), mem2)
            spk3, mem3 = self.lif3(self.fc1(spk2.view(x.shape[1], -1)), mem3)
            spikes.append(spk3)
        return torch.stack(spikes)


class Recurrent(nn.Module):
    """Every recurrent neuron, and those with a current, in a chain."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(20, 15)
        self.lif1 = snn.RLeaky(beta=0.9, linear_features=15)
        self.fc2 = nn.Linear(15, 8)
        self.lif2 = snn.RSynaptic(alpha=0.7, beta=0.9, linear_features=8, reset_mechanism="zero")
        self.fc3 = nn.Linear(8, 6)
        self.lif3 = snn.RLeaky(beta=0.5, all_to_all=False, V=torch.linspace(-1, 1, 6), reset_delay=False)
        self.fc4 = nn.Linear(6, 5)
        self.lif4 = snn.Alpha(alpha=0.9, beta=0.8)

    def forward(self, x: Tensor) -> Tensor:
        spk1, mem1 = self.lif1.init_rleaky()
        spk2, syn2, mem2 = self.lif2.init_rsynaptic()
        spk3, mem3 = self.lif3.init_rleaky()
        exc4, inh4, mem4 = self.lif4.init_alpha()
        spikes = []
        for step in x:
            spk1, mem1 = self.lif1(self.fc1(step), spk1, mem1)
            spk2, syn2, mem2 = self.lif2(self.fc2(spk1), spk2, syn2, mem2)
            spk3, mem3 = self.lif3(self.fc3(spk2), spk3, mem3)
            spk4, exc4, inh4, mem4 = self.lif4(self.fc4(spk3), exc4, inh4, mem4)
            spikes.append(spk4)
        return torch.stack(spikes)


class Resetting(nn.Module):
    """Hidden states that the forward resets itself, batch normalisation, a skip connection, dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.lif1 = snn.Leaky(beta=0.8, init_hidden=True)
        self.back = nn.Conv2d(4, 4, 3, padding=1)
        self.lif2 = snn.RLeaky(beta=0.8, conv2d_channels=4, kernel_size=3, init_hidden=True)
        self.pool = nn.AvgPool2d(2)
        self.drop = nn.Dropout(0.2)
        self.fc = nn.Linear(36, 5)
        self.lif3 = snn.Lapicque(R=5.0, C=2.0, time_step=1.5, init_hidden=True)

    def forward(self, x: Tensor) -> Tensor:
        utils.reset(self)
        spikes = []
        for step in x:
            spk1 = self.lif1(self.norm(self.conv(step)))
            spk2 = self.lif2(self.back(spk1)) + spk1
            spikes.append(self.lif3(self.fc(self.drop(self.pool(spk2).flatten(1)))))
        return torch.stack(spikes)


class Changes(nn.Module):
    """``DeltaLeaky``, whose state is a pair."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(20, 6)
        self.lif = snn.DeltaLeaky(0.7, beta=0.9)

    def forward(self, x: Tensor) -> Tensor:
        state: Any = (None, None)
        spikes = []
        for step in x:
            spk, state = self.lif(self.fc(step), state)
            spikes.append(spk)
        return torch.stack(spikes)


def fc() -> nn.Module:
    return _made(Fc)


def regression() -> nn.Module:
    return _made(Regression)


def static() -> nn.Module:
    return _made(Static)


def conv() -> nn.Module:
    return _made(Conv, gain=6.0)


def recurrent() -> nn.Module:
    return _made(Recurrent, gain=4.0)


def resetting() -> nn.Module:
    net = _made(Resetting)
    norm: Any = net.get_submodule("norm")
    norm.running_var.uniform_(0.5, 2.0)
    norm.running_mean.uniform_(-0.3, 0.3)
    return net


def changes() -> nn.Module:
    return _made(Changes)


def _sequential() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 6, 5),
        nn.MaxPool2d(2),
        snn.Leaky(beta=0.5, init_hidden=True),
        nn.Conv2d(6, 8, 3),
        nn.MaxPool2d(2),
        snn.Leaky(beta=0.5, init_hidden=True, surrogate_disable=True),
        nn.Flatten(),
        nn.Linear(32, 5),
        snn.Leaky(beta=0.5, init_hidden=True, output=True),
    )


def sequential() -> nn.Module:
    """Tutorial 6: one ``Sequential`` of layers that keep their own states, called once per step."""
    return _made(_sequential, gain=6.0)


def _parallel() -> nn.Module:
    second = snn.LeakyParallel(12, 5, beta=0.5, threshold=0.1, graded_spikes_factor=0.5)
    return nn.Sequential(snn.LeakyParallel(20, 12, beta=0.8), second)


def parallel() -> nn.Module:
    """Whole sequences: ``LeakyParallel``, once with graded spikes."""
    return _made(_parallel)


def refused() -> nn.Module:
    """One of each thing that has no step."""
    spoilt = snn.Leaky(beta=0.9, init_hidden=True)
    spoilt.reset_mechanism = "zero"  # what has been built resets by subtraction
    return nn.Sequential(
        nn.Linear(20, 15),
        snn.Leaky(beta=0.9, inhibition=True, init_hidden=True),
        snn.Leaky(beta=0.9, state_quant=lambda v: v.round(), init_hidden=True),
        snn.SLSTM(15, 15, init_hidden=True),
        snn.Leaky(beta=0.9, spike_grad=torch.sigmoid, init_hidden=True),
        spoilt,
        snn.Leaky(beta=float("nan"), init_hidden=True),
        snn.RSynaptic(alpha=0.9, beta=0.8, linear_features=15, reset_delay=False, init_hidden=True),
        snn.Leaky(beta=0.9, graded_spikes_factor=0, reset_delay=False, init_hidden=True),
    )


IMAGE = (1, 16, 16)
SHAPES: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(("fc", "regression", "static", "recurrent", "changes", "parallel", "refused"), (20,)),
    **dict.fromkeys(("conv", "sequential"), IMAGE),
    "resetting": (2, 6, 6),
}
