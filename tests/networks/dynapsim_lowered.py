"""A mapped network as a factory: live DynapSim with the currents and weights of its graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def lowered(path: str) -> Any:
    """Of a ``.snn`` file."""
    from snnhub.hub.catalogue import register_ops
    from snnhub.ops.registry import REGISTRY
    from snnhub_dynapse2.lowered.rebuild import dynapsim_of
    from snnhub_formats import container

    register_ops()
    return dynapsim_of(container.load(Path(path)), REGISTRY)[0]
