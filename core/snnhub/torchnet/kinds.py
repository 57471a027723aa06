"""Which module is what: a neuron, a layer, something to walk through, or something that cannot be held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snnhub.torchnet import settings
from snnhub.torchnet.framework import Framework, Neuron
from snnhub.torchnet.layers import LAYERS
from snnhub.torchnet.signals import RefusedError
from snnhub.torchnet.site import Handler

if TYPE_CHECKING:
    from torch import nn

COMPUTES = frozenset({"forward", "__call__", "_conv_forward"})
"""A user class that overrides any of these is not the layer it derives from."""
CONTAINERS = frozenset({"Module", "Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict"})
LIST = 12


def kind_of(framework: Framework, module: nn.Module) -> tuple[str, str]:
    """(``torch`` or the framework's package, class name), looking through user classes that change nothing."""
    for base in type(module).__mro__:
        root = base.__module__.split(".")[0]
        if root in ("torch", framework.name):
            return root, base.__name__
    return "?", type(module).__name__


def neuron_of(framework: Framework, module: nn.Module) -> Neuron | None:
    """What the framework says of a neuron, None for other modules."""
    root, name = kind_of(framework, module)
    return framework.neurons.get(name) if root == framework.name else None


def layer_of(framework: Framework, module: nn.Module) -> Handler | None:
    """The handler of a layer without state, None for other modules."""
    root, name = kind_of(framework, module)
    return framework.layers.get(name) if root == framework.name else LAYERS.get(name)


def handler_of(framework: Framework, module: nn.Module) -> Handler:
    """The handler of a layer that ``check`` let pass."""
    handler = layer_of(framework, module)
    if handler is None:
        raise KeyError(type(module).__name__)
    return handler


def is_leaf(framework: Framework, module: nn.Module) -> bool:
    """Whether a module stays whole. The user's own are walked through, and containers."""
    root, name = kind_of(framework, module)
    if neuron_of(framework, module) or layer_of(framework, module):
        return True
    if root == "torch":
        return name not in CONTAINERS
    return name not in framework.walked and not any(True for _ in module.children())


def check(framework: Framework, module: nn.Module) -> None:
    """Raise ``RefusedError`` if a leaf cannot be held, or hooks change what it computes."""
    kind = kind_of(framework, module)
    neuron = neuron_of(framework, module)
    if neuron is None and layer_of(framework, module) is None:
        raise RefusedError("SNN-3002", f"{kind[1]} cannot be held", _remedy(framework, kind[1]))
    _ensure_same(framework, module, kind[1])
    if module._forward_hooks or module._forward_pre_hooks:
        raise RefusedError(
            "SNN-3009", "forward hooks may change what the module computes", "Remove the hooks first."
        )
    if neuron is not None:
        neuron.check(module)  # which looks at its tensors, too: some frameworks hold coefficients as f64
    else:
        settings.check(kind[1], module, framework.checks)


def _ensure_same(framework: Framework, module: nn.Module, name: str) -> None:
    """Raise ``RefusedError`` for a user class that overrides how its base computes."""
    overridden: set[str] = set()
    for base in type(module).__mro__:
        if base.__module__.split(".")[0] in ("torch", framework.name):
            break
        overridden |= COMPUTES & set(vars(base))
    if overridden:
        raise RefusedError(
            "SNN-3002",
            f"{type(module).__name__} derives from {name} and overrides {', '.join(sorted(overridden))}",
            "Use the layer itself, or register an op of your own.",
        )


def _remedy(framework: Framework, name: str) -> str:
    if name in framework.remedies:
        return framework.remedies[name]
    neurons = ", ".join(list(framework.neurons)[:LIST])
    return f"Held: {neurons}{', …' if len(framework.neurons) > LIST else ''}, and torch's {', '.join(LAYERS)}."
