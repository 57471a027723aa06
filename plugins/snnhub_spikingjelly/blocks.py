"""``lava_exchange.BlockContainer``: quantised weights, and a neuron that computes in integers on a float grid.

Source: SpikingJelly 2.0.0, ``activation_based.lava_exchange``. Weights are even multiples of ``1/scale``; states
are multiples of ``1/(64 scale)``, decayed in 4096ths toward zero. With spikes as input, all of that is Loihi's
neuron number for number, only that Loihi wraps and saturates at 2^23 and the container does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from snnhub.findings import info, note
from snnhub.ir.graph import Origin
from snnhub.ir.tensor import Array, smallest_integer
from snnhub.torchnet.shaping import flatten
from snnhub.torchnet.signals import RefusedError, Signal
from snnhub.torchnet.site import Site
from snnhub.torchnet.weighted import conv_geometry

from snnhub_spikingjelly import grid
from snnhub_spikingjelly.step_mode import ensure_step_mode

if TYPE_CHECKING:
    from torch import fx, nn

KIND = ("spikingjelly", "BlockContainer")
NEURON = "loihi.CubaLIF"
PASS_SPIKES = ("core.Flatten", "core.MaxPool")
"""Ops whose output is spikes if their input is."""
TOP = 255
"""The container clamps to 255/scale, an odd number; Lava's own block to 254/scale."""


def is_block(module: nn.Module) -> bool:
    """Whether a module is a BlockContainer."""
    return any(base.__name__ == KIND[1] and base.__module__.startswith(KIND[0]) for base in type(module).__mro__)


def handle(module: Any, signal: Signal, site: Site) -> Signal:
    """A Flatten container: one node. Others: ``<name>/synapse`` and ``<name>/neuron``.

    Raises ``RefusedError`` for input that is not spikes, and where sums do not fit.
    """
    ensure_step_mode(module, signal)
    if module.neuron is None:
        return flatten(signal, site, 0, len(signal.features) - 1 if module.synapse.end_dim == -1 else _end(module))
    _ensure_spikes(signal, site)
    weight, op, attributes, features = _synapse(module, signal)
    decays = grid.decays(module.neuron)
    threshold = grid.threshold(module.neuron)
    _report(module, weight, decays, site)
    path = site.origin.path
    origins = [
        Origin(site.origin.framework, site.origin.version, f"{path}.{part}") for part in ("synapse", "neuron")
    ]
    port = site.builder.node(
        f"{site.name}/synapse",
        op,
        signal.port,
        params={"weight": smallest_integer(weight)},
        origin=origins[0],
        bias=False,
        **attributes,
    )
    numbers = {"iDecay": decays[0], "vDecay": decays[1], "vThMant": threshold, "bias": 0}
    port = site.builder.node(
        f"{site.name}/neuron",
        NEURON,
        port,
        params={name: smallest_integer(np.asarray(value)) for name, value in numbers.items()},
        origin=origins[1],
        reset_interval=0,
        reset_offset=0,
    )
    return signal.moved(port, features)


def _end(module: Any) -> int:
    return int(module.synapse.end_dim) - 1


def _synapse(module: Any, signal: Signal) -> tuple[Array, str, dict[str, Any], tuple[int, ...]]:
    """Integer weights, op, attributes and output features."""
    from torch import nn

    synapse = module.synapse
    if isinstance(synapse, nn.Linear):
        weight = grid.weights(module.neuron, synapse.weight)
        features = (*signal.features[:-1], int(synapse.out_features))
        return weight, "core.Dense", {"accumulate": "exact", "shift": 0}, features
    if len(signal.features) != 3:
        raise RefusedError("SNN-3010", f"needs features of 3 axes, found {list(signal.features)}")
    if isinstance(synapse, nn.Conv2d):
        weight, groups = grid.weights(module.neuron, synapse.weight), int(synapse.groups)
    else:  # a sum over a window, as one filter per channel
        groups = signal.features[0]
        weight = np.full((groups, 1, *synapse.kernel_size), module.neuron.scale, np.int64)
    geometry, sizes = conv_geometry(synapse, signal.features[1:])
    attributes = {"accumulate": "wrap24", **geometry, "groups": groups}
    return weight, "core.Conv", attributes, (weight.shape[0], *sizes)


def _ensure_spikes(signal: Signal, site: Site) -> None:
    """Raise ``RefusedError`` unless the signal comes from neurons or is the input of the graph, of spikes."""
    nodes = {node.id: node for node in site.builder.nodes}
    name = signal.port.node
    while name in nodes and nodes[name].op in PASS_SPIKES:
        name = next(edge.src.node for edge in site.builder.edges if edge.dst.node == name)
    if name in nodes and nodes[name].program is None:
        raise RefusedError(
            "SNN-3032",
            f"a BlockContainer truncates what is not spikes to its grid; {nodes[name].kind} {name} is before it",
            "Put it behind neurons, or at the input.",
        )


