"""Importers, exporters and targets under test: files that must be read or refused, graphs that must come back."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from snnhub.api.check import check
from snnhub.api.convert import convert
from snnhub.api.load import load_graph
from snnhub.api.lower import ensure_known_programs, lower
from snnhub.api.options import ImportOptions
from snnhub.errors import MissingPeerError, RunError, SnnhubError, UnsupportedError
from snnhub.findings import Finding, Severity, of_severity
from snnhub.hub.catalogue import find
from snnhub.hub.loader import load
from snnhub.hub.objects import Exporter, Registered, Target, resolve
from snnhub.ir.digest import network_digest
from snnhub.ir.graph import Graph

from snnhub_conformance.case import Case
from snnhub_conformance.execute import unlike, unreported
from snnhub_conformance.outcome import Outcome, Status

Progress = Callable[[int, int], None]
TABLES = {"importer": "importers", "exporter": "exporters", "target": "targets"}
SHAPE, DO, CALIBRATION, FACTORY = "input_shape", "do", "calibration", "network"
"""Options of a case for the suite itself, an input that is no stimulus, the factory in a source file."""
PROFILE, STEP = "profile", "dt"
"""Options of a case about a network in continuous time: what makes it steps, and how long these are in seconds."""


@dataclass(frozen=True)
class Artefacts:
    """A registered importer, exporter or target (``kind``)."""

    kind: str
    item: Registered

    @classmethod
    def named(cls, kind: str, name: str) -> Artefacts:
        """Raises ``UsageError`` for a name that nobody registered."""
        return cls(kind, find(getattr(load(), TABLES[kind]), name, kind))

    def run_cases(self, cases: Iterable[Case], level: str, progress: Progress | None = None) -> list[Outcome]:
        """An outcome per case that is about this subject (its name is in the case's options)."""
        own = [case for case in cases if case.options.get(self.kind) == self.item.name]
        available = self.item.availability()
        outcomes = []
        for done, case in enumerate(own):
            start = time.perf_counter()
            if available.ok:
                outcome = self.run(case, level)
            else:
                outcome = self._plain(case, Status.UNAVAILABLE, level, f"{available.reason}. {available.hint}")
            outcomes.append(replace(outcome, seconds=time.perf_counter() - start))
            if progress is not None:
                progress(done + 1, len(own))
        return outcomes

    def run(self, case: Case, level: str) -> Outcome:
        """One case. Never raises for what the subject does."""
        try:
            findings, graph = self._answer(case)
        except MissingPeerError as problem:
            return self._plain(case, Status.UNAVAILABLE, level, str(problem))
        except SnnhubError as problem:
            if case.expect.result == "valid":
                return self._plain(case, Status.FAIL, level, f"refused, and must be accepted: {problem}")
            wrong = unlike(case, problem)
            return self._plain(
                case, Status.FAIL if wrong else Status.PASS, level, wrong or "refused as it must be"
            )
        except Exception as problem:  # noqa: BLE001  whatever goes wrong in the subject is its outcome
            return self._plain(case, Status.ERROR, level, f"{type(problem).__name__}: {problem}")
        return self._accepted(case, findings, graph, level)

    def _accepted(self, case: Case, findings: tuple[Finding, ...], graph: Graph | None, level: str) -> Outcome:
        expect = case.expect
        if expect.result == "invalid":
            wanted = expect.code or expect.error
            return self._plain(case, Status.FAIL, level, f"accepted, and must be refused ({wanted})")
        if missing := unreported(expect.findings, findings):
            return self._plain(case, Status.FAIL, level, f"findings not reported: {', '.join(missing)}")
        if expect.digest and (graph is None or network_digest(graph) != expect.digest):
            return self._plain(case, Status.FAIL, level, "the network is not the one that the case expects")
        return self._plain(case, Status.PASS, level, "")

    def _answer(self, case: Case) -> tuple[tuple[Finding, ...], Graph | None]:
        """Findings, and the network that came out."""
        given = {
            name: value for name, value in case.options.items() if name not in (*TABLES, SHAPE, DO, PROFILE, STEP)
        }
        if self.kind == "importer":
            graph = self._imported(case, given)
            return graph.findings, graph
        source = case.path(case.subject["snn"])
        if self.kind == "target" and case.options.get(DO) == "check":
            return self._checked(source), None
        if self.kind == "target":
            return self._lowered(case, source, given)
        with tempfile.TemporaryDirectory() as folder:
            return self._written(source, given, Path(folder))

    def _imported(self, case: Case, given: dict[str, str]) -> Graph:
        """``input_shape``, ``profile`` and ``dt`` among the options of a case are no options of the importer."""
        (file,) = case.subject.values()
        text = case.options.get(SHAPE, "")
        shape = tuple(int(size) for size in text.split(",")) if text else None
        place = case.path(file)
        source = f"{place}:{FACTORY}" if "factory" in case.subject else place
        dt = float(case.options[STEP]) if STEP in case.options else None
        options = ImportOptions(input_shape=shape, given=given, profile=case.options.get(PROFILE, ""), dt=dt)
        return load_graph(source, importer=self.item.name, options=options, continuous=True).graph

    def _checked(self, source: Path) -> tuple[Finding, ...]:
        """Raises ``UnsupportedError`` with everything that does not fit."""
        result = check(source, targets=[self.item.name])
        found = (*result.findings, *(finding for report in result.targets for finding in report.findings))
        if not result.passed:
            raise UnsupportedError("does not fit", where=self.item.name, findings=found)
        return found

    def _lowered(self, case: Case, source: Path, given: dict[str, str]) -> tuple[tuple[Finding, ...], Graph]:
        """The lowering of a target alone, without an exporter; twice, since it must not depend on luck."""
        target = self.item
        if not isinstance(target, Target):
            raise TypeError(f"{target.name} is no target")
        calibration = case.array(case.inputs[CALIBRATION]) if CALIBRATION in case.inputs else None
        graph = load_graph(source).graph
        ensure_known_programs(graph)
        found, again = (lower(graph, resolve(target.lowering)(), calibration, None, given)[0] for _ in range(2))
        if found != again:
            raise RunError("the same network was lowered in two ways")
        return found.findings, found

    def _written(self, source: Path, given: dict[str, str], folder: Path) -> tuple[tuple[Finding, ...], Graph]:
        """Written and read back; twice, since the same network must give the same bytes."""
        exporter = self.item
        if not isinstance(exporter, Exporter):
            raise TypeError(f"{exporter.name} is no exporter")
        paths = [folder / f"{number}{exporter.formats[0]}" for number in range(2)]
        for path in paths:
            result = convert(source, path, to=exporter.name, lowering=given)
        if paths[0].read_bytes() != paths[1].read_bytes():
            raise RunError("the same network gave different bytes")
        found = load_graph(paths[0]).graph
        losses = of_severity(result.findings, Severity.LOSS)
        if not losses and found.network() != result.graph.network():
            raise RunError("the file does not hold the network that was written")
        return tuple(result.findings), found

    def _plain(self, case: Case, status: Status, level: str, detail: str) -> Outcome:
        return Outcome(case.id, case.family, status, level, "", detail, None, case.flags)
