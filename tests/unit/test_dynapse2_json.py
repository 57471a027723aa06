"""dynapse2.json: what is written is read, canonical bytes, the network that a file runs, board files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from snnhub.errors import FormatError, UnsupportedError
from snnhub_dynapse2.board import Board, read_board, write_board
from snnhub_dynapse2.dac import BASES, Code, amps
from snnhub_dynapse2.decode import decode
from snnhub_dynapse2.document import KEYS, write
from snnhub_dynapse2.mapping.mapped import map_network
from snnhub_dynapse2.reader import read, read_file
from snnhub_dynapse2.restore import restored
from snnhub_dynapse2.writer import export

from tests.networks.dynapse2_nets import DEFAULTS, fixed_fan_in, network


def test_the_same_network_gives_the_same_bytes(tmp_path: Path) -> None:
    made = fixed_fan_in(6, 70, 12, 1)
    findings = export(made, tmp_path / "a.json", source="net.snn")
    export(fixed_fan_in(6, 70, 12, 1), tmp_path / "b.json", source="net.snn")
    data = (tmp_path / "a.json").read_bytes()
    assert data == (tmp_path / "b.json").read_bytes()
    held = read_file(tmp_path / "a.json")
    assert write(held) == data
    assert held.findings == tuple(findings)
    assert {"SNN-4402", "SNN-4403"} <= {item.code for item in findings}
    assert tuple(json.loads(data)) == KEYS
    assert held.provenance["source"] == "net.snn"


def test_a_network_that_does_not_fit_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError):
        export(fixed_fan_in(50, 60, 65, 3), tmp_path / "a.json")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("seed", range(4))
def test_the_network_of_a_file_is_the_quantised_one(seed: int, tmp_path: Path) -> None:
    """Weights as the bases make them, iscale and all, and currents as the codes do; inputs too."""
    made = fixed_fan_in(10, 300, 20, seed)
    mapped = map_network(made)
    export(made, tmp_path / "a.json")
    held, data = read_file(tmp_path / "a.json"), (tmp_path / "a.json").read_bytes()
    network, findings = restored(held, decode(data))
    assert findings == ()
    wanted = np.zeros((310, 300))
    wanted[mapped.synapses.source, mapped.synapses.target] = mapped.quantised.values
    scale = np.array([mapped.quantised.weights[core].iscale for core in mapped.placement.core.tolist()])
    found = np.concatenate([network.w_in, network.w_rec])
    np.testing.assert_allclose(found * network.iscale, wanted * scale, rtol=1e-9, atol=1e-20)
    assert network.monitored == made.monitored
    assert (network.dt, network.name) == (made.dt, made.name)
    for name, value in DEFAULTS.items():
        assert network.currents[name] == pytest.approx(np.full(300, value), rel=0.1)


def test_kinds_of_synapse_that_the_model_does_not_have(tmp_path: Path) -> None:
    export(network(np.ones((1, 3)), np.zeros((3, 3))), tmp_path / "a.json")
    data = (tmp_path / "a.json").read_bytes().replace(b'"AMPA"', b'"NMDA"')
    _, findings = restored(read(data), decode(data))
    assert [(item.code, item.severity.value) for item in findings] == [("SNN-4401", "loss")]


def test_the_example_of_the_format() -> None:
    """Two neurons by hand: the first hears input 0, fires at the second on another chip, and is monitored."""
    base = {"coarse": 4, "fine": 31, "amps": amps(BASES[0], Code(4, 31))}

    def core(neuron: dict[str, object], name: str) -> list[dict[str, object]]:
        return [{"id": 1, "iscale_A": 1e-8, "parameters": {name: base}, "neurons": [neuron]}]

    off = {"stp": False, "precise_delay": False, "mismatched_delay": False}
    first = {
        "id": 3,
        "latches": {"so_dc": True},
        "cam": [{"tag": 0, "dendrite": "AMPA", "mask": 1, **off}],
        "sram": [
            {"cores": 15, "x_hop": -7, "y_hop": -7, "tag": 9},
            {"cores": 2, "x_hop": 1, "y_hop": 0, "tag": 0},
        ],
    }
    second = {"id": 0, "latches": {}, "cam": [{"tag": 0, "dendrite": "SHUNT", "mask": 4, **off}], "sram": []}
    document = {
        "format": "snnhub-dynapse2",
        "version": 1,
        "board": Board().to_json(),
        "chips": [{"id": 0, "cores": core(first, BASES[0])}, {"id": 1, "cores": core(second, BASES[2])}],
        "inputs": [{"channel": 0, "destinations": [{"x_hop": 1, "y_hop": 0, "cores": 3, "tag": 0}]}],
        "monitors": [{"chip": 0, "core": 1, "neuron": 3, "tag": 9}],
        "map": [
            {"node": "n", "index": 0, "chip": 0, "core": 1, "neuron": 3},
            {"node": "n", "index": 1, "chip": 1, "core": 1, "neuron": 0},
        ],
        "model": {"dt_s": 0.001, "layout": {}, "bias_table": "dac-v1"},
        "report": {
            "cam": {"chip 0 core 1": 1, "chip 1 core 1": 1},
            "sram": {"chip 0 core 1": 2, "chip 1 core 1": 0},
            "tags": {"chip 0 core 1": 1, "chip 1 core 1": 1},
        },
        "findings": [],
        "provenance": {"tool": "by hand", "source": ""},
    }
    data = json.dumps(document).encode()
    held = read(data)
    assert json.loads(write(held)) == document
    found = decode(data)
    assert dict(found.events) == {
        (0, (0, 1, 3), "AMPA", 1, False, False, False): 1,
        ((0, 1, 3), (1, 1, 0), "SHUNT", 4, False, False, False): 1,
    }
    assert dict(found.monitored) == {((0, 1, 3), 9): 1}


def test_board_files(tmp_path: Path) -> None:
    board = Board(positions=((0, 0), (0, 2)), input=(0, 1), monitor_hop=(-7, 0), verified=True)
    write_board(board, tmp_path / "board.json")
    assert read_board(tmp_path / "board.json") == board
    (tmp_path / "board.json").write_text("{}")
    with pytest.raises(FormatError, match="keys"):
        read_board(tmp_path / "board.json")
    (tmp_path / "board.json").write_text(" " * 70000)
    with pytest.raises(FormatError):
        read_board(tmp_path / "board.json")
