"""norse networks as users write them. They run in the environment ``nir-frameworks``; imports stay inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn


def _seeded(seed: int) -> None:
    import torch

    torch.manual_seed(seed)


def sequential(seed: int = 0, hidden: int = 24, dt: float = 1e-3) -> nn.Module:
    """SequentialState of layers and cells, and a membrane as readout: 12 inputs."""
    import norse.torch as norse
    import torch
    from torch import nn

    _seeded(seed)
    p = norse.LIFParameters(v_th=torch.tensor(0.3), tau_syn_inv=torch.tensor(300.0))
    return norse.SequentialState(
        nn.Linear(12, hidden),
        norse.LIFCell(p, dt=dt),
        nn.Linear(hidden, hidden, bias=False),
        norse.LIFBoxCell(norse.LIFBoxParameters(v_th=torch.tensor(0.02)), dt=dt),
        nn.Linear(hidden, 10),
        norse.LICell(dt=dt),
    )


def boxes(seed: int = 0, cells: str = "box", bias: bool = True) -> nn.Module:
    """Linear and a cell without a synapse, twice, then a Linear and a spiking output: what norse reads of NIR."""
    import norse.torch as norse
    import torch
    from norse.torch.utils.import_nir import CubaLIF
    from torch import nn

    _seeded(seed)

    def cell(size: int) -> nn.Module:
        if cells == "iaf":
            return norse.IAFCell(norse.IAFParameters(v_th=torch.tensor(1.5)))
        box = norse.LIFBoxCell(norse.LIFBoxParameters(v_th=torch.tensor(0.05)))
        if cells == "box":
            return box
        synapse = norse.LIBoxCell(norse.LIBoxParameters(tau_mem_inv=torch.tensor(200.0)))
        return CubaLIF(torch.tensor(1.5), synapse, torch.full((size,), 3.0), box)

    layers: list[nn.Module] = []
    for before, size in ((12, 24), (24, 24), (24, 10)):
        layers += [nn.Linear(before, size, bool(bias)), cell(size)]
        layers[-2].weight.data *= 4
    return norse.SequentialState(*layers)


def whole(seed: int = 0) -> nn.Module:
    """A class over whole sequences (T, N, …): LIF, LSNN, and a loop over a LILinearCell."""
    import norse.torch as norse
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc1 = nn.Linear(12, 24)
            self.lif = norse.LIF(norse.LIFParameters(v_th=torch.tensor(0.3)))
            self.fc2 = nn.Linear(24, 24)
            self.lsnn = norse.LSNN(norse.LSNNParameters(v_th=torch.tensor(0.1), beta=torch.tensor(0.05)))
            self.readout = norse.LILinearCell(24, 10)

        def forward(self, x: Any) -> Any:
            z, _ = self.lif(self.fc1(x))
            z, _ = self.lsnn(self.fc2(z))
            state, voltages = None, []
            for step in z:
                v, state = self.readout(step, state)
                voltages.append(v)
            return torch.stack(voltages)

    _seeded(seed)
    return Net()


def by_hand(seed: int = 0) -> nn.Module:
    """States passed by hand over a loop, and the maximum over time, as norse's tutorials decide."""
    import norse.torch as norse
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.recurrent = norse.LIFRecurrentCell(12, 20, norse.LIFParameters(v_th=torch.tensor(0.4)))
            self.refractory = norse.LIFRefracCell()
            self.fc = nn.Linear(20, 20)
            self.out = norse.LILinearCell(20, 10)

        def forward(self, x: Any) -> Any:
            first = second = third = None
            found = []
            for t in range(x.shape[0]):
                z, first = self.recurrent(x[t], first)
                z, second = self.refractory(5 * self.fc(z), second)
                v, third = self.out(z, third)
                found.append(v)
            return torch.stack(found)

    _seeded(seed)
    return Net()


