"""SpikingJelly's containers: what they hold, and how time looks inside.

``SeqToANNContainer`` merges time and batch, ``MultiStepContainer`` steps through time, ``StepModeContainer`` does
either or neither. The recurrent ones step too, and feed their output of the step before back into their input.
None of them computes anything itself; their inside is traced as a network of its own.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from snnhub.torchnet.signals import Lead, RefusedError

from snnhub_spikingjelly.modules import CONTAINERS, kind_of

if TYPE_CHECKING:
    from torch import nn

RECURRENT = frozenset({"LinearRecurrentContainer", "ElementWiseRecurrentContainer"})
TIMELESS_REMEDY = "Use MultiStepContainer, or neurons in step mode 'm' outside the container."


def container_kind(module: nn.Module) -> str:
    """Class name of a container of SpikingJelly; empty for anything else, and if its forward was changed."""
    try:
        root, name = kind_of(module)
    except RefusedError:
        return ""
    return name if (root, name) in CONTAINERS else ""


def mode_of(module: Any) -> str:
    """Step mode of a container. Those that know one mode only do not say it in SpikingJelly 2.0.0."""
    return "m" if container_kind(module) in ("SeqToANNContainer", "MultiStepContainer") else str(module.step_mode)


def merges(module: Any) -> bool:
    """Whether a container merges time and batch into one axis."""
    kind = container_kind(module)
    return kind == "SeqToANNContainer" or (
        kind == "StepModeContainer" and module.step_mode == "m" and not module.stateful
    )


def steps(module: Any) -> bool:
    """Whether a container calls what is inside once per time step."""
    return bool(container_kind(module)) and mode_of(module) == "m" and not merges(module)


def lead_inside(module: Any, lead: Lead) -> Lead:
    """How the axes look inside. Raises ``RefusedError`` if what arrives does not fit the container's step mode."""
    kind, mode = container_kind(module), mode_of(module)
    if mode == "s" and (lead is Lead.BATCH or (lead is Lead.MERGED and kind not in RECURRENT)):
        return lead
    if mode == "s" or lead is not Lead.TIME_BATCH:
        wanted = Lead.BATCH if mode == "s" else Lead.TIME_BATCH
        raise RefusedError(
            "SNN-3010",
            f"{kind} in step mode {mode!r} needs input {wanted.value}, found {lead.value}",
            "Set all modules to one step mode: functional.set_step_mode(net, 'm').",
        )
    return Lead.MERGED if merges(module) else Lead.BATCH


def inside(module: Any) -> nn.Module:
    """The network of one step inside a container; recurrent ones take ``(x, y)`` with ``y`` of the step before."""
    from torch import nn

    kind = container_kind(module)
    if kind == "LinearRecurrentContainer":
        return _linear_step(module)
    if kind == "ElementWiseRecurrentContainer":
        return _element_step(module)
    return nn.Sequential(OrderedDict(module._modules))


def feedback_features(module: Any, features: tuple[int, ...]) -> tuple[int, ...]:
    """Shape of ``y`` before the first step, as SpikingJelly fills it with zeros."""
    if container_kind(module) == "LinearRecurrentContainer":
        return (*features[:-1], int(module.sub_module_out_features))
    return features


def _linear_step(module: Any) -> nn.Module:
    import torch
    from torch import nn

    class LinearStep(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.rc = module.rc
            self.sub_module = module.sub_module

        def forward(self, x: torch.Tensor, y: torch.Tensor) -> Any:
            return self.sub_module(self.rc(torch.cat((x, y), dim=-1)))

    return LinearStep()


def _element_step(module: Any) -> nn.Module:
    from torch import nn

    class ElementStep(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.sub_module = module.sub_module
            self.element_wise_function = module.element_wise_function

        def forward(self, x: Any, y: Any) -> Any:
            return self.sub_module(self.element_wise_function(y, x))

    return ElementStep()


def stepped(net: nn.Module) -> frozenset[str]:
    """Paths of modules that a container calls once per time step, whatever the network outside does."""
    roots = [name for name, module in net.named_modules() if steps(module)]
    return frozenset(
        name
        for name, _ in net.named_modules()
        if any(not root or name.startswith(f"{root}.") for root in roots if name != root)
    )
