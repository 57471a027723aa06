"""What cannot be held whatever the shapes are: looked for everywhere before anything runs, all in one list."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from snnhub.findings import Finding, error
from snnhub.torchnet import functions
from snnhub.torchnet.functions import ONE_STEP

from snnhub_spikingjelly import modules
from snnhub_spikingjelly.inplace import overwritten
from snnhub_spikingjelly.regions import Region

if TYPE_CHECKING:
    from torch import fx, nn

BOOKKEEPING = frozenset({"getattr", "size", "dim", "getitem", "floordiv", "int", "len"})
"""Calls that only compute shapes; their results are numbers, not tensors."""
LOOP = 3
"""A stateful module called so often is taken for a loop over time."""
PLUMBING = frozenset({"stack", "append"})
"""Functions that gather the steps of a loop: the loop is the problem, not they."""


def refusals(region: Region) -> list[Finding]:
    """Modules, functions and tensors that no handler knows, and stateful modules that are called again."""
    again = list(_called_again(region))
    looping = any(count >= LOOP for _, _, count in again)
    found: list[Finding] = []
    for part in region.everywhere():
        hopeless = {problem.place for problem in part.problems}
        found += part.problems
        for node in part.graph.nodes:
            if node.op == "call_module" and _called(part, node) not in hopeless:
                found += _module(part, node)
            elif node.op in ("call_function", "call_method") and not (looping and name_of(node) in PLUMBING):
                found += _function(part, node)
            elif node.op == "get_attr":
                message = f"tensor {node.target} is used outside a layer"
                found.append(error("SNN-3002", place_of(part, node), message, remedy="Move it into a layer."))
        found += overwritten(part, partial(_called, part))
    found += [_again(path, names, count) for path, names, count in again]
    return list({(item.code, item.place, item.message): item for item in found}.values())


def _called(region: Region, node: fx.Node) -> str:
    """Place of a call, of a module or of a function."""
    return path_of(region.path(str(node.target))) if node.op == "call_module" else place_of(region, node)


def _module(region: Region, node: fx.Node) -> list[Finding]:
    problems = modules.problems(region.module(node))
    return [error(item.code, _called(region, node), str(item), remedy=item.remedy) for item in problems]


def _function(region: Region, node: fx.Node) -> list[Finding]:
    name = name_of(node)
    if functions.known(name) or name in BOOKKEEPING:
        return []
    remedy = functions.REMEDIES.get(name, "Write it with layers that can be held.")
    return [error("SNN-3002", place_of(region, node), f"function {name} cannot be held", remedy=remedy)]


def _called_again(region: Region) -> Iterable[tuple[str, list[str], int]]:
    """Stateful modules that are called more than once, wherever: path, names of calls, how often."""
    calls: dict[int, list[tuple[str, str]]] = {}
    for path, module, name in region.calls():
        if is_stateful(module):
            calls.setdefault(id(module), []).append((path, name))
    for found in calls.values():
        if len(found) > 1:
            yield found[0][0], [name for _, name in found], len(found)


def _again(path: str, names: list[str], count: int) -> Finding:
    if count < LOOP:
        message, remedy = ", ".join(names), "Use a module of its own at each place."
    else:
        message = "as in a loop over time in the forward"
        remedy = f"{ONE_STEP}Otherwise use a module of its own at each place."
    return error("SNN-3004", path_of(path), f"stateful module is called {count} times: {message}", remedy=remedy)


def is_stateful(module: nn.Module) -> bool:
    """Whether a module keeps something from step to step, itself or in what it holds."""
    return any(hasattr(part, "_memories") for part in module.modules())


def name_of(node: fx.Node) -> str:
    """Name of the function or method that a node calls."""
    return node.target if isinstance(node.target, str) else getattr(node.target, "__name__", str(node.target))


def path_of(target: str) -> str:
    """Module path with slashes: the node id."""
    return target.replace(".", "/")


def place_of(region: Region, node: fx.Node) -> str:
    """Id of a function: its fx name, beside the module whose forward calls it."""
    stack = node.meta.get("nn_module_stack") or {}
    parent = region.path(next(reversed(stack), "")) if stack else region.prefix
    return f"{path_of(parent)}/{node.name}" if parent else str(node.name)
