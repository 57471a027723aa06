"""xylo.json: the graph that is written is the graph that is read; canonical bytes; what cannot be written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import snnhub
from snnhub.engine.reference import prepare
from snnhub.errors import FormatError, UnsupportedError, UsageError
from snnhub.findings import loss
from snnhub.hub.catalogue import detect
from snnhub.ir.graph import TERMINAL_PORT, Decoder, Graph, Match, Port
from snnhub.ir.tensor import tensor
from snnhub.passes.base import promise_of
from snnhub_formats import container
from snnhub_xylo.core import NO_ALIAS, Core
from snnhub_xylo.document import graph_of, write
from snnhub_xylo.families import A2, A3, FAMILIES, IMU, Family
from snnhub_xylo.reader import read
from snnhub_xylo.writer import export

from tests.build import mlp
from tests.networks.multispike_nets import network, raster
from tests.networks.xylo_cores import core_graph, random_core
from tests.unit.test_xylo_targets import made

KEYS = ("output", "xylo/s", "xylo/vmem", "xylo/isyn", "xylo/vmem_out")


def fitting(seed: int) -> Core:
    """A random core as a chip could have it: aliases forward, thresholds not below 0, version 2."""
    core, _ = random_core(seed)
    alias = np.where(core.alias > np.arange(core.hidden), core.alias, NO_ALIAS)
    changes = {"alias": alias, "threshold": np.abs(core.threshold) % 2**15}
    return Core.made("v2", core.arrays | changes | {"threshold_out": np.abs(core.threshold_out) % 2**15})


def family_of(core: Core) -> Family:
    return A3 if core.synapses == 2 else IMU


@pytest.mark.parametrize("seed", range(39))
def test_what_is_written_is_read(seed: int, tmp_path: Path) -> None:
    core = fitting(seed)
    graph = graph_of(core, dt=0.009994 if seed % 2 else None, decoder=Decoder("sum") if seed % 3 else None)
    path = tmp_path / "net.json"
    for family in (A2, family_of(core)):
        assert [item.code for item in export(graph, path, family) if item.code != "SNN-2403"] == []
        loaded = snnhub.load(path)
        assert loaded.network() == graph.network()
        assert (loaded.correspondence, loaded.findings) == (graph.correspondence, graph.findings)
        assert write(loaded, Core.of(loaded.nodes[0]), family).replace(b'"source":"net.json"', b'"source":""') == (
            path.read_bytes()
        )


MATCHES = (
    Match(Port("raster", TERMINAL_PORT), Port("input", TERMINAL_PORT)),
    Match(Port("seq/0_neurons", "s"), Port("xylo", "s"), 0, 21.5, (0, 6)),
    Match(Port("seq/add", "y"), Port("xylo", "s"), 1, None, (6, 10)),
    Match(Port("seq/out", "s"), Port("xylo", "s_out"), 2, 0.1),
)


def test_correspondence_and_findings_are_kept(tmp_path: Path) -> None:
    finding = loss(
        "SNN-2103", "xylo/weights_in", "3 weights clipped", old="140", new="127", bound="10 %", remedy="Less."
    )
    graph = replace(graph_of(made(), dt=0.01), correspondence=MATCHES, findings=(finding,))
    assert export(graph, tmp_path / "net.json", A3) == ()
    loaded = snnhub.load(tmp_path / "net.json")
    assert loaded.correspondence == MATCHES
    assert loaded.findings == (finding,)
    assert loaded.dt == 0.01
    row = json.loads((tmp_path / "net.json").read_bytes())["maps"]["hidden"][1]
    assert row == {"ids": [6, 10], "node": "seq/add", "port": "y", "kind": "sum", "lag": 1, "scale": []}


def test_two_layers_of_outputs(tmp_path: Path) -> None:
    rows = (
        Match(Port("a", "s"), Port("xylo", "s_out"), 1, 2.0, (0, 2)),
        Match(Port("b", "s"), Port("xylo", "s_out"), 1, 2.0, (2, 3)),
    )
    graph = replace(graph_of(made()), correspondence=rows)
    export(graph, tmp_path / "net.json", A2)
    assert snnhub.load(tmp_path / "net.json").correspondence == rows


def test_rows_without_a_place_are_named(tmp_path: Path) -> None:
    state = Match(Port("n", "vmem"), Port("xylo", "vmem"))
    graph = replace(graph_of(made()), correspondence=(*MATCHES, state))
    found = export(graph, tmp_path / "net.json", A3)
    assert [(item.code, item.old) for item in found] == [("SNN-4303", "xylo.vmem")]
    assert snnhub.load(tmp_path / "net.json").correspondence == MATCHES


def test_other_names_and_widths_become_those_of_the_file(tmp_path: Path) -> None:
    core = fitting(4)
    graph = core_graph(core, name="core0")
    wide = graph.nodes[0].with_params(threshold=tensor(core.threshold))
    graph = replace(graph, nodes=(wide,))
    found = export(graph, tmp_path / "net.json", A2)
    assert ("SNN-4302", "input, core0, output") in [(item.code, item.old) for item in found]
    loaded = snnhub.load(tmp_path / "net.json")
    assert loaded.network() == graph_of(core).network()
    _, x = random_core(4)
    ours, _ = prepare(graph).run(x, record=("output", "core0/vmem"))
    theirs, _ = prepare(loaded).run(x, record=("output", "xylo/vmem"))
    np.testing.assert_array_equal(ours["output"], theirs["output"])
    np.testing.assert_array_equal(ours["core0/vmem"], theirs["xylo/vmem"])


def test_it_is_told_by_its_content(tmp_path: Path) -> None:
    export(graph_of(made()), tmp_path / "anything.txt", A2)
    assert detect(tmp_path / "anything.txt").name == "xylo"
    x = np.ones((9, 4), np.uint8)
    assert snnhub.run(tmp_path / "anything.txt", x).recording["output"].shape == (9, 3)


def test_shape_says_what_the_family_needs() -> None:
    core = made(hidden=200)
    for family, wanted in ((A2, (200, 200)), (IMU, (100, 100)), (A3, (100, 100))):
        shape = json.loads(write(graph_of(core), core, family))["shape"]
        assert (shape["ien"], shape["oen"]) == wanted


def refused(graph: Graph, path: Path, family: Family) -> list[tuple[str, str]]:
    with pytest.raises(UnsupportedError) as caught:
        export(graph, path, family)
    assert not path.exists()
    return [(item.code, item.place) for item in caught.value.findings]


def test_what_the_file_does_not_hold_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    graph = graph_of(made(inputs=17), dt=-1.0)
    graph = replace(
        graph, decoder=Decoder("mean"), edges=(graph.edges[0], replace(graph.edges[1], src=Port("xylo", "s")))
    )
    assert refused(graph, path, A2) == [
        ("SNN-2201", "xylo"),
        ("SNN-4301", "output"),
        ("SNN-4301", "dt"),
        ("SNN-4301", "decoder"),
    ]
    assert [code for code, _ in refused(mlp(), path, A3)][-1:] == ["SNN-4301"]
    old = made()
    assert refused(graph_of(Core.made("v1", old.arrays)), path, IMU) == [("SNN-2401", "xylo")]


@pytest.mark.parametrize("family", FAMILIES)
def test_convert_writes_and_refuses(family: str, tmp_path: Path) -> None:
    container.save(graph_of(made()), tmp_path / "net.snn")
    result = snnhub.convert(tmp_path / "net.snn", tmp_path / "out.json", to=family)
    assert [(item.code, item.severity.value) for item in result.findings] == []
    assert json.loads((tmp_path / "out.json").read_bytes())["target"] == family
    container.save(mlp(), tmp_path / "mlp.snn")
    with pytest.raises(UnsupportedError) as caught:
        snnhub.convert(tmp_path / "mlp.snn", tmp_path / "no.json", to=family)
    assert {item.place for item in caught.value.findings} >= {"n0", "n1"}
    assert not (tmp_path / "no.json").exists()


def test_the_same_graph_gives_the_same_bytes() -> None:
    core = fitting(12)
    graph = graph_of(core, dt=0.001)
    first = write(graph, core, A3)
    assert first == write(graph_of(Core.of(graph.nodes[0]), dt=0.001), core, A3)
    assert read(first).network() == graph.network()


def test_what_a_conversion_promised_is_in_the_file(tmp_path: Path) -> None:
    container.save(network("two", 3), tmp_path / "net.snn")
    x = raster(5, 80, 3)
    result = snnhub.convert(tmp_path / "net.snn", tmp_path / "net.json", to="xylo-a2", calibration=x)
    promise = promise_of(snnhub.load(tmp_path / "net.json"))
    assert promise == promise_of(result.graph)
    assert promise is not None
    assert promise.overlap is not None
    found = snnhub.verify(tmp_path / "net.snn", tmp_path / "net.json", stimulus=x)
    assert found.passed
    text = (tmp_path / "net.json").read_text()
    for old, new in (('"contract":"bounded"', '"contract":"best"'), ('"overlap":"', '"overlap":"9')):
        assert old in text
        (tmp_path / "bad.json").write_text(text.replace(old, new))
        with pytest.raises(FormatError, match=r"promise|overlap"):
            snnhub.load(tmp_path / "bad.json")


def test_the_chip_may_be_named_as_a_target(tmp_path: Path) -> None:
    container.save(network("two", 3), tmp_path / "net.snn")
    source = tmp_path / "net.snn"
    named = snnhub.convert(source, tmp_path / "a.json", to="xylo-a3")
    told = snnhub.convert(source, tmp_path / "b.json", to="xylo", target="xylo-a3")
    assert told.exporter == named.exporter == "xylo-a3"
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    with pytest.raises(UsageError, match="several exporters"):
        snnhub.convert(source, tmp_path / "c.json", to="xylo")
    with pytest.raises(UsageError, match="which exporter"):
        snnhub.convert(source, tmp_path / "c.json", to="netx", target="xylo-a3")
    with pytest.raises(UsageError):
        snnhub.convert(source, tmp_path / "c.json", to="xylo", target="xylo-a9")
    assert not (tmp_path / "c.json").exists()


def test_one_raster_without_a_batch_axis_calibrates(tmp_path: Path) -> None:
    container.save(network("two", 3), tmp_path / "net.snn")
    x = raster(5, 80, 1)
    one = snnhub.convert(tmp_path / "net.snn", to="xylo-a2", dry_run=True, calibration=x[:, 0])
    same = snnhub.convert(tmp_path / "net.snn", to="xylo-a2", dry_run=True, calibration=x)
    assert one.graph.network() == same.graph.network()
    with pytest.raises(UsageError, match="axes"):
        snnhub.convert(tmp_path / "net.snn", to="xylo-a2", dry_run=True, calibration=x[0, 0])
