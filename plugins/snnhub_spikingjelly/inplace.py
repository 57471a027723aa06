"""Operations that overwrite their input. The graph holds values, so nothing may use the old one afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from snnhub.findings import Finding, error

from snnhub_spikingjelly import containers
from snnhub_spikingjelly.regions import Region

if TYPE_CHECKING:
    from torch import fx

OPERATORS = frozenset({"iadd", "isub", "imul", "itruediv"})
VIEWS = frozenset(
    {
        "flatten",
        "view",
        "reshape",
        "squeeze",
        "unsqueeze",
        "unflatten",
        "expand",
        "contiguous",
        "detach",
        "dropout",
    }
)
"""Functions whose output may lie in the same memory as their input."""
SEEING = frozenset({"Flatten", "Unflatten", "Identity"})
"""Layers of which the same is true; and every Dropout, in evaluation mode."""
KEEPING = frozenset({"SynapseFilter", *containers.RECURRENT})
"""Modules that give the state itself, not a copy, in step mode s."""


def overwritten(region: Region, place_of: Callable[[fx.Node], str]) -> Iterator[Finding]:
    """An ``error`` for each tensor that is changed in place and used again later, under any of its names.

    A container changes what it takes if its inside does. What a module keeps for the next step is used again then.
    """
    order = {node: place for place, node in enumerate(region.graph.nodes)}
    for node in region.graph.nodes:
        target = node.args[0] if node.args else None
        if not isinstance(target, type(node)) or not _in_place(region, node):
            continue
        names = _same_memory(region, target, {other for other, place in order.items() if place < order[node]})
        later = [user.name for name in names for user in name.users if order[user] > order[node]]
        later += [f"{name.name} in the next step" for name in names if _is_kept(region, name)]
        if later:
            yield error(
                "SNN-3025",
                place_of(node),
                f"{target.name} is overwritten and used again by {', '.join(later)}",
                remedy="Write the result to a new name: y = y + x instead of y += x, inplace=False.",
            )


def _is_kept(region: Region, node: fx.Node) -> bool:
    """Whether a tensor is a state: what a recurrent container feeds back, or a module's output that it keeps."""
    if node.op == "placeholder":
        return region.recurrent and node is not _first(region)
    if node.op != "call_module":
        return False
    module = region.module(node)
    return getattr(module, "step_mode", "") == "s" and bool(KEEPING & _kinds(region, node))


def _first(region: Region) -> fx.Node:
    return next(node for node in region.graph.nodes if node.op == "placeholder")


def _changes_input(region: Region) -> bool:
    """Whether a forward overwrites its first argument."""
    nodes = [node for node in region.graph.nodes if node.args and _in_place(region, node)]
    past = {node: set(list(region.graph.nodes)[:place]) for place, node in enumerate(region.graph.nodes)}
    targets = [(node, node.args[0]) for node in nodes if isinstance(node.args[0], type(node))]
    return any(_first(region) in _same_memory(region, target, past[node]) for node, target in targets)


def _gives_input(region: Region) -> bool:
    """Whether the output of a forward may lie in the memory of its first argument."""
    result = next((node.args[0] for node in region.graph.nodes if node.op == "output"), None)
    if not hasattr(result, "op"):
        return False
    return _first(region) in _same_memory(region, result, set(region.graph.nodes))


def _same_memory(region: Region, first: fx.Node, before: set[fx.Node]) -> list[fx.Node]:
    """A tensor with what it is a view of, and the views of that."""
    found = [first]
    for node in found:  # grows while it is walked
        source = node.args[0] if node.args else None
        linked = [source] if _is_view(region, node) else []
        linked += [user for user in node.users if user in before and _is_view(region, user)]
        found += [other for other in linked if isinstance(other, type(first)) and other not in found]
    return found


def _name(node: fx.Node) -> str:
    return node.target if isinstance(node.target, str) else str(getattr(node.target, "__name__", ""))


def _kinds(region: Region, node: fx.Node) -> set[str]:
    return {base.__name__ for base in type(region.module(node)).__mro__}


def _is_view(region: Region, node: fx.Node) -> bool:
    """Whether the output may lie in the memory of the first argument. Containers that step join copies."""
    if node.op == "call_module":
        inner = region.inner.get(str(node.target))
        if inner is not None:
            return not containers.steps(region.module(node)) and _gives_input(inner)
        return _in_place(region, node) or any(kind in SEEING or "Dropout" in kind for kind in _kinds(region, node))
    return node.op in ("call_function", "call_method") and (
        _name(node).rstrip("_") in VIEWS or _in_place(region, node)
    )


def _in_place(region: Region, node: fx.Node) -> bool:
    """Whether the call changes its first argument. Dropout does not in evaluation mode."""
    if node.op == "call_module":
        inner = region.inner.get(str(node.target))
        if inner is not None:
            return _changes_input(inner)
        return "ReLU" in _kinds(region, node) and bool(region.module(node).inplace)
    name = _name(node)
    if node.op == "call_method":
        return name.endswith("_") and not name.endswith("__") and name != "unsqueeze_"
    return node.op == "call_function" and (
        name in OPERATORS or (name == "relu" and bool(node.kwargs.get("inplace")))
    )
