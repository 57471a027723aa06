"""Modules to nodes: what each torch and SpikingJelly layer is in the neutral graph.

A handler checks everything that could change the meaning and raises ``RefusedError`` otherwise. Nothing is
defaulted: what a module has and the graph cannot say is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Origin
from snnhub.ir.tensor import Tensor, tensor

from snnhub_spikingjelly import settings
from snnhub_spikingjelly.signals import Lead, RefusedError, Signal

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


@dataclass(frozen=True)
class Site:
    """Where a module is called: node id in the graph, origin, and the builder to add to."""

    name: str
    origin: Origin
    builder: GraphBuilder


Handler = Callable[[Any, Signal, Site], Signal]


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


def check(module: nn.Module) -> None:
    """Raise ``RefusedError`` if no handler knows the module, or hooks change what it computes."""
    kind = kind_of(module)
    if kind not in HANDLERS:
        raise RefusedError("SNN-3002", f"{kind[1]} cannot be held", REMEDIES.get(kind[1], GENERAL))
    if module._forward_hooks or module._forward_pre_hooks:
        raise RefusedError(
            "SNN-3009", "forward hooks may change what the module computes", "Remove the hooks first."
        )
    settings.check(kind[1], module)


GENERAL = (
    "Held: IFNode, LIFNode, Linear, Conv2d, BatchNorm2d, AvgPool2d, MaxPool2d, Flatten, Dropout, "
    "residual additions."
)
REMEDIES = {
    "PSN": "It mixes all time steps. Use a neuron that advances step by step.",
    "SlidingPSN": "It mixes several time steps. Use a neuron that advances step by step.",
    "MaskedPSN": "It mixes several time steps. Use a neuron that advances step by step.",
    "GatedLIFNode": "Its parameters change from step to step. Use LIFNode.",
    "ReLU": "Activations that do not spike have no place in a spiking layer. Use a neuron.",
}


def step_mode(module: Any, signal: Signal) -> str:
    """The step mode of a SpikingJelly module. Raises ``RefusedError`` if the input's axes do not fit it."""
    mode: str = module.step_mode
    wanted = Lead.TIME_BATCH if mode == "m" else Lead.BATCH
    if signal.lead is not wanted and not (mode == "s" and signal.lead is Lead.MERGED and not _stateful(module)):
        raise RefusedError(
            "SNN-3010",
            f"step_mode {mode!r} needs input {wanted.value}, found {signal.lead.value}",
            "Set all modules to one step mode: functional.set_step_mode(net, 'm').",
        )
    return mode


def _stateful(module: Any) -> bool:
    return hasattr(module, "_memories")


def merged(module: Any, signal: Signal, rank: int) -> None:
    """Torch's spatial layers take one leading axis; SpikingJelly's merge time and batch themselves."""
    if hasattr(module, "step_mode"):
        step_mode(module, signal)
    elif signal.lead.axes != 1:
        name = type(module).__name__
        raise RefusedError(
            "SNN-3010",
            f"torch.nn.{name} takes (N, …), found {signal.lead.value}",
            f"Use layer.{name} of SpikingJelly.",
        )
    if len(signal.features) != rank:
        raise RefusedError("SNN-3010", f"needs features of {rank} axes, found {list(signal.features)}")


def array(value: Any) -> Tensor:
    """A torch tensor of f32, which has been checked, as a stored one."""
    return tensor(value.detach().cpu().numpy())


def scalar(value: float) -> Tensor:
    """A number as a 0-d f32 tensor, rounded as torch rounds it when it meets an f32 tensor."""
    return tensor(float(value), "float32")


def _if(module: Any, signal: Signal, site: Site) -> Signal:
    return _neuron(module, signal, site, "core.IF", {}, {})


def _lif(module: Any, signal: Signal, site: Site) -> Signal:
    params = {"tau": scalar(module.tau)}
    return _neuron(module, signal, site, "core.LIF", params, {"decay_input": bool(module.decay_input)})


def _neuron(
    module: Any, signal: Signal, site: Site, op: str, params: dict[str, Tensor], attributes: dict[str, bool]
) -> Signal:
    step_mode(module, signal)
    params = {**params, "v_threshold": scalar(module.v_threshold)}
    if module.v_reset is not None:
        params["v_reset"] = scalar(module.v_reset)
    reset = "subtract" if module.v_reset is None else "value"
    port = site.builder.node(
        site.name, op, signal.port, params=params, origin=site.origin, reset=reset, compare="ge", **attributes
    )
    return signal.moved(port, signal.features)


def _linear(module: Any, signal: Signal, site: Site) -> Signal:
    params = {"weight": array(module.weight)}
    if module.bias is not None:
        params["bias"] = array(module.bias)
    port = site.builder.node(
        site.name,
        "core.Dense",
        signal.port,
        params=params,
        origin=site.origin,
        bias=module.bias is not None,
        accumulate="exact",
        shift=0,
    )
    return signal.moved(port, (*signal.features[:-1], module.out_features))


def _conv2d(module: Any, signal: Signal, site: Site) -> Signal:
    merged(module, signal, 3)
    params = {"weight": array(module.weight)}
    if module.bias is not None:
        params["bias"] = array(module.bias)
    padding = _padding(module)
    port = site.builder.node(
        site.name,
        "core.Conv",
        signal.port,
        params=params,
        origin=site.origin,
        bias=module.bias is not None,
        accumulate="exact",
        stride=tuple(module.stride),
        padding=padding,
        dilation=tuple(module.dilation),
        groups=module.groups,
    )
    sizes = [
        (size + 2 * pad - gap * (kernel - 1) - 1) // step + 1
        for size, pad, gap, kernel, step in zip(
            signal.features[1:], padding, module.dilation, module.kernel_size, module.stride, strict=True
        )
    ]
    return signal.moved(port, (module.out_channels, *sizes))


