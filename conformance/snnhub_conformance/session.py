"""One run of the suite on one subject, from its name to its report."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping

from snnhub.errors import UsageError
from snnhub.hub.catalogue import register_ops

from snnhub_conformance import suite as suites
from snnhub_conformance.artefacts import Artefacts
from snnhub_conformance.execute import run_cases
from snnhub_conformance.expected import excuse, expected_failures
from snnhub_conformance.frameworks import Frameworks, FrameworkSubject
from snnhub_conformance.packing import Packed
from snnhub_conformance.report import Report, make
from snnhub_conformance.subjects import HubRunner, Subject, WorkerRunner, machine
from snnhub_conformance.suite import Suite

Progress = Callable[[int, int], None]
RUNNER_LEVELS, FILE_LEVELS = ("R1", "R2", "R3", "R4"), ("F0", "F1")
KINDS = {"importer": ("reader", "importer"), "exporter": ("writer",), "target": ("target",)}
"""Which cases are put before what is no runner."""


def measure(
    kind: str,
    name: str,
    *,
    level: str | None = None,
    ids: Iterable[str] = (),
    families: Iterable[str] = (),
    options: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Run the cases for a ``runner``, ``importer``, ``exporter``, ``target``, ``worker`` (its command), or
    ``framework`` that reads NIR files, which is asked the family of its profile.

    Raises ``UsageError`` for names that do not exist and a level that the kind does not have.
    """
    register_ops()
    runs = kind in ("runner", "worker")
    allowed = ("R3",) if kind == "framework" else RUNNER_LEVELS if runs else FILE_LEVELS
    level = level or allowed[-1]
    if level not in allowed:
        raise UsageError(f"a {kind} has no such level", found=level, allowed=", ".join(allowed))
    suite = suites.load().select(ids=ids, families=families)
    if kind == "worker":
        with WorkerRunner(shlex.split(name)) as worker:
            outcomes = run_cases(worker, suite.cases, level, progress)
            return make(suite, name, kind, level, worker.environment(), outcomes)
    if kind == "framework":
        with Frameworks() as live:
            asked = FrameworkSubject.named(name, live)
            outcomes = asked.run_cases(suite.cases, progress)
            return make(suite, name, kind, level, asked.environment(), outcomes)
    if kind == "runner":
        subject = HubRunner.named(name, options or {})
        cases = [case for case in suite.cases if case.level[0] == "R"]
        tested: Subject = Packed(subject, cases) if subject.runner.packs else subject
        outcomes = run_cases(tested, cases, level, progress)
        found = excuse(outcomes, expected_failures(subject.runner), suite)
        return make(suite, name, kind, level, subject.environment(), found)
    return _artefacts(suite, kind, name, level, progress)


def _artefacts(suite: Suite, kind: str, name: str, level: str, progress: Progress | None) -> Report:
    subject = Artefacts.named(kind, name)
    wanted = [case for case in suite.cases if case.kind in KINDS[kind] and (level == "F1" or case.level == "F0")]
    outcomes = subject.run_cases(wanted, level, progress)
    found = excuse(outcomes, expected_failures(subject.item), suite)
    return make(suite, name, kind, level, machine(), found)
