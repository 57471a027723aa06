"""Traces a network with torch.fx. Modules of torch.nn and SpikingJelly stay whole; everything of the user's
own is walked through, so forwards of any class work as long as they do not branch on values.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from snnhub.errors import UnsupportedError
from snnhub.findings import error

if TYPE_CHECKING:
    from torch import fx, nn

ZOO = "spikingjelly.activation_based.model."
"""Networks that SpikingJelly ships: walked through, as if they were the user's."""


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


def trace(net: nn.Module) -> fx.Graph:
    """The fx graph of ``net``, which is no leaf. Raises ``UnsupportedError`` where it cannot be traced."""
    from torch import fx

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

    try:
        return LeafTracer().trace(net)
    except Exception as problem:
        detail = str(problem).strip().splitlines()[0] if str(problem).strip() else type(problem).__name__
        finding = error(
            "SNN-3002",
            "forward",
            f"cannot be traced: {detail}",
            remedy="A forward must not branch on tensors; loops over time belong outside the network.",
        )
        raise UnsupportedError(
            "the network's forward cannot be traced", found=detail, remedy=finding.remedy, findings=[finding]
        ) from problem
