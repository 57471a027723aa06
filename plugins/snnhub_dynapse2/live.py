"""The layers of a live network of Rockpool's JAX modules, by class names and attributes: Rockpool is not imported.

Rockpool 3.1.0 combines modules by ``Sequential`` (of an OrderedDict it makes another class than of modules),
``Residual`` and ``FFwdStack``; a class of one's own may do anything with its parts, and is not guessed at.

Factors are computed with ``jax.numpy`` in f32, in the order of operations of DynapSim, so that they are its own.
"""

from __future__ import annotations

import copy
import itertools
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from snnhub.errors import UsageError
from snnhub.findings import Finding, error, info
from snnhub.ir.tensor import Array

from snnhub_dynapse2.chain import Layer, Linear, Neurons, Residual
from snnhub_dynapse2.derive import RAW, derived, exp_f32

SEQUENTIAL, RESIDUAL, STACK = ("JaxSequential", "ModSequential"), "JaxResidual", "JaxFFwdStack"
LINEAR, DYNAPSIM, WHOLE = "LinearJax", "DynapSim", "net"
POSSIBLE = "Possible are DynapSim, LinearJax, and Sequential, Residual and FFwdStack of them, nested as you like."
REASONS = {
    "LIFJax": "its neurons have other equations than DynapSim's",
    "LIFODEJax": "its neurons have other equations than DynapSim's",
    "RateJax": "its units have rates and no spikes",
    "ExpSynJax": "a filter before a layer; DynapSim brings its own synapse along",
    "ExpSmoothJax": "a filter before a layer; DynapSim brings its own synapse along",
    "InstantJax": "a function of a signal, of which the chip has none",
    "SoftmaxJax": "a function of a signal, of which the chip has none",
    "LogSoftmaxJax": "a function of a signal, of which the chip has none",
}
"""Why a module of Rockpool's is none of a network of analog neurons."""
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
    kind, changed = kind_of(module)
    if changed:
        words = f"{type(module).__name__} is a class of its own, which changes {changed}: it may do anything there"
        problems.append(error("SNN-3002", path or type(module).__name__, words, remedy=POSSIBLE))
    elif kind in SEQUENTIAL:
        for name in module._submodulenames:
            _collect(getattr(module, name), _below(path, name), factors, found, problems)
    elif kind == RESIDUAL:
        inner: list[Layer] = []
        for name in module._submodulenames:
            _collect(getattr(module, name), _below(path, name), factors, inner, problems)
        found.append(Residual(path or WHOLE, tuple(inner)))
    elif kind == STACK:
        weights = iter(module._weight_names)
        for name in module._submodule_names:
            _collect(getattr(module, name), _below(path, name), factors, found, problems)
            after = itertools.islice(weights, 1)  # none behind the last one
            found += [Linear(_below(path, item), np.asarray(getattr(module, item), np.float32)) for item in after]
    elif kind == LINEAR:
        bias = getattr(module, "bias", None) if getattr(module, "_has_bias", True) else None
        values = np.asarray(module.weight, np.float32)
        found.append(Linear(path or WHOLE, values, None if bias is None else np.asarray(bias, np.float32)))
    elif kind == DYNAPSIM:
        found.append(_neurons(module, path or WHOLE, factors, problems))
    else:
        words = f"{kind} has no place here: {REASONS.get(kind, 'it is not known')}"
        problems.append(error("SNN-3002", path or kind, words, remedy=POSSIBLE))


def _below(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def kind_of(module: Any) -> tuple[str, str]:
    """The class of Rockpool that a module is of, and what a class of somebody else's between them changes.

    One that only has a constructor of its own, which calls Rockpool's, is still Rockpool's module.
    """
    for kind in type(module).__mro__:
        if kind.__module__.partition(".")[0] == "rockpool":
            return (kind.__name__, "") if kind.__name__ not in ("JaxModule", "Module") else ("", "evolve")
        own = [name for name, value in vars(kind).items() if name != "__init__" and _does(value)]
        if own:
            return kind.__name__, ", ".join(sorted(own)[:3])
    return type(module).__name__, ""


def _does(value: Any) -> bool:
    """Whether something in the body of a class is code."""
    return callable(value) or isinstance(value, property | staticmethod | classmethod)


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
