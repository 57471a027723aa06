"""The contracts that every plugin owes: inherited whole, one attribute each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from networks import FILE, adaptive
from snnhub.ir.graph import Graph
from snnhub_conformance.contracts import ExporterContract, ImporterContract, RunnerContract


class TestImporter(ImporterContract):
    importer = "example"

    def sources(self, folder: Path) -> Sequence[Any]:
        (folder / "sample.json").write_text(FILE)
        return [*super().sources(folder), folder / "sample.json"]

    def sample(self) -> Graph:
        return adaptive()


class TestExporter(ExporterContract):
    exporter = "example"

    def graphs(self) -> Sequence[Graph]:
        return [adaptive("value"), adaptive("subtract")]


class TestRunner(RunnerContract):
    runner = "example"

    def sample(self) -> Graph:
        return adaptive()
