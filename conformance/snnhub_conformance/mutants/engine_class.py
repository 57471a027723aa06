"""What a class of wrong engines is, and the ways to make one: a changed graph, changed runners, an own run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from snnhub.engine.reference import Plan
from snnhub.engine.runner import Block, Runner, States
from snnhub.errors import SnnhubError
from snnhub.ir.graph import Edge, Graph, Node
from snnhub.ir.tensor import Array
from snnhub.ir.topology import instant_cycle
from snnhub.ops.registry import REGISTRY

Arrays = dict[str, Array]
Change = Callable[[Graph], Graph | None]
Run = Callable[[Graph, Mapping[str, Array], tuple[str, ...], int], Arrays | None]
Wrong = Callable[[Node, Mapping[str, Array], Array], Array]
"""Of a transform: the node, what arrives by port (samples, features…) and the right result, to the wrong one."""


@dataclass(frozen=True)
class EngineClass:
    """One mistake. ``change``: a graph that a right engine runs as this one runs the original; ``run``: a run of
    its own, for mistakes that no graph shows. Both give None where there is no occasion.
    """

    name: str
    mistake: str
    change: Change | None = None
    run: Run | None = None

    def records(
        self, graph: Graph, inputs: Mapping[str, Array], keys: tuple[str, ...], steps: int
    ) -> Arrays | None:
        """What the wrong engine records; None without occasion. An error that it runs into is its answer."""
        try:
            if self.run is not None:
                return self.run(graph, inputs, keys, steps)
            changed = self.change(graph) if self.change is not None else None
            return None if changed is None else plain(changed, inputs, keys, steps)
        except (SnnhubError, ValueError, LookupError):
            return {}


def plain(graph: Graph, inputs: Mapping[str, Array], keys: tuple[str, ...], steps: int) -> Arrays:
    """A run without any verification: wrong graphs run as well."""
    return dict(Plan(graph, REGISTRY).run(inputs, record=keys, steps=steps)[0].arrays)


def with_edges(graph: Graph, change: Callable[[Edge], Edge]) -> Graph | None:
    """The graph with edges changed; None if nothing changes, or a cycle would lose its delay."""
    edges = tuple(change(edge) for edge in graph.edges)
    changed = replace(graph, edges=edges)
    return None if edges == graph.edges or instant_cycle(changed) else changed


def with_nodes(graph: Graph, change: Callable[[Node], Node | None]) -> Graph | None:
    """The graph with nodes changed; None if nothing changes."""
    new = [change(node) for node in graph.nodes]
    if all(node is None for node in new):
        return None
    return replace(graph, nodes=tuple(b or a for a, b in zip(graph.nodes, new, strict=True)))


@dataclass(frozen=True)
class _WrongRunner:
    """A node runner whose result is changed afterwards."""

    right: Runner
    node: Node
    wrong: Wrong

    def initial(self, samples: int) -> States:
        return self.right.initial(samples)

    def run(self, inputs: Block, states: States, wanted: frozenset[str]) -> dict[str, Array]:
        ((name, right),) = self.right.run(inputs, states, wanted).items()
        flat = {port: array.reshape(-1, *array.shape[2:]) for port, array in inputs.items()}
        changed = self.wrong(self.node, flat, right.reshape(-1, *right.shape[2:]))
        return {name: changed.reshape(right.shape).astype(right.dtype)}


def with_transform(wrong: Wrong, *ops: str) -> Run:
    """A run in which some transforms compute something else."""

    def run(graph: Graph, inputs: Mapping[str, Array], keys: tuple[str, ...], steps: int) -> Arrays | None:
        chosen = [node for node in graph.nodes if node.op in ops]
        if not chosen:
            return None
        plan = Plan(graph, REGISTRY)
        for node in chosen:
            plan.runners[node.id] = _WrongRunner(plan.runners[node.id], node, wrong)
        return dict(plan.run(inputs, record=keys, steps=steps)[0].arrays)

    return run


def samples_of(graph: Graph, inputs: Mapping[str, Array]) -> int:
    """Length of the batch axis; 0 without one."""
    item = graph.inputs[0]
    array = inputs[item.id]
    return array.shape[1] if array.ndim == len(item.shape) + 2 else 0
