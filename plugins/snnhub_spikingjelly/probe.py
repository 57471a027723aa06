"""One run of the traced network on random input: shapes for the import, and spikes to compare with the engine.

If a layer fails, the input shape is wrong; the error then lists the shapes up to that layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from snnhub.errors import UsageError
from snnhub.ir.tensor import Array
from snnhub.torchnet.ranks import first_rank
from snnhub.torchnet.signals import Lead, RefusedError

from snnhub_spikingjelly.blocks import is_block, takes_input
from snnhub_spikingjelly.containers import container_kind, mode_of
from snnhub_spikingjelly.modules import SPIKING, STATEFUL, kind_of
from snnhub_spikingjelly.regions import Region

if TYPE_CHECKING:
    from torch import fx, nn

STEPS, SAMPLES, SEED = 4, 2, 20261121
SPIKE_RATE = 0.4
RANKS = {"VotingLayer": 1}


class Probe:
    """``shapes``: output shape of every traced node. ``spikes``: by module path, (time, samples, features…).

    ``stimulus``: (time, samples, features…), uniform in 0 .. 1, or spikes where ``spikes_in``: a BlockContainer
    takes the input. ``lead``: what the network's input looks like.
    ``calls``: input and output of each call of the traced network, in order.
    """

    def __init__(self, region: Region, input_shape: tuple[int, ...]) -> None:
        self.region = region
        self.net = region.net
        self.input_shape = input_shape
        self.lead = input_lead(self.net, region.graph)
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.calls: list[tuple[Array, Any]] = []
        self.spikes: dict[str, Array] = {}
        self._listing: list[str] = []
        random = np.random.default_rng(SEED)
        self.stimulus = random.random((STEPS, SAMPLES, *input_shape), dtype=np.float32)
        self.spikes_in = takes_input(region.net, region.graph)
        if self.spikes_in:
            self.stimulus = (self.stimulus < SPIKE_RATE).astype(np.float32)
        if self.lead is Lead.FRAME:
            self.stimulus[:] = self.stimulus[:1]
        self._run()

    def inside(
        self, region: Region, lead: Lead, features: Sequence[tuple[int, ...]]
    ) -> dict[str, tuple[int, ...]]:
        """Output shape of every traced node inside a container, for inputs of these features."""
        import torch
        from spikingjelly.activation_based import functional

        shapes: dict[str, tuple[int, ...]] = {}
        samples = STEPS * SAMPLES if lead is Lead.MERGED else SAMPLES
        with torch.no_grad():
            inputs = [torch.zeros(samples, *shape) for shape in features]
            _interpreter(region, lambda node, shape: shapes.setdefault(node.name, shape), self._failed).run(
                *inputs
            )
        functional.reset_net(region.net)
        return shapes

    def _run(self) -> None:
        import torch
        from spikingjelly.activation_based import functional

        calls = [self.stimulus] if self.lead is Lead.TIME_BATCH else list(self.stimulus)
        if self.lead is Lead.FRAME:
            calls = [self.stimulus[0]]
        collected: dict[str, list[Array]] = {}
        hooks = [
            module.register_forward_hook(_keep(collected.setdefault(name, [])))
            for name, module in self.net.named_modules()
            if is_neuron(module, SPIKING) and not is_block(module)  # its neuron is a module of its own
        ]
        try:
            with torch.no_grad():
                for values in calls:
                    run = _interpreter(self.region, self._saw, self._failed).run
                    self.calls.append((values, run(torch.from_numpy(values.copy()))))
        finally:
            for hook in hooks:
                hook.remove()
            functional.reset_net(self.net)
        for path, parts in collected.items():
            if parts:
                stepped = self.net.get_submodule(path).step_mode == "s"
                self.spikes[path] = np.stack(parts) if stepped else parts[0]
        if self.lead is Lead.FRAME and self.spikes:
            steps = next(iter(self.spikes.values())).shape[0]
            self.stimulus = np.repeat(self.stimulus[:1], steps, axis=0)

    def _saw(self, node: fx.Node, shape: tuple[int, ...]) -> None:
        if node.name not in self.shapes and node.op == "call_module":
            module = self.net.get_submodule(str(node.target))
            self._listing.append(f"{node.target} {type(module).__name__} -> {list(shape)}")
        self.shapes[node.name] = shape

    def _failed(self, region: Region, node: fx.Node, problem: Exception) -> UsageError:
        name = str(node.target) if node.op == "call_module" else node.name
        kind = type(region.module(node)).__name__ if node.op == "call_module" else "function"
        words = str(problem).strip().splitlines()[0][:160] if str(problem).strip() else type(problem).__name__
        listing = "\n    ".join(["", *self._listing, f"{name} {kind} fails: {words}"])
        return UsageError(
            f"input shape {list(self.input_shape)} does not fit the network; layer by layer:{listing}\n ",
            where=name,
            remedy="Pass --input-shape without time and batch, such as 1,28,28.",
        )


def _keep(parts: list[Array]) -> Any:
    def hook(module: nn.Module, args: Any, output: Any) -> None:
        parts.append(output.numpy().astype(np.uint8))

    return hook


def _interpreter(region: Region, saw: Any, failed: Any) -> Any:
    """Runs a region's graph, telling ``saw(node, shape)`` of every tensor; ``failed`` makes the error."""
    import torch
    from torch import fx

    class Recorder(fx.Interpreter):
        def run_node(self, n: fx.Node) -> Any:
            try:
                result = super().run_node(n)
            except Exception as problem:  # noqa: BLE001  whatever a layer raises, the shape is to blame
                raise failed(region, n, problem) from None
            if isinstance(result, torch.Tensor):
                saw(n, tuple(result.shape))
            return result

    return Recorder(fx.GraphModule(region.net, region.graph))


def input_lead(net: nn.Module, graph: fx.Graph) -> Lead:
    """How the network takes its input: (T, N, …), (N, …) step by step, or one frame that it holds itself."""
    called = [net.get_submodule(str(node.target)) for node in graph.nodes if node.op == "call_module"]
    modes = {module.step_mode for module in called if is_neuron(module)}
    modes |= {mode_of(module) for module in called if container_kind(module)}
    if holds_frame(graph):
        return Lead.FRAME
    return Lead.TIME_BATCH if "m" in modes else Lead.BATCH


def is_neuron(module: nn.Module, kinds: frozenset[tuple[str, str]] = STATEFUL) -> bool:
    """Whether a module is one of the neurons that can be held, or of some kinds of them."""
    try:
        return kind_of(module) in kinds
    except RefusedError:
        return False


def holds_frame(graph: fx.Graph) -> bool:
    """Whether the forward repeats its input over time itself."""
    return any(node.op == "call_method" and node.target in ("repeat", "expand") for node in graph.nodes)


def first_layer_rank(region: Region) -> int:
    """Number of feature axes of the input, by the first layer that says so; 1 if none does."""
    called = (module for _, module, _ in region.calls())
    return first_rank((module.synapse if is_block(module) else module for module in called), RANKS)
