"""diff of real pairs: a network and what it became, two files of one network, one number or one delay changed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import snnhub
from snnhub.cli.main import invoke
from snnhub.differences.difference import Difference, Section
from snnhub.differences.report import NetworkDiff
from snnhub.errors import FormatError, UsageError
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.digest import network_digest
from snnhub.ir.graph import Graph, Node
from snnhub.ir.numtype import F32
from snnhub.ir.tensor import tensor
from snnhub.ops.registry import REGISTRY
from snnhub_formats import container

from tests.build import loihi_mlp, mlp, scalar
from tests.conftest import ROOT
from tests.networks.rockpool_files import synnet, write
from tests.networks.soft_reset import digits, graph

GOLDEN = ROOT / "tests" / "golden" / "v1_0"
FLOAT, NETX = GOLDEN / "mnist_csnn.snn", GOLDEN / "mnist_csnn.net"


def named(result: NetworkDiff, section: Section, what: str) -> list[Difference]:
    return [item for item in result.of(section) if item.what == what]


def one(result: NetworkDiff, section: Section, what: str, place: str) -> Difference:
    (found,) = [item for item in named(result, section, what) if item.a == place]
    return found


def kinds(result: NetworkDiff) -> list[tuple[str, str, str]]:
    """Without history."""
    return [(d.section.value, d.what, d.place) for d in result.differences if d.section is not Section.PROVENANCE]


def with_param(net: Graph, node: str, name: str, index: tuple[int, ...], value: float) -> Graph:
    """The network with one number changed."""
    array = net.node[node].param[name].array.copy()
    array[index] = value
    changed = net.node[node].with_params(**{name: tensor(array)})
    return replace(net, nodes=tuple(changed if item.id == node else item for item in net.nodes))


def test_the_trained_network_against_its_netx() -> None:
    """By the table in the NetX file: all 13 nodes, the scales of the weights, one step of delay per synapse, and
    what Loihi's neuron does otherwise.
    """
    result = snnhub.diff(FLOAT, NETX)
    assert not result.equal
    assert result.alignment.source == "A"
    assert [pair.how for pair in result.alignment.pairs] == ["table"] * 13
    assert result.alignment.nodes["conv_fc/9"] == "layer6/synapse"
    assert (result.alignment.removed, result.alignment.added, result.alignment.ties) == ((), (), ())
    delays = named(result, Section.STRUCTURE, "delay")
    assert [(item.old, item.new) for item in delays] == [("0", "1")] * 6
    words = {item.what: (item.old, item.new) for item in result.of(Section.SEMANTICS) if item.a == "conv_fc/1"}
    assert words["fires"] == ("s where a value >= v_threshold", "s where a value > vThMant << 6")
    assert words["reset"] == ("v set to v_reset", "v set to 0")
    assert words["decay of v"] == ("none", "times 2^12 - vDecay, shifted right (toward zero) by 12")
    assert words["caps"][1] == "clipped to -(2^23 - 1) .. (2^23 - 1); wraps at 32 bits"
    assert words["order"][1].endswith("v takes u after its update")
    scales = {row.a.node: row.scale for row in result.alignment.rows if row.a.name == "y" and row.scale != 1.0}
    weights = [item for item in result.of(Section.PARAMETERS) if item.numbers is not None]
    assert len(weights) == len(scales) == 6
    for item in weights:
        assert item.numbers is not None
        assert item.numbers.multiple is not None
        scale = scales[item.a.removesuffix("/weight")]
        assert item.numbers.multiple.factor == pytest.approx(scale, rel=1e-3)  # what the lowering chose
        assert not item.numbers.multiple.exact


def test_the_table_leads_the_same_way_from_the_other_side() -> None:
    forward, backward = snnhub.diff(FLOAT, NETX), snnhub.diff(NETX, FLOAT)
    assert backward.alignment.source == "B"
    assert {(p.b, p.a) for p in backward.alignment.pairs} == {(p.a, p.b) for p in forward.alignment.pairs}
    assert backward.counts == forward.counts


def test_two_resets_of_one_network() -> None:
    soft = graph("if")
    hard = replace(soft, nodes=tuple(_hard(n.id) if n.op == "core.IF" else n for n in soft.nodes))
    result = snnhub.diff(soft, hard)
    assert [(item.old, item.new) for item in named(result, Section.SEMANTICS, "attribute reset")] == [
        ("'subtract'", "'value'")
    ] * 2
    assert one(result, Section.SEMANTICS, "reset", "1").old == "v less v_threshold"
    assert one(result, Section.SEMANTICS, "reset", "1").new == "v set to v_reset"
    text = one(result, Section.SEMANTICS, "step program", "1").lines
    assert "-v     <- where(t4, t2 - v_threshold, t2)" in text
    assert "+v     <- where(t4, v_reset, t2)" in text
    assert result.tensors == (6, 6)


def _hard(name: str) -> Node:
    builder = GraphBuilder("hard", REGISTRY)
    port = builder.input((4,), F32)
    params = {"v_threshold": scalar(1.0), "v_reset": scalar(0.0)}
    builder.output(builder.node(name, "core.IF", port, params=params, reset="value", compare="ge"))
    return builder.graph().node[name]


def test_integrators_against_leaky_neurons() -> None:
    """Neurons of other ops are compared by their programs; trained apart, no weight is the same."""
    result = snnhub.diff(graph("if"), graph("lif"))
    assert one(result, Section.SEMANTICS, "op", "1").new == "core.LIF/1"
    assert one(result, Section.SEMANTICS, "decay of v", "1").new == "divided by tau"
    numbers = one(result, Section.PARAMETERS, "numbers", "0/weight").numbers
    assert numbers is not None
    assert (numbers.compared, numbers.differing, numbers.multiple) == (960, 960, None)
    assert {item.what for item in result.of(Section.PARAMETERS)} == {
        "numbers",
        "parameter bias removed",
        "parameter tau added",
    }


def test_a_rockpool_file_and_its_snn_are_equal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write(tmp_path / "net.json", synnet(4, 6, 5))
    snnhub.convert(source, tmp_path / "net.snn", from_="rockpool")
    result = snnhub.diff(source, tmp_path / "net.snn", from_="rockpool")
    assert result.equal
    assert kinds(result) == []
    assert invoke(["diff", str(source), str(tmp_path / "net.snn"), "--from", "rockpool"]) == 0
    assert "equal networks" in capsys.readouterr().out


def test_a_network_in_a_xylo_core(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Four nodes became one: nothing is paired, and the table says which quantity is where."""
    container.save(graph("lif"), tmp_path / "net.snn")
    snnhub.convert(tmp_path / "net.snn", tmp_path / "x.json", to="xylo-a2", calibration=digits(count=4))
    result = snnhub.diff(tmp_path / "net.snn", tmp_path / "x.json")
    (group,) = result.alignment.together
    assert group.a == ("0", "1", "2", "3")
    assert group.b == ("xylo",)
    assert kinds(result) == [
        ("structure", "nodes put together", "0, 1, 2, 3 | xylo"),
        ("semantics", "ops", "0, 1, 2, 3 | xylo"),
        ("interface", "input type", "input"),
    ]
    assert invoke(["diff", str(tmp_path / "net.snn"), str(tmp_path / "x.json")]) == 1
    text = capsys.readouterr().out
    assert "3.s            xylo.s_out  1            1" in text
    assert "B came from A" in text


