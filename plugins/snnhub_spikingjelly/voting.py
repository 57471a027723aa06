"""The vote of groups of neurons."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from snnhub.ops.rules import window_size
from snnhub.torchnet.pooling import side_by_side
from snnhub.torchnet.signals import RefusedError, Signal
from snnhub.torchnet.site import Site

from snnhub_spikingjelly.step_mode import ensure_step_mode


def voting(module: Any, signal: Signal, site: Site) -> Signal:
    """VotingLayer: the mean over groups of neighbours, as one channel that is pooled and flattened again."""
    ensure_step_mode(module, signal)
    if len(signal.features) != 1:
        raise RefusedError(
            "SNN-3010", f"needs features of 1 axis, found {list(signal.features)}", "Flatten before it."
        )
    size, votes = signal.features[0], int(module.voting_size)
    inner = replace(site.origin, path=f"{site.origin.path} (inside)")
    line = site.builder.node(f"{site.name}/line", "core.Reshape", signal.port, origin=inner, shape=(1, size))
    mean = side_by_side(site, f"{site.name}/mean", line, (votes,), inner)
    port = site.builder.node(site.name, "core.Flatten", mean, origin=site.origin, start=0, end=1)
    return signal.moved(port, (window_size(size, votes, votes, 0, 1),))
