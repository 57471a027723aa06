"""Whole conversions measured step by step, from live SpikingJelly to the file read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import snnhub
from snnhub.api.options import ImportOptions
from snnhub.api.proving import WRITTEN
from snnhub.errors import UnsupportedError
from snnhub.ir.rung import Rung

from tests.matrix import STEPS, stimulus
from tests.networks import features

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("spikingjelly")]


@pytest.mark.parametrize("feature", features.FEATURES)
def test_stock_conversions_keep_what_they_promise(feature: str, tmp_path: Path) -> None:
    """The import against SpikingJelly, every pass, and the file: all steps of every network of the matrix."""
    net = features.network(feature)
    x = stimulus(features.SHAPE, 1 if "frame held" in feature else STEPS)
    options = ImportOptions(input_shape=features.SHAPE)
    shown = np.repeat(x, STEPS, axis=0) if "frame held" in feature else x
    target = tmp_path / "a.net"
    try:
        result = snnhub.convert(net, target, from_="spikingjelly", options=options, calibration=shown, verify=x)
    except UnsupportedError:
        result = snnhub.convert(net, tmp_path / "a.snn", from_="spikingjelly", options=options, verify=x)
    assert result.proof is not None
    kept = {step.name: step.kept for step in result.proof.steps}
    assert kept["import"] is True
    assert kept[WRITTEN] is True
    assert result.proof.steps[0].verdict is not None
    assert result.proof.steps[0].verdict.reached.reaches(Rung.SPIKES)
    for step in result.proof.steps:
        assert step.kept or (step.promise is not None and step.promise.rung is Rung.DISTRIBUTION), step.name
