"""Live SpikingJelly networks that become NIR files: factories, and what SpikingJelly itself makes of an input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from snnhub.ir.tensor import Array

if TYPE_CHECKING:
    from torch import nn

SHAPES = {"convolutional": (1, 8, 8), "fixed_times": (12,), "currents": (12,), "soft": (12,), "learned": (12,)}


def _chain(*parts: nn.Module, seed: int = 0, gain: float = 3.0) -> nn.Module:
    import torch
    from spikingjelly.activation_based import functional
    from torch import nn

    net = nn.Sequential(*parts)
    torch.manual_seed(seed)
    with torch.no_grad():
        for item in net.parameters():
            if item.dim() > 0:
                item.copy_(torch.randn_like(item) * gain / max(item[0].numel(), 8) ** 0.5 + 0.05)
    functional.set_step_mode(net, "s")
    return net.eval()


def convolutional() -> nn.Module:
    """Convolution, mean, Flatten, and LIF of two kinds with hard resets to other potentials than 0."""
    from spikingjelly.activation_based import layer, neuron

    return _chain(
        layer.Conv2d(1, 4, 3, padding=1),
        neuron.LIFNode(tau=3.0, v_threshold=0.7, v_reset=-0.1),
        layer.AvgPool2d(2),
        layer.Flatten(),
        layer.Linear(64, 20),
        neuron.LIFNode(tau=1.7, decay_input=False, v_reset=0.05),
        layer.Linear(20, 6, bias=False),
        neuron.IFNode(v_threshold=1.3, v_reset=0.2),
    )


def fixed_times() -> nn.Module:
    """LIF of times that no f32 has exactly, and IF."""
    from spikingjelly.activation_based import layer, neuron

    return _chain(
        layer.Linear(12, 30),
        neuron.LIFNode(tau=7.3),
        layer.Linear(30, 8),
        neuron.LIFNode(tau=1.1),
        layer.Linear(8, 5),
        neuron.IFNode(),
    )


def currents() -> nn.Module:
    """CUBALIF with hard resets."""
    from spikingjelly.activation_based import layer, neuron

    return _chain(
        layer.Linear(12, 30, bias=False),
        neuron.CUBALIFNode(c_decay=0.3, v_decay=0.11, v_reset=-0.2),
        layer.Linear(30, 5, bias=False),
        neuron.CUBALIFNode(c_decay=0.9, v_decay=0.05, v_reset=0.0),
    )


def soft() -> nn.Module:
    """Soft resets, which NIR cannot say."""
    from spikingjelly.activation_based import layer, neuron

    return _chain(
        layer.Linear(12, 30),
        neuron.LIFNode(tau=3.0, v_reset=None),
        layer.Linear(30, 5),
        neuron.IFNode(v_reset=None),
    )


def learned() -> nn.Module:
    """ParametricLIF, which multiplies by its leak."""
    from spikingjelly.activation_based import layer, neuron

    return _chain(
        layer.Linear(12, 30), neuron.ParametricLIFNode(3.0), layer.Linear(30, 5), neuron.ParametricLIFNode(1.5)
    )


def spikes_of(net: nn.Module, x: Array) -> Array:
    """SpikingJelly's output (time, features…) for ``x`` (time, features…): one call per step, batch 1."""
    import numpy as np
    import torch
    from spikingjelly.activation_based import functional

    functional.reset_net(net)
    torch.set_num_threads(1)
    with torch.no_grad():
        found: Sequence[Array] = [net(torch.from_numpy(step[None])).numpy()[0] for step in x]
    return np.stack(found)
