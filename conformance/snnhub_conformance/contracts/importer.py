"""What an importer owes: everything or a refusal, the same every time, and never a crash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from snnhub.api.convert import convert
from snnhub.api.load import load_graph
from snnhub.api.options import ImportOptions
from snnhub.codes import CODES
from snnhub.engine.reference import prepare
from snnhub.errors import SnnhubError, UsageError
from snnhub.findings import Severity
from snnhub.hub.catalogue import detect
from snnhub.hub.loader import load
from snnhub.ir.continuous import is_continuous
from snnhub.ir.digest import network_digest
from snnhub.ir.graph import Graph
from snnhub.ir.verify import verify
from snnhub.ops.registry import REGISTRY
from snnhub_formats import container

from snnhub_conformance.contracts import again
from snnhub_conformance.contracts.plugin import PluginContract, contents, ensure_refused
from snnhub_conformance.contracts.samples import events, feedforward
from snnhub_conformance.damage import mutated


class ImporterContract(PluginContract):
    """Set ``importer``. ``sources`` writes valid samples: by default, what the exporter of this name writes."""

    importer: ClassVar[str]
    table = "importers"
    levels = ("F0", "F1")
    mutations: ClassVar[int] = 60
    """How many damaged copies of the first sample are read."""

    def name(self) -> str:
        return self.importer

    def sample(self) -> Graph:
        """The network that the exporter of the same name writes for ``sources``."""
        return feedforward()

    def sources(self, folder: Path) -> Sequence[Any]:
        """Valid sources: files written into ``folder``, or factory references. The first one is damaged."""
        exporters = load().exporters
        if self.importer not in exporters:
            pytest.fail(f"no exporter {self.importer}: override sources() to write samples")
        graph, path = folder / "sample.snn", folder / f"source{exporters[self.importer].formats[0]}"
        container.save(self.sample(), graph)
        convert(graph, path, to=self.importer)
        return [path]

    def options(self, source: Any) -> ImportOptions:
        """What a source is imported with."""
        return ImportOptions()

    def read(self, source: Any, options: ImportOptions | None = None) -> Graph:
        """Import a source."""
        options = options if options is not None else self.options(source)
        return load_graph(source, importer=self.importer, options=options, continuous=True).graph

    @pytest.fixture
    def samples(self, tmp_path: Path) -> list[Any]:
        """The sources, where the importer can be used here."""
        self.usable()
        found = list(self.sources(tmp_path))
        assert found, "sources() gives nothing to import"
        return found

    @pytest.fixture
    def file(self, samples: list[Any]) -> Path:
        """The first source that is a file."""
        files = [source for source in samples if isinstance(source, Path)]
        if not files:
            pytest.skip("no source is a file")
        return files[0]

    def test_graphs_are_whole_and_run(self, samples: list[Any]) -> None:
        for source in samples:
            graph = self.read(source)
            assert [f for f in verify(graph, REGISTRY) if f.severity is Severity.ERROR] == []
            if is_continuous(graph):  # held, and run once a profile has made steps of it
                with pytest.raises(UsageError):
                    prepare(graph, REGISTRY)
                continue
            stimulus = {item.id: events(item.shape, item.type, 2, 1) for item in graph.inputs}
            recording, _ = prepare(graph, REGISTRY).run(stimulus)
            assert recording.steps == 2

    def test_nodes_know_where_they_came_from(self, samples: list[Any]) -> None:
        for source in samples:
            lost = [node.id for node in self.read(source).nodes if not node.origin.path]
            assert lost == [], "origin.path keeps the name of the source's own"

    def test_findings_are_known_and_have_a_place(self, samples: list[Any]) -> None:
        for source in samples:
            for finding in self.read(source).findings:
                assert finding.code in CODES
                assert finding.place, f"a finding without a place: {finding}"
                assert finding.severity is not Severity.ERROR, f"imported in spite of an error: {finding}"

    def test_the_same_twice(self, samples: list[Any]) -> None:
        """Here, and in other processes under other hash seeds."""
        for source in samples:
            graphs = [self.read(source), self.read(source)]
            assert graphs[0] == graphs[1]
            digest = network_digest(graphs[0])
            assert digest == network_digest(graphs[1])
            if isinstance(source, str | Path):
                given = asdict(_plain(self.options(source)))
                given.pop("lookup")
                given["weights"] = str(given["weights"]) if given["weights"] else None
                others = {again.imported(self.importer, source, given, seed) for seed in again.SEEDS}
                assert others == {digest}

    def test_what_was_imported_can_be_kept(self, samples: list[Any], tmp_path: Path) -> None:
        """As ``.snn``, and read back as the same network."""
        for source in samples:
            graph = self.read(source)
            container.save(graph, tmp_path / "kept.snn")
            assert container.load(tmp_path / "kept.snn").network() == graph.network()

    def test_sources_are_left_alone(self, samples: list[Any]) -> None:
        for source in samples:
            before = contents(source)
            self.read(source)
            assert contents(source) == before

    def test_files_are_known_by_their_content(self, file: Path, tmp_path: Path) -> None:
        """Whatever they are called."""
        if self.item().live:
            pytest.skip("takes factories and objects")
        assert detect(file).name == self.importer
        (tmp_path / "renamed.bin").write_bytes(file.read_bytes())
        assert detect(tmp_path / "renamed.bin").name == self.importer

    def test_unknown_options_are_refused(self, samples: list[Any]) -> None:
        with pytest.raises(SnnhubError) as caught:
            self.read(samples[0], ImportOptions(given={"no-such-option": "1"}))
        ensure_refused(caught.value, "no-such-option")

    def test_values_that_options_do_not_take_are_refused(self, samples: list[Any]) -> None:
        for option in self.item().options:
            given = {**self.options(samples[0]).given, option.name: self.nonsense}
            with pytest.raises(SnnhubError) as caught:
                self.read(samples[0], ImportOptions(**{**_fields(self.options(samples[0])), "given": given}))
            ensure_refused(caught.value, self.nonsense)

    def test_what_is_no_file_is_refused(self, file: Path, tmp_path: Path) -> None:
        empty = tmp_path / "empty"
        empty.write_bytes(b"")
        for source in (tmp_path / "not there", tmp_path, empty):
            with pytest.raises(SnnhubError) as caught:
                self.read(source, ImportOptions())
            ensure_refused(caught.value, source.name)

    def test_damaged_files_never_crash_it(self, file: Path, tmp_path: Path) -> None:
        """Bytes flipped, cut off, doubled: another network, or an error of snnhub's with its place."""
        whole, options = file.read_bytes(), self.options(file)
        path = tmp_path / f"damaged{file.suffix}"
        for case in range(self.mutations):
            path.write_bytes(mutated(whole, case))
            try:
                graph = self.read(path, options)
            except SnnhubError as problem:
                ensure_refused(problem, "")
            else:
                wrong = [f for f in verify(graph, REGISTRY) if f.severity is Severity.ERROR]
                assert wrong == [], f"damage {case}: a broken graph"

    def test_noise_is_refused(self, file: Path, tmp_path: Path) -> None:
        path = tmp_path / f"noise{file.suffix}"
        path.write_bytes(np.random.default_rng(0).bytes(4096))
        with pytest.raises(SnnhubError):
            self.read(path)


def _fields(options: ImportOptions) -> dict[str, Any]:
    return {name: getattr(options, name) for name in ("weights", "settings", "input_shape", "given", "lookup")}


def _plain(options: ImportOptions) -> ImportOptions:
    """Without the op table, which no other process needs."""
    return ImportOptions(**{**_fields(options), "lookup": None})
