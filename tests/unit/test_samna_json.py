"""samna's own JSON of a Xylo Audio 2 configuration: the public file read and written back, and cores both ways."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snnhub
from snnhub.cli.main import invoke
from snnhub.errors import FormatError, UnsupportedError
from snnhub.findings import Severity
from snnhub.hub.catalogue import detect
from snnhub.ir.graph import Decoder, Graph, Port
from snnhub_formats import container
from snnhub_xylo.core import Core
from snnhub_xylo.document import graph_of
from snnhub_xylo.samna.cereal import document, export_samna_a2, write
from snnhub_xylo.samna.cereal_reader import read
from snnhub_xylo.writer import export_a2

from tests.build import mlp
from tests.conftest import SHARED
from tests.networks.xylo_cores import core_graph
from tests.unit.test_samna_loader import everything
from tests.unit.test_xylo_json import fitting
from tests.unit.test_xylo_targets import made


@pytest.fixture(scope="module")
def public() -> Path:
    """The file that samna wrote in 2022; it is not part of the project."""
    path = SHARED / "rockpool" / "samna_xylo_a2_config_2022.json"
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    return path


def test_the_public_file_is_read_and_written_back_byte_for_byte(public: Path) -> None:
    assert detect(public).name == "samna-a2"
    graph = snnhub.load(public)
    core = Core.of(graph.nodes[0])
    assert (core.inputs, core.hidden, core.outputs, core.synapses) == (3, 5, 2, 2)
    assert core.weights_in[0].tolist() == [[98, 106], [15, -86], [89, -3], [-31, -104], [-117, 37]]
    assert core.weights_rec[4, :, 1].tolist() == [56, 91, 69, 68, 90]
    assert core.weights_out[3].tolist() == [48, -95]
    assert [int(core.arrays[f"shift_{name}"]) for name in ("in", "rec", "out")] == [1, 1, 1]
    assert (set(core.threshold), set(core.dash_mem), set(core.dash_mem_out)) == ({128}, {2}, {3})
    assert core.dash_syn.tolist() == [[4, 2]] * 5
    assert write(core) == public.read_bytes()
    assert [(item.code, item.severity) for item in graph.findings] == [("SNN-4309", Severity.NOTE)]


def test_the_public_file_runs_and_goes_to_xylo_json(public: Path, tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 4, (30, 3)).astype(np.uint8)
    ours = snnhub.run(public, x, record="all").recording
    assert ours["xylo/s"].any()
    snnhub.convert(public, tmp_path / "net.json", to="xylo-a2")
    theirs = snnhub.run(tmp_path / "net.json", x, record="all").recording
    assert set(ours) == set(theirs)
    for key, array in ours.items():
        np.testing.assert_array_equal(array, theirs[key])


@pytest.mark.parametrize("seed", range(39))
def test_what_is_written_is_read(seed: int, tmp_path: Path) -> None:
    graph = graph_of(fitting(seed))
    found = export_samna_a2(graph, tmp_path / "net.json")
    assert {item.code for item in found} <= {"SNN-4309", "SNN-2403"}
    loaded = snnhub.load(tmp_path / "net.json")
    assert loaded.network() == graph.network()
    assert [item.code for item in loaded.findings] == ["SNN-4309"]
    assert write(Core.of(loaded.nodes[0])) == (tmp_path / "net.json").read_bytes()


def test_flags_and_clocks_follow_from_the_numbers() -> None:
    for core, on in ((made(), False), (everything("xylo-a2"), True)):
        value = document(core)["value0"]
        flags = (value["synapse2Enable"], value["biasEnable"], value["reservoir"]["aliasing"])
        assert flags == (on, on, on)
        assert [value["debug"][f"{name}ClockEnable"] for name in ("isyn", "isyn2", "ra", "bias", "hm")] == [
            True,
            on,
            True,
            on,
            True,
        ]
    assert value["reservoir"]["neurons"][0]["aliasTarget"] == {"nullopt": False, "data": 3}
    assert value["reservoir"]["neurons"][1]["aliasTarget"] == {"nullopt": True}


def test_what_has_no_place_is_said(tmp_path: Path) -> None:
    empty = made(synapses=2)
    arrays = {name: empty.arrays[name].copy() for name in ("weights_in", "weights_rec")}
    for array in arrays.values():
        array[:, :, 1] = 0
    graph = graph_of(Core.made("v2", empty.arrays | arrays), dt=0.01, decoder=Decoder("sum"))
    found = export_samna_a2(graph, tmp_path / "net.json")
    assert [item.code for item in found] == ["SNN-4309", "SNN-4310"]
    assert found[1].old == "dt, decoder, second synapse without weights"


def refused(graph: Graph, path: Path) -> list[tuple[str, str]]:
    with pytest.raises(UnsupportedError) as caught:
        export_samna_a2(graph, path)
    assert not path.exists()
    return [(item.code, item.place) for item in caught.value.findings]


def test_what_it_does_not_hold_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    graph = graph_of(made(inputs=17, threshold=np.full(10, -1)))
    graph = replace(graph, edges=(graph.edges[0], replace(graph.edges[1], src=Port("xylo", "s"))))
    found = refused(graph, path)
    assert sorted(found) == [("SNN-2201", "xylo"), ("SNN-2201", "xylo/threshold"), ("SNN-4101", "output")]
    assert refused(mlp(), path)[-1] == ("SNN-4101", "mlp")


def test_the_command_line(tmp_path: Path) -> None:
    container.save(core_graph(made()), tmp_path / "net.snn")
    assert invoke(["convert", str(tmp_path / "net.snn"), "--to", "samna-a2", "-o", str(tmp_path / "a.json")]) == 0
    assert invoke(["inspect", str(tmp_path / "a.json")]) == 0
    assert detect(tmp_path / "a.json").name == "samna-a2"
    x = np.ones((9, 4), np.uint8)
    assert snnhub.verify(tmp_path / "net.snn", tmp_path / "a.json", stimulus=x).passed
    export_a2(graph_of(made()), tmp_path / "b.json")
    assert detect(tmp_path / "b.json").name == "xylo"


def changed(core: Core, change: Callable[[Any], object]) -> bytes:
    value = document(core)
    change(value["value0"])
    return json.dumps(value).encode()


def test_fields_without_a_meaning_are_named() -> None:
    def change(value: Any) -> None:
        value["operationMode"] = 2
        value["timeResolutionWrap"] = 500
        value["debug"]["monitorNeuronVMem"] = {"nullopt": False, "data": {"value0": 0, "value1": 5}}
        value["reservoir"]["neurons"][4]["iSyn2Decay"] = 7

    graph = read(changed(made(), change))
    assert graph.network() == graph_of(made()).network()
    (told,) = [item for item in graph.findings if item.code == "SNN-4310"]
    assert "4 fields" in told.message
    for words in ("operation_mode 2", "time_resolution_wrap 500", "i_syn2_decay 1 neurons, first 4: 7"):
        assert words in told.old
    assert "operation_mode 0" in told.new


def test_many_fields_are_counted() -> None:
    def change(value: Any) -> None:
        for name in (
            "peInternalSelect",
            "peFsmSelect",
            "inputReadSelect",
            "readTimingSelect",
            "writeTimingSelect",
        ):
            value["debug"][name] = 9
        value["debug"]["monitors"]["value2"] = 9
        value["clearNetworkState"] = True
        value["biasEnable"] = True

    (told,) = [item for item in read(changed(made(), change)).findings if item.code == "SNN-4310"]
    assert "8 fields" in told.message
    assert told.old.endswith("and 2 more")


OFF: dict[str, tuple[Callable[[Any], object], str]] = {
    "synapse2": (lambda v: v.update(synapse2Enable=False), "input.syn2_weights"),
    "bias": (lambda v: v.update(biasEnable=False), "reservoir.neurons[].v_mem_bias"),
    "alias": (lambda v: v["reservoir"].update(aliasing=False), "reservoir.neurons[].alias_target"),
}


@pytest.mark.parametrize("name", OFF)
def test_numbers_that_a_flag_switches_off_are_a_loss(name: str) -> None:
    change, path = OFF[name]
    graph = read(changed(everything("xylo-a2"), change))
    lost = [item for item in graph.findings if item.code == "SNN-4311"]
    assert path in {item.place for item in lost}
    assert {item.severity for item in lost} == {Severity.LOSS}
    core = Core.of(graph.nodes[0])
    assert {"synapse2": core.synapses == 1, "bias": not core.bias.any(), "alias": (core.alias == -1).all()}[name]


def test_matrices_of_an_unused_synapse_may_be_empty() -> None:
    nothing = {"dimensions": {"value0": 0, "value1": 0}, "offsets": {"value0": 0, "value1": 1}, "values": []}

    def change(value: Any) -> None:
        value["input"]["syn2_weights"] = value["reservoir"]["syn2Weights"] = nothing

    graph = read(changed(made(), change))
    assert graph.network() == graph_of(made()).network()
    assert [item.code for item in graph.findings] == ["SNN-4309", "SNN-4310"]
    with pytest.raises(FormatError, match="sizes do not fit"):
        read(changed(everything("xylo-a2"), change))
