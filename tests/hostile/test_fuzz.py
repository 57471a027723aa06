"""Mutated files of every kind, in a process of bounded memory and time: errors of ours, or a file that loads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import snnhub
from snnhub.hub.catalogue import register_ops
from snnhub_formats.recording import load_arrays

from tests.build import loihi_mlp, mlp, spikes
from tests.hostile.mutation import fuzz
from tests.hostile.sandbox import attempt

CASES = 200
KINDS = ["snn", "net", "npz", "npy"]


def valid(kind: str, path: Path) -> None:
    """A valid file of that kind."""
    if kind == "snn":
        snnhub.save(mlp((5, 4)), path)
    elif kind == "net":
        register_ops()
        snnhub.save(loihi_mlp((5, 4)), path.with_suffix(".snn"))
        snnhub.convert(path.with_suffix(".snn"), path)
    elif kind == "npz":
        np.savez_compressed(path, a=spikes((4, 5)), b=np.arange(9.0))
    else:
        np.save(path, spikes((4, 5)))


def use(kind: str, path: Path) -> None:
    """Everything that a user does with such a file."""
    if kind in ("snn", "net"):
        snnhub.check(path)
        snnhub.inspect(path)
        snnhub.run(path, spikes((3, 5)))
    elif kind == "npz":
        load_arrays(path)
    else:
        from snnhub_formats.recording import load_array

        np.asarray(load_array(path)).sum()


def damaged(kind: str, folder: str) -> None:
    """What the sandbox runs: all cases of one kind."""
    path = Path(folder) / f"x.{kind}"
    valid(kind, path)

    def write_and_use(data: bytes) -> None:
        path.write_bytes(data)
        use(kind, path)

    fuzz(path.read_bytes(), CASES, write_and_use)


@pytest.mark.parametrize("kind", KINDS)
def test_mutated_files_end_in_errors_of_ours(kind: str, tmp_path: Path) -> None:
    refused = int(attempt("tests.hostile.test_fuzz:damaged", kind, tmp_path, seconds=300))
    assert CASES // 4 < refused <= CASES
