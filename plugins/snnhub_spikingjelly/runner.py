"""Runs the original network in SpikingJelly and records it under the keys of its graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
from snnhub.api.request import RunRequest
from snnhub.errors import UsageError
from snnhub.findings import info
from snnhub.ir.graph import TERMINAL_PORT, Node, Port
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import Array
from snnhub.torchnet.signals import Lead

from snnhub_spikingjelly import blocks, grid
from snnhub_spikingjelly.containers import stepped
from snnhub_spikingjelly.importer import prepare_net
from snnhub_spikingjelly.probe import input_lead
from snnhub_spikingjelly.tracer import trace

if TYPE_CHECKING:
    from torch import nn

EVERYTHING = "*"
MEMORIES = {"u": ("c", "current_state", "u"), "v": ("voltage_state", "v"), "w": ("w",), "i": ("out_i",)}
"""What SpikingJelly's modules call the states of the graph: the first of the names that a module has."""


def run_spikingjelly(request: RunRequest) -> Recording:
    """Run the network of the request. Keys: ``output`` before its reduction over time, ``<id>/s`` and ``<id>/v``
    of neurons, ``<id>/y`` of layers. SpikingJelly gives further states (``u``, ``w``, ``i``) step by step only; of
    a BlockContainer's neuron, ``u`` in whole sequences only, and states are the integers of the graph.

    Raises ``UsageError`` for keys that SpikingJelly cannot give, and for a batch option that is no number.
    """
    import torch

    net, _, _ = prepare_net(request.source, request.import_options)
    taps = _Taps(request, net)
    values = request.stimulus.values
    if request.length > values.shape[0]:
        missing = np.zeros((request.length - values.shape[0], *values.shape[1:]), values.dtype)
        values = np.concatenate([values, missing])
    values = values[: request.length].astype(np.float32)
    size = _batch(request, values.shape[1])
    parts = []
    for start in range(0, values.shape[1], size):
        # contiguous, as a user's batch is: torch adds the bias of a Linear in another way where it is not
        parts.append(taps.run(np.ascontiguousarray(values[:, start : start + size])))
        if request.progress is not None:
            request.progress(min(start + size, values.shape[1]), values.shape[1])
    arrays = {key: np.concatenate([part[key] for part in parts], axis=1) for key in taps.keys}
    if not request.stimulus.batched:
        arrays = {key: array[:, 0] for key, array in arrays.items()}
    threads = torch.get_num_threads()
    words = f"ran in spikingjelly {version('spikingjelly')}, torch {torch.__version__}, {threads} threads"
    return Recording(arrays, request.stimulus.batched, "spikingjelly", (info("SNN-6001", "spikingjelly", words),))


def _batch(request: RunRequest, samples: int) -> int:
    text = request.options.get("batch", str(samples))
    if not text.isdigit() or int(text) < 1:
        raise UsageError("option batch needs a positive number", found=text)
    return int(text)


def quantities(node: Node, modules: Mapping[str, nn.Module]) -> tuple[str, ...]:
    """What SpikingJelly can give of a node: its outputs, and those states that one call of it leaves behind."""
    if node.program is None:  # a block applies its synapse without calling it: nothing to see there
        parent, _, last = node.origin.path.rpartition(".")
        return () if last == "synapse" and blocks.is_block(modules[parent]) else ("y",)
    module: Any = modules[node.origin.path]
    if node.op == blocks.NEURON:
        return ("s", "u", "v") if module.step_mode == "m" else ("s", "v")
    outputs = tuple(name for name, _ in node.program.outputs)
    states = tuple(state.name for state in node.program.states)
    if module.step_mode == "m":  # a whole sequence in one call: v alone is kept step by step
        return (*outputs, *(name for name in states if name == "v" and hasattr(module, "store_v_seq")))
    return (*outputs, *states)


def memory(module: Any, state: str) -> Any:
    """The present value of a state of a SpikingJelly module, by its name in the graph."""
    return next(module._memories[name] for name in MEMORIES[state] if name in module._memories)


