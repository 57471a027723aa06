"""A graph ready to run with radii. Checks, order of nodes, delays and values are the reference engine's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from snnhub.engine import reference
from snnhub.engine.exact import F64
from snnhub.engine.recorder import Recorder
from snnhub.engine.reference import Block, Plan, Values
from snnhub.engine.robust.bounded import Bounded, delayed, delayed_at, move_on, room
from snnhub.engine.robust.certificate import Ledger
from snnhub.engine.robust.runner import CLOSEST, DOUBT, make_bounded_runner
from snnhub.engine.robust.sums import sum_radius
from snnhub.engine.runner import Runner
from snnhub.engine.state import RunState
from snnhub.engine.stimulus import Stimulus
from snnhub.engine.wires import Wire, combine
from snnhub.errors import SnnhubError, UnsupportedError
from snnhub.findings import Finding, error
from snnhub.ir.graph import TERMINAL_PORT, Graph, Node, Port
from snnhub.ir.numtype import NumType
from snnhub.ir.op import OpLookup
from snnhub.ir.tensor import Array
from snnhub.ir.topology import topological_order


class BoundedPlan(Plan):
    """A reference plan that carries radii. ``ledger``: what was in doubt, over all its runs. ``radii``: those of
    what was recorded, by record key, in f64. Raises ``UnsupportedError`` with every node that has no rule.
    """

    def __init__(self, graph: Graph, lookup: OpLookup) -> None:
        self._unknown: list[Finding] = []
        super().__init__(graph, lookup)
        if self._unknown:
            raise UnsupportedError(
                "order-robustness cannot be told for this network",
                where=", ".join(finding.place for finding in self._unknown),
                remedy="Verify without --robust, or register the op with a rule in snnhub.",
                findings=self._unknown,
            )
        rank = {name: number for number, name in enumerate(topological_order(graph))}
        self.ledger = Ledger(rank)
        self.radii: dict[str, F64] = {}

    def _runner(self, node: Node, lookup: OpLookup) -> Runner:
        try:
            return make_bounded_runner(node, lookup, self.analysis)
        except UnsupportedError as problem:
            words = f"{problem.message}: {problem.found}"
            self._unknown.append(
                error("SNN-5205", node.id, words, remedy="Only sums of known order have a bound.")
            )
            return _Unknown()

    def initial_state(self, samples: int) -> RunState:
        state = super().initial_state(samples)
        lines: dict[int, Any] = {number: Bounded(line).kept() for number, line in state.lines.items()}
        state.lines = lines
        return state

    def _block(self, block: Block, stimuli: Mapping[str, Stimulus], state: RunState, recorder: Recorder) -> None:
        values: dict[Port, Any] = {
            Port(name, TERMINAL_PORT): Bounded(reference.block_of(item.values, block))
            for name, item in stimuli.items()
        }
        self._run_parts(block, values, state, reference.wanted_by(recorder))
        self._record(block, values, state, _Splitter(recorder, self.radii))
        lines: dict[int, Any] = state.lines
        for number, edge in enumerate(self.graph.edges):
            if edge.delay:
                move_on(lines[number], values[edge.src])
        moved = (item for item in values.values() if isinstance(item, Bounded))
        self.ledger.moved |= any(item.radius is not None and bool(np.any(item.radius)) for item in moved)
        for port in list(values):
            if port.name.endswith(DOUBT):
                name = port.name.removesuffix(DOUBT)
                closest = values[Port(port.node, name + CLOSEST)]
                self.ledger.add(port.node, name, block, values[port], closest)

    def _arrive(self, port: Port, wires: tuple[Wire, ...], values: Values, state: RunState) -> Any:
        sources: dict[Port, Any] = values
        return bounded_sum(
            [delayed(wire, sources[wire.edge.src], state.lines) for wire in wires], self.analysis.types[port]
        )

    def _arrive_at(self, port: Port, wires: tuple[Wire, ...], values: Values, state: RunState, step: int) -> Any:
        sources: dict[Port, Any] = values
        parts = [delayed_at(wire, sources.get(wire.edge.src), state.lines, step) for wire in wires]
        return bounded_sum(parts, self.analysis.types[port])[None]

    def _room(self, steps: int, one: Any) -> Any:
        return room(steps, one)


def bounded_sum(parts: list[Bounded], type_: NumType) -> Bounded:
    """What several edges deliver to one port, whose order is one more that a framework chooses."""
    if len(parts) == 1:
        return parts[0]
    total = combine([part.value for part in parts], type_)
    if type_.is_int:
        return Bounded(total)
    terms, size, spread = (np.zeros(total.shape) for _ in range(3))
    for part in parts:
        wide = np.abs(part.value.astype(np.float64))
        radius = part.radii()
        terms, size, spread = terms + ((wide > 0) | (radius > 0)), size + wide, spread + radius
    return Bounded(total, sum_radius(total, terms, size, spread, rounded_products=False)).settled()


class _Splitter(Recorder):
    """Puts values into another recorder's arrays, and their radii beside them."""

    def __init__(self, recorder: Recorder, radii: dict[str, F64]) -> None:
        self.arrays = recorder.arrays
        self.folder = recorder.folder
        self._radii = radii

    def put(self, key: str, first_step: int, samples: slice, values: Any) -> None:
        super().put(key, first_step, samples, values.value)
        if values.radius is not None:
            whole = self._radii.setdefault(key, np.zeros(self.arrays[key].shape))
            whole[first_step : first_step + values.shape[0], samples] = values.radius


class _Unknown:
    """Stands for a node without a rule until all of them are known."""

    def initial(self, samples: int) -> dict[str, Array]:
        raise SnnhubError("a node without a rule does not run")

    def run(self, inputs: Any, states: Any, wanted: frozenset[str]) -> dict[str, Array]:
        raise SnnhubError("a node without a rule does not run")
