"""Our own plugins keep the contracts that third parties are held to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from snnhub.api.options import ImportOptions
from snnhub.ir.graph import Graph
from snnhub_conformance.case import Case
from snnhub_conformance.contracts import ExporterContract, ImporterContract, RunnerContract, TargetContract

from tests.build import loihi_mlp, mlp
from tests.networks.multispike_nets import network


class TestSnnImporter(ImporterContract):
    importer = "snn"


class TestSnnExporter(ExporterContract):
    exporter = "snn"

    def graphs(self) -> Sequence[Graph]:
        return [mlp(), loihi_mlp()]


class TestNetxImporter(ImporterContract):
    importer = "netx"


class TestNetxExporter(ExporterContract):
    exporter = "netx"

    def graphs(self) -> Sequence[Graph]:
        return [*super().graphs(), loihi_mlp()]


class TestLoihi(TargetContract):
    target = "loihi2"


class Xylo(TargetContract):
    """Networks of multi-spike neurons."""

    def sample(self) -> Graph:
        return network("two", 3)


class TestXyloA2(Xylo):
    target = "xylo-a2"


class TestXyloImu(Xylo):
    target = "xylo-imu"


class TestXyloA3(Xylo):
    target = "xylo-a3"


class Some(RunnerContract):
    """A part of the suite: the whole of it is run where its results are recorded."""

    every: ClassVar[int] = 20

    def cases(self) -> Sequence[Case]:
        return super().cases()[:: self.every]


class TestEngine(Some):
    runner = "engine"


@pytest.mark.peer
class TestTorch(Some):
    runner = "torch"


@pytest.mark.peer
class TestLava(Some):
    runner = "lava"
    every = 200

    def source(self, folder: Path) -> Any:
        from snnhub.api.convert import convert

        convert(super().source(folder), folder / "network.net", to="netx")
        return folder / "network.net"


@pytest.mark.peer
class TestSpikingJelly(Some):
    runner = "spikingjelly"
    importer = "spikingjelly"

    def source(self, folder: Path) -> Any:
        return "tests.networks.spiking:mlp"

    def import_options(self) -> ImportOptions:
        return ImportOptions(settings={"mode": "m"}, input_shape=(20,))


@pytest.mark.peer
class TestSpikingJellyImporter(ImporterContract):
    importer = "spikingjelly"

    def sources(self, folder: Path) -> Sequence[Any]:
        return ["tests.networks.spiking:mlp"]

    def options(self, source: Any) -> ImportOptions:
        return ImportOptions(input_shape=(20,))
