"""Firing rates of quantised networks of Dynap-SE2: nearer to the float network's than the autoencoder's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.conftest import SHARED
from tests.differential.dynapse2_rates import measured, ratio
from tests.networks.dynapse2_rate_nets import ROWS, TRAINED

pytestmark = pytest.mark.peer
MEDIAN, WORST, HERTZ = 0.8, 1.15, 0.2


def test_rates_are_nearer_than_the_autoencoders(tmp_path: Path) -> None:
    here = (SHARED / "rockpool").exists()
    rows = [row for row in ROWS if row.quick and (here or row.kind != TRAINED)]
    found = measured(rows, tmp_path)
    for line in found:
        print(line)
    assert all(line.rate > 5 for line in found)  # a silent network would show nothing
    for pairs in ([line.whole for line in found], [line.weights for line in found]):
        assert np.median([ratio(pair) for pair in pairs]) <= MEDIAN
        assert all(ours <= WORST * theirs + HERTZ for ours, theirs in pairs)
    assert np.median([line.split for line in found]) <= np.median([line.whole[0] for line in found])
