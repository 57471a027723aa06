"""The contracts of importers and runners, for DynapSim networks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import snnhub
from snnhub.ir.graph import Graph
from snnhub_conformance.case import Case
from snnhub_conformance.contracts import (
    ExporterContract,
    ImporterContract,
    RunnerContract,
    TargetContract,
)

from tests.conftest import ROOT
from tests.networks.dynapse2_graphs import random_graph
from tests.networks.dynapsim_numbers import layer, raster, raw, save


class TestDynapseImporter(ImporterContract):
    """Files, read without Rockpool."""

    importer = "dynapse2"
    mutations: ClassVar[int] = 100

    def sources(self, folder: Path) -> Sequence[Any]:
        """A layer with everything that a file holds, and two layers with what they need."""
        x = raster(8, 5)
        whole = {**layer(3, 5, spread=0.0), **raw(3), "b_in": np.zeros(3), "x": x, "s": np.zeros((8, 3))}
        two = {f"{k}/{name}": array for k, part in enumerate(PARTS) for name, array in part.items()}
        return [save(folder / "whole.npz", whole), save(folder / "two.npz", two)]


PARTS = (layer(3, 5), layer(2, 3))


class TestDynapseJsonImporter(ImporterContract):
    """Files of mapped networks."""

    importer = "dynapse2-json"
    mutations: ClassVar[int] = 60

    def sources(self, folder: Path) -> Sequence[Any]:
        path = folder / "net.json"
        snnhub.convert(save(folder / "net.npz", layer(3, 5)), path, to="dynapse2")
        return [path]


class TestDynapseExporter(ExporterContract):
    exporter = "dynapse2"
    reader = "dynapse2-json"

    def graphs(self) -> Sequence[Graph]:
        return [random_graph(3)]


class TestDynapseTarget(TargetContract):
    target = "dynapse2"

    def sample(self) -> Graph:
        return random_graph(0)


@pytest.mark.peer
@pytest.mark.usefixtures("dynapse2")
class TestDynapsimRunner(RunnerContract):
    """DynapSim in its environment."""

    runner = "dynapsim"
    importer = "dynapse2"

    def cases(self) -> Sequence[Case]:
        return ()  # graphs, which it does not take

    def source(self, folder: Path) -> Any:
        return f"{ROOT / 'tests' / 'networks' / 'dynapsim_nets.py'}:random_net"
