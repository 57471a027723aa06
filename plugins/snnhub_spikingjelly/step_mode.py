"""SpikingJelly's step modes: whether a module takes a sequence or one step."""

from __future__ import annotations

from typing import Any

from snnhub.torchnet.signals import Lead, RefusedError, Signal


def ensure_step_mode(module: Any, signal: Signal) -> None:
    """Raise ``RefusedError`` if the input's axes do not fit the step mode of a SpikingJelly module."""
    mode: str = module.step_mode
    wanted = Lead.TIME_BATCH if mode == "m" else Lead.BATCH
    if signal.lead is not wanted and not (mode == "s" and signal.lead is Lead.MERGED and not _stateful(module)):
        raise RefusedError(
            "SNN-3010",
            f"step_mode {mode!r} needs input {wanted.value}, found {signal.lead.value}",
            "Set all modules to one step mode: functional.set_step_mode(net, 'm').",
        )


def _stateful(module: Any) -> bool:
    return hasattr(module, "_memories")
