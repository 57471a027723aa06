"""Graphs in continuous time: what they may be, that they are kept to the bit, and that nothing runs them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from snnhub import convert, diff, inspect, run, save, verify
from snnhub.api.load import load_graph
from snnhub.api.options import ImportOptions
from snnhub.engine.reference import prepare
from snnhub.errors import GraphError, UsageError
from snnhub.findings import Severity
from snnhub.ir.analysis import analyse
from snnhub.ir.continuous import is_continuous
from snnhub.ir.ct_flat import flat
from snnhub.ir.ct_names import ROOT, node_id, node_path
from snnhub.ir.graph import Edge, Graph, Port
from snnhub.ir.tensor import tensor
from snnhub.ir.verify import verify as verify_graph
from snnhub.ops.registry import REGISTRY
from snnhub_formats import container

from tests.build import mlp
from tests.networks.ct_graphs import ct_graph, ct_node, lif, nested, recurrent, wire


def errors(graph: Graph) -> list[str]:
    return [f"{f.code} {f.place}" for f in verify_graph(graph, REGISTRY) if f.severity is Severity.ERROR]


@pytest.mark.parametrize("graph", [recurrent(), recurrent("float16"), nested()], ids=["loop", "f16", "nested"])
def test_a_cycle_without_delay_is_held_and_kept_to_the_bit(graph: Graph, tmp_path: Path) -> None:
    assert is_continuous(graph)
    assert not is_continuous(mlp())
    assert errors(graph) == []
    container.save(graph, tmp_path / "net.snn")
    assert container.load(tmp_path / "net.snn") == graph


def test_nothing_runs_it(tmp_path: Path) -> None:
    graph, path = recurrent(), tmp_path / "net.snn"
    container.save(graph, path)
    stimulus = np.ones((4, 2), np.float32)
    for act in (
        lambda: prepare(graph),
        lambda: run(path, stimulus),
        lambda: verify(path, path, stimulus=stimulus),
        lambda: convert(path, tmp_path / "net.net"),
        lambda: convert(path, tmp_path / "net.json"),
    ):
        with pytest.raises(UsageError, match=r"continuous time.*--profile"):
            act()
    assert not (tmp_path / "net.net").exists()


def test_it_is_inspected_compared_and_copied(tmp_path: Path) -> None:
    graph, path = recurrent(), tmp_path / "net.snn"
    container.save(graph, path)
    document = inspect(path).to_json()
    assert {layer["id"]: layer["shapes"].get("y") for layer in document["layers"]} == {
        "%": None,
        "fc": [2],
        "input~": [2],
        "lif": [2],
        "lif.w_rec": [2],
        "output~": [2],
    }
    assert convert(path, tmp_path / "copy.snn").graph == graph
    other = replace(
        graph, nodes=(*graph.nodes[:-1], graph.nodes[-1].with_params(bias=tensor(np.ones(2, np.float32))))
    )
    assert diff(graph, graph).equal
    assert [(item.what, item.a) for item in diff(graph, other).differences] == [("numbers", "lif.w_rec/bias")]


def test_what_is_not_a_node_of_its_type_is_an_error() -> None:
    bad = ct_graph(
        (
            lif("a", tau=None),
            lif("b", v_reset=None),
            lif("c", colour=np.ones(2)),
            ct_node("d", "Affine", weight="same", bias=np.ones(2)),
            ct_node("e", "Delay"),
            ct_node(("f", "g"), "I", r=np.ones(2)),
            ct_node("h", "I", **{"r": np.ones(2), "metadata/r": np.ones(3), "metadata/why": "so"}),
        ),
        (*wire("input~", "a"), Edge(Port("a", "y"), Port("b", "x"), 1), *wire("a", "nobody")),
    )
    assert errors(bad) == [
        "SNN-1005 a/tau",
        "SNN-1005 c",
        "SNN-1004 d",
        "SNN-1005 e/delay",
        "SNN-1002 a.y -> nobody.x",
        "SNN-1001 f/g",
        "SNN-1015 a.y -> b.x (delay 1)",
    ]


def test_shapes_that_do_not_fit_are_remarks() -> None:
    graph = ct_graph((lif("a", size=3), lif("b", size=2, tau=np.ones(5))), wire("input~", "a", "b", "output~"))
    assert errors(graph) == []
    found = [f"{f.code} {f.place} {f.severity.value}" for f in verify_graph(graph, REGISTRY)]
    assert found == ["SNN-1009 a info", "SNN-1009 b info"]


def test_edges_may_occur_twice_and_ports_stay_open() -> None:
    graph = ct_graph((lif("a"), lif("b")), wire("input~", "a", "output~") + wire("a", "output~"))
    assert errors(graph) == []
    assert analyse(graph, REGISTRY).shapes[Port("b", "y")] == (2,)


def test_subgraphs_are_laid_flat() -> None:
    graph = flat(nested())
    assert [node.id for node in graph.nodes] == ["input~", "output~", "a", "sub/input", "sub/lif", "sub/output"]
    assert [str(edge) for edge in graph.edges] == [
        "input~.y -> a.x",
        "a.y -> sub/input.x",
        "sub/output.y -> output~.x",
        "sub/input.y -> sub/lif.x",
        "sub/lif.y -> sub/output.x",
        "input.x -> input~.x",
        "output~.y -> output.x",
    ]
    assert analyse(graph, REGISTRY).shapes[Port("sub/lif", "y")] == (2,)
    closed = nested()
    without = replace(closed, nodes=tuple(node for node in closed.nodes if node.id != "sub/input"))
    with pytest.raises(GraphError, match="found 0 inputs in a subgraph that an edge leads to, allowed 1"):
        flat(without)


@pytest.mark.parametrize(
    ("path", "identifier"),
    [
        ((), ROOT),
        (("lif",), "lif"),
        (("input",), "input~"),
        (("output~",), "output~~"),
        (("inputs~",), "inputs~"),
        (("a/b", "%"), "a%2Fb/%25"),
        (("sub", "input"), "sub/input"),
        (("a\nb\x1b[31m é", " ."), "a%0Ab%1B[31m é/ ."),
        (("input/x",), "input%2Fx"),
    ],
)
def test_names_are_read_back_from_ids(path: tuple[str, ...], identifier: str) -> None:
    assert node_id(path) == identifier
    assert node_path(identifier) == path


@pytest.mark.parametrize("identifier", ["input", "a%", "a%41", "a%FF", ""])
def test_other_ids_are_no_names(identifier: str) -> None:
    with pytest.raises(GraphError, match="id is no path of names"):
        node_path(identifier)


def test_a_length_of_a_step_is_taken_where_the_network_has_none(tmp_path: Path) -> None:
    path = tmp_path / "net.snn"
    save(replace(mlp(), dt=None), path)
    made = load_graph(path, options=ImportOptions(dt=1e-3)).graph
    assert made.dt == 1e-3
    assert [finding.code for finding in made.findings] == ["SNN-5008"]
    save(replace(made, findings=()), path)
    assert load_graph(path, options=ImportOptions(dt=1e-3)).graph.findings == ()
    with pytest.raises(UsageError, match="step of its own"):
        load_graph(path, options=ImportOptions(dt=2e-3))
    with pytest.raises(UsageError, match="positive"):
        load_graph(path, options=ImportOptions(dt=float("nan")))
