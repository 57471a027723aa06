"""Networks of leakynet as people write them: one factory for each way, and for each thing that must be refused."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from tests.networks.leakynet import BatchFirst, Kept, Leaky, Merged, TimeFirst

IN, HIDDEN, OUT = 5, 7, 3
State = Any


def drawn(net: nn.Module, gain: float = 2.0) -> nn.Module:
    """Reproducible weights that make neurons fire, and batch statistics that matter."""
    random = torch.Generator().manual_seed(3)
    for parameter in net.parameters():
        parameter.data = (torch.rand(parameter.shape, generator=random) * 2 - 0.8) * gain / 2
    for module in net.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.running_mean = torch.randn(module.num_features, generator=random) * 0.1
            module.running_var = torch.rand(module.num_features, generator=random) + 0.5
    return net


class Two(nn.Module):
    """Two layers, as all networks here have them; subclasses say how they run."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.l1 = nn.Linear(IN, HIDDEN), Leaky()
        self.fc2, self.l2 = nn.Linear(HIDDEN, OUT), Leaky()
        self.rec = nn.Linear(HIDDEN, HIDDEN)

    def step(self, x: torch.Tensor, v1: State, v2: State) -> tuple[torch.Tensor, ...]:
        """One step of both: spikes and potentials of the first, spikes and potentials of the second."""
        s1, v1 = self.l1(self.fc1(x), v1)
        s2, v2 = self.l2(self.fc2(s1), v2)
        return s1, v1, s2, v2

    def start(self, x: torch.Tensor) -> torch.Tensor:
        """Zeros of the first layer for a sequence (T, N, …)."""
        return torch.zeros(x.shape[1], HIDDEN)


class Named(Two):
    """One step; states go in and out under their names."""

    def forward(self, x: torch.Tensor, v1: State, s1: State, v2: State) -> Any:
        s1, v1, s2, v2 = self.step(x, v1, v2)
        return v1, s1, v2, s2


class Tupled(Two):
    """One step; the state is one tuple."""

    def forward(self, x: torch.Tensor, state: Any = None) -> Any:
        v1, v2 = state or (None, None)
        _, v1, s2, v2 = self.step(x, v1, v2)
        return s2, (v1, v2)


class Attributes(Two):
    """One step; the network itself keeps the states."""

    def __init__(self) -> None:
        super().__init__()
        self.states: list[State] = [None, None]

    def forward(self, x: torch.Tensor) -> Any:
        _, self.states[0], s2, self.states[1] = self.step(x, *self.states)
        return s2


class Loop(Two):
    """A loop over (T, N, …), which gives spikes and potentials."""

    def forward(self, x: torch.Tensor) -> Any:
        v1, v2 = self.l1.rest(), self.l2.rest()
        spikes, potentials = [], []
        for step in range(x.size(0)):
            _, v1, s2, v2 = self.step(x[step], v1, v2)
            spikes.append(s2)
            potentials.append(v2)
        return torch.stack(spikes), torch.stack(potentials)


class LoopBatchFirst(Two):
    """A loop over (N, T, …), stacked so again."""

    def forward(self, x: torch.Tensor) -> Any:
        v1 = v2 = None
        spikes = []
        for step in range(x.size(1)):
            _, v1, s2, v2 = self.step(x[:, step], v1, v2)
            spikes.append(s2)
        return torch.stack(spikes, dim=1)


class LoopFixed(Two):
    """Ten steps, whatever it is given; the first layer sees the whole sequence at once, the sum comes back."""

    def forward(self, x: torch.Tensor) -> Any:
        v1 = v2 = None
        spikes = []
        currents = self.fc1(x)
        for step in range(10):
            s1, v1 = self.l1(currents[step], v1)
            s2, v2 = self.l2(self.fc2(s1), v2)
            spikes.append(s2)
        return torch.stack(spikes).sum(0)


class Static(Two):
    """One frame, shown for 25 steps by the network itself; the mean comes back."""

    def forward(self, x: torch.Tensor) -> Any:
        v1 = v2 = None
        spikes = []
        for _ in range(25):
            _, v1, s2, v2 = self.step(x, v1, v2)
            spikes.append(s2)
        return torch.stack(spikes).mean(0)


class Total(Two):
    """The sum is added up in place; states are detached in every step."""

    def forward(self, x: torch.Tensor) -> Any:
        v1, v2, total = None, None, torch.zeros(x.shape[1], OUT)
        for now in x:
            _, v1, s2, v2 = self.step(now.view(x.shape[1], -1), v1, v2)
            v1, v2 = v1.detach(), v2.detach()
            total += s2
        return total