def takes_input(net: nn.Module, graph: fx.Graph) -> bool:
    """Whether the graph input reaches a BlockContainer with neurons through nothing but changes of shape."""
    reached = {node for node in graph.nodes if node.op == "placeholder"}
    for node in graph.nodes:
        if not reached & set(node.all_input_nodes):
            continue
        module = net.get_submodule(str(node.target)) if node.op == "call_module" else None
        if module is None or type(module).__name__ in ("Flatten", "Identity", "Dropout", "MaxPool2d"):
            reached.add(node)
        elif is_block(module):
            if module.neuron is not None:
                return True
            reached.add(node)
    return False


def _report(module: Any, weight: Array, decays: tuple[int, int], site: Site) -> None:
    """Findings: what quantisation does to the weights, and how long states stay where both compute the same."""
    place, scale = site.name, int(module.neuron.scale)
    drive = grid.drive(weight)
    if drive >= grid.SUM_LIMIT:
        raise RefusedError(
            "SNN-3030",
            f"sums of {drive} may leave 24 bits",
            f"Keep sums of weights below {grid.SUM_LIMIT // scale}.",
        )
    steps = grid.steps_until_saturation(drive, decays)
    span = f"for {steps} steps of any input" if steps is not None else "for any input"
    exact = (
        f"equal {span}: beyond |v| = {grid.STATE_LIMIT / (64 * scale):g} Loihi saturates, the container does not"
    )
    levels = int(np.unique(weight).size)
    off = 0.0
    if hasattr(module.synapse, "bias"):
        floats = module.synapse.weight.detach().cpu().numpy().astype(np.float64)
        off = float(np.abs(weight / scale - floats).max(initial=0.0))
    words = f"the container's own integers: weights of 1/{scale}, {levels} levels, off by at most {off:.3g}"
    site.builder.findings.append(note("SNN-3031", place, words, bound=exact))
    top = int(np.count_nonzero(weight == TOP))
    if top:
        site.builder.findings.append(
            info(
                "SNN-3033",
                place,
                f"{top} weights are at the container's upper clamp",
                old=f"{TOP}/{scale}",
                new=f"{TOP - 1}/{scale} in to_lava_block()",
                remedy=f"Keep weights below {(TOP - 2) / scale:g}: Loihi's weights are even.",
            )
        )


def problems(module: Any) -> Iterator[RefusedError]:
    """Every setting of a BlockContainer that cannot be held."""
    from torch import nn

    parts = {"": module, "synapse ": module.synapse, "neuron ": module.neuron}
    for name, part in parts.items():
        if part is not None and (part._forward_hooks or part._forward_pre_hooks):
            yield RefusedError("SNN-3009", f"{name}forward hooks may change what it computes", "Remove the hooks.")
    synapse = module.synapse
    if module.neuron is None:
        if not isinstance(synapse, nn.Flatten) or synapse.start_dim != 1:
            yield _refused("a container without neuron must flatten from axis 1 on", "Give it a neuron.")
        return
    yield from _synapse_problems(synapse)
    yield from grid.problems(module.neuron)


def _refused(message: str, remedy: str) -> RefusedError:
    return RefusedError("SNN-3030", message, remedy)


def _synapse_problems(synapse: Any) -> Iterator[RefusedError]:
    import torch
    from torch import nn

    name = type(synapse).__name__
    if not isinstance(synapse, nn.Linear | nn.Conv2d) and name != "SumPool2d":
        remedy = "Use Linear, Conv2d, Flatten or lava_exchange.SumPool2d."
        yield _refused(f"synapse {name} is accepted by the constructor and fails when it runs", remedy)
        return
    if name == "SumPool2d":
        window = int(np.prod(synapse.kernel_size))
        if window & (window - 1) and tuple(synapse.dilation) == (1, 1):
            yield _refused(f"a sum over {window} is computed as a rounded mean times {window}", "Use 2x2 or 4x4.")
        return
    if synapse.bias is not None:
        yield _refused("bias", "Lava's blocks have no bias: train with bias=False.")
    if synapse.weight.dtype != torch.float32 or not bool(torch.isfinite(synapse.weight).all()):
        yield _refused(f"weight is {synapse.weight.dtype} or not finite", "Convert the network with net.float().")
    if isinstance(synapse, nn.Conv2d) and synapse.padding_mode != "zeros":
        yield _refused(f"padding_mode {synapse.padding_mode!r} is dropped by the container", "Use zero padding.")
    if isinstance(synapse, nn.Conv2d) and isinstance(synapse.padding, str):
        yield _refused(f"padding {synapse.padding!r}", "Give the padding as numbers.")
