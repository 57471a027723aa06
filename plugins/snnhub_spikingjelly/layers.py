"""Layers without state, by root package and class: torch's, and SpikingJelly's own of the same names."""

from __future__ import annotations

from typing import Any

from snnhub.torchnet.layers import COMMON
from snnhub.torchnet.layers import LAYERS as OF_TORCH
from snnhub.torchnet.signals import Lead, Signal
from snnhub.torchnet.site import Handler, Site

from snnhub_spikingjelly.step_mode import ensure_step_mode
from snnhub_spikingjelly.voting import voting


def _stepped(handler: Handler) -> Handler:
    """A layer of SpikingJelly: it merges time and batch itself, as its step mode says, and splits them again."""

    def handle(module: Any, signal: Signal, site: Site) -> Signal:
        ensure_step_mode(module, signal)
        lead = Lead.MERGED if signal.lead is Lead.TIME_BATCH else signal.lead
        made = handler(module, Signal(signal.port, lead, signal.features), site)
        return Signal(made.port, signal.lead, made.features)

    return handle


LAYERS: dict[tuple[str, str], Handler] = {
    **{("torch", name): handler for name, handler in OF_TORCH.items()},
    **{("spikingjelly", name): _stepped(handler) for name, handler in COMMON.items()},
    ("spikingjelly", "VotingLayer"): voting,
}
