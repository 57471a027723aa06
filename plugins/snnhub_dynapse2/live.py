"""The layers of a live network of Rockpool's JAX modules, by class names and attributes: Rockpool is not imported.

Factors are computed with ``jax.numpy`` in f32, in the order of operations of DynapSim, so that they are its own.
"""

from __future__ import annotations

import copy
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from snnhub.errors import UsageError
from snnhub.findings import Finding, error, info
from snnhub.ir.tensor import Array

from snnhub_dynapse2.chain import Layer, Linear, Neurons
from snnhub_dynapse2.derive import RAW, derived, exp_f32

SEQUENTIAL, LINEAR, DYNAPSIM = "JaxSequential", "LinearJax", "DynapSim"
FACTORS = ("rockpool", "exact")
"""Where the charge factors come from: as Rockpool computes them, or right to the last bit of f32."""


def versions() -> str:
    """Versions of Rockpool and jax in this interpreter, in words."""
    found = []
    for name in ("rockpool", "jax"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found) or "unknown"


def layers(net: Any, factors: str) -> tuple[list[Layer], list[Finding]]:
    """The layers of a network in order, and what was noticed or refused. The network is not changed.

    Raises ``UsageError`` for what is no Rockpool module at all.
    """
    if not hasattr(net, "evolve") or not hasattr(net, "class_name"):
        raise UsageError("a Rockpool network is a module of Rockpool", found=type(net).__name__)
    found: list[Layer] = []
    problems: list[Finding] = []
    _collect(net, "", factors, found, problems)
    return found, problems


def _collect(module: Any, path: str, factors: str, found: list[Layer], problems: list[Finding]) -> None:
    kind = type(module).__name__
    if kind == SEQUENTIAL:
        for name in module._submodulenames:
            _collect(getattr(module, name), f"{path}/{name}" if path else name, factors, found, problems)
    elif kind == LINEAR:
        bias = getattr(module, "bias", None) if getattr(module, "_has_bias", True) else None
        weight = np.asarray(module.weight, np.float32)
        found.append(Linear(path or "net", weight, None if bias is None else np.asarray(bias, np.float32)))
    elif kind == DYNAPSIM:
        found.append(_neurons(module, path or "net", factors, problems))
    else:
        remedy = f"Build the network of {LINEAR} and {DYNAPSIM} in Sequential."
        words = f"{kind} is none of {LINEAR}, {DYNAPSIM}, {SEQUENTIAL}"
        problems.append(error("SNN-3002", path or kind, words, remedy=remedy))


def _neurons(module: Any, path: str, factors: str, problems: list[Finding]) -> Neurons:
    raw = {name: np.asarray(getattr(module, name), np.float32) for name in RAW}
    iscale, dt = (float(np.asarray(getattr(module, name)).ravel()[0]) for name in ("Iscale", "dt"))
    # what a network starts from: the dark current that DynapSim was given, whatever mismatch made of it since
    initial = np.asarray(copy.deepcopy(module).reset_state().imem, np.float32)
    values = derived(raw, iscale, dt, _jax_exp, initial=initial)
    right = derived(raw, iscale, dt, exp_f32, initial=initial, exact=True)
    _told_apart(path, values, right, problems)
    recipe = f"jax.numpy.exp in f32, in {versions()}"
    if factors == "exact":
        values, recipe = right, "exp and expm1 in f64, rounded once to f32; not as Rockpool computes them"
    w_rec = np.asarray(module.w_rec, np.float32)
    return Neurons(path, int(w_rec.shape[0]), values, raw, w_rec if w_rec.any() else None, recipe)


def _told_apart(path: str, theirs: dict[str, Array], right: dict[str, Array], problems: list[Finding]) -> None:
    """How far Rockpool's own factors are from what its equations say."""
    off = {name: _off(theirs[name], right[name]) for name in ("f_charge", "f_charge_ahp")}
    name, worst = max(off.items(), key=lambda item: item[1])
    if worst > 0:
        words = (
            "Rockpool computes its charge factors as 1 - exp(-t_pulse / tau) in f32, which loses digits: up to "
            f"{worst:.1e} of {name}"
        )
        remedy = "Pass --option factors=exact for factors that are right; spikes then differ from Rockpool's."
        problems.append(info("SNN-3403", path, words, remedy=remedy))


def _off(a: Array, b: Array) -> float:
    with np.errstate(all="ignore"):
        ratio = np.abs(a.astype(np.float64) / b - 1)
    return float(np.nanmax(ratio, initial=0.0))


def _jax_exp(x: Array) -> Array:
    import jax.numpy as jnp

    return np.asarray(jnp.exp(jnp.asarray(x)))
