"""What a runner owes: the quantities it was asked for, with the right axes and types, the same every time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from snnhub.api.load import Loaded, load_graph
from snnhub.api.options import ImportOptions
from snnhub.api.run import run, run_loaded
from snnhub.compare.align import spike_keys
from snnhub.engine.reference import Plan, prepare
from snnhub.engine.stimulus import read_stimulus
from snnhub.errors import SnnhubError
from snnhub.findings import Finding
from snnhub.ir.digest import network_digest
from snnhub.ir.graph import Graph
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY
from snnhub.peers.capabilities import Capabilities
from snnhub_formats import container

from snnhub_conformance.contracts.plugin import contents, ensure_refused, same_arrays
from snnhub_conformance.contracts.samples import events, feedforward, unheard_of, with_foreign_program
from snnhub_conformance.contracts.suite import SuiteTests

EVERYTHING = "*"


class RunnerContract(SuiteTests):
    """Set ``runner``. ``source`` gives the network that it is run with, by default ``sample`` as a file; ``cases``
    the cases of the suite.
    """

    runner: ClassVar[str]
    importer: ClassVar[str | None] = None
    """How ``source`` is read, where its content does not tell."""
    table = "runners"
    levels = ("R1", "R2", "R3", "R4")

    def name(self) -> str:
        return self.runner

    def sample(self) -> Graph:
        """The network that ``source`` writes; it fires on random input."""
        return feedforward()

    def source(self, folder: Path) -> Any:
        """A network that the runner runs: a file written into ``folder``, a factory reference, a live object."""
        path = folder / "network.snn"
        container.save(self.sample(), path)
        return path

    def import_options(self) -> ImportOptions:
        """What the source is imported with."""
        return ImportOptions()

    def stimulus(self, loaded: Loaded) -> Array:
        """Input (time, batch, features…)."""
        (item,) = loaded.graph.inputs
        return events(item.shape, item.type)

    @pytest.fixture
    def loaded(self, tmp_path: Path) -> Loaded:
        """The network, where the runner can be used here."""
        self.usable()
        return load_graph(self.source(tmp_path), importer=self.importer, options=self.import_options())

    def record(
        self,
        loaded: Loaded,
        stimulus: Array,
        keys: Sequence[str] = (EVERYTHING,),
        options: Mapping[str, str] | None = None,
        steps: int | None = None,
    ) -> Recording:
        """Run the network."""
        prepared = read_stimulus(stimulus, loaded.graph.inputs[0])
        return run_loaded(loaded, self.item(), prepared, tuple(keys), options or {}, steps=steps)

    def plan(self, loaded: Loaded) -> Plan:
        """The same network in the reference engine."""
        return prepare(loaded.graph, REGISTRY)

    def test_records_what_it_was_asked_for(self, loaded: Loaded) -> None:
        recording = self.record(loaded, self.stimulus(loaded), ["output"])
        assert isinstance(recording, Recording)
        assert list(recording) == ["output"]
        assert recording.source == self.runner
        assert all(isinstance(finding, Finding) and finding.place for finding in recording.findings)

    def test_keys_are_those_of_the_graph(self, loaded: Loaded) -> None:
        known = set(self.plan(loaded).record_keys())
        recording = self.record(loaded, self.stimulus(loaded))
        assert "output" in recording
        assert set(recording) <= known, f"keys that the graph does not have: {set(recording) - known}"

    def test_axes_are_time_batch_features(self, loaded: Loaded) -> None:
        stimulus = self.stimulus(loaded)
        plan, found = self.plan(loaded), self.record(loaded, stimulus)
        wanted, _ = plan.run(stimulus, record=tuple(found))
        assert found.batched
        assert {key: array.shape for key, array in found.items()} == {k: a.shape for k, a in wanted.items()}

    def test_no_batch_axis_where_the_input_has_none(self, loaded: Loaded) -> None:
        """And the sample alone gives what it gives among others."""
        stimulus = self.stimulus(loaded)
        together, alone = self.record(loaded, stimulus), self.record(loaded, stimulus[:, 0])
        assert not alone.batched
        shapes = {key: (array.shape[0], *array.shape[2:]) for key, array in together.items()}
        assert {key: array.shape for key, array in alone.items()} == shapes
        if self.item().deterministic:
            spiking = spike_keys(loaded.graph) & set(together)
            wrong = [key for key in spiking if not np.array_equal(alone[key], together[key][:, 0])]
            assert wrong == [], "samples of a batch influence each other"

    def test_spikes_are_unsigned_integers(self, loaded: Loaded) -> None:
        recording = self.record(loaded, self.stimulus(loaded))
        spiking = {key: array for key, array in recording.items() if key in spike_keys(loaded.graph)}
        assert spiking, "the sample network has no spikes to look at"
        assert {key: array.dtype.kind for key, array in spiking.items()} == dict.fromkeys(spiking, "u")
        assert any(array.any() for array in spiking.values()), "nothing fires: give source() other weights"

    def test_agrees_with_the_engine_as_far_as_it_claims(self, loaded: Loaded) -> None:
        """R4: every bit of every quantity; R3: every spike. On the sample network; the suite has the rest."""
        level = self.item().level
        if level not in ("R3", "R4"):
            pytest.skip(f"claims {level or 'no level'}")
        stimulus = self.stimulus(loaded)
        found = self.record(loaded, stimulus)
        wanted, _ = self.plan(loaded).run(stimulus, record=tuple(found))
        keys = set(found) if level == "R4" else spike_keys(loaded.graph) & set(found)
        assert [key for key in sorted(keys) if not np.array_equal(found[key], wanted[key])] == []

    def test_beyond_the_input_it_is_zero(self, loaded: Loaded) -> None:
        stimulus = self.stimulus(loaded)
        longer = np.concatenate([stimulus, np.zeros((3, *stimulus.shape[1:]), stimulus.dtype)])
        found = self.record(loaded, stimulus, steps=len(longer))
        assert found.steps == len(longer)
        if self.item().deterministic:
            assert same_arrays(found, self.record(loaded, longer)) == []

    def test_shorter_than_the_input_it_stops(self, loaded: Loaded) -> None:
        stimulus = self.stimulus(loaded)
        found = self.record(loaded, stimulus, ["output"], steps=2)
        assert found.steps == 2
        if self.item().deterministic:
            assert np.array_equal(found["output"], self.record(loaded, stimulus, ["output"])["output"][:2])

    def test_the_same_twice_if_it_says_so(self, loaded: Loaded) -> None:
        if not self.item().deterministic:
            pytest.skip("does not say that it is deterministic")
        stimulus = self.stimulus(loaded)
        assert same_arrays(self.record(loaded, stimulus), self.record(loaded, stimulus)) == []

    def test_unknown_keys_are_refused(self, loaded: Loaded) -> None:
        with pytest.raises(SnnhubError) as caught:
            self.record(loaded, self.stimulus(loaded), ["output", "no/such key"])
        ensure_refused(caught.value, "no/such key")

    def test_unknown_options_are_refused(self, loaded: Loaded) -> None:
        """By the command, and by the runner itself."""
        stimulus, given = self.stimulus(loaded), {"no-such-option": "1"}
        with pytest.raises(SnnhubError) as caught:
            run(
                loaded.source.value,
                stimulus,
                runner=self.runner,
                from_=loaded.source.importer.name,
                options=loaded.options,
                runner_options=given,
            )
        ensure_refused(caught.value, "no-such-option")
        with pytest.raises(SnnhubError) as caught:
            self.record(loaded, stimulus, options=given)
        ensure_refused(caught.value, "no-such-option")

    def test_values_that_options_do_not_take_are_refused(self, loaded: Loaded) -> None:
        stimulus = self.stimulus(loaded)
        for option in self.item().options:
            with pytest.raises(SnnhubError) as caught:
                self.record(loaded, stimulus, options={option.name: self.nonsense})
            ensure_refused(caught.value, self.nonsense)

    def test_what_it_declares_covers_its_sample(self, loaded: Loaded) -> None:
        """``capabilities`` leave out nothing that it runs."""
        declared = self.item().capabilities
        if declared is None:
            pytest.skip("declares no limits")
        missing = Capabilities.read({"models": [], **declared}, self.runner).missing(loaded.graph, REGISTRY)
        assert missing == ()

    def test_no_wrong_answers_for_other_networks(self, loaded: Loaded, tmp_path: Path) -> None:
        """A network with an op that nobody has, and one whose program is not what its op expands to: the program
        counts, not the name. A runner runs it, or refuses.
        """
        if self.item().takes != "graph":
            pytest.skip(f"runs {self.item().takes}, not graphs")
        for graph in (unheard_of(), with_foreign_program(loaded.graph)):
            if graph is None:
                continue
            container.save(graph, tmp_path / "other.snn")
            other = load_graph(tmp_path / "other.snn")
            stimulus = self.stimulus(other)
            wanted, _ = self.plan(other).run(stimulus)
            try:
                found = self.record(other, stimulus, ["output"])
            except SnnhubError as problem:
                ensure_refused(problem, "")
            else:
                assert np.array_equal(found["output"], wanted["output"]), "an answer, and a wrong one"

    def test_nothing_that_it_is_given_changes(self, loaded: Loaded) -> None:
        prepared = read_stimulus(self.stimulus(loaded), loaded.graph.inputs[0])
        kept, digest = prepared.values.copy(), network_digest(loaded.graph)
        before = contents(loaded.source.value)
        run_loaded(loaded, self.item(), prepared, (EVERYTHING,), {})
        assert np.array_equal(prepared.values, kept), "the input was written to"
        fresh = load_graph(loaded.source.value, importer=loaded.source.importer.name, options=loaded.options)
        assert digest == network_digest(loaded.graph) == network_digest(fresh.graph)
        assert contents(loaded.source.value) == before

    def test_a_read_only_input_is_enough(self, loaded: Loaded) -> None:
        stimulus = self.stimulus(loaded)
        prepared = read_stimulus(stimulus, loaded.graph.inputs[0])
        values = prepared.values.copy()
        values.flags.writeable = False
        given = replace(prepared, values=values)
        found = run_loaded(loaded, self.item(), given, ("output",), {})
        assert found.steps == len(stimulus)
