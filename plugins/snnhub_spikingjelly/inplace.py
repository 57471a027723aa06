"""Operations that overwrite their input. The graph holds values, so nothing may use the old one afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from snnhub.findings import Finding, error

if TYPE_CHECKING:
    from torch import fx, nn

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


def overwritten(net: nn.Module, graph: fx.Graph, place_of: Callable[[fx.Node], str]) -> Iterator[Finding]:
    """An ``error`` for each tensor that is changed in place and used again later, under any of its names."""
    order = {node: place for place, node in enumerate(graph.nodes)}
    for node in graph.nodes:
        target = node.args[0] if node.args else None
        if not isinstance(target, type(node)) or not _in_place(net, node):
            continue
        names = _same_memory(net, target, {other for other, place in order.items() if place < order[node]})
        later = [user.name for name in names for user in name.users if order[user] > order[node]]
        if later:
            yield error(
                "SNN-3025",
                place_of(node),
                f"{target.name} is overwritten and used again by {', '.join(later)}",
                remedy="Write the result to a new name: y = y + x instead of y += x, inplace=False.",
            )


def _same_memory(net: nn.Module, first: fx.Node, before: set[fx.Node]) -> list[fx.Node]:
    """A tensor with what it is a view of, and the views of that."""
    found = [first]
    for node in found:  # grows while it is walked
        source = node.args[0] if node.args else None
        linked = [source] if _is_view(net, node) else []
        linked += [user for user in node.users if user in before and _is_view(net, user)]
        found += [other for other in linked if isinstance(other, type(first)) and other not in found]
    return found


def _name(node: fx.Node) -> str:
    return node.target if isinstance(node.target, str) else str(getattr(node.target, "__name__", ""))


def _kinds(net: nn.Module, node: fx.Node) -> set[str]:
    return {base.__name__ for base in type(net.get_submodule(str(node.target))).__mro__}


def _is_view(net: nn.Module, node: fx.Node) -> bool:
    if node.op == "call_module":
        return any(kind in SEEING or "Dropout" in kind for kind in _kinds(net, node))
    return node.op in ("call_function", "call_method") and _name(node).rstrip("_") in VIEWS


def _in_place(net: nn.Module, node: fx.Node) -> bool:
    """Whether the call changes its first argument. Dropout does not in evaluation mode."""
    if node.op == "call_module":
        return "ReLU" in _kinds(net, node) and bool(net.get_submodule(str(node.target)).inplace)
    name = _name(node)
    if node.op == "call_method":
        return name.endswith("_") and not name.endswith("__") and name != "unsqueeze_"
    return node.op == "call_function" and (
        name in OPERATORS or (name == "relu" and bool(node.kwargs.get("inplace")))
    )
