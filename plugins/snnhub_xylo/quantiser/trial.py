"""Many settings of every neuron at once, each fed with the same spikes, counted against what it should have
said.

Neurons hear what the float network's neurons said (teacher forcing), so that each can be judged alone and all in
one pass. Sums are clipped to 16 bits once per step here, event by event on the chip: the core itself has the
last word (``auto``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from snnhub.ir.tensor import Array

from snnhub_xylo.core import HIGH, LOW

CHUNK = 1 << 16
"""Settings times samples times neurons that are computed together: what fits the cache of a core."""


@dataclass(frozen=True, eq=False)
class Settings:
    """Integers (settings or 1, neurons): ``dash_syn`` one array per synapse."""

    dash_syn: Sequence[Array]
    dash_mem: Array
    bias: Array
    threshold: Array


def errors(arrived: Sequence[Array], wanted: Array, weight: Array, settings: Settings, cap: int) -> Array:
    """Differing spikes (settings, neurons): the sum over steps and samples of abs(n - wanted), samples weighted.

    ``arrived``: what each synapse gets, int32 (steps, samples, neurons); ``wanted`` the same shape; ``weight``
    (samples,). ``cap``: most spikes per step.
    """
    rows = max(
        len(values) for values in (settings.bias, settings.threshold, settings.dash_mem, *settings.dash_syn)
    )
    neurons = wanted.shape[2]
    wide = max(1, CHUNK // max(1, rows * wanted.shape[1]))
    found = np.zeros((rows, neurons))
    for start in range(0, neurons, wide):
        part = slice(start, start + wide)
        found[:, part] = _errors(
            [np.ascontiguousarray(a[..., part]) for a in arrived],
            np.ascontiguousarray(wanted[..., part], dtype=np.int32),
            weight,
            _Columns.of(settings, part),
            cap,
            rows,
        )
    return found


@dataclass(frozen=True, eq=False)
class _Columns:
    """Settings of some neurons, (settings or 1, 1, neurons) in int32."""

    dash_syn: tuple[Array, ...]
    dash_mem: Array
    bias: Array
    threshold: Array

    @classmethod
    def of(cls, settings: Settings, part: slice) -> _Columns:
        def cut(values: Array) -> Array:
            return np.ascontiguousarray(values[:, None, part], dtype=np.int32)

        return cls(
            tuple(cut(dash) for dash in settings.dash_syn),
            cut(settings.dash_mem),
            cut(settings.bias),
            cut(settings.threshold),
        )


def _errors(
    arrived: Sequence[Array], wanted: Array, weight: Array, columns: _Columns, cap: int, rows: int
) -> Array:
    steps, samples, neurons = wanted.shape
    shape = (rows, samples, neurons)
    isyn = [np.zeros(shape, np.int32) for _ in arrived]
    vmem = np.zeros(shape, np.int32)
    found = np.zeros((rows, neurons))
    by_sample = np.zeros(shape, np.int32)
    for step in range(steps):
        change = np.broadcast_to(columns.bias, shape).copy()
        for synapse, dash in enumerate(columns.dash_syn):
            current = isyn[synapse]
            np.add(current, arrived[synapse][step], out=current)
            np.clip(current, LOW, HIGH, out=current)
            np.subtract(current, _leak(current, dash), out=current)
            change += current
        vmem -= _leak(vmem, columns.dash_mem)
        vmem += change
        np.clip(vmem, LOW, HIGH, out=vmem)
        count = vmem // columns.threshold
        np.clip(count, 0, cap, out=count)
        vmem -= count * columns.threshold
        by_sample += np.abs(count - wanted[step])
    found += np.einsum("rsn,s->rn", by_sample, weight)
    return found


def _leak(values: Array, dash: Array) -> Array:
    """As the core's, in int32: 2^-dash of a value, rounded down, and at least 1 of what is above 0."""
    part = values >> dash
    part += (part == 0) & (values > 0)
    return part
