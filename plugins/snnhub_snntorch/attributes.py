"""What a snnTorch neuron's attributes say that no step can hold: looked at before anything runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from snnhub.torchnet.signals import RefusedError

ATTRIBUTE, NO_STEP, SPIKE, STALE, UNFIT = "SNN-3530", "SNN-3531", "SNN-3532", "SNN-3535", "SNN-3533"
RESETS = {"_base_sub": "subtract", "_base_zero": "zero", "_base_int": "none"}
"""snnTorch's functions of state: each is bound when a neuron is built, and stays."""
STATES = frozenset({"spk", "mem", "syn", "syn_exc", "syn_inh"})
"""Buffers that hold what a neuron keeps from step to step; none of them is in its state dict."""
VALUES = ("subtract", "zero", "none")
"""By ``reset_mechanism_val``."""
GRADED = ("Leaky", "LeakyParallel")
"""Classes whose constructor takes ``graded_spikes_factor``."""
KERNEL = "computes sigmoid and tanh in torch's own kernels, whose last bits no step program has"
WHOLE = "convolves the whole of time at once, and no step has the numbers of that"
NO_FORM = {
    "SLSTM": KERNEL,
    "SConv2dLSTM": KERNEL,
    "StateLeaky": WHOLE,
    "LinearLeaky": WHOLE,
    "AssociativeLeaky": "sums up the whole of time at once, and no step has the numbers of that",
    "GradedSpikes": "has weights of shape (size, 1), which multiply samples where features are meant",
}
INSTEAD = {
    "StateLeaky": "Use Leaky(beta, reset_mechanism='none').",
    "LinearLeaky": "Use nn.Linear and Leaky(beta, reset_mechanism='none').",
    "GradedSpikes": "Use graded_spikes_factor of Leaky.",
}


def own_class(module: Any) -> type:
    """Class of snnTorch that a neuron is: its own, or that which the user's class derives from."""
    return next(base for base in type(module).__mro__ if base.__module__.split(".")[0] == "snntorch")


def no_step(module: Any) -> None:
    """Raises ``RefusedError``: the class computes what step programs cannot say."""
    name = own_class(module).__name__
    remedy = INSTEAD.get(name, "Use Leaky, Synaptic, RLeaky or RSynaptic.")
    raise RefusedError(NO_STEP, f"snntorch.{name} {NO_FORM[name]}", remedy)


def neuron(module: Any) -> None:
    """Checks what ``Leaky``, ``Synaptic``, ``Alpha`` and ``Lapicque`` have in common. Raises ``RefusedError``."""
    _plain_class(module)
    if module.inhibition:
        words = "inhibition=True: of a sample's neurons only the one with the highest potential may fire"
        raise RefusedError(ATTRIBUTE, words, "Train without inhibition; snnTorch calls it unstable itself.")
    if module.state_quant:
        words = "state_quant: the states are looked up in a table of levels in every step"
        raise RefusedError(ATTRIBUTE, words, "Import without it, and quantise with a profile of the target.")
    fires_above_zero(module.spike_grad)
    _finite(module)
    built = reset(module)
    said = VALUES[int(module.reset_mechanism_val)]
    if said != built:
        words = f"it was built with reset_mechanism={built!r} and resets so, but its state says {said!r}"
        raise RefusedError(STALE, words, f"Build it with reset_mechanism={said!r}, or correct the saved state.")
    _grade(module)


def recurrent(module: Any) -> None:
    """Checks ``RLeaky`` and ``RSynaptic``. Raises ``RefusedError``."""
    neuron(module)
    kind = type(module.recurrent).__name__
    if kind not in ("Linear", "Conv2d", "RecurrentOneToOne"):
        words = f"its recurrent connection is a {kind}"
        raise RefusedError(ATTRIBUTE, words, "Keep the Linear, Conv2d or V that snnTorch makes.")
    if kind == "Conv2d" and any(size % 2 == 0 for size in module.recurrent.kernel_size):
        words = f"a recurrent kernel of {tuple(module.recurrent.kernel_size)} gives other sizes than it takes"
        raise RefusedError(ATTRIBUTE, words, "Use an odd kernel_size.")
    if own_class(module).__name__ == "RSynaptic" and not module.reset_delay:
        words = "reset_delay=False: snnTorch 1.0.0 fails on it, or forgets the reset"
        raise RefusedError(ATTRIBUTE, words, "Use reset_delay=True.")


def delta(module: Any) -> None:
    """Checks ``DeltaLeaky``, which knows neither reset nor quantisation nor grades. Raises ``RefusedError``."""
    _plain_class(module)
    fires_above_zero(module.spike_grad)
    _finite(module)


def parallel(module: Any) -> None:
    """Checks ``LeakyParallel``. Raises ``RefusedError``."""
    _plain_class(module)
    fires_above_zero(module.spike_grad)
    rnn = module.rnn
    if rnn.nonlinearity != "relu" or rnn.num_layers != 1 or rnn.bidirectional or rnn.batch_first:
        raise RefusedError(ATTRIBUTE, "its rnn was replaced", "Keep the RNN that snnTorch makes.")


def reset(module: Any) -> str:
    """What a spike does: the function of state that the neuron was built with."""
    return RESETS[module.state_function.__name__]


def graded(module: Any) -> bool:
    """Whether a spike counts for something else than 1."""
    return bool((module.graded_spikes_factor != 1).any())


def _finite(module: Any) -> None:
    for name, value in (*module.named_parameters(), *module.named_buffers()):
        if name not in STATES and not bool(value.isfinite().all()):
            raise RefusedError(UNFIT, f"{name} is not finite", "Look at how the network was trained.")


def _grade(module: Any) -> None:
    if not graded(module):
        return
    if own_class(module).__name__ not in GRADED:
        words = f"graded_spikes_factor of {own_class(module).__name__} is not 1, and its constructor has none"
        raise RefusedError(ATTRIBUTE, words, "Multiply the weights behind it instead.")
    if not module.reset_delay and bool((module.graded_spikes_factor == 0).any()):
        words = "graded_spikes_factor 0 with reset_delay=False: snnTorch divides by it"
        raise RefusedError(ATTRIBUTE, words, "Use reset_delay=True.")


def _plain_class(module: Any) -> None:
    """There are further classes of snnTorch with the same names, which it does not export."""
    found = own_class(module)
    if found.__module__.endswith(("leakyunroll", "leakykernel")):
        words = f"{found.__module__}.{found.__name__} is no part of what snnTorch exports"
        raise RefusedError(ATTRIBUTE, words, "Use the class that snntorch itself exports.")


def fires_above_zero(spike: Callable[[Any], Any]) -> None:
    """Surrogates change the gradient only. snnTorch's own are known; another is tried on numbers.

    Raises ``RefusedError`` if it does not give 1 above 0 and else 0.
    """
    import torch

    if getattr(spike, "__module__", "") in ("snntorch.surrogate", "snntorch._neurons.neurons"):
        return
    small = np.float32(2) ** np.arange(-149, 128, dtype=np.float32)
    numbers = np.concatenate([-small[::-1], np.zeros(1, np.float32), small])
    with torch.no_grad():
        given = spike(torch.from_numpy(numbers)).numpy()
    wrong = np.flatnonzero(given != (numbers > 0))
    if wrong.size:
        at = int(wrong[0])
        words = f"spike_grad gives {given[at]:g} for {numbers[at]:g}, not {int(numbers[at] > 0)}"
        raise RefusedError(SPIKE, words, "Use a surrogate of snntorch.surrogate.")