class Mean(Two):
    """Python's own sum, divided by the number of steps; two loops, one after the other."""

    def forward(self, x: torch.Tensor) -> Any:
        v1 = v2 = None
        first, spikes = [], []
        for now in x:
            s1, v1 = self.l1(self.fc1(now), v1)
            first.append(s1)
        for now in self.fc2(torch.stack(first)):
            s2, v2 = self.l2(now, v2)
            spikes.append(s2)
        return sum(spikes) / len(spikes)


class Filled(Two):
    """Spikes go into a tensor that is there before the loop."""

    def forward(self, x: torch.Tensor) -> Any:
        v1 = v2 = None
        spikes = torch.zeros(*x.shape[:2], OUT)
        for step, now in enumerate(x):
            _, v1, spikes[step, :, :], v2 = self.step(now, v1, v2)
        return spikes.mean(0)


class Potential(Two):
    """The last potential is the answer."""

    def forward(self, x: torch.Tensor) -> Any:
        v1 = v2 = None
        for now in x:
            _, v1, _, v2 = self.step(now, v1, v2)
        return v2


class Listed(Two):
    """Lists and a dictionary; the hidden layer comes second. The output is a sum that no module gives."""

    def forward(self, x: torch.Tensor) -> Any:
        v1 = v2 = None
        outputs, hidden = [], []
        for now in x:
            s1, v1, s2, v2 = self.step(now, v1, v2)
            outputs.append(s2 + 0.5 * self.fc2(s1))
            hidden.append(s1)
        return {"out": outputs, "hidden": torch.stack(hidden)}


class Recurrent(Two):
    """Spikes of the first layer go back into it, zeros before the start."""

    def forward(self, x: torch.Tensor) -> Any:
        v1, v2, s1 = None, None, self.start(x)
        spikes: list[torch.Tensor] = []
        for now in x:
            s1, v1 = self.l1(self.fc1(now) + self.rec(s1), v1)
            s2, v2 = self.l2(self.fc2(s1), v2)
            spikes.append(s2)
        return torch.stack(spikes)


class RecurrentLate(Two):
    """The same, but nothing goes back in the first step, not even the bias."""

    def forward(self, x: torch.Tensor) -> Any:
        v1, v2, s1, spikes = None, None, None, []
        for now in x:
            current = self.fc1(now)
            if s1 is not None:
                current = current + self.rec(s1)
            s1, v1 = self.l1(current, v1)
            s2, v2 = self.l2(self.fc2(s1), v2)
            spikes.append(s2)
        return torch.stack(spikes)


class Helped(Two):
    """Blocks in a list, a helper function, batch normalisation, dropout, an in-place factor."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([nn.Linear(HIDDEN, HIDDEN) for _ in range(3)])
        self.norm, self.drop = nn.BatchNorm1d(HIDDEN), nn.Dropout(0.5)

    def forward(self, x: torch.Tensor) -> Any:
        def block(y: torch.Tensor, layer: nn.Module) -> torch.Tensor:
            return functional.relu(layer(y)) * 0.25 + y

        v1, v2, spikes = None, None, []
        for now in x:
            y = self.norm(self.fc1(now))
            for layer in self.blocks:
                y = block(y, layer)
            y *= 0.5
            s1, v1 = self.l1(self.drop(y), v1)
            s2, v2 = self.l2(self.fc2(s1), v2)
            spikes.append(s2)
        return spikes


class Sequences(nn.Module):
    """Modules of whole sequences, with a state that the caller may hand on."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.l1 = nn.Linear(IN, HIDDEN), TimeFirst()
        self.fc2, self.l2 = nn.Linear(HIDDEN, OUT), TimeFirst()

    def forward(self, x: torch.Tensor, state: Any = None) -> Any:
        v1, v2 = state or (None, None)
        s1, v1 = self.l1(self.fc1(x), v1)
        s2, v2 = self.l2(self.fc2(s1), v2)
        return s2, (v1, v2)


class Turned(Sequences):
    """The same behind an input (N, T, …)."""

    def forward(self, x: torch.Tensor, state: Any = None) -> Any:
        return super().forward(x.permute(1, 0, 2))[0].mean(0)


