"""Neurons as constructors of snnTorch, with their states: the other way of ``neurons``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from snnhub.ir.graph import Node
from snnhub.ir.op import Shape
from snnhub.ir.tensor import Array

from snnhub_snntorch.layer_forms import Made, UnsayableError, f32


@dataclass(frozen=True)
class NeuronForm:
    """``name``: snnTorch's class. ``numbers``: its arguments by parameters of the op.

    ``returns``: what a call returns, by ports of the op; ``takes``: which of these go into the next call.
    """

    name: str
    numbers: Mapping[str, str]
    returns: tuple[str, ...] = ("s", "mem")
    takes: tuple[str, ...] = ("mem",)


BETA = {"beta": "beta", "v_threshold": "threshold"}
BOTH = {"alpha": "alpha", **BETA}
CURRENT = ("s", "syn", "mem")
LAPICQUE = {"r": "R", "c": "C", "time_step": "time_step", "v_threshold": "threshold"}
RLEAKY = NeuronForm("RLeaky", BETA, takes=("s", "mem"))
RSYNAPTIC = NeuronForm("RSynaptic", BOTH, CURRENT, CURRENT)
ALPHA = NeuronForm("Alpha", BOTH, ("s", "syn_exc", "syn_inh", "mem"), ("syn_exc", "syn_inh", "mem"))
LAYERED = ("snntorch.RLeaky", "snntorch.RSynaptic")
"""Neurons with a layer between their spikes and their port ``r``."""
NEURONS: Mapping[str, NeuronForm] = {
    "snntorch.Leaky": NeuronForm("Leaky", BETA),
    "snntorch.LeakyMem": NeuronForm("Leaky", {**BETA, "grade": "graded_spikes_factor"}),
    "snntorch.Synaptic": NeuronForm("Synaptic", BOTH, CURRENT, ("syn", "mem")),
    "snntorch.SynapticMem": NeuronForm("Synaptic", BOTH, CURRENT, ("syn", "mem")),
    "snntorch.Alpha": ALPHA,
    "snntorch.Lapicque": NeuronForm("Lapicque", LAPICQUE),
    "snntorch.DeltaLeaky": NeuronForm("DeltaLeaky", {"delta_threshold": "delta_threshold", "beta": "beta"}),
    "snntorch.RLeaky": RLEAKY,
    "snntorch.RLeakyOneToOne": NeuronForm("RLeaky", {**BETA, "w_rec": "V"}, takes=("s", "mem")),
    "snntorch.RSynaptic": RSYNAPTIC,
    "snntorch.RSynapticOneToOne": NeuronForm("RSynaptic", {**BOTH, "w_rec": "V"}, CURRENT, CURRENT),
}
UNDELAYED = ("snntorch.Leaky", "snntorch.Synaptic")
"""Ops of the profile snntorch-1: without a delay of the reset, and without an attribute that says so."""
DEFAULT_RESET = {"Alpha": "zero"}


def neuron(node: Node, shape: Shape, layer: Node | None) -> Made:
    """The constructor. ``layer``: what stands between the neuron's spikes and its port ``r``.

    Raises ``UnsayableError`` for numbers and layers that snnTorch's class has no argument for.
    """
    form = NEURONS[node.op]
    words, state = [], {}
    for name, argument in form.numbers.items():
        if name not in node.param:
            continue
        numbers = _checked(node, name)
        words.append(f"{argument}={_argument(node, argument, numbers)}")
        if numbers.ndim and argument != "delta_threshold":
            state[argument] = numbers
    words += _choices(node, form.name)
    if node.op.endswith("OneToOne"):
        words.append("all_to_all=False")
    elif node.op in LAYERED:
        found, numbers_of_layer = _layer(node, layer, shape)
        words.append(found)
        state |= numbers_of_layer
    return Made(f"snn.{form.name}({', '.join(words)})", state, f32(node, "gain") if "gain" in node.param else None)


def _checked(node: Node, name: str) -> Array:
    numbers = f32(node, name)
    if (
        name in ("alpha", "beta")
        and node.op != "snntorch.DeltaLeaky"
        and not np.all((numbers >= 0) & (numbers <= 1))
    ):
        raise UnsayableError(f"{name} lies outside 0 .. 1, where snnTorch clamps it")
    return numbers


def _argument(node: Node, argument: str, numbers: Array) -> str:
    """A number as text that rounds to the same f32, or an array of its shape that the state fills."""
    if numbers.ndim == 0:
        return str(float(str(np.float32(numbers))))
    if argument in ("delta_threshold",):
        raise UnsayableError("delta_threshold per neuron is no part of snnTorch's state", "Use one for all.")
    if node.op == "snntorch.Lapicque" and argument != "threshold":
        raise UnsayableError(f"{argument} per neuron; snnTorch's Lapicque asks for one number")
    shape = ", ".join(str(size) for size in numbers.shape)
    filled = "zeros" if node.op == "snntorch.Alpha" and argument == "beta" else "ones"
    return f"torch.{filled}({shape})"


def _choices(node: Node, name: str) -> list[str]:
    words, reset = [], node.attribute.get("reset", "zero" if node.op == "snntorch.Synaptic" else None)
    if reset is not None and reset != DEFAULT_RESET.get(name, "subtract"):
        words.append(f'reset_mechanism="{reset}"')
    if node.op in UNDELAYED or node.attribute.get("reset_delay") is False:
        words.append("reset_delay=False")
    return words


def _layer(node: Node, layer: Node | None, shape: Shape) -> tuple[str, dict[str, Array]]:
    """Arguments for the recurrent layer, and its numbers: what snnTorch makes of a width or a kernel."""
    if layer is None:
        words = "port r must be fed by one Dense or Conv, and that by its own spikes, one step late"
        raise UnsayableError(words)
    if "bias" not in layer.param:
        raise UnsayableError("its recurrent layer has no bias, and snnTorch's have one")
    state = {f"recurrent.{name}": f32(layer, name) for name, _ in layer.params}
    if layer.op == "core.Dense":
        return f"linear_features={shape[-1]}", state
    kernel = state["recurrent.weight"].shape[2:]
    same = tuple(size // 2 for size in kernel)
    plain = layer.integers("stride") == layer.integers("dilation") == (1, 1) and layer.integer("groups") == 1
    if not plain or layer.integers("padding") != same:
        raise UnsayableError(
            "its recurrent convolution is not plain: snnTorch pads by half the kernel, and no more"
        )
    size = kernel[0] if len(set(kernel)) == 1 else tuple(kernel)
    return f"conv2d_channels={shape[0]}, kernel_size={size}", state
