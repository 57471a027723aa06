"""SpikingJelly network to graph. The user's network is copied first and never changed."""

from __future__ import annotations

import copy
import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnhub.api.options import ImportOptions, InputShapeMissingError
from snnhub.errors import UnsupportedError, UsageError
from snnhub.findings import Finding, Severity, info, of_severity
from snnhub.ir.graph import Graph, Provenance, Stage
from snnhub.torchnet.quiet import hush
from snnhub.torchnet.weights import load_weights, refuse_file

from snnhub_spikingjelly import faithful
from snnhub_spikingjelly.factory import build
from snnhub_spikingjelly.probe import Probe, first_layer_rank
from snnhub_spikingjelly.refusals import refusals
from snnhub_spikingjelly.regions import explore
from snnhub_spikingjelly.selfcheck import compare
from snnhub_spikingjelly.tracer import walkable
from snnhub_spikingjelly.walk import Walk

if TYPE_CHECKING:
    from torch import nn

VERSION = "1"


def import_spikingjelly(source: Any, options: ImportOptions) -> Graph:
    """The graph of a factory reference (text) or of a live ``torch.nn.Module``.

    Raises ``UsageError`` if the factory, its settings, the weights or the input shape do not fit, and
    ``UnsupportedError`` with every module and function that cannot be held.
    """
    net, findings, provenance = prepare_net(source, options)
    region = explore(net)
    refused = refusals(region)
    if refused and (options.input_shape is None or region.problems):
        raise _unsupported(refused)
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
            raise _unsupported(refused) from None
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
        raise _unsupported(errors)
    graph = walk.builder.graph(decoder=walk.decoder, provenance=provenance)
    return graph.with_findings([compare(graph, probe, options.lookup)])


def prepare_net(source: Any, options: ImportOptions) -> tuple[nn.Module, list[Finding], Provenance]:
    """A copy of the network in evaluation mode and at rest, with findings on what that leaves out."""
    hush()
    import torch
    from spikingjelly.activation_based import functional

    findings: list[Finding] = []
    digest = ""
    if isinstance(source, str):
        net = build(source, options.settings)
        findings.append(
            info("SNN-3001", source, "the factory was run: importing a network by factory runs its author's code")
        )
    elif isinstance(source, Path):
        raise refuse_file(source)
    elif isinstance(source, torch.nn.Module):
        net = copied(source, share=options.weights is None)
    else:
        raise UsageError(
            "a SpikingJelly network is a factory reference or a torch.nn.Module", found=type(source).__name__
        )
    if options.weights is not None:
        load_weights(net, options.weights)
        digest = hashlib.sha256(options.weights.read_bytes()).hexdigest()
    elif isinstance(source, str):
        findings.append(
            info(
                "SNN-3008",
                source,
                "no weights were given: the factory's own initialisation is imported",
                remedy="Pass --weights state.pt.",
            )
        )
    if net.training:
        findings.append(info("SNN-3008", _name(source), "imported in evaluation mode, from the initial state"))
    net = walkable(net)
    net.eval()
    functional.reset_net(net)
    settings = tuple(sorted(options.settings.items()))
    stage = Stage(
        "import spikingjelly",
        f"{VERSION} (spikingjelly {version('spikingjelly')}, torch {torch.__version__})",
        settings,
    )
    return net, findings, Provenance((stage,), _name(source), digest)


def copied(net: nn.Module, share: bool = False) -> nn.Module:
    """A copy, also of a network whose states still hang on a training graph. ``share``: with the same parameters
    and buffers, which nothing changes where no weights are loaded and the copy runs in evaluation mode.
    """
    import torch

    memo: dict[int, Any] = {}
    if share:
        memo |= {id(value): value for value in (*net.parameters(), *net.buffers())}
    for module in net.modules():
        for values in (vars(module), vars(module).get("_memories", {})):
            for value in values.values():
                if isinstance(value, torch.Tensor) and not value.is_leaf:
                    memo[id(value)] = value.detach().clone()
    return copy.deepcopy(net, memo)


def _name(source: Any) -> str:
    return source if isinstance(source, str) else type(source).__name__


def _unsupported(findings: list[Finding] | tuple[Finding, ...]) -> UnsupportedError:
    first = findings[0]
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    return UnsupportedError(f"{first.message}{more}", where=first.place, remedy=first.remedy, findings=findings)
