"""A graph ready to run in torch. Checks, recordings and the order of nodes are the reference engine's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from snnhub.engine import reference
from snnhub.engine.recorder import Recorder
from snnhub.engine.reference import Block, Plan, Values
from snnhub.engine.runner import Runner
from snnhub.engine.schedule import Part
from snnhub.engine.state import RunState
from snnhub.engine.stimulus import Stimulus
from snnhub.engine.torch_engine.home import Home, Tensor
from snnhub.engine.torch_engine.runner import ReferenceKernel, ReferenceTransform, make_torch_runner
from snnhub.engine.torch_engine.settings import Mode, Settings, active
from snnhub.engine.torch_engine.wires import combine, delayed, delayed_at, moved_on
from snnhub.engine.wires import Wire
from snnhub.findings import Finding, info
from snnhub.ir.graph import TERMINAL_PORT, Graph, Node, Port
from snnhub.ir.op import OpLookup
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import Array
from snnhub.ir.topology import topological_order
from snnhub.ops.registry import REGISTRY

MULTI_ELEMENTS = 2**28
"""``mode=auto`` calls layers over all steps at once up to this many values in all ports (1 GiB in f32)."""


def prepare_torch(graph: Graph, settings: Settings | None = None, lookup: OpLookup = REGISTRY) -> TorchPlan:
    """Verify a graph and make it ready to run in torch.

    Raises what ``snnhub.engine.reference.prepare`` raises, and ``MissingPeerError`` without torch or the device.
    """
    settings = settings or Settings()
    reference.check(graph, lookup)
    with active(settings):
        return TorchPlan(graph, lookup, settings)


class TorchPlan(Plan):
    """A reference plan whose nodes run in torch, called as ``settings`` say. Its states are arrays, too.

    A graph does not say where a network holds a frame in time. Here it is held at the input, so that multi-step
    calls of every layer see all steps. A network that runs layers before it holds calls those on one step, and
    torch may add in another order there (measured: for one sample per call, not for three).
    """

    def __init__(self, graph: Graph, lookup: OpLookup, settings: Settings) -> None:
        self.settings = settings
        self.home = Home(settings.device)
        super().__init__(graph, lookup)
        self._every_step = (Part(tuple(topological_order(graph)), cyclic=True),)
        self._merged = self.parts
        self._called = (settings.mode, 0)

    def _runner(self, node: Node, lookup: OpLookup) -> Runner:
        return make_torch_runner(node, lookup, self.analysis, self.home)

    def run(self, stimulus: Array | Mapping[str, Array], **options: Any) -> tuple[Recording, RunState]:
        """As ``Plan.run``. The recording's findings say how torch was called."""
        with active(self.settings):
            recording, state = super().run(stimulus, **options)
            findings = (*recording.findings, *self._findings())
        return Recording(recording.arrays, recording.batched, "torch", findings, recording.keep), state

    def mode(self, steps: int, samples: int) -> Mode:
        """The mode of a run: that of the settings, or what auto means for this many steps and samples."""
        if self.settings.mode is not Mode.AUTO:
            return self.settings.mode
        batch = min(samples, self.settings.batch or samples)
        elements = steps * batch * sum(int(np.prod(shape)) for shape in self.analysis.shapes.values())
        return Mode.MULTI if elements <= MULTI_ELEMENTS else Mode.SINGLE

    def _findings(self) -> Iterable[Finding]:
        import torch

        mode, batch = self._called
        shape = (
            "multi-step, one call per layer" if mode is Mode.MULTI else "single-step, one call per layer per step"
        )
        device = "cpu"
        if self.settings.device == "cuda":
            device = f"cuda ({torch.cuda.get_device_name()}), TF32 off"
        words = f"torch {torch.__version__}, {shape}, {batch} samples per call, {torch.get_num_threads()} threads"
        yield info("SNN-6003", "torch", f"{words}, {device}", new=mode.value)
        words = "ran in the reference engine's kernel: torch has none for it, or none that is exact"
        for name, runner in self.runners.items():
            if isinstance(runner, ReferenceTransform):
                yield info("SNN-6004", name, words)
            if isinstance(runner, ReferenceKernel):
                yield info("SNN-6004", name, "a kernel op: its registered code is its definition in every engine")

    def _blocks(self, steps: int, samples: int) -> Iterable[Block]:
        batch = min(samples, self.settings.batch or samples)
        self._called = (self.mode(steps, samples), batch)
        multi = self._called[0] is Mode.MULTI
        self.parts = self._merged if multi else self._every_step
        largest = max((int(np.prod(shape)) for shape in self.analysis.shapes.values()), default=1)
        length = steps if multi else max(1, reference.BLOCK_ELEMENTS // (largest * batch))
        for start in range(0, samples, batch):
            part = slice(start, min(start + batch, samples))
            for step in range(0, steps, length):
                yield Block(step, part, min(length, steps - step))

    def _block(self, block: Block, stimuli: Mapping[str, Stimulus], state: RunState, recorder: Recorder) -> None:
        home = self.home
        values: Values = {
            Port(name, TERMINAL_PORT): home.tensor(reference.block_of(item.values, block))
            for name, item in stimuli.items()
        }
        own = RunState(
            state.step,
            {node: {name: home.tensor(a) for name, a in states.items()} for node, states in state.nodes.items()},
            {edge: home.tensor(line) for edge, line in state.lines.items()},
        )
        self._run_parts(block, values, own, reference.wanted_by(recorder))
        self._record(block, values, own, _HomeRecorder(recorder, home))
        for number, edge in enumerate(self.graph.edges):
            if edge.delay:
                state.lines[number][...] = home.array(moved_on(own.lines[number], values[edge.src]))
        for node, states in own.nodes.items():
            for name, tensor in states.items():
                state.nodes[node][name][...] = home.array(tensor)

    def _arrive(self, port: Port, wires: tuple[Wire, ...], values: Values, state: RunState) -> Tensor:
        tensors = [delayed(wire, values[wire.edge.src], state.lines) for wire in wires]
        return combine(tensors, self.analysis.types[port])

    def _arrive_at(
        self, port: Port, wires: tuple[Wire, ...], values: Values, state: RunState, step: int
    ) -> Tensor:
        tensors = [delayed_at(wire, values.get(wire.edge.src), state.lines, step) for wire in wires]
        return combine(tensors, self.analysis.types[port])[None]

    def _room(self, steps: int, one: Tensor) -> Tensor:
        return one.new_empty((steps, *one.shape[1:]))


class _HomeRecorder(Recorder):
    """Puts tensors into another recorder's arrays."""

    def __init__(self, recorder: Recorder, home: Home) -> None:
        self.arrays = recorder.arrays
        self.folder = recorder.folder
        self._home = home

    def put(self, key: str, first_step: int, samples: slice, values: Tensor) -> None:
        super().put(key, first_step, samples, self._home.array(values))
