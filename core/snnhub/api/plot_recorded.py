"""Sides of a picture that are recordings, read and lined up as ``compare`` does; a network beside one is run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from snnhub.api.compare import Comparison, compare_recordings
from snnhub.api.load import load_graph
from snnhub.api.options import ImportOptions
from snnhub.api.plot_networks import shown_keys, states_of
from snnhub.api.plot_sides import Asked, Potential, Sides, not_drawn
from snnhub.api.recorded import Saying, read_all
from snnhub.compare.kind import SPIKES, STATE, Rules, told_kind
from snnhub.compare.quantity import BATCH, Quantity, same_axes
from snnhub.compare.trace_row import TraceRow
from snnhub.engine.reference import prepare
from snnhub.engine.stimulus import read_stimulus
from snnhub.errors import UsageError
from snnhub.findings import Finding, info, ordered
from snnhub.ir.tensor import Array
from snnhub.plot.couple import Couple
from snnhub.plot.threshold import membrane_suffix

Aligned = list[tuple[Couple, str]]
"""Quantities lined up, each with its kind."""


def of_recordings(asked: Asked, against: Any, recorded: tuple[bool, bool]) -> Sides:
    """One recording, two, or one and a network that is run on the input."""
    if against is None:
        return _alone(asked)
    items, names, findings, rules = [], [], list[Finding](), _rules(asked)
    for item, known in zip((asked.a, against), recorded, strict=True):
        if known:
            items.append(item)
            names.append("")
            continue
        ran = _run(asked, item)
        items.append(ran.arrays)
        names.append(ran.name)
        findings += ran.findings
        rules = replace(rules, spikes=rules.spikes | (ran.spikes - rules.states), states=rules.states | ran.states)
    result = compare_recordings(
        *items,
        axes=asked.axes,
        columns=asked.columns,
        spikes=rules.spikes,
        states=rules.states,
        progress=asked.progress,
    )
    pair = result.pairs[0]
    shown = tuple(name or short for name, short in zip(names, (pair.a, pair.b), strict=True))
    dense = result.recordings[0].dense(result.recordings[1])[0]
    findings += [*result.findings, *not_drawn(shown, pair.problems), *_taken(shown[0], dense.values())]
    return _sides(shown, _lined_up(result, rules), ordered(findings))


def _rules(asked: Asked) -> Rules:
    named = frozenset(asked.quantities)
    return Rules(spikes=named) if asked.kind == SPIKES else Rules(states=named)


def _sides(names: tuple[str, ...], aligned: Aligned, findings: tuple[Finding, ...]) -> Sides:
    spikes = tuple(couple for couple, kind in aligned if kind == SPIKES)
    known = [couple for couple, kind in aligned if kind == STATE]

    def states(wanted: tuple[str, ...], sample: int) -> list[Potential]:
        found = [c for c in known if c.a_key in wanted or (not wanted and _membrane(c.a_key))]
        unknown = [key for key in wanted if key not in [couple.a_key for couple in known]]
        if unknown or not found:
            raise UsageError(
                "no state of this name" if unknown else "no membrane potential that is known by its name",
                found=", ".join(unknown),
                allowed=", ".join(couple.a_key for couple in known[:40]) or "none here",
                remedy="" if unknown else "Name the state: --quantity NAME.",
            )
        part = slice(sample, sample + 1)
        return [Potential(replace(c, a=c.a[:, part], b=None if c.b is None else c.b[:, part])) for c in found]

    return Sides(names, spikes, states, findings)


def _membrane(key: str) -> bool:
    return membrane_suffix(key.rpartition("/")[2].lower()) is not None


def _alone(asked: Asked) -> Sides:
    (item,) = read_all([asked.a], Saying(asked.axes, None, asked.columns))
    quantities, findings = item.dense(item)
    missing = [key for key in asked.quantities if key not in quantities]
    if missing:
        known = ", ".join(sorted(quantities))
        raise UsageError("the recording has no such quantity", found=", ".join(missing), allowed=known)
    aligned: Aligned = []
    samples = _samples(quantities.values())
    for quantity in quantities.values():
        left, _, kind, noticed = told_kind(quantity, quantity, (item.name, item.name), _rules(asked))
        findings += noticed
        aligned.append((Couple(left.name, _batched(left, samples)), kind))
    taken = _taken(item.name, quantities.values())
    return _sides((item.name,), aligned, ordered([*item.findings, *findings, *taken]))


@dataclass(frozen=True)
class _Ran:
    """What a network gave, as a recording: its spikes, and the states that are asked for."""

    arrays: Mapping[str, Array]
    name: str
    spikes: frozenset[str]
    states: frozenset[str]
    findings: tuple[Finding, ...]


def _run(asked: Asked, source: Any) -> _Ran:
    assert asked.stimulus is not None  # noqa: S101  take_sides has looked
    first = source is asked.a
    options = (asked.options if first else None) or ImportOptions()
    options = replace(options, given={**options.given, **(asked.given or {})})
    importer = asked.from_ if first else None
    loaded = load_graph(source, importer=importer, options=options, stimulus=asked.stimulus)
    graph, prepared = loaded.graph, read_stimulus(asked.stimulus, loaded.graph.inputs[0])
    spikes = frozenset(shown_keys(graph))
    states = frozenset(states_of(graph, asked.quantities)) if asked.kind == STATE else frozenset[str]()
    keys = dict.fromkeys((*shown_keys(graph), *sorted(states), *(item.id for item in graph.outputs)))
    recording, _ = prepare(graph, loaded.options.lookup).run(prepared.values, record=keys)
    arrays = {key: array if prepared.batched else array[:, 0] for key, array in recording.items()}
    return _Ran(arrays, loaded.source.name, spikes, states, (*graph.findings, *prepared.findings))


def _lined_up(result: Comparison, rules: Rules) -> Aligned:
    a, b = result.recordings
    left, right, pair = a.dense(b)[0], b.dense(a)[0], result.pairs[0]
    single = len(left) == len(right) == 1
    found: Aligned = []
    samples = _samples(left.values())
    for row in pair.rows:
        key = next(iter(right)) if single else row.key
        one, other, _, _ = same_axes(left[row.key], right[key], (pair.a, pair.b))
        one, other, kind, _ = told_kind(one, other, (pair.a, pair.b), rules)
        found.append((_couple(one, other, row, key, samples), kind))
    return found


def _couple(a: Quantity, b: Quantity, row: TraceRow, b_key: str, samples: int | None) -> Couple:
    """Both at the lag of the comparison. Of spikes, the steps that only one side has before the other begins are
    kept, since they count as different; of states they are left out.
    """
    left, right, lag = _batched(a, samples), _batched(b, samples), row.lag
    end = min(left.shape[0], right.shape[0] - lag)
    if row.kind == SPIKES:
        start = -max(0, lag)
        left = np.concatenate([np.zeros((-start, *left.shape[1:]), left.dtype), left[:end]])
        before = np.zeros((max(0, -lag), *right.shape[1:]), right.dtype)
        right = np.concatenate([before, right[: max(0, end + lag)]])
    else:
        start = max(0, -lag)
        left, right = left[start:end], right[start + lag : end + lag]
    related = row.relation if row.relation is not None and row.relation.other_unit else None
    scale = 1.0 if related is None else None if related.offset else related.factor
    return Couple(a.name, left, b_key, right, lag, start, scale)


def _samples(quantities: Iterable[Quantity]) -> int | None:
    """Length of the axis that somebody called batch; None where nobody did."""
    found = {item.values.shape[1] for item in quantities if BATCH in item.axes[1:2]}
    return int(found.pop()) if len(found) == 1 else None


def _like_the_batch(quantity: Quantity, samples: int | None) -> bool:
    """Names of axes are said once, for quantities with as many axes. Where others have a second axis as long as
    the batch, and more behind it, it is the batch too.
    """
    values = quantity.values
    return not quantity.said and samples is not None and values.ndim > 2 and values.shape[1] == samples


def _batched(quantity: Quantity, samples: int | None) -> Array:
    """(time, samples, the rest); one sample where no axis is the batch."""
    batch = BATCH in quantity.axes[1:2] or _like_the_batch(quantity, samples)
    return quantity.values if batch else quantity.values[:, None]


def _taken(name: str, quantities: Iterable[Quantity]) -> list[Finding]:
    """A finding on axes that were taken for the batch without being called so."""
    found = list(quantities)
    taken = [item.name for item in found if _like_the_batch(item, _samples(found))]
    words = f"second axis as long as the batch, and taken for it: {', '.join(taken[:8])}"
    return [info("SNN-5101", name, words)] if taken else []
