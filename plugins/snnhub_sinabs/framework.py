"""What importer and runner of snnhub know of sinabs: its layers, their states, and how they come to rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from snnhub.torchnet.framework import MERGED, Framework, Neuron
from snnhub.torchnet.signals import Signal
from snnhub.torchnet.site import Site

from snnhub_sinabs import layers
from snnhub_sinabs.neurons import alif, check, lif
from snnhub_sinabs.watching import outputs, watch

TIME_AXIS = 1
FREE = -1
"""What a Squeeze layer says of samples or steps that it takes any number of."""


def made_for(module: Any) -> tuple[int | None, int | None]:
    """Samples and steps that a Squeeze layer was made for; -1 stands for whatever comes."""
    known = (module.batch_size, module.num_timesteps)
    samples, steps = (None if size == FREE else int(size) for size in known)
    return samples, steps


def reset(net: Any) -> None:
    """Take every state away, as in a network that has not run: batches of any size fit then."""
    import torch

    for module in stateful(net):
        for name in own_states(module):
            module.register_buffer(name, torch.zeros(0))


def unwrap(net: Any) -> Any:
    """The spiking model of a ``sinabs.network.Network``, whose forward calls nothing else."""
    return net.spiking_model if type(net).__name__ == "Network" and hasattr(net, "spiking_model") else net


def state_names(net: Any) -> frozenset[str]:
    """Names in a state dict that are states: of layers that ran they have the shape of a batch."""
    paths = {id(module): path for path, module in net.named_modules()}
    names = ("v_mem", "i_syn", "b")
    found = {(paths[id(module)], name) for module in stateful(net) for name in (*names, *own_states(module))}
    return frozenset(f"{path}.{name}" if path else name for path, name in found)


def stateful(net: Any) -> Iterator[Any]:
    """The layers with a state."""
    from sinabs.layers import StatefulLayer

    return (module for module in net.modules() if isinstance(module, StatefulLayer))


def own_states(module: Any) -> list[str]:
    """Names of a layer's states; i_syn is no buffer any more in a layer that ran without one."""
    return [name for name, _ in module.named_buffers(recurse=False)]


def _neuron(handle: Callable[[Any, Signal, Site], Mapping[str, Signal]], name: str) -> Neuron:
    merges = name.endswith("Squeeze")
    return Neuron(
        handle,
        check,
        outputs,
        sequence=MERGED if merges else TIME_AXIS,
        made_for=made_for if merges else lambda _: (None, None),
        watch=watch,
    )


LIFS = ("LIF", "LIFSqueeze", "LIFRecurrent", "IAF", "IAFSqueeze", "IAFRecurrent", "ExpLeak", "ExpLeakSqueeze")
ALIFS = ("ALIF", "ALIFSqueeze", "ALIFRecurrent")
RANDOM = "It draws random numbers: encode the input outside the network."
FRAMEWORK = Framework(
    "sinabs",
    "sinabs",
    {name: _neuron(lif, name) for name in LIFS} | {name: _neuron(alif, name) for name in ALIFS},
    layers={
        "SumPool2d": layers.sum_pool,
        "Cropping2dLayer": layers.crop,
        "ChannelShift": layers.channel_shift,
        "NeuromorphicReLU": layers.neuromorphic_relu,
        "QuantizeLayer": layers.quantize,
        "SpikingMaxPooling2dLayer": layers.mixed,
    },
    checks={"ChannelShift": layers.shifted, "SpikingMaxPooling2dLayer": layers.mixes},
    walked=frozenset(("Network", "Merge", "Repeat", "FlattenTime", "UnflattenTime")),
    reset=reset,
    unwrap=unwrap,
    states=state_names,
    packages=("sinabs", "torch"),
    remedies={
        "Img2SpikeLayer": RANDOM,
        "Sig2SpikeLayer": RANDOM,
    },
)
