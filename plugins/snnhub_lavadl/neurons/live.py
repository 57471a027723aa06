"""A live slayer neuron under a reader's eyes: its numbers as arrays, and all that cannot be held.

Readers ask attributes alone, so whatever has them is read; nothing of the peer is imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from snnhub.errors import UnsupportedError
from snnhub.findings import Finding, error, info, note
from snnhub.ir.tensor import Array

from snnhub_lavadl.neurons.part import NeuronPart

SCALES = {"w_scale": 64, "s_scale": 4096, "p_scale": 4096}
"""slayer's default scales of weights, states and decays, on which the ops are defined."""
UNITY, LARGEST_THRESHOLD, LARGEST_STEP = 4096, 2**24, 2**30


def numbers(value: Any) -> Array:
    """A tensor or array as NumPy array."""
    return np.asarray(value.detach().cpu().numpy() if hasattr(value, "detach") else value)


def class_path(thing: Any) -> str:
    """``module.path.Class``."""
    return f"{type(thing).__module__}.{type(thing).__qualname__}"


@dataclass
class Live:
    """A neuron with its place, and what was found in it. ``shape``: of its elements, None before a forward."""

    neuron: Any
    place: str
    problems: list[Finding] = field(default_factory=list)
    notes: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.scaled("w_scale", "s_scale")
        self._drop_out()
        if getattr(self.neuron, "persistent_state", False) is True:
            message = "carries its state from one forward to the next; a run of the network starts at rest"
            self.notes.append(info("SNN-3327", self.place, message))

    @property
    def shape(self) -> tuple[int, ...] | None:
        found = self.neuron.shape
        return None if found is None else tuple(int(size) for size in found)

    def refuse(self, code: str, message: str, remedy: str) -> None:
        self.problems.append(error(code, self.place, message, remedy=remedy))

    def scaled(self, *names: str) -> None:
        """Refuse scales that are not slayer's defaults."""
        for name in names:
            found, wanted = getattr(self.neuron, name), SCALES[name]
            if found != wanted:
                message = f"{name} {found}: the ops compute with slayer's default"
                self.refuse("SNN-3320", message, f"Build the neuron with scale=64: {name} {wanted}.")

    def eval_mode(self, part: Any, what: str) -> None:
        """Say that a part which is in training mode is read as in eval mode."""
        if getattr(part, "training", False):
            self.notes.append(note("SNN-3326", self.place, f"{what} is in training mode: read as in eval mode"))

    def _drop_out(self) -> None:
        drop = getattr(self.neuron, "drop", None)
        if drop is None:
            return
        if not type(drop).__name__.endswith("Dropout"):
            self.refuse("SNN-3321", f"drop-out of class {class_path(drop)}", "Use slayer.neuron.Dropout, or none.")
        self.eval_mode(drop, "drop-out")

    def at_rest(self, **states: float) -> None:
        """Refuse states that an earlier forward, or somebody, left behind. The names with their values at rest."""
        for name, rest in states.items():
            if (numbers(getattr(self.neuron, name)) != np.float32(rest)).any():
                remedy = f"Fill {name} with {rest:g} before the import, as at the start of a recording."
                self.refuse("SNN-3322", f"{name} is not at rest, and may differ from sample to sample", remedy)

    def decays(self, *names: str, clamped: bool) -> dict[str, Array]:
        """Decays as slayer's ``quantize`` rounds them, int64. ``clamped``: by forward, where they learn."""
        found: dict[str, Array] = {}
        for name in names:
            values = numbers(getattr(self.neuron, name)).astype(np.float32)
            limited = np.clip(values, np.float32(0), np.float32(UNITY))
            if clamped and self.neuron.requires_grad is True:
                self.changed(name, values, limited)
                values = limited
            found[name] = self.per_channel(name, values)
        return found

    def changed(self, name: str, old: Array, new: Array) -> None:
        if (old != new).any():
            worst = int(np.abs(old - new).argmax())
            self.notes.append(
                note(
                    "SNN-3328",
                    self.place,
                    f"{name} clamped as the next forward clamps it, {int((old != new).sum())} of {old.size}",
                    old=f"{old.flat[worst]:g}",
                    new=f"{new.flat[worst]:g}",
                )
            )

    def per_channel(self, name: str, values: Array) -> Array:
        """Decays of 4096 rounded half to even: 0-d, or one per neuron where neurons have no positions."""
        rounded = np.rint(values)
        if not ((rounded >= 0) & (rounded <= UNITY)).all():
            self.refuse("SNN-3325", f"{name} outside 0 .. {UNITY} of 4096", "Call the neuron's clamp().")
            return np.zeros((), np.int64)
        whole = rounded.astype(np.int64)
        if self.neuron.shared_param is False and self.shape is None:
            message = f"{name} is not drawn yet: slayer draws it per channel in the first forward"
            self.refuse("SNN-3323", message, "Run one forward, or load a state, before the import.")
        if whole.size == 1:
            return whole.reshape(())
        if self.shape is not None and (len(self.shape) != 1 or self.shape[0] != whole.size):
            message = (
                f"{name} per channel, {whole.size} values on neurons {list(self.shape)}: slayer's CPU path "
                "lays them along the last axis, or fails; its CUDA path along the channels"
            )
            self.refuse("SNN-3323", message, "Use shared_param=True in layers with positions.")
        return whole

    def level(self, name: str, lowest: int = 0, highest: int = LARGEST_THRESHOLD) -> Array:
        """A threshold, or its step, as integer of 1/4096."""
        value = getattr(self.neuron, name)
        found = int(float(value) * SCALES["s_scale"]) if value is not None else lowest - 1
        if not lowest <= found <= highest:
            allowed = f"{lowest // 4096} .. {highest // 4096}"
            self.refuse("SNN-3325", f"{name} {value}", f"Use one of {allowed}.")
            return np.zeros((), np.int64)
        return np.asarray(found, np.int64)

    def by_channel(self, values: Array, what: str) -> Array:
        """Values of channels, broadcast over positions: 0-d or (C, 1, …)."""
        flat = values.reshape(-1)
        if flat.size == 1:
            return flat.reshape(())
        if self.shape is None:
            message = f"{what} per channel of neurons whose shape is not known yet"
            self.refuse("SNN-3323", message, "Run one forward before the import.")
            return flat
        return flat.reshape(-1, *(1 for _ in self.shape[1:]))

    def part(
        self,
        op: str,
        attributes: Mapping[str, int | str | bool],
        params: Mapping[str, Array],
        inputs: tuple[str, ...] = ("x",),
    ) -> NeuronPart:
        """The part. Raises ``UnsupportedError`` with everything that was refused."""
        if self.problems:
            message = f"a neuron of slayer cannot be held: {self.problems[0].message}"
            raise UnsupportedError(message, where=self.place, findings=(*self.problems, *self.notes))
        return NeuronPart(op, attributes, params, inputs, tuple(self.notes))