class Images(nn.Module):
    """Convolutions see (N*T, …), neurons (N, T, …)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.l1 = nn.Conv2d(1, 2, 3), BatchFirst()
        self.fc, self.l2 = nn.Linear(32, OUT), BatchFirst()

    def forward(self, x: torch.Tensor) -> Any:
        y = self.conv(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        return self.l2(self.fc(self.l1(y).flatten(2)))


def sequential() -> nn.Module:
    """Layers and neurons that keep their states."""
    return nn.Sequential(nn.Conv2d(1, 2, 3), Kept(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(8, OUT), Kept())


def colliding() -> nn.Module:
    """As many features as the probe has steps and samples."""
    return nn.Sequential(nn.Linear(4, 3), BatchFirst(), nn.Linear(3, 4), BatchFirst())


def merged(samples: int = -1, steps: int = -1) -> nn.Module:
    """Sequences as (N*T, …)."""
    return nn.Sequential(
        nn.Conv2d(1, 2, 3), Merged(samples, steps), nn.Flatten(), nn.Linear(32, OUT), Merged(samples, steps)
    )


# what must be refused


class Reads(Two):
    """Looks at its values."""

    def forward(self, x: torch.Tensor) -> Any:
        v1, v2, spikes = None, None, []
        for now in x:
            s1, v1, s2, v2 = self.step(now, v1, v2)
            spikes.append(s2 if s1.sum() > 0 else s2 * 2)
        return torch.stack(spikes)


class Alternates(Two):
    """Every other step does something else."""

    def forward(self, x: torch.Tensor) -> Any:
        v1, v2, spikes = None, None, []
        for step, now in enumerate(x):
            _, v1, s2, v2 = self.step(now * 2 if step % 2 else now, v1, v2)
            spikes.append(s2)
        return torch.stack(spikes)


class Forgets(Two):
    """Hands no state on."""

    def forward(self, x: torch.Tensor) -> Any:
        return torch.stack([self.step(now, None, None)[2] for now in x])


class Decays(Two):
    """Changes a state by hand."""

    def forward(self, x: torch.Tensor) -> Any:
        v1, v2 = None, None
        spikes: list[torch.Tensor] = []
        for now in x:
            _, v1, s2, v2 = self.step(now, v1, v2)
            v1, spikes = v1 * 0.5, [*spikes, s2]
        return torch.stack(spikes)


class Charged(Two):
    """Starts at ones."""

    def forward(self, x: torch.Tensor) -> Any:
        v1, v2 = torch.ones(x.shape[1], HIDDEN), None
        spikes: list[torch.Tensor] = []
        for now in x:
            _, v1, s2, v2 = self.step(now, v1, v2)
            spikes.append(s2)
        return torch.stack(spikes)


class Twice(Two):
    """Calls one neuron twice in a step."""

    def forward(self, x: torch.Tensor) -> Any:
        v1, v2, spikes = None, None, []
        for now in x:
            s1, v1 = self.l1(self.fc1(now), v1)
            s1, v1 = self.l1(s1, v1)
            s2, v2 = self.l2(self.fc2(s1), v2)
            spikes.append(s2)
        return torch.stack(spikes)


class Aliased(Two):
    """Overwrites a tensor that has another name."""

    def forward(self, x: torch.Tensor) -> Any:
        v1, v2, spikes = None, None, []
        for now in x:
            current = self.fc1(now)
            seen = current.view(-1, HIDDEN)
            current += 1
            s1, v1 = self.l1(seen, v1)
            s2, v2 = self.l2(self.fc2(s1), v2)
            spikes.append(s2)
        return torch.stack(spikes)


class Pushed(Two):
    """Feeds ones back before the start."""

    def start(self, x: torch.Tensor) -> torch.Tensor:
        return torch.ones(x.shape[1], HIDDEN)

    forward = Recurrent.forward


class Meddles(Two):
    """Writes into a neuron that keeps its state."""

    def __init__(self) -> None:
        super().__init__()
        self.l1 = Kept()

    def forward(self, x: torch.Tensor) -> Any:
        self.l1.v = self.l1.v * 0.5
        return self.l1(self.fc1(x))


class Cut(Two):
    """Stacks some of the steps."""

    def forward(self, x: torch.Tensor) -> Any:
        v1, v2, spikes = None, None, []
        for now in x:
            _, v1, s2, v2 = self.step(now, v1, v2)
            spikes.append(s2)
        return torch.stack(spikes[1:]).sum(0)


class Weighted(Two):
    """Multiplies by a parameter, and by the tanh of a layer that is not known."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.norm = nn.Parameter(torch.rand(IN, HIDDEN)), nn.LayerNorm(HIDDEN)

    def forward(self, x: torch.Tensor, state: State = None) -> Any:
        s, state = self.l1(torch.tanh(self.norm(x @ self.weight)), state)
        return s, state


class Silent(Two):
    """Returns nothing of its own."""

    def forward(self, x: torch.Tensor) -> Any:
        return torch.zeros(3)


class Potentials(Loop):
    """Returns the potentials in every step."""

    def forward(self, x: torch.Tensor) -> Any:
        return super().forward(x)[1]


class Quick(Two):
    """Makes a layer in the forward, of a user's own class."""

    def forward(self, x: torch.Tensor, state: State = None) -> Any:
        return self.l1(nn.Linear(IN, HIDDEN)(x), state)


def leaking() -> nn.Module:
    """A setting that leakynet's check refuses."""
    return nn.Sequential(nn.Linear(IN, OUT), Kept(leak=2.0))


def net(name: str, samples: int = -1, steps: int = -1) -> nn.Module:
    """A network of this module by name, with drawn weights."""
    made: Any = globals()[name]
    return drawn(made(samples, steps) if name == "merged" else made())