def test_one_weight() -> None:
    net = snnhub.load(FLOAT)
    old = net.node["conv_fc/4"].param["weight"].array[3, 2, 1, 0].item()
    result = snnhub.diff(net, with_param(net, "conv_fc/4", "weight", (3, 2, 1, 0), 0.5))
    (found,) = [item for item in result.differences if item.section is not Section.PROVENANCE]
    assert (found.what, found.a, found.b) == ("numbers", "conv_fc/4/weight", "conv_fc/4/weight")
    assert found.numbers is not None
    assert (found.numbers.differing, found.numbers.index) == (1, (3, 2, 1, 0))
    assert (found.numbers.old, found.numbers.new) == (old, 0.5)
    assert found.numbers.largest == pytest.approx(abs(0.5 - old))


def test_one_delay() -> None:
    net = loihi_mlp()
    edges = list(net.edges)
    edges[2] = replace(edges[2], delay=5)
    result = snnhub.diff(net, replace(net, edges=tuple(edges)))
    assert kinds(result) == [("structure", "delay", "n0.s -> fc1.x")]
    assert (result.differences[0].old, result.differences[0].new) == ("1", "5")


def test_the_sign_of_zero_and_nan_are_differences() -> None:
    net = with_param(mlp(), "fc0", "weight", (0, 0), 0.0)
    result = snnhub.diff(net, with_param(net, "fc0", "weight", (0, 0), -0.0))
    numbers = result.differences[0].numbers
    assert numbers is not None
    assert not result.equal
    assert (numbers.differing, numbers.largest) == (1, 0.0)
    lost = snnhub.diff(net, with_param(net, "fc0", "weight", (0, 0), float("nan"))).differences[0].numbers
    assert lost is not None
    assert (lost.differing, lost.unordered, lost.largest) == (1, 1, None)