def _padding(module: Any) -> tuple[int, ...]:
    """Padding as numbers; 'same' is the same on both sides, which has been checked."""
    if module.padding == "valid":
        return (0,) * len(module.kernel_size)
    if module.padding != "same":
        return tuple(module.padding)
    return tuple(gap * (kernel - 1) // 2 for gap, kernel in zip(module.dilation, module.kernel_size, strict=True))


def _batch_norm2d(module: Any, signal: Signal, site: Site) -> Signal:
    """Coefficients as torch computes them in evaluation mode: f32, the offset with one fused rounding."""
    import numpy as np
    from snnhub.engine.exact import fused_multiply_add

    merged(module, signal, 3)
    mean, var = array(module.running_mean).array, array(module.running_var).array
    weight = array(module.weight).array if module.affine else np.ones_like(mean)
    bias = array(module.bias).array if module.affine else np.zeros_like(mean)
    with np.errstate(all="ignore"):
        scale = weight * (np.float32(1) / np.sqrt(var + np.float32(module.eps)))
    shift = fused_multiply_add(-mean, scale, bias)
    shape = (-1, *[1] * (len(signal.features) - 1))
    port = site.builder.node(
        site.name,
        "core.BatchNorm",
        signal.port,
        origin=site.origin,
        params={
            "scale": tensor(scale.reshape(shape)).described(
                f"f32: weight * (1 / sqrt(running_var + {module.eps!r}))"
            ),
            "shift": tensor(shift.reshape(shape)).described("f32: fma(-running_mean, scale, bias)"),
        },
    )
    return signal.moved(port, signal.features)


def _avg_pool2d(module: Any, signal: Signal, site: Site) -> Signal:
    merged(module, signal, 3)
    kernel, stride, padding = (_two(v) for v in (module.kernel_size, module.stride, module.padding))
    port = site.builder.node(
        site.name,
        "core.AvgPool",
        signal.port,
        origin=site.origin,
        kernel=kernel,
        stride=stride,
        padding=padding,
        ceil_mode=bool(module.ceil_mode),
        count_include_pad=bool(module.count_include_pad),
    )
    return _pooled(signal, port, kernel, stride, padding, (1, 1), bool(module.ceil_mode))


def _max_pool2d(module: Any, signal: Signal, site: Site) -> Signal:
    merged(module, signal, 3)
    kernel, stride, padding, dilation = (
        _two(v) for v in (module.kernel_size, module.stride, module.padding, module.dilation)
    )
    port = site.builder.node(
        site.name,
        "core.MaxPool",
        signal.port,
        origin=site.origin,
        kernel=kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        ceil_mode=bool(module.ceil_mode),
    )
    return _pooled(signal, port, kernel, stride, padding, dilation, bool(module.ceil_mode))


def _two(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))


def _pooled(
    signal: Signal,
    port: Any,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    ceil: bool,
) -> Signal:
    from snnhub.ops.rules import window_size

    sizes = [
        window_size(*numbers, ceil=ceil)
        for numbers in zip(signal.features[1:], kernel, stride, padding, dilation, strict=True)
    ]
    return signal.moved(port, (signal.features[0], *sizes))


def _flatten(module: Any, signal: Signal, site: Site) -> Signal:
    lead = signal.lead.axes
    if hasattr(module, "step_mode"):
        lead = 1
        step_mode(module, signal)
    rank = lead + len(signal.features)
    start, end = (axis % rank for axis in (module.start_dim, module.end_dim))
    return flatten(signal, site, start - lead, end - lead)


def flatten(signal: Signal, site: Site, start: int, end: int) -> Signal:
    """Merge feature axes start .. end. Raises ``RefusedError`` if a leading axis would be merged in."""
    from math import prod

    if start < 0:
        raise RefusedError(
            "SNN-3003",
            f"flatten merges {signal.lead.value} with the features",
            "Flatten from the first feature axis on, or use SpikingJelly's layer.Flatten.",
        )
    if start >= end:
        return signal
    port = site.builder.node(site.name, "core.Flatten", signal.port, origin=site.origin, start=start, end=end)
    features = (*signal.features[:start], prod(signal.features[start : end + 1]), *signal.features[end + 1 :])
    return signal.moved(port, features)


def _nothing(module: Any, signal: Signal, site: Site) -> Signal:
    """Dropout in evaluation mode and Identity compute nothing."""
    return signal


HANDLERS: dict[tuple[str, str], Handler] = {
    ("spikingjelly", "IFNode"): _if,
    ("spikingjelly", "LIFNode"): _lif,
    **{(root, "Linear"): _linear for root in ("torch", "spikingjelly")},
    **{(root, "Conv2d"): _conv2d for root in ("torch", "spikingjelly")},
    **{(root, "BatchNorm2d"): _batch_norm2d for root in ("torch", "spikingjelly")},
    **{(root, "AvgPool2d"): _avg_pool2d for root in ("torch", "spikingjelly")},
    **{(root, "MaxPool2d"): _max_pool2d for root in ("torch", "spikingjelly")},
    **{(root, "Flatten"): _flatten for root in ("torch", "spikingjelly")},
    **{(root, name): _nothing for root in ("torch", "spikingjelly") for name in ("Dropout", "Dropout2d")},
    ("torch", "Identity"): _nothing,
}
STATEFUL = frozenset({("spikingjelly", "IFNode"), ("spikingjelly", "LIFNode")})
REMOVED = frozenset({"Dropout", "Dropout2d", "Identity"})
