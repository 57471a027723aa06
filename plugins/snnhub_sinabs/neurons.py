"""sinabs' layers with a state, to ops. Equations: sinabs 3.1.3, ``layers.functional.lif`` and ``alif``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from snnhub.ir.graph import Port
from snnhub.ir.tensor import Tensor
from snnhub.torchnet.signals import RefusedError, Signal
from snnhub.torchnet.site import Site

from snnhub_sinabs.choices import reset_of, spikes_of
from snnhub_sinabs.coefficients import Features, coefficient
from snnhub_sinabs.recurrence import check_recurrence, feed_back
from snnhub_sinabs.watching import known_states

Params = dict[str, Tensor]
Choices = dict[str, Any]


def lif(module: Any, signal: Signal, site: Site) -> Mapping[str, Signal]:
    """LIF, IAF, their Squeeze and Recurrent forms, and any of them with ``spike_fn=None``.

    Raises ``RefusedError`` for numbers and functions that are not held.
    """
    if module.spike_fn is None:
        return leaky(module, signal, site)
    op, params, choices = _proven("IAF" in type(module).__name__, *_spiking(module, signal.features))
    return _placed(module, op, params, choices, signal, site)


def alif(module: Any, signal: Signal, site: Site) -> Mapping[str, Signal]:
    """ALIF, ALIFRecurrent and ALIFSqueeze. Raises ``RefusedError`` as ``lif`` does."""
    params, choices = _adaptive(module, signal.features)
    return _placed(module, "sinabs.ALIF", params, choices, signal, site)


def leaky(module: Any, signal: Signal, site: Site) -> Mapping[str, Signal]:
    """ExpLeak, and LIF or IAF without a spike function: the potential before its floor is what they put out."""
    params, choices = _membrane(module, signal.features)
    op = "sinabs.Leaky"
    if choices == {"synapse": "none", "floor": False} and _neutral(params["gain"]):
        op, params, choices = "sinabs.ExpLeak", {"alpha": params["alpha"]}, {}
    return _placed(module, op, params, choices, signal, site)


def check(module: Any) -> None:
    """Raise ``RefusedError`` for functions and numbers that are not held, whatever arrives."""
    if type(module).__name__.startswith("ALIF"):
        _adaptive(module, None)
    elif module.spike_fn is None:
        _membrane(module, None)
    else:
        _spiking(module, None)
    check_recurrence(module)


def _placed(
    module: Any, op: str, params: Params, choices: Choices, signal: Signal, site: Site
) -> Mapping[str, Signal]:
    """The node, what it puts out, and its states where sinabs can give them, too."""
    port = site.builder.node(site.name, op, signal.port, params=params, origin=site.origin, **choices)
    made = signal.moved(port, signal.features)
    feed_back(module, made, site)
    states = known_states(module)
    return {port.name: made} | {name: signal.moved(Port(site.name, name), signal.features) for name in states}


def _spiking(module: Any, shape: Features) -> tuple[Params, Choices]:
    params, choices = _membrane(module, shape)
    choices["spikes"], more = spikes_of(module.spike_fn)
    threshold = coefficient("spike_threshold", module.spike_threshold, shape)
    _positive(threshold, choices)
    choices["reset"], numbers = reset_of(module.reset_fn, threshold, shape)
    return params | {"v_threshold": threshold, **more, **numbers}, choices


def _adaptive(module: Any, shape: Features) -> tuple[Params, Choices]:
    params, choices = _membrane(module, shape)
    choices["spikes"], more = spikes_of(module.spike_fn)
    threshold = coefficient("spike_threshold", module.b0, shape)
    _positive(threshold, choices)
    choices["reset"], numbers = reset_of(module.reset_fn, None, shape)
    adapt = module.alpha_adapt_calculated
    params |= {
        "v_threshold": threshold,
        "alpha_adapt": coefficient("tau_adapt", adapt, shape, _exp(module, "adapt")),
        "gain_adapt": coefficient("1 - alpha_adapt", 1 - adapt, shape, "1 - alpha_adapt by torch"),
        "adapt_scale": coefficient("adapt_scale", module.adapt_scale, shape),
    }
    return params | more | numbers, choices


def _membrane(module: Any, shape: Features) -> tuple[Params, Choices]:
    """What every layer has: leak, gain of the input, synapse, and a floor of the potential."""
    alpha, synapse = module.alpha_mem_calculated, module.alpha_syn_calculated
    integrates = "IAF" in type(module).__name__
    norm = bool(module.norm_input)
    words = "1: no leak" if integrates else _exp(module, "mem")
    params = {
        "alpha": coefficient("tau_mem", alpha, shape, words),
        "gain": coefficient("1 - alpha_mem", 1 - alpha, shape, "1 - alpha by torch")
        if norm
        else coefficient("gain", 1.0, shape, "1: no norm_input"),
    }
    if synapse is not None:
        params["alpha_syn"] = coefficient("tau_syn", synapse, shape, _exp(module, "syn"))
    if module.min_v_mem is not None:
        params["v_min"] = coefficient("min_v_mem", module.min_v_mem, shape)
    return params, {"synapse": "none" if synapse is None else "exp", "floor": module.min_v_mem is not None}


def _exp(module: Any, which: str) -> str:
    """Where a factor per step comes from."""
    import torch

    if module.train_alphas:
        return f"alpha_{which}, which is trained itself"
    return f"exp(-1 / tau_{which}) by torch {torch.__version__}"


def _positive(threshold: Tensor, choices: Choices) -> None:
    """Raise ``RefusedError`` where potentials would be divided by what is not above 0."""
    if choices["spikes"] != "single" and not bool((threshold.array > 0).all()):
        words = f"spike_threshold {threshold.array.min():g} with {choices['spikes']} spikes per step"
        raise RefusedError("SNN-3551", words, "Use thresholds above 0, or SingleSpike.")


def _neutral(value: Tensor) -> bool:
    return bool((value.array == 1).all())


def _proven(integrates: bool, params: Params, choices: Choices) -> tuple[str, Params, Choices]:
    """The op of the profiles where it computes the same: any number of spikes, each takes the threshold away."""
    threshold = params["v_threshold"]
    takes = choices["spikes"] == "multi" and choices["reset"] == "subtract" and choices["synapse"] == "none"
    if not takes or not _neutral(params["gain"]) or not _equal(params["v_subtract"], threshold):
        return "sinabs.Neuron", params, choices
    if integrates and choices["floor"] and _equal(params["v_min"], threshold, -1):
        return "sinabs.IAF", {"v_threshold": threshold}, {"precision": "f32"}
    if not choices["floor"] and not _neutral(params["alpha"]):
        return "sinabs.LIF", {"alpha": params["alpha"], "v_threshold": threshold}, {"precision": "f32"}
    return "sinabs.Neuron", params, choices


def _equal(one: Tensor, other: Tensor, sign: int = 1) -> bool:
    return one.array.shape == other.array.shape and bool((one.array == sign * other.array).all())
