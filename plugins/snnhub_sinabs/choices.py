"""How a sinabs layer spikes and resets: its ``spike_fn`` and ``reset_fn``, which are sinabs' own or refused."""

from __future__ import annotations

from typing import Any

from snnhub.ir.tensor import Tensor, tensor
from snnhub.torchnet.signals import RefusedError

from snnhub_sinabs.coefficients import Features, coefficient

FUNCTION = "SNN-3550"
MOST = 1 << 24


def spikes_of(spike_fn: Any) -> tuple[str, dict[str, Tensor]]:
    """The attribute ``spikes`` and its numbers. Raises ``RefusedError`` for functions of the user's own."""
    from sinabs import activation

    if spike_fn is activation.SingleSpike:
        return "single", {}
    if spike_fn is activation.MultiSpike:
        return "multi", {}
    if type(spike_fn) is not activation.MaxSpike:
        raise RefusedError(
            FUNCTION,
            f"spike_fn {_name(spike_fn)}",
            "Held: sinabs' MultiSpike, SingleSpike and MaxSpike(n). MaxSpike is given as an object, the others as"
            " classes.",
        )
    most = spike_fn.max_num_spikes_per_bin
    if most is None:
        return "multi", {}
    if isinstance(most, bool) or not isinstance(most, int) or not 0 <= most <= MOST:
        raise RefusedError(FUNCTION, f"MaxSpike({most!r})", f"Pass a whole number from 0 to {MOST}.")
    return "max", {"max_spikes": tensor(float(most), "float32")}


def reset_of(reset_fn: Any, threshold: Tensor | None, shape: Features) -> tuple[str, dict[str, Tensor]]:
    """The attribute ``reset`` and its numbers; ``threshold``: None where it changes from step to step.

    Raises ``RefusedError`` for functions of the user's own.
    """
    from sinabs import activation

    if type(reset_fn) is activation.MembraneReset:
        return "reset", {"v_reset": coefficient("reset_value", reset_fn.reset_value, shape)}
    if type(reset_fn) is not activation.MembraneSubtract:
        words = "Held: sinabs' MembraneSubtract and MembraneReset, given as objects."
        raise RefusedError(FUNCTION, f"reset_fn {_name(reset_fn)}", words)
    if reset_fn.subtract_value is not None:
        return "subtract", {"v_subtract": coefficient("subtract_value", reset_fn.subtract_value, shape)}
    return ("threshold", {}) if threshold is None else ("subtract", {"v_subtract": threshold})


def _name(function: Any) -> str:
    return str(getattr(function, "__name__", type(function).__name__))
