"""The contracts of importers and exporters, for samna's own JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from snnhub.ir.graph import Graph
from snnhub_conformance.contracts import ExporterContract, ImporterContract
from snnhub_xylo.document import graph_of
from snnhub_xylo.samna.cereal import write

from tests.unit.test_samna_loader import everything
from tests.unit.test_xylo_targets import made


class TestSamnaImporter(ImporterContract):
    """Read without samna."""

    importer = "samna-a2"
    mutations: ClassVar[int] = 150

    def sources(self, folder: Path) -> Sequence[Any]:
        """A network with all that Xylo Audio 2 has, and a plain one."""
        paths = []
        for name, core in (("all", everything("xylo-a2")), ("plain", made())):
            (folder / f"{name}.json").write_bytes(write(core))
            paths.append(folder / f"{name}.json")
        return paths


class TestSamnaExporter(ExporterContract):
    """Written without samna."""

    exporter = "samna-a2"

    def graphs(self) -> Sequence[Graph]:
        return [graph_of(everything("xylo-a2")), graph_of(made())]