class _Taps:
    """Forward hooks on the modules whose outputs are wanted, and one call of the network per batch."""

    def __init__(self, request: RunRequest, net: nn.Module) -> None:
        self.net = net
        self.lead = input_lead(net, trace(net))
        graph = request.graph
        modules = dict(net.named_modules())
        self._stepped = stepped(net)
        known: dict[str, tuple[str, str]] = {}
        uses = Counter(node.origin.path for node in graph.nodes)
        for node in graph.nodes:
            if node.origin.path in modules and uses[node.origin.path] == 1:  # else a hook sees several nodes
                names = quantities(node, modules)
                known |= {f"{node.id}/{name}": (node.origin.path, name) for name in names}
        last = graph.into[Port(graph.outputs[0].id, TERMINAL_PORT)][0].src
        end = f"{last.node}/{last.name}"
        if end in known:
            known["output"] = known[end]
        wanted = list(known) if EVERYTHING in request.record else list(request.record)
        missing = [key for key in wanted if key not in known]
        if missing:
            raise UsageError(
                "SpikingJelly does not give this quantity", found=", ".join(missing[:3]), allowed=", ".join(known)
            )
        self.keys = {key: known[key] for key in wanted}
        self._spiking = {known[f"{node.id}/s"][0] for node in graph.nodes if f"{node.id}/s" in known}
        self._whole = {node.origin.path for node in graph.nodes if node.op == blocks.NEURON}
        self._seen: dict[tuple[str, str], list[Array]] = {}
        for path, name in set(self.keys.values()):
            self._watch(modules[path], path, name)

    def _watch(self, module: Any, path: str, name: str) -> None:
        """Have a quantity kept: by the module in whole sequences, else by a hook. SpikingJelly before 2.0 keeps no
        sequence step by step.
        """
        if name == "v" and module.step_mode == "m" and hasattr(module, "store_v_seq"):
            module.store_v_seq = True
        elif name == "u" and path in self._whole:
            module.store_i_seq = True
        else:
            module.register_forward_hook(self._hook(path, name))

    def _hook(self, path: str, name: str) -> Any:
        def keep(module: nn.Module, args: Any, output: Any) -> None:
            value = memory(module, name) if name in MEMORIES else output
            kept = value.detach().numpy()
            spikes = name == "s" and path in self._spiking
            self._seen.setdefault((path, name), []).append(kept.astype(np.uint8) if spikes else kept.copy())

        return keep

    def run(self, values: Array) -> Mapping[str, Array]:
        """One batch (time, samples, features…) from the initial state."""
        import torch
        from spikingjelly.activation_based import functional

        functional.reset_net(self.net)
        self._seen.clear()
        with torch.no_grad():
            if self.lead is Lead.BATCH:
                for step in values:
                    self.net(torch.from_numpy(step))
            elif self.lead is Lead.FRAME:
                if np.any(values != values[:1]):
                    raise UsageError("the network holds one frame itself, and the input changes over time")
                self.net(torch.from_numpy(values[0]))
            else:
                self.net(torch.from_numpy(values))
        return {key: self._collect(path, name, values.shape[:2]) for key, (path, name) in self.keys.items()}

    def _state(self, path: str, values: Array) -> Array:
        """A state in every step; of a block's neuron as the integers of the graph."""
        return grid.integers(self.net.get_submodule(path), values) if path in self._whole else values

    def _collect(self, path: str, name: str, lead: tuple[int, ...]) -> Array:
        if (path, name) not in self._seen:
            module: Any = self.net.get_submodule(path)
            sequence = module.v_seq if name == "v" else module.i_seq
            return self._state(path, np.array(sequence.detach().numpy()))
        parts = self._seen[path, name]
        array = np.stack(parts) if self.lead is Lead.BATCH or path in self._stepped else parts[0]
        if name in MEMORIES:
            array = self._state(path, array)
        if array.shape[:2] != tuple(
            lead
        ):  # a layer that saw time and batch merged, or the frame before it was held
            array = (
                array.reshape(*lead, *array.shape[1:])
                if array.shape[0] == lead[0] * lead[1]
                else np.broadcast_to(array, (lead[0], *array.shape))
            )
        return array
