"""Agree: one file in continuous time under every profile, and in every framework, and who agrees with whom."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from snnhub.api.agree_explain import Explanation, explanations
from snnhub.api.agree_live import WRONG, Conformity, Protocol, conformities, protocol
from snnhub.api.agree_pairs import agrees, compared, groups_of, pair_json
from snnhub.api.agree_runs import ProfileRun, run_profile
from snnhub.api.agree_stimulus import digest_of, stimulus_by
from snnhub.api.discretise import discretise, profiles
from snnhub.api.load import Loaded, load_graph
from snnhub.api.options import ImportOptions
from snnhub.compare.traces import PairVerdict
from snnhub.engine.stimulus import read_stimulus
from snnhub.errors import UnsupportedError, UsageError
from snnhub.findings import Finding, info, note, ordered
from snnhub.hub.catalogue import find
from snnhub.hub.loader import load
from snnhub.ir.continuous import is_continuous
from snnhub.ir.graph import Graph, Input
from snnhub.ir.numtype import F32
from snnhub.ir.tensor import Array


@dataclass(frozen=True)
class Claim:
    """What every statement here is about: digests of the file's bytes, the stimulus and the protocol; and dt in
    seconds. ``formula``: of the stimulus; empty for an array that was given.
    """

    source: str
    file: str
    stimulus: str
    protocol: str
    dt: float
    steps: int
    formula: str = ""

    def to_json(self) -> dict[str, Any]:
        names = ("source", "file", "stimulus", "protocol", "dt", "steps")
        return {**{name: getattr(self, name) for name in names}, "formula": self.formula or None}


@dataclass(frozen=True)
class Agreement:
    """``groups``: profiles whose every spike is equal, the largest group first. ``pairs``: verdicts on those that
    ran, on the spikes of every neuron in one engine with exact sums, so that the order of sums plays no part.
    ``frameworks``: each beside its profile; empty where they were not run. ``explained``: pairs that differ, where
    that was asked for.
    """

    claim: Claim
    runs: tuple[ProfileRun, ...]
    pairs: tuple[PairVerdict, ...]
    groups: tuple[tuple[str, ...], ...]
    frameworks: tuple[Conformity, ...]
    findings: tuple[Finding, ...]
    report: Path | None = None
    explained: tuple[Explanation, ...] = ()

    @property
    def kept(self) -> bool:
        """Whether every framework that was run is what its profile says, refusals included."""
        return not any(item.verdict in WRONG for item in self.frameworks)

    def to_json(self) -> dict[str, Any]:
        return {
            "claim": self.claim.to_json(),
            "profiles": [run.to_json() for run in self.runs],
            "groups": [list(group) for group in self.groups],
            "pairs": [pair_json(pair) for pair in self.pairs],
            "explanations": [item.to_json() for item in self.explained],
            "frameworks": [item.to_json() for item in self.frameworks],
            "kept": self.kept,
            "report": None if self.report is None else str(self.report),
            "findings": [finding.to_json() for finding in self.findings],
        }


def agree(
    source: str | Path,
    stimulus: Array | str,
    dt: float | None = None,
    *,
    profiles: Iterable[str] = (),
    against: str | None = None,
    live: bool | None = None,
    explain: bool = False,
    report: str | Path | None = None,
    ignore_metadata: bool = False,
    input_shape: tuple[int, ...] | None = None,
) -> Agreement:
    """Run the file ``source`` under every profile and tell who agrees.

    ``stimulus``: (time, features…), or a formula such as ``uniform:seed=1,steps=200`` (``agree_stimulus``).
    ``dt`` in seconds. ``profiles``: some of them; by default all. ``against``: compare with this one only, by
    default every pair. ``live``: also run the frameworks; by default where their environment is there. ``report``:
    an HTML file with rasters. ``explain``: also find, for every pair that differs, the smallest sets of choices
    that turn one spike train into the other, by running the variants. ``ignore_metadata``: read the plain fields
    of a file in which snnhub's own metadata have a network of steps, or are stale: that is what frameworks read.
    ``input_shape``: of the input's features, where the file says another.

    A refusal, and a value that stops a run, is data. Raises ``UsageError`` for a source that is no file in
    continuous time, input that does not fit, unknown profiles; ``MissingPeerError`` for ``live`` without the
    environment, and for ``report`` without matplotlib.
    """
    if report is not None:
        from snnhub.api.agree_report import ensure_possible

        ensure_possible(Path(report))
    given = {"ignore_metadata": "true"} if ignore_metadata else {}
    loaded = load_graph(source, options=ImportOptions(given=given), continuous=True)
    path = _file(loaded)
    step = _step(loaded.graph, dt)
    names = _names(profiles, against)
    values, formula = _values(_entry(loaded.graph, step, names, input_shape), stimulus)
    told = protocol()
    claim = Claim(str(path), _digest(path), digest_of(values), told.digest, step, values.shape[0], formula)
    runs = {name: run_profile(loaded.graph, name, step, values) for name in names}
    pairs = _pairs(runs, against)
    frameworks, findings = _frameworks(told, live, loaded, path, values, step, runs)
    apart = [(pair.a, pair.b) for pair in pairs if explain and not pair.silent and not agrees(pair)]
    explained = explanations(apart, runs, values)
    findings += [item for verdict in frameworks for item in verdict.findings()]
    findings += [item for cause in explained for item in cause.findings()]
    all_findings = (*_remarks(claim, runs, frameworks), *findings)
    ran, page = tuple(runs.values()), None if report is None else Path(report)
    result = Agreement(
        claim, ran, pairs, groups_of(ran), tuple(frameworks), ordered(all_findings), page, explained
    )
    if report is not None:
        from snnhub.api.agree_report import write_report

        write_report(result, Path(report))
    return result


def _file(loaded: Loaded) -> Path:
    path, name = loaded.source.value, loaded.source.name
    if not isinstance(path, Path) or not path.is_file():
        raise UsageError("agreement is about a file", where=name, remedy="Save the network as .nir first.")
    if not is_continuous(loaded.graph):
        raise UsageError(
            "the network has steps already: there is one way to run it",
            where=name,
            allowed="a network in continuous time, such as a .nir file",
            remedy="snnhub verify compares networks that have steps; --ignore-metadata reads the plain fields of "
            "a NIR file that snnhub wrote.",
        )
    return path


def _step(graph: Graph, dt: float | None) -> float:
    step = graph.dt if dt is None else dt
    if step is None or not 0 < step < float("inf"):
        raise UsageError(
            "profiles need the length of a step",
            found="none" if step is None else f"{step:g}",
            allowed="seconds above 0",
            remedy="Pass --dt SECONDS",
        )
    return step


def _entry(graph: Graph, dt: float, names: Iterable[str], shape: tuple[int, ...] | None) -> Input:
    """Where the stimulus goes: the file's Input, or else that of the first profile that finds one; or of the shape
    that was asked for.
    """
    if shape is not None:
        return Input("input", shape, F32)
    if graph.inputs:
        return graph.inputs[0]
    for name in names:
        with contextlib.suppress(UnsupportedError):
            return discretise(graph, dt, name).inputs[0]
    raise UsageError("the file has no Input, and no profile finds one", where=graph.name)


def _values(entry: Input, stimulus: Array | str) -> tuple[Array, str]:
    """The stimulus (time, features…) in f32 and its formula. One sample: the protocol has a batch of 1."""
    if isinstance(stimulus, str):
        return stimulus_by(stimulus, tuple(entry.shape))
    prepared = read_stimulus(np.asarray(stimulus), entry)
    if prepared.values.shape[1] != 1:
        raise UsageError(
            "one sample at a time: the protocol calls every framework with a batch of 1",
            found=f"{prepared.values.shape[1]} samples",
            allowed="(time, features…) or (time, 1, features…)",
        )
    return prepared.values[:, 0].astype(np.float32), ""


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _names(wanted: Iterable[str], against: str | None) -> list[str]:
    table = load().profiles
    names = [find(table, name, "profile").name for name in dict.fromkeys(wanted)]
    names = names or [item.name for item in profiles()]
    if against is not None and find(table, against, "profile").name not in names:
        names.insert(0, against)
    return names


def _pairs(runs: dict[str, ProfileRun], against: str | None) -> tuple[PairVerdict, ...]:
    ran = [run for run in runs.values() if not run.refused]
    if against is None:
        return tuple(compared(a, b) for a, b in combinations(ran, 2))
    return tuple(compared(runs[against], run) for run in ran if against not in (run.profile, *_refusing(runs)))


def _refusing(runs: dict[str, ProfileRun]) -> list[str]:
    return [name for name, run in runs.items() if run.refused]


def _frameworks(
    told: Protocol,
    live: bool | None,
    loaded: Loaded,
    path: Path,
    values: Array,
    dt: float,
    runs: dict[str, ProfileRun],
) -> tuple[list[Conformity], list[Finding]]:
    nir = loaded.source.importer.name == "nir"
    if live and not nir:
        raise UsageError("frameworks read NIR files", where=str(path), found=loaded.source.importer.name)
    if live is False or not nir:
        return [], []
    if not live and not told.ready:
        name = told.environment.name
        words = f"the frameworks were not run: environment {name} is not there"
        return [], [info("SNN-5426", name, words, remedy=f"Run: snnhub env create {name}")]
    return conformities(told, path, values, dt, runs)


def _remarks(claim: Claim, runs: dict[str, ProfileRun], frameworks: list[Conformity]) -> list[Finding]:
    words = f"file {claim.file}, stimulus {claim.stimulus}, protocol {claim.protocol}"
    found = [info("SNN-5420", claim.source, words, new=claim.formula)]
    found += [
        note("SNN-5424", run.profile, "nothing fired, so that nothing is shown, and nothing is called equal")
        for run in runs.values()
        if not run.refused and run.silent
    ]
    engines = {item.engine for item in frameworks if item.engine}
    found += [info("SNN-5427", "frameworks", f"profiles ran beside them in: {item}") for item in sorted(engines)]
    return found
