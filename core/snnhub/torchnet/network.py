"""The user's network, made or copied, with its weights, in evaluation mode and at rest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnhub.api.factory import Remedy, made
from snnhub.api.options import ImportOptions
from snnhub.errors import UsageError
from snnhub.findings import Finding, info
from snnhub.ir.graph import Provenance, Stage
from snnhub.torchnet.copying import copied
from snnhub.torchnet.framework import Framework
from snnhub.torchnet.kinds import is_leaf
from snnhub.torchnet.quiet import hush
from snnhub.torchnet.weights import load_weights, refuse_file

if TYPE_CHECKING:
    from torch import nn

VERSION = "1"


@dataclass(frozen=True)
class Prepared:
    """``net``: ours alone. ``findings``: on what that left out. ``name``: of the source."""

    net: nn.Module
    findings: tuple[Finding, ...]
    provenance: Provenance
    name: str


def prepare(framework: Framework, source: Any, options: ImportOptions) -> Prepared:
    """The network of a factory reference, or a copy of a live one.

    Raises ``UsageError`` if the factory, its settings or the weights do not fit, ``UnsupportedError`` for a file.
    """
    hush()
    name = source if isinstance(source, str) else type(source).__name__
    net, findings = _network(framework, source, options)
    digest = ""
    if options.weights is not None:
        left = load_weights(net, options.weights, framework.states(net))
        digest = hashlib.sha256(options.weights.read_bytes()).hexdigest()
        if left:
            words = f"states of neurons in the checkpoint are not loaded: {', '.join(left[:4])}"
            findings.append(info("SNN-3008", str(options.weights), words))
    elif isinstance(source, str):
        words = "no weights were given: the factory's own initialisation is imported"
        findings.append(info("SNN-3008", name, words, remedy="Pass --weights state.pt."))
    if net.training:
        findings.append(info("SNN-3008", name, "imported in evaluation mode, from the initial state"))
    net = walkable(framework, framework.unwrap(net))
    net.eval()
    framework.reset(net)
    settings = tuple(sorted(options.settings.items()))
    stage = Stage(f"import {framework.name}", f"{VERSION} ({packages(framework)})", settings)
    return Prepared(net, tuple(findings), Provenance((stage,), name, digest), name)


def _network(framework: Framework, source: Any, options: ImportOptions) -> tuple[nn.Module, list[Finding]]:
    import torch

    if isinstance(source, Path):
        raise refuse_file(source)
    if isinstance(source, torch.nn.Module):
        return copied(source), []
    if not isinstance(source, str):
        raise UsageError(
            f"a {framework.title} network is a factory reference or a torch.nn.Module", found=type(source).__name__
        )
    words = "the factory was run: importing a network by factory runs its author's code"
    return build(source, options.settings, framework.remedy), [info("SNN-3001", source, words)]


def build(reference: str, settings: Mapping[str, str], remedy: Remedy) -> nn.Module:
    """What ``path/file.py:factory`` or ``package.module:factory`` returns for ``settings``. This runs user code.

    Raises ``UsageError`` as ``made`` does, and if something else than a module comes.
    """
    import torch

    net = made(reference, settings, remedy)
    if not isinstance(net, torch.nn.Module):
        raise UsageError("the factory must return a torch.nn.Module", where=reference, found=type(net).__name__)
    return net


def walkable(framework: Framework, net: nn.Module) -> nn.Module:
    """``net``, in a container of its own if it is a single layer."""
    from torch import nn as torch_nn

    return torch_nn.Sequential(net) if is_leaf(framework, net) else net


def packages(framework: Framework) -> str:
    """Versions of the framework's packages and of torch, as text."""
    import torch

    found = []
    for name in framework.packages or (framework.name,):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join([*found, f"torch {torch.__version__}"])
