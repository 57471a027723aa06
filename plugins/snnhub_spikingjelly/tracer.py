"""Traces a network with torch.fx. Modules of torch.nn and SpikingJelly stay whole; everything of the user's
own is walked through, so forwards of any class work as long as they do not branch on values.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from snnhub.errors import UnsupportedError
from snnhub.findings import Finding, error
from snnhub.torchnet.functions import ONE_STEP

if TYPE_CHECKING:
    from torch import fx, nn

ZOO = "spikingjelly.activation_based.model."
"""Networks that SpikingJelly ships: walked through, as if they were the user's."""
TRACE_REMEDY = ONE_STEP + "A forward must not branch on the values or sizes of tensors."
LOOPS = ("iter", "interpreted as an integer", "range", "length", "len")
"""Words in torch.fx's message when a forward loops over a tensor or over its size."""


def is_leaf(module: nn.Module) -> bool:
    """Whether a module is one node: torch's and SpikingJelly's own, and user classes derived from their layers."""
    from torch import nn as torch_nn

    kind = type(module)
    if kind in (torch_nn.Sequential, torch_nn.ModuleList, torch_nn.ModuleDict):
        return False
    for base in kind.__mro__:
        if base is torch_nn.Module:
            return False
        if base is torch_nn.Sequential and kind.__module__.split(".")[0] not in ("torch", "spikingjelly"):
            return False
        if base.__module__.startswith("spikingjelly.") and not base.__module__.startswith(ZOO):
            return True
        if base.__module__.startswith("torch.nn."):
            return True
    return False


def walkable(net: nn.Module) -> nn.Module:
    """``net``, in a container of its own if it is a single layer."""
    from torch import nn as torch_nn

    return torch_nn.Sequential(net) if is_leaf(net) else net


def symbolic(net: nn.Module, prefix: str = "") -> tuple[fx.Graph, list[Finding]]:
    """The fx graph of ``net``, and findings on what cannot be traced.

    A module of the user's whose forward cannot be traced stays whole, so that the rest is looked at as well. If
    ``net`` itself cannot be, the graph is empty.
    """
    from torch import fx

    problems: list[Finding] = []

    class InPlaceProxy(fx.Proxy):
        """Keeps ``y += x`` apart from ``y = y + x``: other names of ``y`` see the sum of the first."""

        def __iadd__(self, other: Any) -> Any:
            return self.tracer.create_proxy("call_function", operator.iadd, (self, other), {})

        def __isub__(self, other: Any) -> Any:
            return self.tracer.create_proxy("call_function", operator.isub, (self, other), {})

        def __imul__(self, other: Any) -> Any:
            return self.tracer.create_proxy("call_function", operator.imul, (self, other), {})

        def __itruediv__(self, other: Any) -> Any:
            return self.tracer.create_proxy("call_function", operator.itruediv, (self, other), {})

    class LeafTracer(fx.Tracer):
        def proxy(self, node: Any) -> Any:
            return InPlaceProxy(node, self)

        def is_leaf_module(self, m: Any, module_qualified_name: str) -> bool:
            return is_leaf(m)

        def call_module(self, m: Any, forward: Any, args: Any, kwargs: Any) -> Any:
            if is_leaf(m):
                return super().call_module(m, forward, args, kwargs)
            try:
                return super().call_module(m, forward, args, kwargs)
            except Exception as problem:  # noqa: BLE001  a forward may raise anything
                path = self.path_of_module(m)
                problems.append(_untraceable(f"{prefix}.{path}" if prefix else path, problem))
                return self.create_proxy("call_module", path, args, kwargs)

    try:
        return LeafTracer().trace(net), problems
    except Exception as problem:  # noqa: BLE001  as above
        return fx.Graph(), [*problems, _untraceable(prefix or "forward", problem)]


def _untraceable(path: str, problem: Exception) -> Finding:
    detail = str(problem).strip().splitlines()[0] if str(problem).strip() else type(problem).__name__
    loops = any(word in detail for word in LOOPS)
    cause = "its forward seems to loop over time" if loops else "its forward cannot be followed"
    return error("SNN-3002", path.replace(".", "/"), f"cannot be traced, {cause}: {detail}", remedy=TRACE_REMEDY)


def trace(net: nn.Module) -> fx.Graph:
    """The fx graph of ``net``, which is no leaf. Raises ``UnsupportedError`` where it cannot be traced."""
    graph, problems = symbolic(net)
    if problems:
        raise UnsupportedError(
            problems[0].message, where=problems[0].place, remedy=problems[0].remedy, findings=problems
        )
    return graph
