"""A network as nested regions: the traced forward, and inside each container the traced forward of one step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from snnhub.findings import Finding

from snnhub_spikingjelly import containers
from snnhub_spikingjelly.tracer import symbolic

if TYPE_CHECKING:
    from torch import fx, nn


@dataclass(frozen=True)
class Region:
    """``graph`` calls modules of ``net`` by target. ``prefix``: dotted path of the container, empty at the top.

    ``inner``: by target, the insides of containers that ``graph`` calls. ``problems``: what could not be traced.
    ``recurrent``: whether the second argument is the output of the step before.
    """

    net: nn.Module
    graph: fx.Graph
    prefix: str
    inner: dict[str, Region] = field(default_factory=dict)
    problems: tuple[Finding, ...] = ()
    recurrent: bool = False

    def path(self, target: str) -> str:
        """Dotted path of a module in the user's network."""
        return f"{self.prefix}.{target}" if self.prefix else target

    def module(self, node: fx.Node) -> nn.Module:
        """The module that a ``call_module`` node calls."""
        return self.net.get_submodule(str(node.target))

    def everywhere(self) -> Iterator[Region]:
        """Itself and all inside it."""
        yield self
        for region in self.inner.values():
            yield from region.everywhere()

    def calls(self) -> Iterator[tuple[str, nn.Module, str]]:
        """Every call of a module, insides after their container: dotted path, module, name of the call."""
        for node in self.graph.nodes:
            if node.op == "call_module":
                yield self.path(str(node.target)), self.module(node), node.name
                if str(node.target) in self.inner:
                    yield from self.inner[str(node.target)].calls()


def explore(net: nn.Module, prefix: str = "", recurrent: bool = False) -> Region:
    """Trace ``net``, which is no leaf, and the inside of every container that it calls."""
    graph, problems = symbolic(net, prefix)
    region = Region(net, graph, prefix, {}, tuple(problems), recurrent)
    for node in graph.nodes:
        target = str(node.target)
        if node.op == "call_module" and target not in region.inner:
            module = region.module(node)
            kind = containers.container_kind(module)
            if kind:
                inside, path = containers.inside(module), region.path(target)
                region.inner[target] = explore(inside, path, kind in containers.RECURRENT)
    return region
