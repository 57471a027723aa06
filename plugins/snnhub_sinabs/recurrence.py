"""``rec_connect`` of sinabs' recurrent layers: what it makes of the spikes arrives one step later."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

from snnhub.ir.graph import Origin, Port
from snnhub.torchnet import settings
from snnhub.torchnet.layers import LAYERS
from snnhub.torchnet.shaping import reshape
from snnhub.torchnet.signals import Lead, RefusedError, Signal
from snnhub.torchnet.site import Site, scalar

CONNECTION = "SNN-3553"
HELD = "Held: torch's layers that need no state, one after the other in nn.Sequential, such as Flatten and Linear."


def feed_back(module: Any, spikes: Signal, site: Site) -> None:
    """Add ``rec_connect`` and the edge of one step back into the node of ``site``; nothing if there is none.

    sinabs adds it to what arrives, before synapse and gain; it is zero in the first step, a bias included. Raises
    ``RefusedError`` for sizes that do not fit.
    """
    connection = getattr(module, "rec_connect", None)
    if connection is None:
        return
    back = Signal(spikes.port, Lead.BATCH, spikes.features)
    for path, layer in _layers(connection, "rec_connect"):
        kind = type(layer).__name__
        origin = Origin(site.origin.framework, site.origin.version, f"{site.origin.path}.{path}".lstrip("."))
        back = LAYERS[kind](layer, back, Site(f"{site.name}/{path.replace('.', '/')}", origin, site.builder))
    if prod(back.features) != prod(spikes.features):
        words = f"rec_connect makes {list(back.features)} of {list(spikes.features)}"
        raise RefusedError(CONNECTION, words, "It must give one number for each neuron.")
    below = Site(f"{site.name}/rec_connect/back", site.origin, site.builder)
    back = reshape(_numbers(back, below), Site(f"{below.name}/shape", site.origin, site.builder), spikes.features)
    site.builder.edge(back.port, Port(site.name, "x"), delay=1)


def check_recurrence(module: Any) -> None:
    """Raise ``RefusedError`` for a ``rec_connect`` that is not held."""
    connection = getattr(module, "rec_connect", None)
    if connection is None:
        return
    if any(True for _ in connection.buffers()):
        words = "rec_connect has buffers, which sinabs takes for states of the neurons and sets to zero"
        raise RefusedError(CONNECTION, words, HELD)
    for path, layer in _layers(connection, "rec_connect"):
        kind = type(layer).__name__
        if not type(layer).__module__.startswith("torch.nn.") or kind not in LAYERS:
            raise RefusedError(CONNECTION, f"{path} is {kind}", HELD)
        settings.check(kind, layer)


def _numbers(back: Signal, site: Site) -> Signal:
    """What recurs in f32, also where no layer has weights: spikes are whole numbers."""
    weighted = {"core.Dense", "core.Conv", "core.ConvTranspose", "core.BatchNorm", "core.Scale", "core.AvgPool"}
    made = next((node.op for node in site.builder.nodes if node.id == back.port.node), "")
    if made in weighted:
        return back
    params = {"scale": scalar(1.0), "shift": scalar(0.0)}
    port = site.builder.node(site.name, "core.Scale", back.port, params=params, origin=site.origin)
    return back.moved(port, back.features)


def _layers(module: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The layers of nested nn.Sequential in order, by path."""
    if type(module).__name__ != "Sequential":
        yield path, module
        return
    for name, child in module.named_children():
        yield from _layers(child, f"{path}.{name}")
