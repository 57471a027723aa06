"""What a target owes: a specification with sources, and methods of quantising for ``snnhub quant`` to compare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import pytest
from snnhub.api.quant import ONLY, quant
from snnhub.api.quant_report import QuantResult
from snnhub.api.target import TargetSpec
from snnhub.errors import UnsupportedError, UsageError
from snnhub.hub.objects import Method, Target, resolve
from snnhub.ir.digest import network_digest
from snnhub.ir.graph import Graph
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY
from snnhub.passes.base import Pass
from snnhub_formats import container

from snnhub_conformance.contracts.plugin import PluginContract
from snnhub_conformance.contracts.samples import events, feedforward


class TargetContract(PluginContract):
    """Inherit, and set ``target``. Override ``sample`` where the lowering does not take a feed-forward network."""

    target: ClassVar[str]
    table: ClassVar[str] = "targets"
    levels: ClassVar[tuple[str, ...]] = ()

    def name(self) -> str:
        return self.target

    def sample(self) -> Graph:
        """A float network that the target can be given."""
        return feedforward()

    def calibration(self, graph: Graph) -> Array:
        """Input of a sample: (time, batch, features…), spikes."""
        return events(graph.inputs[0].shape, graph.inputs[0].type)

    def methods(self) -> Sequence[Method]:
        """The declared methods, or the one that has no name."""
        target: Target = self.usable()
        return target.methods or (ONLY,)

    @pytest.fixture
    def report(self, tmp_path: Any) -> QuantResult:
        """The quantisation report of the sample."""
        if not self.usable().lowering:
            pytest.skip("nothing is quantised for this target")
        graph = self.sample()
        container.save(graph, tmp_path / "sample.snn")
        return quant(tmp_path / "sample.snn", self.target, calibration=self.calibration(graph))

    def test_numbers_have_a_source(self) -> None:
        spec = self.usable().resolve()()
        assert isinstance(spec, TargetSpec)
        assert spec.name == self.target
        sources = [*(limit.source for limit in spec.limits), *(reach.source for reach in spec.reaches)]
        assert all(source.strip() for source in sources), "say where these numbers come from"

    def test_reaches_are_of_quantities_that_there_are(self) -> None:
        """Of ops that it runs, with the low end below the high one."""
        spec: TargetSpec = self.usable().resolve()()
        for reach in spec.reaches:
            assert reach.op in spec.ops, f"{reach.quantity}: {self.target} does not run {reach.op}"
            assert reach.low < reach.high, f"{reach.op}/{reach.quantity}: {reach.low} .. {reach.high}"
            for version in spec.ops[reach.op]:
                assert REGISTRY(reach.op, version) is not None, f"there is no op {reach.op}/{version}"

    def test_the_lowering_gives_passes(self) -> None:
        lowering = self.usable().lowering
        if not lowering:
            pytest.skip("this target has no lowering")
        passes = resolve(lowering)()
        assert passes
        assert [item for item in passes if not isinstance(item, Pass)] == []

    def test_methods_are_documented(self) -> None:
        assert [method.name for method in self.methods() if not method.doc.strip()] == [], (
            "methods without a word on them"
        )

    def test_every_method_reports_its_layers(self, report: QuantResult) -> None:
        """A line per layer, whatever the method, and spikes counted in at least one of them."""
        assert [method.name for method in report.methods] == [method.name for method in self.methods()]
        for method in report.methods:
            assert not method.reason, f"{method.name}: {method.reason}"
            assert method.layers, f"{method.name}: no layer; rows of tables name theirs in 'layer'"
            assert any(layer.tally is not None for layer in method.layers), (
                f"{method.name}: the passes' correspondences lead from no spikes of the sample to the result"
            )

    def test_methods_do_as_they_say_about_calibration(self, tmp_path: Any) -> None:
        graph = self.sample()
        if not self.usable().lowering:
            pytest.skip("nothing is quantised for this target")
        container.save(graph, tmp_path / "sample.snn")
        for method in self.methods():
            if method.calibration == "needed":
                with pytest.raises(UsageError):
                    quant(tmp_path / "sample.snn", self.target, methods=[method.name])
            else:
                quant(tmp_path / "sample.snn", self.target, methods=[method.name] if method is not ONLY else [])

    def test_the_network_is_left_alone(self, tmp_path: Any) -> None:
        if not self.usable().lowering:
            pytest.skip("nothing is quantised for this target")
        graph = self.sample()
        before = network_digest(graph)
        container.save(graph, tmp_path / "sample.snn")
        content = (tmp_path / "sample.snn").read_bytes()
        quant(tmp_path / "sample.snn", self.target, calibration=self.calibration(graph))
        assert (tmp_path / "sample.snn").read_bytes() == content
        assert network_digest(graph) == before

    def test_unknown_options_and_methods_are_refused(self, tmp_path: Any) -> None:
        if not self.usable().lowering:
            pytest.skip("nothing is quantised for this target")
        container.save(self.sample(), tmp_path / "sample.snn")
        for wrong in ({"methods": ["no-such-method"]}, {"lowering": {"no-such-option": "1"}}):
            with pytest.raises((UsageError, UnsupportedError)) as caught:
                quant(tmp_path / "sample.snn", self.target, **wrong)
            assert "no-such" in str(caught.value)