def test_a_multiple_and_another_type() -> None:
    net = mlp()
    weight = net.node["fc1"].param["weight"].array
    double = net.node["fc1"].with_params(weight=tensor(weight * np.float32(-3)))
    wide = net.node["fc1"].with_params(weight=tensor(weight.astype(np.float64)))
    several, typed = (
        snnhub.diff(net, replace(net, nodes=tuple(item if node.id == "fc1" else node for node in net.nodes)))
        for item in (double, wide)
    )
    numbers = several.differences[0].numbers
    assert numbers is not None
    assert numbers.multiple is not None
    assert numbers.multiple.exact
    assert numbers.multiple.factor == pytest.approx(-3)
    assert (typed.differences[0].what, typed.differences[0].words) == ("type", "equal numbers")
    assert not typed.equal


def test_the_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["diff", str(FLOAT), str(NETX), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["equal"] is False
    assert document["a"]["network"] == network_digest(snnhub.load(FLOAT))
    assert document["counts"] == {
        "structure": 19,
        "semantics": 70,
        "parameters": 42,
        "interface": 1,
        "provenance": len([item for item in document["differences"] if item["section"] == "provenance"]),
    }
    assert document["alignment"]["table"]["source"] == "A"
    assert invoke(["diff", str(NETX), str(NETX), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["differences"] == []


def test_the_text_groups_equal_differences(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["diff", str(FLOAT), str(NETX)]) == 1
    text = capsys.readouterr().out
    assert "at 6: conv_fc/1 | layer1 … conv_fc/12 | layer7" in text
    assert text.count("clipped to") == 1
    assert "13 nodes (13 by the correspondence table); B came from A; 0 of 6 tensors equal" in text
    assert len(text.splitlines()) < 100


def test_what_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["diff", str(FLOAT)]) == 2
    assert invoke(["diff", str(FLOAT), str(tmp_path / "none.snn")]) == 2
    assert invoke(["diff", str(FLOAT), str(NETX), "--option", "nothing=1"]) == 2
    assert "no importer of these networks has such an option" in capsys.readouterr().err
    assert invoke(["diff", str(FLOAT), str(NETX), "--set", "channels=16"]) == 2
    assert "for factories" in capsys.readouterr().err
    assert invoke(["diff", str(FLOAT), str(NETX), "--b-set", "channels=16"]) == 2
    assert "for factories" in capsys.readouterr().err
    with pytest.raises(UsageError):
        snnhub.diff(FLOAT, object())
    (tmp_path / "broken.snn").write_bytes(FLOAT.read_bytes()[:1000])
    with pytest.raises(FormatError):
        snnhub.diff(FLOAT, tmp_path / "broken.snn")
