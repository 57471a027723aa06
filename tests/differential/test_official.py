"""``nir.read`` of nir 1.0.8 and ours on random files: the same refusals, nodes, edges, shapes and fields."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.differential.nir_peer import frameworks_interpreter
from tests.differential.official_sweep import compared
from tests.networks.nir_fields import any_file

pytestmark = pytest.mark.peer


def test_files_of_every_family_are_read_or_refused_alike(tmp_path: Path) -> None:
    python = frameworks_interpreter()
    for seed in range(10_000, 10_160):
        any_file(seed).write(tmp_path / f"{seed}.nir")
    tally: Counter[str] = Counter()
    assert compared(python, tmp_path, tally) == []
    assert min(tally["equal"], tally["refused by both"] - tally["left to the reader of files"]) > 40
