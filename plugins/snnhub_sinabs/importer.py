"""sinabs networks to graphs, in an interpreter that has sinabs. Rests on ``snnhub.torchnet``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from snnhub.api.options import ImportOptions
from snnhub.findings import info
from snnhub.ir.graph import Graph
from snnhub.torchnet.importer import import_network

from snnhub_sinabs.framework import FRAMEWORK, own_states, stateful, unwrap

LISTED = 4


def import_sinabs(source: Any, options: ImportOptions) -> Graph:
    """The graph of a factory reference (text) or of a live ``torch.nn.Module``.

    Raises ``UsageError`` and ``UnsupportedError`` as ``snnhub.torchnet.importer.import_network``.
    """
    left: list[str] = []

    def inner(net: Any) -> Any:
        left.extend(left_states(net))
        return unwrap(net)

    graph = import_network(replace(FRAMEWORK, unwrap=inner), source, options)
    if not left:
        return graph
    names = f"{', '.join(left[:LISTED])}{' …' if len(left) > LISTED else ''}"
    words = f"imported from rest; states that are not 0 are left out: {names}"
    return graph.with_findings([info("SNN-3552", graph.name, words)])


def left_states(net: Any) -> list[str]:
    """States that an earlier run left, by name."""
    paths = {id(module): path for path, module in net.named_modules()}
    return [
        f"{paths[id(module)]}.{name}".lstrip(".")
        for module in stateful(net)
        for name in own_states(module)
        if name != "spike_threshold" and bool((getattr(module, name) != 0).any())
    ]
