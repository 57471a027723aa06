"""Whether the traced network computes what the network itself does: fx cannot see everything that Python does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snnhub.findings import Finding, error

from snnhub_spikingjelly.probe import Probe

if TYPE_CHECKING:
    from torch import nn


def compare(net: nn.Module, probe: Probe, place: str) -> Finding | None:
    """An ``error`` if the network itself gives another output than its trace did on the probe's input.

    Numbers that Python works out anew in each call are the case that occurs: a trace has those of one call.
    """
    import torch
    from spikingjelly.activation_based import functional

    same = True
    with torch.no_grad():
        for values, traced in probe.calls:
            found = net(torch.from_numpy(values.copy()))
            tensors = isinstance(found, torch.Tensor) and isinstance(traced, torch.Tensor)
            same = same and (not tensors or torch.equal(found.nan_to_num(), traced.nan_to_num()))
    functional.reset_net(net)
    if same:
        return None
    return error(
        "SNN-3026",
        place,
        "the network gives another output than its traced forward",
        remedy="Keep what changes from call to call out of the forward.",
    )
