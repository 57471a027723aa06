"""One run of the traced network on random input: shapes for the import, and spikes to compare with the engine.

If a layer fails, the input shape is wrong; the error then lists the shapes up to that layer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from snnhub.errors import UsageError
from snnhub.ir.tensor import Array

from snnhub_spikingjelly.blocks import is_block, takes_input
from snnhub_spikingjelly.modules import SPIKING, STATEFUL, kind_of
from snnhub_spikingjelly.signals import Lead, RefusedError

if TYPE_CHECKING:
    from torch import fx, nn

STEPS, SAMPLES, SEED = 4, 2, 20261121
SPIKE_RATE = 0.4
RANKS = {
    **{
        f"{kind}{dims}d": dims + 1
        for kind in ("Conv", "AvgPool", "MaxPool", "AdaptiveAvgPool", "BatchNorm")
        for dims in (1, 2, 3)
        if (kind, dims) != ("BatchNorm", 1)  # takes (N, C) and (N, C, L)
    },
    "Linear": 1,
    "VotingLayer": 1,
}


class Probe:
    """``shapes``: output shape of every traced node. ``spikes``: by module path, (time, samples, features…).

    ``stimulus``: (time, samples, features…), uniform in 0 .. 1, or spikes where ``spikes_in``: a BlockContainer
    takes the input. ``lead``: what the network's input looks like.
    ``calls``: input and output of each call of the traced network, in order.
    """

    def __init__(self, net: nn.Module, graph: fx.Graph, input_shape: tuple[int, ...]) -> None:
        self.net = net
        self.graph = graph
        self.input_shape = input_shape
        self.lead = input_lead(net, graph)
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.calls: list[tuple[Array, Any]] = []
        self.spikes: dict[str, Array] = {}
        self._listing: list[str] = []
        random = np.random.default_rng(SEED)
        self.stimulus = random.random((STEPS, SAMPLES, *input_shape), dtype=np.float32)
        self.spikes_in = takes_input(net, graph)
        if self.spikes_in:
            self.stimulus = (self.stimulus < SPIKE_RATE).astype(np.float32)
        if self.lead is Lead.FRAME:
            self.stimulus[:] = self.stimulus[:1]
        self._run()

    def _run(self) -> None:
        import torch
        from spikingjelly.activation_based import functional

        collected: dict[str, list[Array]] = {}
        calls = [self.stimulus] if self.lead is Lead.TIME_BATCH else list(self.stimulus)
        if self.lead is Lead.FRAME:
            calls = [self.stimulus[0]]
        with torch.no_grad():
            for values in calls:
                for path, spikes in self._call(torch.from_numpy(values)).items():
                    collected.setdefault(path, []).append(spikes)
        functional.reset_net(self.net)
        for path, parts in collected.items():
            self.spikes[path] = parts[0] if self.lead is not Lead.BATCH else np.stack(parts)
        if self.lead is Lead.FRAME and self.spikes:
            steps = next(iter(self.spikes.values())).shape[0]
            self.stimulus = np.repeat(self.stimulus[:1], steps, axis=0)

    def _call(self, x: Any) -> dict[str, Array]:
        import torch
        from torch import fx

        probe = self
        found: dict[str, Array] = {}

        class Recorder(fx.Interpreter):
            def run_node(self, n: fx.Node) -> Any:
                try:
                    result = super().run_node(n)
                except Exception as problem:  # noqa: BLE001  whatever a layer raises, the shape is to blame
                    raise probe._failed(n, problem) from None
                if isinstance(result, torch.Tensor):
                    probe._saw(n, tuple(result.shape))
                    if n.op == "call_module" and kind_of(probe.net.get_submodule(str(n.target))) in SPIKING:
                        inner = ".neuron" if is_block(probe.net.get_submodule(str(n.target))) else ""
                        found[f"{n.target}{inner}"] = result.numpy().astype(np.uint8)
                return result

        module = fx.GraphModule(self.net, self.graph)
        self.calls.append((x.numpy(), Recorder(module).run(x)))
        return found

    def _saw(self, node: fx.Node, shape: tuple[int, ...]) -> None:
        if node.name not in self.shapes and node.op == "call_module":
            module = self.net.get_submodule(str(node.target))
            self._listing.append(f"{node.target} {type(module).__name__} -> {list(shape)}")
        self.shapes[node.name] = shape

    def _failed(self, node: fx.Node, problem: Exception) -> UsageError:
        name = str(node.target) if node.op == "call_module" else node.name
        kind = type(self.net.get_submodule(name)).__name__ if node.op == "call_module" else "function"
        words = str(problem).strip().splitlines()[0][:160] if str(problem).strip() else type(problem).__name__
        listing = "\n    ".join(["", *self._listing, f"{name} {kind} fails: {words}"])
        return UsageError(
            f"input shape {list(self.input_shape)} does not fit the network; layer by layer:{listing}\n ",
            where=name,
            remedy="Pass --input-shape without time and batch, such as 1,28,28.",
        )


def input_lead(net: nn.Module, graph: fx.Graph) -> Lead:
    """How the network takes its input: (T, N, …), (N, …) step by step, or one frame that it holds itself."""
    modes = {
        module.step_mode
        for node in graph.nodes
        if node.op == "call_module"
        and hasattr(module := net.get_submodule(str(node.target)), "step_mode")
        and _is_neuron(module)
    }
    if holds_frame(graph):
        return Lead.FRAME
    return Lead.TIME_BATCH if "m" in modes else Lead.BATCH


def _is_neuron(module: nn.Module) -> bool:
    try:
        return kind_of(module) in STATEFUL
    except RefusedError:
        return False


def holds_frame(graph: fx.Graph) -> bool:
    """Whether the forward repeats its input over time itself."""
    return any(node.op == "call_method" and node.target in ("repeat", "expand") for node in graph.nodes)


def first_layer_rank(net: nn.Module, graph: fx.Graph) -> int:
    """Number of feature axes of the input, by the first layer that says so; 1 if none does."""
    for node in graph.nodes:
        if node.op == "call_module":
            name = type(net.get_submodule(str(node.target))).__name__
            if name == "BlockContainer":
                name = type(net.get_submodule(f"{node.target}.synapse")).__name__
            if name in RANKS:
                return RANKS[name]
            if name == "Flatten":
                return 3
    return 1
