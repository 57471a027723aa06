"""Runs cases for runners: sends what the subject declares to take, and some of what it does not."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterable
from dataclasses import replace

from snnhub.compare.align import spike_keys
from snnhub.errors import MissingPeerError, SnnhubError, UnsupportedError
from snnhub.ir.graph import Graph
from snnhub_formats import container

from snnhub_conformance.case import Case
from snnhub_conformance.judge import judge, keys_at
from snnhub_conformance.outcome import Outcome, Status
from snnhub_conformance.subjects import Subject

Progress = Callable[[int, int], None]
PROBES = 20
"""One in so many cases beyond the declared capabilities is sent anyway, and must be refused."""


def run_cases(
    subject: Subject, cases: Iterable[Case], level: str = "R4", progress: Progress | None = None
) -> list[Outcome]:
    """An outcome per case for runners, in order."""
    chosen = [case for case in cases if case.kind == "runner"]
    available = subject.availability()
    outcomes = []
    for done, case in enumerate(chosen):
        if available.ok:
            outcomes.append(run_case(subject, case, level))
        else:
            outcomes.append(_plain(case, Status.UNAVAILABLE, level, f"{available.reason}. {available.hint}"))
        if progress is not None:
            progress(done + 1, len(chosen))
    return outcomes


def run_case(subject: Subject, case: Case, level: str = "R4") -> Outcome:
    """One case. Never raises for what the subject does."""
    start = time.perf_counter()
    outcome = _run(subject, case, level)
    return replace(outcome, seconds=time.perf_counter() - start)


def is_probe(case: Case) -> bool:
    """Whether a case is sent even where the subject says that it cannot take it."""
    return zlib.crc32(case.id.encode()) % PROBES == 0


def _run(subject: Subject, case: Case, level: str) -> Outcome:
    graph = container.load(case.path(case.subject["snn"]))
    missing = subject.lacks(case, graph)
    if missing and not is_probe(case):
        return _plain(case, Status.UNSUPPORTED, level, missing)
    spikes = spike_keys(graph)
    keys = keys_at(case, level, spikes)
    try:
        found = subject.run(case, graph, keys)
        if case.expect.result == "invalid":
            wanted = case.expect.code or case.expect.error
            return _plain(case, Status.FAIL, level, f"answered, and must refuse ({wanted})")
        if missing:
            return _plain(case, Status.FAIL, level, f"answered a case that it declares not to take: {missing}")
        return judge(case, found, keys, level, spikes)
    except MissingPeerError as problem:
        return _plain(case, Status.UNAVAILABLE, level, str(problem))
    except SnnhubError as problem:
        return _refused(case, graph, problem, missing, level)
    except Exception as problem:  # noqa: BLE001  whatever goes wrong in the subject is its outcome
        return _plain(case, Status.ERROR, level, f"{type(problem).__name__}: {problem}")


def _refused(case: Case, graph: Graph, problem: SnnhubError, missing: str, level: str) -> Outcome:
    if case.expect.result == "invalid":
        if wrong := unlike(case, problem):
            return _plain(case, Status.FAIL, level, wrong)
        return _plain(case, Status.PASS, level, "refused as it must be")
    if missing or isinstance(problem, UnsupportedError):
        return _plain(case, Status.UNSUPPORTED, level, str(problem))
    return _plain(case, Status.ERROR, level, str(problem))


def unlike(case: Case, problem: SnnhubError) -> str:
    """How a refusal differs from the one that the case expects; empty if it does not."""
    expect = case.expect
    kinds = [kind.__name__ for kind in type(problem).__mro__]
    if expect.error and expect.error not in kinds:
        return f"refused with {type(problem).__name__}, not {expect.error}: {problem}"
    if not expect.code:
        return ""
    codes = {finding.code for finding in problem.findings}
    places = {finding.place for finding in problem.findings if finding.code == expect.code}
    if expect.code not in codes:
        return f"refused without {expect.code}: {', '.join(sorted(codes)) or problem}"
    if expect.place and expect.place not in places:
        return f"{expect.code} at {', '.join(sorted(places))}, not at {expect.place}"
    return ""


def _plain(case: Case, status: Status, level: str, detail: str) -> Outcome:
    return Outcome(case.id, case.family, status, level, "", detail, None, case.flags)
