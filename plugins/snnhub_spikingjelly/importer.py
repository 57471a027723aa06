"""SpikingJelly network to graph. The user's network is copied first and never changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from snnhub.api.options import ImportOptions, InputShapeMissingError
from snnhub.errors import UsageError
from snnhub.findings import Finding, Severity, of_severity
from snnhub.ir.graph import Graph, Provenance
from snnhub.torchnet.framework import Framework
from snnhub.torchnet.importer import unsupported
from snnhub.torchnet.network import prepare

from snnhub_spikingjelly import faithful
from snnhub_spikingjelly.elsewhere import remedy
from snnhub_spikingjelly.probe import Probe, first_layer_rank
from snnhub_spikingjelly.refusals import refusals
from snnhub_spikingjelly.regions import explore
from snnhub_spikingjelly.selfcheck import compare
from snnhub_spikingjelly.tracer import walkable
from snnhub_spikingjelly.walk import Walk

if TYPE_CHECKING:
    from torch import nn


def import_spikingjelly(source: Any, options: ImportOptions) -> Graph:
    """The graph of a factory reference (text) or of a live ``torch.nn.Module``.

    Raises ``UsageError`` if the factory, its settings, the weights or the input shape do not fit, and
    ``UnsupportedError`` with every module and function that cannot be held.
    """
    net, findings, provenance = prepare_net(source, options)
    region = explore(net)
    refused = refusals(region)
    if refused and (options.input_shape is None or region.problems):
        raise unsupported(refused)
    if options.input_shape is None:
        rank = first_layer_rank(region)
        raise InputShapeMissingError(
            "the network does not say how large its input is",
            rank=rank,
            where=_name(source),
            remedy="Pass --input-shape, such as 1,28,28 (no time, no batch).",
        )
    try:
        probe = Probe(region, options.input_shape)
    except UsageError:
        if refused:  # a layer that cannot be held may not even run
            raise unsupported(refused) from None
        raise
    # parts that cannot be held may differ from call to call, as noise does; they have been refused
    untrue = None if refused else faithful.compare(net, probe, _name(source))
    walk = Walk(region, probe, options)
    walk.builder.findings += [*findings, *([untrue] if untrue else [])]
    walk.run(_name(source))
    known = {(finding.code, finding.place) for finding in refused}
    more = of_severity(walk.builder.findings, Severity.ERROR)
    errors = [*refused, *(finding for finding in more if (finding.code, finding.place) not in known)]
    if errors:
        raise unsupported(errors)
    graph = walk.builder.graph(decoder=walk.decoder, provenance=provenance)
    return graph.with_findings([compare(graph, probe, options.lookup)])


def prepare_net(source: Any, options: ImportOptions) -> tuple[nn.Module, list[Finding], Provenance]:
    """A copy of the network in evaluation mode and at rest, with findings on what that leaves out."""
    prepared = prepare(FRAMEWORK, source, options)
    return walkable(prepared.net), list(prepared.findings), prepared.provenance


def _reset(net: Any) -> None:
    from spikingjelly.activation_based import functional

    functional.reset_net(net)


FRAMEWORK = Framework("spikingjelly", "SpikingJelly", {}, reset=_reset, remedy=remedy)
"""Its neurons are read by the walk of this plugin, which knows more of them than one call tells."""


def _name(source: Any) -> str:
    return source if isinstance(source, str) else type(source).__name__
