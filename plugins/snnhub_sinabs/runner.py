"""Runs the original network in sinabs. Squeeze layers are told how many steps come, as sinabs' users do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from snnhub.api.request import RunRequest
from snnhub.findings import info
from snnhub.ir.recording import Recording
from snnhub.torchnet.runner import run_network

from snnhub_sinabs.framework import FRAMEWORK, FREE, stateful, unwrap


def run_sinabs(request: RunRequest) -> Recording:
    """Run the network of the request. Keys: ``output``, ``<id>/s`` (or ``y``) of neurons, ``<id>/v`` and
    ``<id>/i`` where sinabs records them rightly, ``<id>/y`` of layers.

    Raises ``UsageError`` as ``snnhub.torchnet.runner.run_network``.
    """
    before: list[int] = []

    def inner(net: Any) -> Any:
        before.extend(timed(net, request.length))
        return unwrap(net)

    recording = run_network(replace(FRAMEWORK, unwrap=inner), request)
    if not before:
        return recording
    words = "Squeeze layers run with as many steps as there are"
    found = info(
        "SNN-3554", "sinabs", words, old=f"num_timesteps {before[0]}", new=f"num_timesteps {request.length}"
    )
    return replace(recording, findings=(*recording.findings, found))


def timed(net: Any, steps: int) -> list[int]:
    """Set ``num_timesteps`` of Squeeze layers that were made for another number. What they were made for."""
    found = []
    for module in stateful(net):
        made = getattr(module, "num_timesteps", FREE)
        if made not in (FREE, steps):
            found.append(int(made))
            module.num_timesteps = steps
    return found
