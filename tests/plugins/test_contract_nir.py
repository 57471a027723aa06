"""The contracts of importers and exporters, for NIR."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from snnhub.api.options import ImportOptions
from snnhub.ir.graph import Graph
from snnhub_conformance.contracts import ExporterContract, ImporterContract
from snnhub_nir.reader import import_nir

from tests.networks.nir_files import write_nir
from tests.unit.test_nir import braille, scnn, subgraph


class TestNirImporter(ImporterContract):
    """Read without NIR's package."""

    importer = "nir"
    mutations: ClassVar[int] = 30

    def sources(self, folder: Path) -> Sequence[Any]:
        """A loop with names of dots, and a graph within a graph."""
        return [
            write_nir(folder / "loop.nir", braille(), "0.2.0", "gzip"),
            write_nir(folder / "sub.nir", subgraph()),
        ]


class TestNirExporter(ExporterContract):
    """Written without NIR's package."""

    exporter = "nir"

    @pytest.fixture(autouse=True)
    def read(self, tmp_path: Path) -> None:
        path = write_nir(tmp_path / "sample.nir", scnn())
        self.found = import_nir(path, ImportOptions())

    def graphs(self) -> Sequence[Graph]:
        """Convolutions, pooling, and words among the fields."""
        return [self.found]
