"""Runs cases for runners: sends what the subject declares to take, and some of what it does not."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterable
from dataclasses import replace

from snnhub.compare.align import spike_keys
from snnhub.errors import MissingPeerError, SnnhubError, UnsupportedError
from snnhub.findings import Finding
from snnhub.ir.graph import Graph
from snnhub_formats import container

from snnhub_conformance.alone import fails_alone
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
    if case.expect.result == "invalid":
        return _must_refuse(subject, case, level)
    graph = container.load(case.path(case.subject["snn"]))
    missing = subject.lacks(case, graph)
    if missing and not is_probe(case):
        return _plain(case, Status.UNSUPPORTED, level, missing)
    spikes = spike_keys(graph)
    keys = keys_at(case, level, spikes)
    try:
        found = subject.run(case, graph, keys)
        if missing:
            return _plain(case, Status.FAIL, level, f"answered a case that it declares not to take: {missing}")
        return _tried_alone(subject, case, graph, judge(case, found, keys, level, spikes))
    except MissingPeerError as problem:
        return _plain(case, Status.UNAVAILABLE, level, str(problem))
    except SnnhubError as problem:
        return _refused(case, problem, missing, level)
    except Exception as problem:  # noqa: BLE001  whatever goes wrong in the subject is its outcome
        return _plain(case, Status.ERROR, level, f"{type(problem).__name__}: {problem}")


def _tried_alone(subject: Subject, case: Case, graph: Graph, outcome: Outcome) -> Outcome:
    if outcome.first is None:
        return outcome
    first = replace(outcome.first, alone=fails_alone(subject, case, graph, outcome.first))
    return replace(outcome, first=first, detail=str(first))


def _must_refuse(subject: Subject, case: Case, level: str) -> Outcome:
    """The subject gets the files themselves, since reading them is where it may refuse."""
    if reason := subject.cannot_take(case):
        return _plain(case, Status.UNSUPPORTED, level, reason)
    try:
        subject.attempt(case)
    except MissingPeerError as problem:
        return _plain(case, Status.UNAVAILABLE, level, str(problem))
    except SnnhubError as problem:
        if isinstance(problem, UnsupportedError):
            return _plain(case, Status.UNSUPPORTED, level, str(problem))
        wrong = unlike(case, problem) if subject.reports else ""
        return _plain(case, Status.FAIL if wrong else Status.PASS, level, wrong or "refused as it must be")
    except Exception as problem:  # noqa: BLE001  whatever goes wrong in the subject is its outcome
        return _plain(case, Status.ERROR, level, f"{type(problem).__name__}: {problem}")
    wanted = case.expect.code or case.expect.error
    return _plain(case, Status.FAIL, level, f"answered, and must refuse ({wanted})")


def _refused(case: Case, problem: SnnhubError, missing: str, level: str) -> Outcome:
    if missing or isinstance(problem, UnsupportedError):
        return _plain(case, Status.UNSUPPORTED, level, str(problem))
    return _plain(case, Status.ERROR, level, str(problem))


def unlike(case: Case, problem: SnnhubError) -> str:
    """How a refusal differs from the one that the case expects; empty if it does not."""
    expect = case.expect
    kinds = [kind.__name__ for kind in type(problem).__mro__]
    if expect.error and expect.error not in kinds:
        return f"refused with {type(problem).__name__}, not {expect.error}: {problem}"
    wanted = [f"{expect.code} {expect.place}".strip()] if expect.code else []
    if missing := unreported((*wanted, *expect.findings), problem.findings):
        found = ", ".join(f"{finding.code} {finding.place}" for finding in problem.findings)
        return f"refused without {', '.join(missing)}: {found or problem}"
    return ""


def unreported(wanted: Iterable[str], findings: Iterable[Finding]) -> list[str]:
    """Of ``wanted``, each a code or a code with a place behind a space, those that no finding has."""
    found = list(findings)
    known = {finding.code for finding in found} | {f"{finding.code} {finding.place}" for finding in found}
    return [item for item in wanted if item not in known]


def _plain(case: Case, status: Status, level: str, detail: str) -> Outcome:
    return Outcome(case.id, case.family, status, level, "", detail, None, case.flags)
