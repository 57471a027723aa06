"""Modules to nodes: what each torch and SpikingJelly layer is in the neutral graph.

A handler checks everything that could change the meaning and raises ``RefusedError`` otherwise. Nothing is
defaulted: what a module has and the graph cannot say is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from snnhub.torchnet import settings
from snnhub.torchnet.signals import RefusedError, Signal
from snnhub.torchnet.site import Handler, Site

from snnhub_spikingjelly import blocks
from snnhub_spikingjelly.cell_settings import CELLS
from snnhub_spikingjelly.layers import LAYERS
from snnhub_spikingjelly.neurons import GRADED, NEURONS
from snnhub_spikingjelly.remedies import REMEDIES

if TYPE_CHECKING:
    from torch import nn

FORWARD_METHODS = frozenset(
    {
        "forward",
        "__call__",
        "single_step_forward",
        "multi_step_forward",
        "single_step_functional_forward",
        "multi_step_functional_forward",
        "neuronal_charge",
        "neuronal_fire",
        "neuronal_reset",
        "_conv_forward",
    }
)
"""A user class that overrides any of these is not the layer it derives from."""


def kind_of(module: nn.Module) -> tuple[str, str]:
    """(``torch`` or ``spikingjelly``, class name) of a module, looking through user classes that change nothing.

    Raises ``RefusedError`` for a user class that overrides how it computes.
    """
    overridden: set[str] = set()
    for base in type(module).__mro__:
        root = base.__module__.split(".")[0]
        if root in ("torch", "spikingjelly"):
            if overridden:
                raise RefusedError(
                    "SNN-3002",
                    f"{type(module).__name__} derives from {base.__name__} and overrides "
                    f"{', '.join(sorted(overridden))}",
                    "Use the layer itself, or register an op of your own.",
                )
            return root, base.__name__
        overridden |= FORWARD_METHODS & set(vars(base))
    return "?", type(module).__name__


def handle(module: nn.Module, signal: Signal, site: Site) -> Signal:
    """Add the node of a module and return its output. Raises ``RefusedError`` for what cannot be held."""
    check(module)
    return HANDLERS[kind_of(module)](module, signal, site)


def problems(module: nn.Module) -> list[RefusedError]:
    """Everything about a module that cannot be held, whatever its input is."""
    try:
        check(module)
    except RefusedError as problem:
        return [problem]
    return list(blocks.problems(module)) if blocks.is_block(module) else []


def check(module: nn.Module) -> None:
    """Raise ``RefusedError`` if no handler knows the module, or hooks change what it computes."""
    kind = kind_of(module)
    if kind not in HANDLERS and kind not in CONTAINERS:
        raise RefusedError("SNN-3002", f"{kind[1]} cannot be held", REMEDIES.get(kind[1], GENERAL))
    if module._forward_hooks or module._forward_pre_hooks:
        raise RefusedError(
            "SNN-3009", "forward hooks may change what the module computes", "Remove the hooks first."
        )
    settings.check(kind[1], module, CELLS)


GENERAL = (
    "Held: IFNode, LIFNode, ParametricLIFNode, KLIFNode, QIFNode, EIFNode, IzhikevichNode, RAFNode, CUBALIFNode, "
    "SynapseFilter, Linear, Conv, BatchNorm, AvgPool, MaxPool and AdaptiveAvgPool in 1d to 3d, Upsample "
    "(nearest), zero padding, Flatten, ReLU, VotingLayer, Dropout, sums and products in the forward, "
    "BlockContainer."
)


HANDLERS: dict[tuple[str, str], Handler] = {**NEURONS, **LAYERS, blocks.KIND: blocks.handle}
STATEFUL = frozenset({*NEURONS, blocks.KIND})
SPIKING = STATEFUL - GRADED
CONTAINERS = frozenset(
    ("spikingjelly", f"{name}Container")
    for name in ("SeqToANN", "MultiStep", "StepMode", "LinearRecurrent", "ElementWiseRecurrent")
)
"""Modules that only hold others; their inside is walked through."""
