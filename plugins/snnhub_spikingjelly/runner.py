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
from snnhub.ir.graph import TERMINAL_PORT, Port
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import Array

from snnhub_spikingjelly.containers import stepped
from snnhub_spikingjelly.importer import prepare_net
from snnhub_spikingjelly.probe import input_lead
from snnhub_spikingjelly.signals import Lead
from snnhub_spikingjelly.tracer import trace

if TYPE_CHECKING:
    from torch import nn

EVERYTHING = "*"


def run_spikingjelly(request: RunRequest) -> Recording:
    """Run the network of the request. Keys: ``output`` before its reduction over time, ``<id>/s``, ``<id>/v`` of
    neurons and ``<id>/y`` of layers.

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
        parts.append(taps.run(values[:, start : start + size]))
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
                names = ("s", "v") if node.program is not None else ("y",)
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
        self._seen: dict[str, list[Array]] = {}
        for path, name in set(self.keys.values()):
            if name == "v" and modules[path].step_mode == "m":
                modules[path].store_v_seq = True
            elif name == "v":
                modules[path].register_forward_hook(self._hook_state(path))
            else:
                modules[path].register_forward_hook(self._hook(path))

    def _hook(self, path: str) -> Any:
        def keep(module: nn.Module, args: Any, output: Any) -> None:
            kept = output.detach().numpy()
            self._seen.setdefault(path, []).append(kept.astype(np.uint8) if path in self._spiking else kept.copy())

        return keep

    def _hook_state(self, path: str) -> Any:
        def keep(module: Any, args: Any, output: Any) -> None:
            self._seen.setdefault(f"{path}/v", []).append(module.v.detach().numpy().copy())

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

    def _collect(self, path: str, name: str, lead: tuple[int, ...]) -> Array:
        if name == "v" and f"{path}/v" not in self._seen:
            return np.asarray(self.net.get_submodule(path).v_seq.detach().numpy().copy())
        parts = self._seen[f"{path}/v" if name == "v" else path]
        array = np.stack(parts) if self.lead is Lead.BATCH or path in self._stepped else parts[0]
        if array.shape[:2] != tuple(
            lead
        ):  # a layer that saw time and batch merged, or the frame before it was held
            array = (
                array.reshape(*lead, *array.shape[1:])
                if array.shape[0] == lead[0] * lead[1]
                else np.broadcast_to(array, (lead[0], *array.shape))
            )
        return array
