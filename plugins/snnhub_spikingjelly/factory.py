"""The network that a factory makes, which must be a module of torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from snnhub.api.factory import made
from snnhub.errors import UsageError

from snnhub_spikingjelly.elsewhere import remedy

if TYPE_CHECKING:
    import torch


def build(reference: str, settings: Mapping[str, str]) -> torch.nn.Module:
    """Call ``path/file.py:factory`` or ``package.module:factory`` with ``settings`` and return the network.

    This runs the user's code. Raises ``UsageError`` as ``made`` does, and if something else than a module comes.
    """
    import torch

    net = made(reference, settings, remedy)
    if not isinstance(net, torch.nn.Module):
        raise UsageError("the factory must return a torch.nn.Module", where=reference, found=type(net).__name__)
    return net
