"""The contract of importers, for Rockpool's saved files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from snnhub_conformance.case import Case
from snnhub_conformance.contracts import ImporterContract, RunnerContract

from tests.networks.rockpool_files import dropout, exp_syn, lif, linear, synnet, write


class TestRockpoolImporter(ImporterContract):
    """Read without Rockpool."""

    importer = "rockpool"
    mutations: ClassVar[int] = 150

    def sources(self, folder: Path) -> Sequence[Any]:
        """A network with everything that files hold, and a SynNet."""
        inner = {"0_LinearTorch": linear(5, 5, bias=True), "1_LIFBitshiftTorch": lif(5)}
        net = {
            "0_LinearTorch": linear(4, 10),
            "1_LIFTorch": lif(5, 2, w_rec=[[0.25] * 10] * 5, _has_rec=True),
            "2_TimeStepDropout": dropout(),
            "3_TorchResidual": inner,
            "4_ExpSynTorch": exp_syn(5),
        }
        return [write(folder / "net.json", net), write(folder / "synnet.json", synnet(6, 8, 3))]


@pytest.mark.peer
@pytest.mark.usefixtures("rockpool")
class TestRockpoolRunner(RunnerContract):
    """Rockpool's simulation of a saved file."""

    runner = "rockpool"
    importer = "rockpool"

    def cases(self) -> Sequence[Case]:
        return ()  # graphs, which it does not take

    def source(self, folder: Path) -> Any:
        return write(folder / "synnet.json", synnet(6, 8, 3))
