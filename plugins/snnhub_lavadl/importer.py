"""Networks of lava-dl to graphs: factories in the Lava environment, live modules where they are."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from snnhub.api.factory import made
from snnhub.api.options import ImportOptions, InputShapeMissingError
from snnhub.api.remote import OPTION, import_in
from snnhub.errors import UnsupportedError, UsageError
from snnhub.findings import Finding, error, info
from snnhub.hub.catalogue import find
from snnhub.hub.loader import load
from snnhub.ir.graph import Graph, Provenance, Stage

from snnhub_lavadl import ENVIRONMENT
from snnhub_lavadl.build import Build
from snnhub_lavadl.chain import Block, at_rest, block_kind, copied, named_blocks, ran
from snnhub_lavadl.checkpoint import load_weights
from snnhub_lavadl.clamped import clamped, snapshot
from snnhub_lavadl.seeded import seeded

HERE = "snnhub_lavadl.importer:import_here"
VERSION = "1"
MODES = {
    "ann": "rates, not spikes: there is no time in it",
    "fit": "it changes the network while it runs",
    "sample": "it records for the fit of its rates; its spikes are those of the mode snn",
}


@dataclass(frozen=True)
class Prepared:
    """A network that has run once and rests: the blocks in their order, and what was found on the way."""

    net: Any
    blocks: list[Block]
    findings: list[Finding]
    digest: str
    name: str
    hold: int = 0


def import_model(source: Any, options: ImportOptions) -> Graph:
    """The graph of a factory (text) or of a live module.

    Raises ``UnsupportedError`` with everything that cannot be held, ``UsageError`` for a factory, settings,
    weights or an input shape that do not fit, ``MissingPeerError`` without the Lava environment.
    """
    if isinstance(source, Path):
        allowed = f"{source}:factory, or package.module:factory"
        remedy = "Files that lava-dl exported (.net) are read with --from netx."
        raise UsageError("a network is named by its factory", found=str(source), allowed=allowed, remedy=remedy)
    if OPTION in options.given:
        find(load().environments, options.given[OPTION], OPTION)
    name = wanted(options)
    if isinstance(source, str) and name is not None:
        return import_in(name, HERE, source, options)
    return import_here(source, options)


def wanted(options: ImportOptions) -> str | None:
    """The environment where factories run; None for this interpreter, if that has lava-dl and none is named."""
    name = options.given.get(OPTION)
    return name or (None if find_spec("lava") is not None else ENVIRONMENT)


def import_here(source: Any, options: ImportOptions) -> Graph:
    """As ``import_model``, in this interpreter."""
    prepared = prepare(source, options)
    versions = versions_here()
    stage = Stage("import lava-dl", f"{VERSION} ({versions})", tuple(sorted(options.settings.items())))
    build = Build(prepared.name, versions, options.lookup, prepared.findings)
    return build.run(prepared.blocks, Provenance((stage,), prepared.name, prepared.digest), prepared.hold)


def prepare(source: Any, options: ImportOptions) -> Prepared:
    """A copy of the network in evaluation mode, with shapes set, weights loaded and states at rest."""
    _ensure_mode(options)
    net, findings, name = _network(source, options)
    open_before = [path for path, module in named_blocks(net) if _is_open(module)]
    left = at_rest(net)
    if left:
        words = "states left by an earlier forward are no part of the network: it starts at rest"
        findings.append(info("SNN-3312", name, words, old=", ".join(left[:3])))
    net.eval()
    shape = _shape(net, options, findings)
    numbers = snapshot(net)
    with seeded():
        chain = ran(net, shape)
    digest = ""
    if options.weights is not None:
        load_weights(net, options.weights)
        numbers = snapshot(net)
        for module in net.modules():
            if type(module).__name__ == "Delay" and hasattr(module, "init"):
                module.init = True
        digest = hashlib.sha256(options.weights.read_bytes()).hexdigest()
        at_rest(net)
        with seeded():
            chain = ran(net, shape)  # weight norm, masks and delays act while it runs
    elif isinstance(source, str):
        words = "no weights were given: the factory's own initialisation is imported"
        findings.append(info("SNN-3008", name, words, remedy="Pass --weights state.pt."))
    findings += clamped(net, numbers)
    if open_before:
        words = (
            "sizes, decays and delays that lava-dl sets in the first forward were set by one on the input shape"
        )
        drawn = "" if options.weights is not None else ", what it draws from seed 0"
        findings.append(info("SNN-3304", name, f"{words}{drawn}", new=", ".join(open_before[:5])))
    at_rest(net)
    if any(block.bootstrap for block in chain.blocks):
        findings.append(info("SNN-3313", name, "bootstrap blocks are imported in their mode SNN"))
    return Prepared(net, chain.blocks, [*findings, *chain.findings], digest, name, chain.hold)


def _ensure_mode(options: ImportOptions) -> None:
    mode = options.given.get("mode", "snn").lower()
    if mode in MODES:
        words = f"bootstrap's mode {mode} cannot be imported: {MODES[mode]}"
        finding = error("SNN-3313", "mode", words, remedy="Leave the option out: the mode is snn.")
        raise UnsupportedError(words, where="mode", remedy=finding.remedy, findings=[finding])
    if mode != "snn":
        raise UsageError("unknown mode", found=mode, allowed="snn")


def _network(source: Any, options: ImportOptions) -> tuple[Any, list[Finding], str]:
    import torch

    if isinstance(source, str):
        with seeded():
            net = made(source, options.settings)
        words = "the factory was run: importing a network by factory runs its author's code"
        findings, name = [info("SNN-3001", source, words)], source
    else:
        net, findings, name = source, [], type(source).__name__
    if not isinstance(net, torch.nn.Module):
        raise UsageError("a network of lava-dl is a torch.nn.Module", where=name, found=type(net).__name__)
    return copied(net), findings, name


def _is_open(module: Any) -> bool:
    """Whether a block waits for its first forward to know sizes, decays or delays."""
    neuron, delay = getattr(module, "neuron", None), getattr(module, "delay", None)
    sizes = neuron is not None and neuron.shape is None
    return sizes or (delay is not None and not delay.init)


def _shape(net: Any, options: ImportOptions, findings: list[Finding]) -> tuple[int, ...]:
    """Shape of one step of the input, given or worked out."""
    shape = options.input_shape
    if shape is None:
        shape = _first_shape(net)
        findings.append(
            info("SNN-3304", "input", "input shape worked out from the first block", new=str(list(shape)))
        )
    return shape


def _first_shape(net: Any) -> tuple[int, ...]:
    """What the first block says of its input. Raises ``InputShapeMissingError`` if it does not."""
    first = next((module for _, module in named_blocks(net)), None)
    if first is None:
        ran(net, (1,))  # which refuses
    known = getattr(first, "input_shape", None)
    if known is not None:
        return tuple(int(size) for size in known)
    synapse: Any = getattr(first, "synapse", getattr(first, "input_synapse", None))
    synapse = getattr(synapse, "real", synapse)
    if type(synapse).__name__ == "Dense":
        channels, *window = (int(size) for size in synapse.weight.shape[1:4])
        return (channels,) if window == [1, 1] else (channels, *window)
    kind = (block_kind(first) or ("",))[0]
    raise InputShapeMissingError(
        "the network does not say how large its input is",
        rank=1 if kind in ("Input", "Average") else 3,
        where=type(net).__name__,
        remedy="Pass --input-shape, such as 2,34,34 (no time, no batch).",
    )


def versions_here() -> str:
    """Versions of lava-dl and torch in this interpreter, in words."""
    found = []
    for name in ("lava-dl", "torch"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found) or "unknown"
