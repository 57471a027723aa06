"""The choice of a profile, told to somebody who has not made it: what each is, and who agrees on an input."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

import numpy as np

from snnhub.api.agree_pairs import compared, groups_of, pair_json
from snnhub.api.agree_runs import ProfileRun, run_profile
from snnhub.api.discretise import discretise, profiles
from snnhub.compare.traces import PairVerdict
from snnhub.engine.stimulus import read_stimulus
from snnhub.errors import RunError, SnnhubError, UnsupportedError, UsageError
from snnhub.findings import Finding, note
from snnhub.hub.objects import Profile
from snnhub.ir.analysis import analyse
from snnhub.ir.graph import Graph, Port
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY

CODE = "SNN-5429"
MAX_STEPS, LEAST_STEPS = 1000, 10
MAX_SECONDS = 15.0
"""No profile is started later than this: the list comes with an error, and an error has to come soon."""
MAX_WORK, NEURON = 1_000_000_000, 30
"""Products of a run of one profile, and what one neuron counts for: about a second (measured, one core)."""
MAX_VALUES = 8_000_000
"""Spikes and silences that are kept of one run."""
VALUES = "values, no spikes"


class ProfileNeededError(UsageError):
    """A network in continuous time came without a profile. ``choices``: what ``--json`` prints of them."""

    choices: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        return f"{self.where}: {self.message}:{self.allowed}\n{self.remedy}"

    def to_json(self) -> dict[str, Any]:
        return {**super().to_json(), "choices": self.choices}


@dataclass(frozen=True)
class Trial:
    """What the profiles make of one input: ``runs`` by name, of ``steps`` of its ``given`` steps, with ``dt`` in
    seconds. ``pairs``: each beside the first of the largest group. ``left_out``: why the others did not run.
    """

    dt: float
    steps: int
    given: int
    runs: Mapping[str, ProfileRun]
    groups: tuple[tuple[str, ...], ...]
    pairs: Mapping[str, PairVerdict]
    left_out: Mapping[str, str]
    findings: tuple[Finding, ...]


def profile_needed(graph: Graph, where: str, dt: float | None = None, stimulus: Array | None = None) -> UsageError:
    """The error where ``graph``, in continuous time, comes without a profile: the list, one line each.

    With ``stimulus`` (time, batch, features…) or (time, features…) and ``dt`` in seconds the profiles are run on
    its first sample, and the list says who agrees. Bounded in steps and time; what was left out is a finding.
    """
    items = profiles()
    trial, why = _tried(graph, dt, stimulus)
    lines = _plain(items) if trial is None else _grouped(trial, items)
    made = ProfileNeededError(
        "the network is in continuous time; what a step computes is left open: pass --profile and --dt",
        where=where,
        allowed="".join(f"\n  {line}" for line in lines) or "no profile is installed",
        remedy=f"Choose one of them.{why}",
        findings=() if trial is None else trial.findings,
    )
    made.choices = _json(trial, items)
    return made


def _tried(graph: Graph, dt: float | None, stimulus: Array | None) -> tuple[Trial | None, str]:
    """The trial, or why there is none: a sentence for the end of the message."""
    if stimulus is None:
        return None, " With --input X.npy and --dt SECONDS this list says which of them agree on that input."
    if dt is None:
        return None, " With --dt SECONDS this list says which of them agree on this input."
    if not (math.isfinite(dt) and dt > 0):
        return None, f" They were not run on this input: dt must be a positive number of seconds (found {dt:g})."
    try:
        values = read_stimulus(stimulus, graph.inputs[0]).values
        return _trial(graph, dt, values), ""
    except SnnhubError as problem:
        return None, f" They were not run on this input: {problem}"


def _trial(graph: Graph, dt: float, values: Array) -> Trial:
    """``values``: (time, samples, features…)."""
    given, samples = values.shape[:2]
    steps, heavy = _affordable(graph, dt, given)
    findings = []
    if heavy:
        findings.append(note(CODE, "profiles", heavy, remedy="snnhub agree runs them, however long it takes."))
    elif steps < given or samples > 1:
        words = f"the profiles were run on {steps} of {given} steps of the first of {samples} samples"
        findings.append(note(CODE, "profiles", words, remedy="snnhub agree runs them on a whole sample."))
    start = monotonic()
    runs: dict[str, ProfileRun] = {}
    left_out: dict[str, str] = {}
    for item in profiles():
        if heavy or monotonic() - start > MAX_SECONDS:
            left_out[item.name] = heavy or f"not run: {MAX_SECONDS:g} s were over"
        else:
            runs[item.name] = run_profile(graph, item.name, dt, values[:steps, 0].astype(np.float32), robust=False)
    if left_out and not heavy:
        words = f"{', '.join(left_out)} were not run, since the others took {MAX_SECONDS:g} s"
        findings.append(note(CODE, "profiles", words, remedy="snnhub agree runs them, however long it takes."))
    groups = groups_of(runs.values())
    first = runs[groups[0][0]] if groups else None
    others = [name for group in groups[1:] for name in group]
    pairs = {} if first is None else {name: compared(first, runs[name]) for name in others}
    return Trial(dt, steps, given, runs, groups, pairs, left_out, tuple(findings))


def _affordable(graph: Graph, dt: float, given: int) -> tuple[int, str]:
    """How many steps may be run, and why none may be: the words, or nothing."""
    work = values = 0
    for item in profiles():
        try:
            work, values = _work(discretise(graph, dt, item.name))
            break
        except (UnsupportedError, RunError):
            continue
    few = min(given, LEAST_STEPS)
    steps = min(given, MAX_STEPS, MAX_WORK // max(1, work), MAX_VALUES // max(1, values))
    if steps < few:
        return 0, f"the network is too large to be run for a list: {work:,} products in each step"
    return steps, ""


def _work(graph: Graph) -> tuple[int, int]:
    """Products of one step, and values of one step that are kept."""
    shapes = analyse(graph, REGISTRY).shapes
    work = values = 0
    for node in graph.nodes:
        sizes = [math.prod(shape) for port, shape in shapes.items() if port.node == node.id]
        weight = node.param.get("weight")
        if weight is None or weight.array.ndim < 2:
            work += NEURON * max(sizes, default=0)
            values += max(sizes, default=0) if node.program is not None else 0
        else:
            made = math.prod(shapes.get(Port(node.id, "y"), (0,)))
            work += made * (weight.array.size // max(1, weight.array.shape[0]))
    return work, values


def _plain(items: Sequence[Profile]) -> list[str]:
    return [f"{item.name:16} {item.summary}" for item in items]


def _grouped(trial: Trial, items: Sequence[Profile]) -> list[str]:
    """The list in groups: equal ones first, then the others beside them, the silent ones, and the refusals."""
    words = {item.name: f"  {item.name:16} {item.summary}" for item in items}
    lines: list[str] = []
    head = f"on {trial.steps} steps of {trial.dt:g} s"
    for index, group in enumerate(trial.groups):
        told = _spikes(trial.runs[group[0]])
        same = "every value equal" if told == VALUES else f"every spike equal, {told}"
        beside = _beside(trial.pairs[group[0]]) if index else head
        lines += [f"{same if len(group) > 1 else told}, {beside}:", *(words[name] for name in group)]
    silent = [name for name, run in trial.runs.items() if not run.refused and run.silent]
    if silent:
        lines += [
            "silent, so that nothing is shown and nothing is called equal:",
            *(words[name] for name in silent),
        ]
    refused = {name: run.refused for name, run in trial.runs.items() if run.refused}
    if refused:
        lines.append("refused, or stopped:")
    for name, reasons in refused.items():
        more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
        lines += [words[name], f"  {'':16} {reasons[0][0]}: {reasons[0][1]}{more}"]
    if trial.left_out:
        lines += ["not run:", *(words[name] for name in trial.left_out)]
    return lines


def _spikes(run: ProfileRun) -> str:
    if not any(item.said and item.name != "output" for item in run.trains) and not run.spiking:
        return VALUES
    return f"{run.spikes} spike{'' if run.spikes == 1 else 's'}"


def _beside(pair: PairVerdict) -> str:
    """A pair in words: the largest group is its first side."""
    told = pair_json(pair)
    parts = [f"beside {pair.a}"]
    if told["reached"] == "spikes+lag":
        parts.append(f"the same spikes {abs(pair.lag)} steps {'later' if pair.lag > 0 else 'earlier'}")
    if pair.worst_overlap is not None:
        near = pair.worst_overlap < 1 and f"{pair.worst_overlap:.3f}" == "1.000"
        parts.append("overlap above 0.999" if near else f"overlap {pair.worst_overlap:.3f}")
    if pair.first is not None:
        where = ", ".join(str(index) for index in pair.first.index)
        parts.append(f"first apart in step {pair.first.step}, {pair.first.key}[{where}]")
    return ", ".join([*parts, *pair.problems])


def _json(trial: Trial | None, items: Sequence[Profile]) -> dict[str, Any]:
    """What ``--json`` has of the list. ``trial`` is null where nothing was run."""
    told: dict[str, Any] = {"profiles": [{"profile": item.name, "summary": item.summary} for item in items]}
    if trial is None:
        return {**told, "trial": None}
    for entry in told["profiles"]:
        run = trial.runs.get(entry["profile"])
        refused = run is not None and bool(run.refused)
        state = "left out" if run is None else "refused" if refused else "silent" if run.silent else "ran"
        pair = trial.pairs.get(entry["profile"])
        entry |= {
            "state": state,
            "spikes": None if run is None or refused else run.spikes,
            "refused": [{"place": p, "reason": r} for p, r in run.refused]
            if run is not None and refused
            else None,
            "left_out": trial.left_out.get(entry["profile"]),
            "beside": None if pair is None else pair_json(pair),
        }
    groups = [list(group) for group in trial.groups]
    reference = groups[0][0] if groups else None
    return {
        **told,
        "trial": {
            "dt": trial.dt,
            "steps": trial.steps,
            "of_steps": trial.given,
            "groups": groups,
            "beside": reference,
        },
    }
