"""What an exporter owes: a file that reads back as what was written, the same bytes every time, or a refusal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import pytest
from snnhub.api.convert import ConvertResult, convert
from snnhub.api.load import load_graph
from snnhub.codes import CODES
from snnhub.errors import SnnhubError, UnsupportedError
from snnhub.findings import Finding
from snnhub.hub.loader import load
from snnhub.ir.digest import network_digest
from snnhub.ir.graph import Graph
from snnhub_formats import container

from snnhub_conformance.contracts import again
from snnhub_conformance.contracts.plugin import PluginContract, ensure_refused
from snnhub_conformance.contracts.samples import feedforward, unheard_of, with_foreign_program


class ExporterContract(PluginContract):
    """Set ``exporter``. ``graphs`` gives networks that it must hold; ``reader`` names the importer that reads them
    back, by default the one of the same name.
    """

    exporter: ClassVar[str]
    reader: ClassVar[str] = ""
    table = "exporters"
    levels = ("F0", "F1")

    def name(self) -> str:
        return self.exporter

    def graphs(self) -> Sequence[Graph]:
        """Networks that the exporter holds, after the lowering of its target if it has one."""
        return [feedforward()]

    def write(self, graph: Graph, path: Path) -> ConvertResult:
        """Lower and export a network, as ``snnhub convert`` does it."""
        source = path.parent / "source.snn"
        container.save(graph, source)
        return convert(source, path, to=self.exporter)

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        """Where to write, where the exporter can be used here."""
        return tmp_path / f"out{self.usable().formats[0]}"

    def test_read_back_it_is_the_same_network(self, path: Path) -> None:
        reader = self.reader or self.exporter
        if reader not in load().importers:
            pytest.fail(f"no importer {reader}: set reader to the importer of this format")
        for graph in self.graphs():
            written = self.write(graph, path).graph
            found = load_graph(path, importer=reader, continuous=True).graph
            assert found.network() == written.network()
            assert network_digest(found) == network_digest(written)

    def test_the_same_bytes_twice(self, path: Path, tmp_path: Path) -> None:
        """Here, and in other processes under other hash seeds."""
        for graph in self.graphs():
            files = []
            for turn in ("first", "second"):
                folder = tmp_path / turn
                folder.mkdir(exist_ok=True)
                self.write(graph, folder / path.name)
                files.append((folder / path.name).read_bytes())
            assert files[0] == files[1]
            source = tmp_path / "first" / "source.snn"
            assert len({again.exported(self.exporter, source, path, seed) for seed in again.SEEDS}) == 1
            assert path.read_bytes() == files[0]

    def test_networks_are_left_alone(self, path: Path) -> None:
        for graph in self.graphs():
            before, written = network_digest(graph), self.write(graph, path).graph
            digest = network_digest(written)
            self.item().resolve()(written, path)
            assert (network_digest(graph), network_digest(written)) == (before, digest)

    def test_findings_are_known_and_have_a_place(self, path: Path) -> None:
        for graph in self.graphs():
            written = self.write(graph, path).graph
            findings = self.item().resolve()(written, path)
            assert isinstance(findings, Sequence)
            for finding in findings:
                assert isinstance(finding, Finding)
                assert finding.code in CODES
                assert finding.place

    def test_foreign_programs_are_refused(self, path: Path) -> None:
        """A node whose program is not what its op expands to: by its name it would become something else."""
        for graph in self.graphs():
            changed = with_foreign_program(graph)
            if changed is None:
                continue
            if self.item().keeps_programs:
                self.write(changed, path)
                found = load_graph(path, importer=self.reader or self.exporter).graph
                assert found.network() == changed.network()
                continue
            with pytest.raises(UnsupportedError) as caught:
                self.write(changed, path)
            ensure_refused(caught.value, "SNN-1014")
            assert not path.exists()

    def test_ops_that_it_does_not_have_are_refused(self, path: Path) -> None:
        if self.item().keeps_programs:
            pytest.skip("writes programs, not names of ops")
        with pytest.raises(SnnhubError) as caught:
            self.item().resolve()(unheard_of(), path)
        ensure_refused(caught.value, "strange")
        assert not path.exists(), "a refused network leaves no file"

    def test_where_nothing_can_be_written_is_an_error(self, path: Path) -> None:
        for graph in self.graphs():
            written = self.write(graph, path).graph
            with pytest.raises(SnnhubError):
                self.item().resolve()(written, path.parent / "no such folder" / path.name)
