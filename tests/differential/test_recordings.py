"""Recordings that others made with Lava (../shared/data/netx): every value equal. Skipped without the data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from snnhub.api.options import ImportOptions
from snnhub.engine.reference import prepare
from snnhub_netx.reader import import_netx

CASES = [
    ("oxford.net", "oxford_real_input.npz", {}, 2816),
    ("recurrent_example_test.net", "recurrent_test.npz", {}, None),
    ("tiny.net", "tiny_reset.npz", {"reset_interval": "16"}, None),
    ("pilotnet_snn.net", "pilotnet_snn.npz", {}, 0),
]


@pytest.mark.parametrize(("network", "recording", "options", "spikes"), CASES, ids=[case[0] for case in CASES])
def test_engine_equals_lavas_recording(
    network: str, recording: str, options: dict[str, str], spikes: int | None, netx_data: Path
) -> None:
    graph = import_netx(netx_data / network, ImportOptions(given=options))
    plan = prepare(graph)
    with np.load(netx_data / recording) as wanted:
        found, _ = plan.run(wanted["input"], record=plan.record_keys())
        layers = [node.id for node in graph.nodes if node.op == "loihi.CubaLIF"]
        compared = 0
        for key in wanted.files:
            if key == "input":
                continue
            if key == "output":
                ours = found["output"]
            else:
                index, state = key.removeprefix("layer").split("_")
                ours = found[f"{layers[int(index)]}/{state}"]
            np.testing.assert_array_equal(ours.reshape(wanted[key].shape), wanted[key], err_msg=key)
            compared += wanted[key].size
        assert compared > 1000
        if spikes is not None:
            assert int(found["output"].sum()) == spikes
