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
from snnhub.api.options import ImportOptions
from snnhub.errors import MissingPeerError, SnnhubError
from snnhub.findings import Finding
from snnhub.hub.catalogue import find
from snnhub.hub.loader import load
from snnhub.hub.objects import Registered
from snnhub.ir.digest import network_digest
from snnhub.ir.graph import Graph

from snnhub_conformance.case import Case
from snnhub_conformance.execute import unlike
from snnhub_conformance.outcome import Outcome, Status

Progress = Callable[[int, int], None]
TABLES = {"importer": "importers", "exporter": "exporters", "target": "targets"}


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
            return self._plain(
                case, Status.FAIL, level, f"accepted, and must be refused ({expect.code or expect.error})"
            )
        missing = sorted(set(expect.findings) - {finding.code for finding in findings})
        if missing:
            return self._plain(case, Status.FAIL, level, f"findings not reported: {', '.join(missing)}")
        if expect.digest and (graph is None or network_digest(graph) != expect.digest):
            return self._plain(case, Status.FAIL, level, "the network is not the one that the case expects")
        return self._plain(case, Status.PASS, level, "")

    def _answer(self, case: Case) -> tuple[tuple[Finding, ...], Graph | None]:
        """Findings, and the network that came out."""
        given = {name: value for name, value in case.options.items() if name not in TABLES}
        if self.kind == "importer":
            (file,) = case.subject.values()
            graph = load_graph(case.path(file), importer=self.item.name, options=ImportOptions(given=given)).graph
            return graph.findings, graph
        source = case.path(case.subject["snn"])
        if self.kind == "target" and given.pop("do", "") == "check":
            result = check(source, targets=[self.item.name])
            return (*result.findings, *(finding for report in result.targets for finding in report.findings)), None
        with tempfile.TemporaryDirectory() as folder:
            return self._converted(source, given, Path(folder))

    def _converted(self, source: Path, given: dict[str, str], folder: Path) -> tuple[tuple[Finding, ...], Graph]:
        """Lowered, or written and read back; twice, since the same network must give the same bytes."""
        suffix = ".snn" if self.kind == "target" else getattr(self.item, "formats", (".snn",))[0]
        paths = [folder / f"{number}{suffix}" for number in range(2)]
        for path in paths:
            result = convert(source, path, to=self.item.name, lowering=given)
        if paths[0].read_bytes() != paths[1].read_bytes():
            raise SnnhubError("the same network gave different bytes")
        return tuple(result.findings), load_graph(paths[0]).graph

    def _plain(self, case: Case, status: Status, level: str, detail: str) -> Outcome:
        return Outcome(case.id, case.family, status, level, "", detail, None, case.flags)
