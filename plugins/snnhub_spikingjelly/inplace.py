"""Operations that overwrite their input. The graph holds values, so nothing may use the old one afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from snnhub.findings import Finding, error

if TYPE_CHECKING:
    from torch import fx, nn

OPERATORS = frozenset({"iadd", "isub", "imul", "itruediv"})


def overwritten(net: nn.Module, graph: fx.Graph, place_of: Callable[[fx.Node], str]) -> Iterator[Finding]:
    """An ``error`` for each tensor that is changed in place and used again later."""
    order = {node: place for place, node in enumerate(graph.nodes)}
    for node in graph.nodes:
        target = node.args[0] if node.args else None
        if not isinstance(target, type(node)) or not _in_place(net, node):
            continue
        later = [user.name for user in target.users if order[user] > order[node]]
        if later:
            yield error(
                "SNN-3025",
                place_of(node),
                f"{target.name} is overwritten and used again by {', '.join(later)}",
                remedy="Write the result to a new name: y = y + x instead of y += x, inplace=False.",
            )


def _in_place(net: nn.Module, node: fx.Node) -> bool:
    """Whether the call changes its first argument. Dropout does not in evaluation mode."""
    if node.op == "call_module":
        module = net.get_submodule(str(node.target))
        return type(module).__name__ == "ReLU" and bool(module.inplace)
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
    if node.op == "call_function" and name in OPERATORS:
        return True
    if node.op == "call_method" and str(name).endswith("_") and not str(name).endswith("__"):
        return name != "unsqueeze_"
    return node.op == "call_function" and str(name) == "relu" and bool(node.kwargs.get("inplace"))
