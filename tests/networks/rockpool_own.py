"""Rockpool modules of one's own, and factories of networks with them. Only for interpreters that have Rockpool."""

from __future__ import annotations

from typing import Any

import torch
from rockpool.graph import AliasConnection, GraphHolder, LIFNeuronWithSynsRealValue, LinearWeights, connect_modules
from rockpool.nn.combinators.residual import TorchResidual
from rockpool.nn.combinators.sequential import TorchSequential
from rockpool.nn.modules import ExpSynTorch, LIFBitshiftTorch, LIFTorch, LinearTorch, TorchModule
from rockpool.nn.modules.torch.dropout import TimeStepDropout
from rockpool.nn.networks import SynNet, WaveSenseNet

DT = 1e-3


def linear(before: int, after: int, scale: float = 0.3) -> Any:
    """Weights on a grid of 1/64: sums over spikes are exact in any order."""
    return LinearTorch((before, after), weight=torch.round(torch.randn(before, after) * scale * 64) / 64)


def neurons(size: int, n_syn: int = 1, cap: int = 31, kind: Any = LIFTorch, **more: Any) -> Any:
    taus = {"tau_mem": 0.002 + 0.02 * torch.rand(size), "tau_syn": 0.002 + 0.02 * torch.rand(size, n_syn)}
    threshold = 0.3 + torch.rand(size)
    return kind((size * n_syn, size), **taus, threshold=threshold, dt=DT, max_spikes_per_dt=cap, **more)


class Branches(TorchModule):
    """Two branches with caps and leaks of their own; their spikes add up. Its forward records nothing."""

    def __init__(self, size: int = 16, after: int = 10, drops: bool = False) -> None:
        super().__init__(shape=(size, after))
        self.left, self.right = linear(size, 2 * after), linear(size, after)
        self.slow = neurons(after, 2, cap=3)
        w_rec = torch.round(torch.randn(after, after) * 8) / 64
        self.fast = neurons(after, cap=7, kind=LIFBitshiftTorch, has_rec=True, w_rec=w_rec)
        if drops:
            self.drops = TimeStepDropout((after,))

    def forward(self, data: Any) -> Any:
        slow = self.slow(self.left(data)[0])[0]
        fast = self.fast(self.right(data)[0])[0]
        return slow + fast

    def as_graph(self) -> Any:
        left, right = self.left.as_graph(), self.right.as_graph()
        slow, fast = self.slow.as_graph(), self.fast.as_graph()
        connect_modules(left, slow)
        connect_modules(right, fast)
        start = GraphHolder(left.input_nodes, left.input_nodes, "start", None)
        connect_modules(start, right)
        AliasConnection(slow.output_nodes, fast.output_nodes, "sum", None)
        return GraphHolder(left.input_nodes, fast.output_nodes, "branches", self)


class Mine(TorchSequential):
    """A sequence under another name."""


class Nameless(Branches):
    """Its graph has numbers alone, and no layer that they came from."""

    def as_graph(self) -> Any:
        weight = self.right.weight.detach().numpy()
        right = LinearWeights._factory(*weight.shape, "weights", None, weight)
        layer = self.fast
        size = layer.size_out
        values = [each.detach().expand(size).numpy() for each in (layer.threshold, layer.bias)]
        taus = [layer.tau_mem.detach().numpy(), layer.tau_syn.detach().flatten().numpy()]
        fast = LIFNeuronWithSynsRealValue._factory(size, size, "neurons", None, *taus, *values, DT)
        connect_modules(right, fast)
        return GraphHolder(right.input_nodes, fast.output_nodes, "nameless", None)

    def forward(self, data: Any) -> Any:
        return self.fast(self.right(data)[0])[0]


class Some(Branches):
    """Takes some outputs of a layer."""

    def as_graph(self) -> Any:
        right, slow = self.right.as_graph(), linear(5, 5).as_graph()
        connect_modules(right, slow, range(5))
        return GraphHolder(right.input_nodes, slow.output_nodes, "some", self)


class Broken(Branches):
    """Its graph cannot be made."""

    def as_graph(self) -> Any:
        return self.missing.as_graph()


class Loop(Branches):
    """Weights of its own lead back."""

    def as_graph(self) -> Any:
        right, fast = self.right.as_graph(), self.fast.as_graph()
        connect_modules(right, fast)
        back = LinearWeights._factory(10, 10, "back", None, torch.eye(10).numpy())
        connect_modules(fast, back)
        connect_modules(back, fast)
        return GraphHolder(right.input_nodes, fast.output_nodes, "loop", self)