def convolutional(seed: int = 0, size: int = 12) -> nn.Module:
    """As in the MNIST tutorial: convolutions, LIFCells, maxima, LILinearCell, put into a tensor step by step."""
    import norse.torch as norse
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            p = norse.LIFParameters(v_th=torch.tensor(0.4), alpha=torch.tensor(100.0))
            self.features = ((size - 2) // 2 - 2) // 2
            self.conv1, self.conv2 = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 6, 3)
            self.lif0, self.lif1, self.lif2 = norse.LIFCell(p), norse.LIFCell(p), norse.LIFCell(p)
            self.fc1 = nn.Linear(6 * self.features**2, 20)
            self.out = norse.LILinearCell(20, 10)

        def forward(self, x: Any) -> Any:
            s0 = s1 = s2 = so = None
            voltages = torch.zeros(x.shape[0], x.shape[1], 10)
            for ts in range(x.shape[0]):
                z, s0 = self.lif0(self.conv1(x[ts]), s0)
                z = torch.nn.functional.max_pool2d(z, 2, 2)
                z, s1 = self.lif1(10 * self.conv2(z), s1)
                z = torch.nn.functional.max_pool2d(z, 2, 2)
                z = z.view(-1, 6 * self.features**2)
                z, s2 = self.lif2(self.fc1(z), s2)
                v, so = self.out(torch.nn.functional.relu(z), so)
                voltages[ts, :, :] = v
            return voltages

    _seeded(seed)
    return Net()


def tutorial(seed: int = 0) -> nn.Module:
    """The ConvNet for MNIST that norse brings, as it is."""
    from norse.torch.models.conv import ConvNet

    _seeded(seed)
    return ConvNet()


def recurrent(seed: int = 0, kind: str = "LSNNRecurrent") -> nn.Module:
    """A recurrent layer of whole sequences, lifted layers around it."""
    import norse.torch as norse
    from torch import nn

    _seeded(seed)
    return norse.SequentialState(
        norse.Lift(nn.Linear(12, 16)),
        getattr(norse, kind)(16, 20),
        norse.Lift(nn.Linear(20, 20)),
        norse.LIF(),
    )


def fed_back(seed: int = 0) -> nn.Module:
    """RecurrentSequential: what comes out is added to what arrives, one step later."""
    import norse.torch as norse
    import torch
    from torch import nn

    _seeded(seed)
    p = norse.LIFParameters(v_th=torch.tensor(0.3))
    return norse.Lift(norse.RecurrentSequential(nn.Linear(12, 12), norse.LIFCell(p)))


def lifted(seed: int = 0) -> nn.Module:
    """Lift around a SequentialState of one step."""
    import norse.torch as norse

    return norse.Lift(sequential(seed))


def unholdable() -> nn.Module:
    """Everything that is refused for its class, its settings or its numbers, in one network."""
    import norse.torch as norse
    import torch
    from norse.torch.functional.lif_box import LIFBoxParameters
    from norse.torch.module.encode import PoissonEncoderStep
    from torch import nn

    def clipped(z: Any, v: Any, reset: Any, th: Any) -> Any:
        return torch.where(z > 0, reset, v.clamp(min=-1))

    each = norse.LIFParameters(tau_mem_inv=torch.full((12,), 80.0, dtype=torch.float64))
    swapped = norse.LIFCell()
    swapped.activation = norse.lif_feed_forward_step  # norse's own function: held
    own = norse.LICell()
    own.activation = lambda x, state, p, dt: (x, state)
    return norse.SequentialState(
        nn.Linear(12, 12),
        norse.LIFCell(each),
        norse.LIFBoxCell(LIFBoxParameters(reset_method=clipped)),
        norse.IAFCell(norse.IAFParameters(v_th=torch.tensor(float("nan")))),
        swapped,
        own,
        PoissonEncoderStep(),
        norse.CobaLIFCell(12, 12),
        norse.LIFRecurrentCell(12, 12).double(),
    )


NETS = {
    "sequential": sequential,
    "boxes": boxes,
    "whole": whole,
    "by hand": by_hand,
    "convolutional": convolutional,
    "tutorial": tutorial,
    "recurrent": recurrent,
    "fed back": fed_back,
    "lifted": lifted,
}
SHAPES = {"convolutional": (1, 12, 12), "tutorial": (1, 28, 28)}
