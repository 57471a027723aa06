"""The tree of a live Rockpool network, by class names and attributes alone: Rockpool is not imported here.

Decays are copied from the modules, so that they are torch's own to the last bit.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from snnhub.errors import UsageError
from snnhub.findings import Finding, error
from snnhub.ir.tensor import Array

from snnhub_rockpool.part import (
    CONTAINERS,
    DROPOUT,
    EXODUS,
    EXP_SYN,
    LEAVES,
    LINEAR,
    NEURONS,
    RESIDUAL,
    SEQUENTIAL,
    SYNNET,
    Part,
)
from snnhub_rockpool.wires import wired

SPIKE_FUNCTIONS = ("StepPWL", "PeriodicExponential")
"""Surrogates with one and the same forward: floor(v / threshold) from the threshold on, up to the cap."""
EXODUS_FUNCTIONS = ("Heaviside",)
"""Classes of what LIFExodus sets itself; read in its source, not run."""
PARAMETERS = ("threshold", "bias", "w_rec", "_has_rec", "max_spikes_per_dt", "noise_std", "dt", "leak_mode")
WEIGHTS, SYNAPSE, OFF = ("weight", "bias"), ("noise_std", "dt", "tau"), ("p", "training")


def versions() -> str:
    """Versions of Rockpool and torch in this interpreter, in words."""
    found = []
    for name in ("rockpool", "torch"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found) or "unknown"


def tree(net: Any) -> tuple[Part, str | None, list[Finding]]:
    """The parts of a network, its output (``vmem``, ``spikes`` or None where its class does not say), and errors.

    Raises ``UsageError`` for what is no Rockpool module at all. The network is not changed.
    """
    if not hasattr(net, "evolve") or not hasattr(net, "class_name"):
        raise UsageError("a Rockpool network is a module of Rockpool", found=type(net).__name__)
    problems: list[Finding] = []
    root = _part(net, "", problems)
    if root.kind in LEAVES:
        root = Part("", SEQUENTIAL, {}, (root,))
    return root, _output(root, problems), problems


def _output(root: Part, problems: list[Finding]) -> str | None:
    """What a SynNet says that the network gives. One that gives potentials must be where the output is."""
    last = root
    while "synnet" not in last.values and last.kind == SEQUENTIAL and last.parts:
        last = last.parts[-1]
    for part in root.walk():
        if part.values.get("synnet") == "vmem" and part is not last:
            words = "a SynNet with output='vmem' hands on membrane potentials, which no graph here can"
            problems.append(error("SNN-3209", part.path, words, remedy="Take its spikes: output='spikes'."))
    return last.values.get("synnet")


def _part(module: Any, path: str, problems: list[Finding]) -> Part:
    kind = type(module).__name__
    if kind in LEAVES:
        return _leaf(module, kind, path, problems)
    if kind == SYNNET:
        inner = _part(module.seq, _below(path, "seq"), problems)
        return Part(path, SEQUENTIAL, {"synnet": str(module.output)}, inner.parts)
    if kind in (SEQUENTIAL, RESIDUAL):
        names = list(module._submodulenames)
        return Part(
            path, kind, {}, tuple(_part(getattr(module, name), _below(path, name), problems) for name in names)
        )
    found = len(problems)
    part = wired(module, path, problems, _leaf) if hasattr(module, "as_graph") else None
    if part is not None or len(problems) > found:
        return part or Part(path, kind, {})
    remedy = (
        "Put its layers into Sequential and Residual; a module of one's own does not say what it does with them."
    )
    words = f"{kind} is none of {', '.join((*LEAVES, *CONTAINERS))}"
    problems.append(error("SNN-3002", path or kind, words, remedy=remedy))
    return Part(path, kind, {})


def _leaf(module: Any, kind: str, path: str, problems: list[Finding]) -> Part:
    names = {LINEAR: WEIGHTS, EXP_SYN: SYNAPSE, DROPOUT: OFF}.get(kind, PARAMETERS)
    values = {name: _number(getattr(module, name, None)) for name in names}
    if kind == EXP_SYN:
        words = f"torch.exp(-dt / tau) in {versions()}; dt {values['dt']:g} s"
        return Part(path, kind, values, decays=({"beta": _number((-module.dt / module.tau).exp())}, words))
    if kind not in NEURONS:
        return Part(path, kind, values)
    function = getattr(module, "spike_generation_fn", None)
    name = getattr(getattr(function, "__self__", None), "__name__", str(function))
    if kind == EXODUS:
        name = type(function).__name__
    allowed = EXODUS_FUNCTIONS if kind == EXODUS else SPIKE_FUNCTIONS
    if function is not None and name not in allowed:
        words = f"spike_generation_fn is {name}"
        remedy = f"Use {' or '.join(allowed)}."
        problems.append(error("SNN-3214", path, words, remedy=remedy))
    taken = {"alpha": _number(module.alpha), "beta": _number(module.beta)}
    return Part(
        path, kind, values, decays=(taken, f"alpha and beta of {kind} in {versions()}; dt {values['dt']} s")
    )


def _below(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def _number(value: Any) -> Any:
    """A tensor as an array, everything else as it is."""
    if not hasattr(value, "detach"):
        return value
    array: Array = np.asarray(value.detach().cpu().numpy())
    return array if array.ndim else array[()].item()
