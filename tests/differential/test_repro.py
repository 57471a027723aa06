"""Failing pieces of live peers: a fault in what Lava is given is cut down, and the piece fails in Lava as well."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import snnhub
from snnhub.api.repro import repro, repro_again
from snnhub.api.request import RunRequest
from snnhub.hub.loader import load
from snnhub.hub.objects import Runner
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import smallest_integer
from snnhub.passes.base import PassContext, run_passes
from snnhub_netx.arrange import passes
from snnhub_netx.writer import export_netx

from tests.build import loihi_mlp, spikes

pytestmark = pytest.mark.peer


def faulty_lava(request: RunRequest) -> Recording:
    """Lava with another file: a threshold of 67 becomes 90."""
    import h5py
    from snnhub_lava.runner import run_lava

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "faulty.net"
        shutil.copy(request.path(), path)
        with h5py.File(path, "r+") as file:
            for layer in file["layer"].values():
                if "neuron" in layer:
                    threshold = np.asarray(layer["neuron/vThMant"])
                    layer["neuron/vThMant"][...] = np.where(threshold == 67, 90, threshold)
        return run_lava(replace(request, source=path))


@pytest.mark.usefixtures("lava")
def test_a_fault_in_lava_is_cut_down_and_run_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lava = load().runners["lava"]
    runner = replace(lava, name="faulty-lava", entry=f"{__name__}:faulty_lava")
    assert isinstance(runner, Runner)
    monkeypatch.setitem(load().runners, "faulty-lava", runner)
    graph = loihi_mlp((6, 8, 5, 4), seed=2, vth=65)
    middle = graph.node["n1"].with_params(vThMant=smallest_integer(np.asarray(67)))
    graph = replace(graph, nodes=tuple(middle if node.id == "n1" else node for node in graph.nodes))
    export_netx(run_passes(graph, list(passes()), PassContext()), tmp_path / "net.net")
    x = spikes((40, 3, 6), seed=3)
    assert snnhub.verify(tmp_path / "net.net", stimulus=x, against="lava").passed
    found = snnhub.verify(tmp_path / "net.net", stimulus=x, against="faulty-lava", isolate=True)
    rows = {row.a_key: row for row in found.verdict.rows if row.spikes and "/" in row.a_key}
    alone = [row.alone for row in rows.values()]
    assert alone[0] == 1.0
    assert alone[1] is not None
    assert alone[1] < 1
    assert alone[2] == 1.0
    result = repro(tmp_path / "net.net", stimulus=x, against="faulty-lava", output=tmp_path / "bug.zip")
    assert result.after["layers"] == 1
    assert result.after["nodes"] == 2
    assert result.other == "runner", result.findings
    again = repro_again(tmp_path / "bug.zip")
    assert (again.fails, again.same, again.other) == (True, True, "runner")
