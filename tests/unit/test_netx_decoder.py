"""What decisions are made of where the last layer cannot spike, and layers that are left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import snnhub
from snnhub.api.options import ImportOptions
from snnhub.compare.decide import decide
from snnhub.errors import UnsupportedError, UsageError
from snnhub.ir.graph import Decoder, Graph
from snnhub_netx.reader import import_netx
from snnhub_netx.writer import export_netx

from tests.build import spikes
from tests.networks.netx_files import CUBA, dense_layer, write
from tests.networks.random_sigma_delta import sdnn

WEIGHT = 2 * ((np.arange(12) * 7) % 13 - 5).reshape(3, 4)


def bare(path: Path) -> Path:
    """Two dense layers, the last one without neurons, as lava-dl writes Affine(dynamics=False)."""
    last = dense_layer([[6, -4, 2], [-4, 6, 2]])
    del last["neuron"]
    return write(path, [dense_layer(WEIGHT, neuron={**CUBA, "vThMant": 10}), last])


def read(path: Path, **given: str) -> Graph:
    return import_netx(path, ImportOptions(given=given))


def test_the_last_current_is_the_sum_over_time(tmp_path: Path) -> None:
    path = bare(tmp_path / "bare.net")
    graph = read(path)
    assert graph.decoder == Decoder("last", True, "layer1/u")
    (told,) = [f for f in graph.findings if f.code == "SNN-3140"]
    assert told.new == "last:u"
    x = spikes((8, 12, 4))
    result = snnhub.run(path, x, record="all")
    drive = result.recording["layer1/synapse/y"].astype(np.int64)
    np.testing.assert_array_equal(result.recording["layer1/u"][-1], 64 * drive.sum(axis=0))
    assert result.decisions is not None
    np.testing.assert_array_equal(result.decisions.winners, drive.sum(axis=0).argmax(-1))
    assert len(set(result.decisions.winners.tolist())) == 2


def test_the_last_value_is_not_the_sum_of_all_of_them() -> None:
    values = np.array([[[9, 0]], [[9, 0]], [[1, 2]]])
    last, total = decide(values, Decoder("last")), decide(values, Decoder("sum"))
    assert last is not None
    assert total is not None
    assert (last.winners.tolist(), total.winners.tolist()) == ([1], [0])
    assert decide(values[:0], Decoder("last")) is None


def test_a_sigma_output_needs_no_decoder_of_a_state(tmp_path: Path) -> None:
    """It has no threshold; a sum above the reach of CUBA neurons is what it puts out."""
    layers = [
        {"type": "input", "shape": np.array([4]), "neuron": sdnn(0)},
        dense_layer(WEIGHT, neuron=sdnn(2**17, sigma_output=True)),
    ]
    graph = read(write(tmp_path / "sums.net", layers))
    assert graph.nodes[-1].op == "loihi.Sigma"
    assert graph.decoder is None
    assert "SNN-3140" not in {finding.code for finding in graph.findings}


def test_a_threshold_that_cannot_be_passed_is_a_readout_of_the_voltage(tmp_path: Path) -> None:
    silent = dense_layer(WEIGHT, neuron={**CUBA, "vThMant": 2**18 - 1})
    assert read(write(tmp_path / "x.net", [silent])).decoder == Decoder("mean", True, "layer0/v")
    spiking = dense_layer(WEIGHT, neuron={**CUBA, "vThMant": 2**17 - 1})
    assert read(write(tmp_path / "y.net", [spiking])).decoder is None


def test_a_decoder_can_be_asked_for(tmp_path: Path) -> None:
    path = bare(tmp_path / "bare.net")
    assert read(path, decoder="sum:v").decoder == Decoder("sum", True, "layer1/v")
    for wanted in ("sum", "most:u", "sum:w", ""):
        if wanted:
            with pytest.raises(UsageError, match="no such decoder"):
                read(path, decoder=wanted)


def test_what_we_write_keeps_its_decoder(tmp_path: Path) -> None:
    graph = read(bare(tmp_path / "bare.net"))
    export_netx(graph, tmp_path / "own.net")
    again = read(tmp_path / "own.net")
    assert again.network() == graph.network()
    assert again.decoder == graph.decoder


def test_a_last_averaging_layer_is_left_out_on_request(tmp_path: Path) -> None:
    path = write(tmp_path / "x.net", [dense_layer(WEIGHT), {"type": "average", "shape": np.array([1, 1, 1])}])
    with pytest.raises(UnsupportedError, match="num_layers"):
        read(path)
    graph = read(path, num_layers="1")
    assert graph.decoder == Decoder("mean", False)
    (told,) = [f for f in graph.findings if f.code == "SNN-3141"]
    assert (told.place, told.message.endswith("average")) == ("/layer/1", True)
    assert [f.code for f in read(path, num_layers="1").findings].count("SNN-3141") == 1
