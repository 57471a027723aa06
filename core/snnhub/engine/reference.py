"""The reference engine: prepare a graph once, run it over any input, stop and go on anywhere.

Results depend on nothing but the graph and the input: not on batch size, block length, or how often a run
was interrupted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from snnhub.engine.memory import ensure_memory
from snnhub.engine.recorder import Recorder
from snnhub.engine.runner import Runner, make_runner
from snnhub.engine.schedule import Part, schedule
from snnhub.engine.state import RunState
from snnhub.engine.stimulus import Stimulus, read_stimulus
from snnhub.engine.wires import Wire, combine, delayed, delayed_at, move_on, wires_into
from snnhub.errors import FormatError, UsageError
from snnhub.findings import Finding, error, loss
from snnhub.ir.analysis import Analysis, analyse, ports_of
from snnhub.ir.continuous import ensure_discrete
from snnhub.ir.graph import TERMINAL_PORT, Graph, Node, Port
from snnhub.ir.op import OpLookup
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import Array
from snnhub.ir.verify import ensure, recordable
from snnhub.ops.registry import REGISTRY

BLOCK_ELEMENTS = 2**22
"""Largest number of elements of one port that are computed at once."""
GROUP = 64
"""Samples that run together."""
Progress = Callable[[int, int], None]
Values = dict[Port, Array]


@dataclass(frozen=True)
class Block:
    """The part of a run that is computed at once: some steps of some samples."""

    first_step: int
    samples: slice
    steps: int


def prepare(graph: Graph, lookup: OpLookup = REGISTRY) -> Plan:
    """Verify a graph and make it ready to run.

    Raises ``UsageError`` for a graph in continuous time, ``GraphError`` with every problem,
    ``UnsupportedError`` for an op that nobody here can run,
    ``FormatError`` for a tensor with numbers outside the range that its file states.
    """
    check(graph, lookup)
    return Plan(graph, lookup)


def check(graph: Graph, lookup: OpLookup) -> None:
    """What ``prepare`` does before it makes a plan; raises what it raises."""
    ensure_discrete(graph)
    ensure(graph, lookup)
    for node in graph.nodes:
        for name, tensor in node.params:
            if not tensor.keeps_its_word:
                message = "numbers do not have the range that the file states"
                finding = error("SNN-4106", f"{node.id}/{name}", message)
                raise FormatError(message, where=finding.place, findings=[finding])


class Plan:
    """A graph ready to run. Reusable; all state is in the ``RunState`` that ``run`` takes and returns."""

    def __init__(self, graph: Graph, lookup: OpLookup) -> None:
        self.graph = graph
        self.analysis: Analysis = analyse(graph, lookup)
        self.parts: tuple[Part, ...] = schedule(graph)
        self.runners: dict[str, Runner] = {node.id: self._runner(node, lookup) for node in graph.nodes}
        self._names = {node.id: recordable(node, lookup) for node in graph.nodes}
        self._outputs = {node.id: ports.outputs for node in graph.nodes if (ports := ports_of(node, lookup))}
        self._wires: dict[str, dict[str, tuple[Wire, ...]]] = {
            node.id: {name: wires_into(graph, Port(node.id, name)) for name in ports.inputs}
            for node in graph.nodes
            if (ports := ports_of(node, lookup))
        }
        self._ends = {output.id: wires_into(graph, Port(output.id, TERMINAL_PORT)) for output in graph.outputs}

    def _runner(self, node: Node, lookup: OpLookup) -> Runner:
        return make_runner(node, lookup, self.analysis)

    def record_keys(self) -> tuple[str, ...]:
        """Every key that can be recorded: outputs first, then ``<node id>/<name>`` in node order."""
        keys = [f"{node.id}/{name}" for node in self.graph.nodes for name in self._names[node.id]]
        return (*self._ends, *keys)

    def initial_state(self, samples: int) -> RunState:
        """Nodes at their initial values, delay lines at zero."""
        state = RunState(nodes={name: runner.initial(samples) for name, runner in self.runners.items()})
        for number, edge in enumerate(self.graph.edges):
            if edge.delay:
                shape = (edge.delay, samples, *self.analysis.shapes[edge.src])
                state.lines[number] = np.zeros(shape, self.analysis.types[edge.src].numpy)
        return state

    def run(
        self,
        stimulus: Array | Mapping[str, Array],
        *,
        record: Iterable[str] = ("output",),
        steps: int | None = None,
        state: RunState | None = None,
        progress: Progress | None = None,
    ) -> tuple[Recording, RunState]:
        """Run over ``stimulus`` (time, batch, features…) or (time, features…) and record the given keys.

        ``steps`` beyond the input run on zero input. ``state`` goes on from an earlier run, which must have
        had the same number of samples; it is not changed. ``progress`` is called with (done, all) blocks.
        Raises ``UnsupportedError`` for a network that this machine has no memory for, ``UsageError`` for
        input that does not fit and unknown keys, ``RunError`` if a check fails.
        """
        stimuli = self._stimuli(stimulus)
        first = next(iter(stimuli.values()))
        samples, length = first.values.shape[1], steps if steps is not None else first.values.shape[0]
        ensure_memory(self, samples)
        state = self._continued(state, samples) if state is not None else self.initial_state(samples)
        recorder = Recorder(self.record_shapes(tuple(record)), length, samples)
        blocks = list(self._blocks(length, samples))
        with np.errstate(all="ignore"):
            for done, block in enumerate(blocks):
                self._block(block, stimuli, state.part(block.samples), recorder)
                if progress is not None:
                    progress(done + 1, len(blocks))
        state.step += length
        arrays = {key: array if first.batched else array[:, 0] for key, array in recorder.arrays.items()}
        findings = [finding for item in stimuli.values() for finding in item.findings]
        return Recording(arrays, first.batched, "engine", (*findings, *_finite(arrays)), recorder.folder), state

    def _continued(self, state: RunState, samples: int) -> RunState:
        """A copy of an earlier state, checked. Raises ``UsageError`` if it belongs to another graph or batch."""
        fresh, own = self.initial_state(samples), state.copy()
        for node, states in fresh.nodes.items():
            found = {name: array.shape for name, array in own.nodes.setdefault(node, {}).items()}
            if found != {name: array.shape for name, array in states.items()}:
                raise UsageError(
                    "state does not belong to this graph and number of samples", where=node, found=str(found)
                )
        if {edge: line.shape for edge, line in own.lines.items()} != {
            e: line.shape for e, line in fresh.lines.items()
        }:
            raise UsageError("delay lines do not belong to this graph and number of samples")
        return own

    def _stimuli(self, stimulus: Array | Mapping[str, Array]) -> dict[str, Stimulus]:
        given = stimulus if isinstance(stimulus, Mapping) else {self.graph.inputs[0].id: stimulus}
        if set(given) != set(self.graph.input):
            raise UsageError("inputs do not fit", found=", ".join(given), allowed=", ".join(self.graph.input))
        stimuli = {name: read_stimulus(array, self.graph.input[name]) for name, array in given.items()}
        if len({item.values.shape[:2] for item in stimuli.values()}) > 1:
            raise UsageError("inputs differ in steps or samples")
        return stimuli

    def record_shapes(self, keys: tuple[str, ...]) -> dict[str, tuple[tuple[int, ...], np.dtype[np.generic]]]:
        """Features and dtype of what can be recorded. Raises ``UsageError`` for a key that there is not."""
        known = self.record_keys()
        unknown = [key for key in keys if key not in known]
        if unknown:
            raise UsageError(
                "nothing to record under this key", found=", ".join(unknown), allowed=", ".join(known)
            )
        return {key: self._shape(key) for key in keys}

    def _shape(self, key: str) -> tuple[tuple[int, ...], np.dtype[np.generic]]:
        if key in self._ends:
            port = Port(key, TERMINAL_PORT)
            return self.analysis.shapes[port], self.analysis.types[port].numpy
        node, _, name = key.rpartition("/")
        if name in self._outputs[node]:
            return self.analysis.shapes[Port(node, name)], self.analysis.types[Port(node, name)].numpy
        if Port(node, name) in self.analysis.states:
            shape, type_ = self.analysis.states[Port(node, name)]
            return shape, type_.numpy
        program = self.graph.node[node].program
        states = {state.name: state for state in program.states} if program else {}
        return self.runners[node].initial(1)[name].shape[1:], states[name].type.numpy

    def _blocks(self, steps: int, samples: int) -> Iterable[Block]:
        largest = max((int(np.prod(shape)) for shape in self.analysis.shapes.values()), default=1)
        group = min(samples, max(1, min(GROUP, BLOCK_ELEMENTS // largest)))
        length = max(1, BLOCK_ELEMENTS // (largest * group))
        for start in range(0, samples, group):
            part = slice(start, min(start + group, samples))
            for step in range(0, steps, length):
                yield Block(step, part, min(length, steps - step))

    def _block(self, block: Block, stimuli: Mapping[str, Stimulus], state: RunState, recorder: Recorder) -> None:
        values: Values = {
            Port(name, TERMINAL_PORT): block_of(item.values, block) for name, item in stimuli.items()
        }
        self._run_parts(block, values, state, wanted_by(recorder))
        self._record(block, values, state, recorder)
        for number, edge in enumerate(self.graph.edges):
            if edge.delay:
                move_on(state.lines[number], values[edge.src])

    def _run_parts(self, block: Block, values: Values, state: RunState, wanted: Mapping[str, set[str]]) -> None:
        for part in self.parts:
            run = self._run_cyclic if part.cyclic else self._run_part
            run(part, block, values, state, wanted)

    def _record(self, block: Block, values: Values, state: RunState, recorder: Recorder) -> None:
        for key in recorder.arrays:
            node, _, name = key.rpartition("/")
            if key not in self._ends:
                recorder.put(key, block.first_step, block.samples, values[Port(node, name)])
        for output, wires in self._ends.items():
            if output in recorder.arrays:
                total = self._arrive(Port(output, TERMINAL_PORT), wires, values, state)
                recorder.put(output, block.first_step, block.samples, total)

    def _arrive(self, port: Port, wires: tuple[Wire, ...], values: Values, state: RunState) -> Array:
        arrays = [delayed(wire, values[wire.edge.src], state.lines) for wire in wires]
        return combine(arrays, self.analysis.types[port])

    def _run_part(
        self, part: Part, block: Block, values: Values, state: RunState, wanted: Mapping[str, set[str]]
    ) -> None:
        node = part.nodes[0]
        wires = self._wires[node]
        inputs = {name: self._arrive(Port(node, name), into, values, state) for name, into in wires.items()}
        result = self.runners[node].run(inputs, state.nodes[node], frozenset(wanted.get(node, ())))
        values.update({Port(node, name): array for name, array in result.items()})

    def _run_cyclic(
        self, part: Part, block: Block, values: Values, state: RunState, wanted: Mapping[str, set[str]]
    ) -> None:
        for step in range(block.steps):
            for node in part.nodes:
                inputs = {
                    name: self._arrive_at(Port(node, name), wires, values, state, step)
                    for name, wires in self._wires[node].items()
                }
                result = self.runners[node].run(inputs, state.nodes[node], frozenset(wanted.get(node, ())))
                for name, array in result.items():
                    port = Port(node, name)
                    if port not in values:
                        values[port] = self._room(block.steps, array)
                    values[port][step] = array[0]

    def _arrive_at(self, port: Port, wires: tuple[Wire, ...], values: Values, state: RunState, step: int) -> Array:
        arrays = [delayed_at(wire, values.get(wire.edge.src), state.lines, step) for wire in wires]
        return combine(arrays, self.analysis.types[port])[None]

    def _room(self, steps: int, one: Array) -> Array:
        """An array for so many steps of what ``one`` is a step of."""
        return np.empty((steps, *one.shape[1:]), one.dtype)


def wanted_by(recorder: Recorder) -> dict[str, set[str]]:
    """Names that somebody wants recorded, by node."""
    wanted: dict[str, set[str]] = {}
    for key in recorder.arrays:
        node, _, name = key.rpartition("/")
        wanted.setdefault(node, set()).add(name)
    return wanted


def block_of(values: Array, block: Block) -> Array:
    """The block's part of an input, zeros after its end."""
    part = values[block.first_step : block.first_step + block.steps, block.samples]
    missing = block.steps - part.shape[0]
    return np.concatenate([part, np.zeros((missing, *part.shape[1:]), part.dtype)]) if missing else part


def _finite(arrays: Mapping[str, Array]) -> Iterable[Finding]:
    for key, array in arrays.items():
        if array.dtype.kind == "f" and array.size and not np.isfinite(array).all():
            first = [int(i) for i in np.argwhere(~np.isfinite(array))[0]]
            yield loss("SNN-5002", key, f"holds NaN or infinity, first at step {first[0]}, index {first[1:]}")
