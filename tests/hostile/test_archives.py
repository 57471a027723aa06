"""Mutated archives of failing pieces and recordings of others: errors of ours, or something that runs."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import snnhub
from snnhub.hub.catalogue import register_ops
from snnhub.ir.tensor import smallest_integer

from tests.build import loihi_mlp, spikes
from tests.hostile.mutation import fuzz
from tests.hostile.sandbox import attempt

CASES = 150
KINDS = ["bundle", "facts", "csv", "events"]


def valid(kind: str, folder: Path) -> bytes:
    """A valid file of that kind: a bundle, the facts inside one, a table, an event list."""
    if kind == "csv":
        return b"v,spikes\n" + b"".join(b"%d.5,%d\n" % (i, i % 2) for i in range(20))
    if kind == "events":
        buffer = io.BytesIO()
        np.savez(
            buffer, times=np.arange(12) * 0.5, units=np.arange(12) % 5, dt=0.5, axes=np.array(["time", "neuron"])
        )
        return buffer.getvalue()
    register_ops()
    good = loihi_mlp((4, 5, 3), vth=65)
    thresholds = smallest_integer(np.asarray(80))
    nodes = tuple(n.with_params(vThMant=thresholds) if n.id == "n0" else n for n in good.nodes)
    snnhub.save(good, folder / "a.snn")
    snnhub.save(replace(good, nodes=nodes), folder / "b.snn")
    bundle = folder / "good.zip"
    snnhub.repro(folder / "a.snn", folder / "b.snn", stimulus=spikes((30, 4, 4)), output=bundle)
    if kind == "bundle":
        return bundle.read_bytes()
    with zipfile.ZipFile(bundle) as archive:
        facts = json.loads(archive.read("repro.json"))
    del facts["versions"], facts["log"]
    return json.dumps(facts).encode()


def use(kind: str, data: bytes, folder: Path) -> None:
    """What a user does with such a file."""
    path = folder / "bad"
    path.write_bytes(data)
    if kind in ("csv", "events"):
        snnhub.compare_recordings(path, {"spikes": spikes((20, 5)), "v": spikes((20,))})
    elif kind == "bundle":
        snnhub.repro_again(path)
    else:
        with zipfile.ZipFile(folder / "good.zip") as source, zipfile.ZipFile(path, "w") as target:
            for name in source.namelist():
                target.writestr(name, data if name == "repro.json" else source.read(name))
        snnhub.repro_again(path)


def damaged(kind: str, folder: str) -> None:
    """What the sandbox runs: all cases of one kind."""
    fuzz(valid(kind, Path(folder)), CASES, lambda data: use(kind, data, Path(folder)))


@pytest.mark.parametrize("kind", KINDS)
def test_mutated_files_end_in_errors_of_ours(kind: str, tmp_path: Path) -> None:
    refused = int(attempt("tests.hostile.test_archives:damaged", kind, tmp_path, seconds=300))
    assert CASES // 10 < refused <= CASES
