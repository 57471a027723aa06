"""Listens to the blocks of a live network: what synapses give, what neurons hold, what fires."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from snnhub.ir.tensor import Array

from snnhub_lavadl.chain import Block
from snnhub_lavadl.ops.words import STATE_SCALE

NEURONS = "lava.lib.dl.slayer.neuron."


class Heard:
    """What one block did, by name, each a list of tensors (batch, features…, time) that follow one another."""

    def __init__(self, block: Block) -> None:
        self.block = block
        self.parts: dict[str, list[Any]] = {}

    def add(self, name: str, value: Any) -> None:
        if isinstance(value, tuple):
            for number, part in enumerate(value):
                self.add(f"{name}{number}", part)
            return
        self.parts.setdefault(name, []).append(value.detach())

    def __contains__(self, name: str) -> bool:
        return name in self.parts

    def array(self, name: str) -> Array:
        """(time, batch, features…)."""
        whole = [part.cpu().numpy() for part in self.parts[name]]
        joined = whole[0] if len(whole) == 1 else np.concatenate(whole, axis=-1)
        return np.ascontiguousarray(np.moveaxis(joined, -1, 0))


def cuba_states(heard: Heard, graph_stepwise: bool) -> dict[str, Callable[[], Array]]:
    """``u`` and ``v`` in 4096ths as integers; ``v`` after the reset."""
    current = "dynamics0" if graph_stepwise or "before_norm" not in heard else "before_norm"

    def integers(name: str) -> Array:
        return np.trunc(heard.array(name).astype(np.float64) * STATE_SCALE).astype(np.int64)

    def v() -> Array:
        found = integers("dynamics1")
        return np.where(heard.array("spikes") != 0, 0, found) if "spikes" in heard else found

    return {"u": lambda: integers(current), "v": v}


def alif_states(heard: Heard, _: bool) -> dict[str, Callable[[], Array]]:
    """``u`` and ``v`` in 4096ths as integers: no reset."""

    def integers(name: str) -> Array:
        return np.rint(heard.array(name).astype(np.float64) * STATE_SCALE).astype(np.int64)

    return {"u": lambda: integers("dynamics0"), "v": lambda: integers("dynamics1")}


STATES: Mapping[str, Callable[[Heard, bool], dict[str, Callable[[], Array]]]] = {
    "cuba.Neuron": cuba_states,
    "alif.Neuron": alif_states,
}
"""By class of the neuron below ``lava.lib.dl.slayer.neuron``: its graph states from what was heard, where
``dynamics0``, ``dynamics1`` … are what its ``dynamics`` gives; and whether it ran step by step."""


def neuron_kind(neuron: Any) -> str:
    return f"{type(neuron).__module__.removeprefix(NEURONS)}.{type(neuron).__qualname__}"


@contextmanager
def listening(blocks: Sequence[Block]) -> Iterator[dict[str, Heard]]:
    """Records by path of the block while the context is open; the modules are as before afterwards."""
    heard = {block.path: Heard(block) for block in blocks}
    handles: list[Any] = []
    for block in blocks:
        handles += _hooks(block, heard[block.path])
    try:
        yield heard
    finally:
        for handle in handles:
            handle.remove()
        for block in blocks:
            neuron = getattr(block.module, "neuron", None)
            if neuron is not None:
                vars(neuron).pop("dynamics", None)


def _hooks(block: Block, heard: Heard) -> list[Any]:
    module = block.module
    found = [_after(module, heard, "block")]
    synapse = getattr(module, "synapse", None) or getattr(module, "input_synapse", None)
    if synapse is not None and synapse.complex is True:
        found += [_after(getattr(synapse, name), heard, f"synapse_{name}") for name in ("real", "imag")]
    elif synapse is not None:
        found.append(_after(synapse, heard, "synapse"))
    neuron = getattr(module, "neuron", None)
    if neuron is None:
        return found
    found.append(_after(neuron, heard, "spikes"))
    if getattr(neuron, "norm", None) is not None:
        found.append(neuron.norm.register_forward_pre_hook(lambda _, given: heard.add("before_norm", given[0])))
    dynamics = getattr(neuron, "dynamics", None)
    if dynamics is None:
        return found

    def heard_dynamics(given: Any) -> Any:
        heard.add("arrived", given if isinstance(given, tuple) else (given,))
        result = dynamics(given)
        heard.add("dynamics", result if isinstance(result, tuple) else (result,))
        return result

    object.__setattr__(neuron, "dynamics", heard_dynamics)
    return found


def _after(module: Any, heard: Heard, name: str) -> Any:
    def hook(_: Any, given: Any, result: Any) -> None:
        heard.add(name, result[0] if isinstance(result, tuple) else result)

    return module.register_forward_hook(hook)
