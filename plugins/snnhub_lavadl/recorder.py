"""Listens to the blocks of a live network: what synapses give, what neurons hold, what fires."""

from __future__ import annotations

import copy
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
    return {"u": lambda: whole(heard, "dynamics0"), "v": lambda: whole(heard, "dynamics1")}


def rf_states(heard: Heard, _: bool) -> dict[str, Callable[[], Array]]:
    """``re`` and ``im`` in 4096ths as integers: no reset."""
    return {"re": lambda: whole(heard, "dynamics0"), "im": lambda: whole(heard, "dynamics1")}


def rf_iz_states(heard: Heard, _: bool) -> dict[str, Callable[[], Array]]:
    """``re`` and ``im`` in 4096ths as integers; after a spike 0 and one below the threshold."""
    below = int(heard.block.module.neuron.threshold * STATE_SCALE) - 1

    def after(name: str, reset: int) -> Array:
        return np.where(heard.array("spikes") != 0, reset, whole(heard, name))

    return {"re": lambda: after("dynamics0", 0), "im": lambda: after("dynamics1", below)}


def sigma_delta_states(heard: Heard, _: bool) -> dict[str, Callable[[], Array]]:
    """``sigma``, ``last`` and ``residue``, of whichever part of the neuron the block runs."""
    found: dict[str, Callable[[], Array]] = {}
    if "sigma" in heard:
        found["sigma"] = lambda: _accumulated(heard)
    if "changing" in heard:
        found |= {"last": lambda: heard.array("changing"), "residue": lambda: _residue(heard)}
    return found


def _accumulated(heard: Heard) -> Array:
    """What torch's sum has inside, f64; slayer sees it rounded to f32. What slayer saw, where they disagree."""
    rounded = heard.array("sigma")
    total = np.cumsum(heard.array("adding").astype(np.float64), axis=0)
    return total if np.array_equal(total.astype(np.float32), rounded) else rounded


def _residue(heard: Heard) -> Array:
    """What slayer's own delta has left after each step; it gives only the last, so it runs again step by step."""
    import torch

    delta = copy.deepcopy(heard.block.module.neuron.delta)
    delta.persistent_state = True
    values = torch.from_numpy(np.moveaxis(heard.array("changing"), 0, -1).copy())
    delta.pre_state = torch.zeros_like(values[..., 0])
    delta.residual_state, delta.error_state = (torch.zeros_like(delta.pre_state) for _ in range(2))
    left = []
    with torch.no_grad():
        for step in range(values.shape[-1]):
            delta(values[..., step : step + 1])
            left.append(delta.residual_state.numpy())
    return np.stack(left)


def whole(heard: Heard, name: str) -> Array:
    """A word of slayer's in 4096ths; it hands states on as f32, so beyond 2^24 of them it is a rounded one."""
    return np.rint(heard.array(name).astype(np.float64) * STATE_SCALE).astype(np.int64)


STATES: Mapping[str, Callable[[Heard, bool], dict[str, Callable[[], Array]]]] = {
    "cuba.Neuron": cuba_states,
    "alif.Neuron": alif_states,
    "rf.Neuron": rf_states,
    "rf_iz.Neuron": rf_iz_states,
    "sigma_delta.Neuron": sigma_delta_states,
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
    found += _sums(neuron, heard)
    if getattr(neuron, "norm", None) is not None:
        found.append(_before(neuron.norm, heard, "before_norm"))
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


def _sums(neuron: Any, heard: Heard) -> list[Any]:
    """What a sigma-delta neuron adds up and what that gives, and the values whose changes it sends."""
    if neuron_kind(neuron) != "sigma_delta.Neuron":
        return []
    return [
        _before(neuron.sigma, heard, "adding"),
        _after(neuron.sigma, heard, "sigma"),
        _before(neuron.delta, heard, "changing"),
    ]


def _before(module: Any, heard: Heard, name: str) -> Any:
    return module.register_forward_pre_hook(lambda _, given: heard.add(name, given[0]))


def _after(module: Any, heard: Heard, name: str) -> Any:
    def hook(_: Any, given: Any, result: Any) -> None:
        heard.add(name, result[0] if isinstance(result, tuple) else result)

    return module.register_forward_hook(hook)