class Twice(Branches):
    """One layer in two places."""

    def as_graph(self) -> Any:
        right, fast, again = self.right.as_graph(), self.fast.as_graph(), self.fast.as_graph()
        connect_modules(right, fast)
        connect_modules(fast, again)
        return GraphHolder(right.input_nodes, again.output_nodes, "twice", self)


class Unfed(Branches):
    """A layer that nothing is connected to adds to the output."""

    def as_graph(self) -> Any:
        right, fast, slow = self.right.as_graph(), self.fast.as_graph(), self.slow.as_graph()
        connect_modules(right, fast)
        AliasConnection(slow.output_nodes, fast.output_nodes, "sum", None)
        return GraphHolder(right.input_nodes, fast.output_nodes, "unfed", self)


class WithSynapse(TorchModule):
    """Has a layer that no graph of Rockpool can hold."""

    def __init__(self) -> None:
        super().__init__(shape=(16, 10))
        self.fc, self.syn = linear(16, 10), ExpSynTorch(10, dt=DT)

    def forward(self, data: Any) -> Any:
        return self.syn(self.fc(data)[0])[0]

    def as_graph(self) -> Any:
        return TorchSequential(self.fc, self.syn).as_graph()


class Heaviside:
    """Stands where LIFExodus has the surrogate of sinabs-exodus."""


class LIFExodus(LIFTorch):
    """In place of Rockpool's, which needs a GPU: its order of operations, by its source, on any machine."""

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self.spike_generation_fn = Heaviside()

    def forward(self, data: Any) -> Any:
        arrived = data.reshape(*data.shape[:2], self.n_neurons, self.n_synapses) * self.beta
        isyn, vmem = torch.zeros_like(arrived[:, 0]), torch.zeros_like(arrived[:, 0, :, 0])
        alpha, threshold = self.alpha, self.threshold
        record: dict[str, list[Any]] = {"isyn": [], "vmem": [], "spikes": []}
        for x in arrived.unbind(1):
            isyn = isyn * self.beta + x
            vmem = vmem * alpha + (isyn + self.bias[:, None]).sum(-1)
            fired = torch.clamp((vmem / threshold).floor(), 0, self.max_spikes_per_dt)
            vmem = vmem - fired * threshold
            for name, value in (("isyn", isyn), ("vmem", vmem), ("spikes", fired)):
                record[name].append(value)
        self._record_dict = {name: torch.stack(values, 1) for name, values in record.items()}
        return self._record_dict["spikes"]


def exodus(seed: int = 0, n_syn: int = 2) -> Any:
    torch.manual_seed(seed)
    bias = 0.05 * torch.randn(12)
    return TorchSequential(linear(16, 12 * n_syn), neurons(12, n_syn, kind=LIFExodus, bias=bias))


def unknown(kind: str = "Branches", seed: int = 0) -> Any:
    """One of the classes above as the network."""
    torch.manual_seed(seed)
    return globals()[kind]()


def within(seed: int = 0) -> Any:
    """Modules of one's own among those of Rockpool."""
    torch.manual_seed(seed)
    inner = Mine(linear(10, 10, 0.2), neurons(10))
    block = TorchResidual(linear(10, 10, 0.2), neurons(10))
    return TorchSequential(Branches(drops=True), block, inner, linear(10, 4), neurons(4, cap=1))


def wavesense(seed: int = 0) -> Any:
    """Rockpool's other network: blocks with a residual path, and skip paths that add up."""
    torch.manual_seed(seed)
    sizes = {"n_classes": 3, "n_channels_in": 16, "n_channels_res": 12, "n_channels_skip": 10, "n_hidden": 14}
    net = WaveSenseNet(dilations=[2, 4, 8], tau_mem=0.004, base_tau_syn=0.003, tau_lp=0.005, **sizes)
    for name, weight in net.named_parameters():
        if name.endswith("weight"):  # on a grid, and so that every layer fires
            weight.data = torch.round((weight.data / weight.data.std() * 0.15 + 0.01) * 64) / 64
    return net


def two_synnets(output: str = "spikes") -> Any:
    """A SynNet that hands on to another."""
    torch.manual_seed(0)
    return TorchSequential(SynNet(n_classes=6, n_channels=16, output=output), SynNet(n_classes=3, n_channels=6))
