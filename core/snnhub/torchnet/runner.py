"""Runs the user's own network on a given stimulus and records it under the keys of its graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from snnhub.api.request import RunRequest
from snnhub.errors import UsageError
from snnhub.findings import info
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import Array
from snnhub.torchnet.caller import Caller
from snnhub.torchnet.calls import calling_through
from snnhub.torchnet.copying import copied
from snnhub.torchnet.framework import Framework
from snnhub.torchnet.importer import Traced, trace, unsupported
from snnhub.torchnet.layout import Kind, Layout
from snnhub.torchnet.network import packages, prepare
from snnhub.torchnet.probe import sizes
from snnhub.torchnet.returned import rows_of
from snnhub.torchnet.taps import Tap, Taps, taps_of

EVERYTHING = "*"


def run_network(framework: Framework, request: RunRequest) -> Recording:
    """Run the network of the request, step by step or whole sequences as it takes them. Keys: ``output`` before
    its reduction over time, ``<id>/<name>`` of neurons' outputs and states, ``<id>/y`` of layers.

    Raises ``UsageError`` for keys that the framework cannot give, for a run of another length than the network's
    own, and for a batch option that is no number.
    """
    import torch

    options = request.import_options
    shape = options.input_shape or request.graph.inputs[0].shape
    prepared = prepare(framework, request.source, options)
    traced = trace(framework, prepared, replace(options, input_shape=shape))
    if traced.errors:
        raise unsupported(traced.errors)
    run = _Run(framework, traced, _chosen(framework, request, traced))
    values = _padded(request)
    size = _batch(framework, request, traced, values.shape[1])
    parts = []
    for start in range(0, values.shape[1], size):
        parts.append(run.batch(values[:, start : start + size], size))
        if request.progress is not None:
            request.progress(min(start + size, values.shape[1]), values.shape[1])
    arrays = {key: np.concatenate([part[key] for part in parts], axis=1) for key in run.wanted}
    if not request.stimulus.batched:
        arrays = {key: array[:, 0] for key, array in arrays.items()}
    words = f"ran in {framework.name}, {packages(framework)}, {torch.get_num_threads()} threads"
    return Recording(arrays, request.stimulus.batched, framework.name, (info("SNN-6001", framework.name, words),))


def _padded(request: RunRequest) -> Array:
    values = request.stimulus.values
    if request.length > values.shape[0]:
        missing = np.zeros((request.length - values.shape[0], *values.shape[1:]), values.dtype)
        values = np.concatenate([values, missing])
    return values[: request.length].astype(np.float32)


def _chosen(framework: Framework, request: RunRequest, traced: Traced) -> Mapping[str, Tap]:
    known = taps_of(traced.walk, request.graph)
    wanted = list(known) if EVERYTHING in request.record else list(request.record)
    missing = [key for key in wanted if key not in known]
    if missing:
        raise UsageError(
            f"{framework.title} does not give this quantity",
            found=", ".join(missing[:3]),
            allowed=", ".join(known),
        )
    return {key: known[key] for key in wanted}


def _batch(framework: Framework, request: RunRequest, traced: Traced, samples: int) -> int:
    """Samples per call: what the network was made for, else what the user says, else all."""
    _, made_for = sizes(framework, traced.prepared.net)
    text = request.options.get("batch", str(made_for or samples))
    if not text.isdigit() or int(text) < 1:
        raise UsageError("option batch needs a positive number", found=text)
    if made_for is not None and int(text) != made_for:
        raise UsageError("the network was made for another batch", found=text, allowed=str(made_for))
    return int(text)


class _Run:
    """Runs one batch after the other, each from rest."""

    def __init__(self, framework: Framework, traced: Traced, taps: Mapping[str, Tap]) -> None:
        self.framework = framework
        self.net = traced.prepared.net
        self.layout = traced.probe.layout
        self.position = traced.returned.position
        self.wanted = taps

    def batch(self, values: Array, size: int) -> dict[str, Array]:
        """One batch (time, samples, features…), filled up to ``size`` where the network was made for that."""
        import torch

        kept = values.shape[1]
        if kept < size:
            rest = np.zeros((values.shape[0], size - kept, *values.shape[2:]), values.dtype)
            values = np.concatenate([values, rest], axis=1)
        layout = Layout(self.layout.kind, values.shape[0], size)
        self._ensure_length(values)
        net = copied(self.net, share=True)  # networks may keep states in attributes of their own
        self.framework.reset(net)
        taps, caller = Taps(self.framework, net, self.wanted), Caller(net)
        results = []
        try:
            with torch.no_grad(), calling_through(taps.told):
                results = [caller.step(torch.from_numpy(given.copy())) for given in layout.calls(values)]
        except (IndexError, RuntimeError, ValueError) as problem:
            raise self._length(values.shape[0], f"{type(problem).__name__}: {problem}") from problem
        taps.returned([tensor for result in results for tensor in self._output(result, layout)])
        arrays = taps.arrays(layout)
        short = next((array.shape[0] for array in arrays.values() if array.shape[0] != values.shape[0]), None)
        if short is not None:
            raise self._length(values.shape[0], f"it ran {short} steps")
        return {key: array[:, :kept] for key, array in arrays.items()}

    def _output(self, result: Any, layout: Layout) -> list[Any]:
        """The output among what a call returned: one tensor, or one per step."""
        import torch

        rows = rows_of(result, torch.Tensor, 0 if layout.kind is Kind.STEP else layout.steps)
        return rows[self.position] if self.position < len(rows) else []

    def _ensure_length(self, values: Array) -> None:
        """Raise ``UsageError`` where a network that holds a frame is given something else."""
        if self.layout.kind is not Kind.FRAME:
            return
        if values.shape[0] != self.layout.steps:
            raise self._length(values.shape[0], f"it loops over {self.layout.steps} steps")
        if np.any(values != values[:1]):
            raise UsageError("the network holds one frame itself, and the input changes over time")

    def _length(self, steps: int, words: Any) -> UsageError:
        return UsageError(
            "the network cannot run this long, or not with so many samples",
            where=type(self.net).__name__,
            found=f"{steps} steps; {words}",
            remedy="Give it as many steps as its forward loops over; --option batch=N where it needs one size.",
        )
