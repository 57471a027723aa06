"""norse's cells written as NIR and on their way to Loihi: what comes back, is lost by name, is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snnhub.api.discretise import discretise
from snnhub.api.options import ImportOptions
from snnhub.engine.reference import prepare
from snnhub.errors import UnsupportedError
from snnhub.hub.catalogue import register_ops
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.digest import network_digest
from snnhub.ir.graph import Graph, Port
from snnhub.ir.numtype import F32
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array, tensor
from snnhub.ops.registry import REGISTRY
from snnhub.passes.base import ALMOST, Pass, PassContext, Promise, run_pass
from snnhub_loihi import profiled
from snnhub_nir.reader import import_nir
from snnhub_nir.writer import export_nir

from tests.build import spikes

F = np.float32
DT = 1e-3
BOX = {"c": F(DT) * F(100), "v_leak": 0.0, "v_threshold": 0.4}
CUBA = {**BOX, "c_syn": F(DT) * F(200), "w_in": 1.5, "r": 2.0}
LIF = {"c": 0.1, "c_syn": 0.2, "v_leak": 0.0, "v_threshold": 0.6, "v_reset": 0.0}
PLAIN: dict[str, Any] = {"recurrent": False, "refractory": False}
PROFILED = Pass("loihi profiled", 1, Promise(Rung.BOUNDED, ALMOST), "", profiled.run)


@pytest.fixture(autouse=True, scope="module")
def ops() -> None:
    register_ops()


def layers(op: str, params: dict[str, Any], *, loop: bool = False, **choices: Any) -> Graph:
    """Two Dense and two layers of 12 neurons behind 8 inputs."""
    chance = np.random.default_rng(len(op))
    builder = GraphBuilder("net", REGISTRY)
    port, before = builder.input((8,), F32), 8
    given = {name: tensor(np.asarray(value, F)) for name, value in params.items()}
    for number in range(2):
        port = dense(builder, f"fc{number}", port, chance.normal(0.2, 1, (12, before)))
        port = builder.node(f"n{number}", f"norse.{op}", port, params=given, **choices)
        before = 12
    if loop:
        back = dense(builder, "back", port, chance.normal(0, 0.3, (12, 12)), 1)
        builder.edge(back, Port("n1", "r"))
        builder.edge(dense(builder, "first", Port("n0", "s"), np.eye(12) / 4, 1), Port("n0", "r"))
    builder.output(port)
    return builder.graph(dt=DT)


def dense(builder: GraphBuilder, name: str, source: Port, weight: Array, delay: int = 0) -> Port:
    more: dict[str, Any] = {"bias": False, "accumulate": "exact", "shift": 0}
    return builder.node(
        name, "core.Dense", source, params={"weight": tensor(weight.astype(F))}, delay=delay, **more
    )


def told(graph: Graph, path: Path, **chosen: str) -> dict[str, set[str]]:
    """Places by code; in small letters those of a refusal."""
    try:
        found = export_nir(graph, path, chosen)
    except UnsupportedError as problem:
        found = problem.findings
    return {item.code: {other.place for other in found if other.code == item.code} for item in found}


@pytest.mark.parametrize(
    ("op", "params"),
    [("LIFBox", BOX), ("IAF", {"v_threshold": 1.5}), ("CubaLIF", CUBA), ("LIFBox", BOX | {"v_leak": 0.1})],
)
def test_what_norse_reads_is_this_very_network_and_written_for_it_without_a_loss(
    op: str, params: dict[str, Any], tmp_path: Path
) -> None:
    """Also where NIR's own text would mean something else: r of IF, v_leak."""
    graph = layers(op, params)
    for consumer in ("none", "norse"):
        path = tmp_path / f"{consumer}.nir"
        assert set(told(graph, path, **{"for": consumer})) <= {"SNN-4511", "SNN-4505", "SNN-4516"}
        assert network_digest(import_nir(path, ImportOptions())) == network_digest(graph)
        plain = import_nir(path, ImportOptions(profile="norse-1", given={"ignore_metadata": "true"}))
        made = discretise(plain, DT, "norse-1")
        x = np.random.default_rng(0).normal(0.5, 3, (80, 2, 8)).astype(F)
        found, wanted = (prepare(item).run(x, record=["output"])[0]["output"] for item in (made, graph))
        np.testing.assert_array_equal(found, wanted)
        assert wanted.sum() > 50


def test_what_another_framework_would_lose_is_still_lost_for_it(tmp_path: Path) -> None:
    """Proven for norse alone: sinabs ignores r, and reads tau as steps."""
    found = told(layers("LIFBox", BOX), tmp_path / "x.nir", **{"for": "sinabs"})
    assert "SNN-4504" in found or "SNN-4503" in found


LOSSES: dict[str, tuple[str, dict[str, Any], dict[str, Any], set[str]]] = {
    "soft box": ("LIFBoxCell", BOX, {"reset": "subtract"}, {"SNN-4506", "SNN-4508"}),
    "box to a value": ("LIFBoxCell", BOX | {"v_reset": -0.1}, {"reset": "value"}, {"SNN-4508"}),
    "iaf to a value": ("IAFCell", {"v_threshold": 1.0, "v_reset": -0.1}, {}, {"SNN-4506"}),
    "lif": ("LIFCell", LIF, PLAIN, {"SNN-4508"}),
    "refractory": ("LIFCell", LIF | {"rho_reset": 3.0}, PLAIN | {"refractory": True}, {"SNN-4508", "SNN-4527"}),
    "adaptive": (
        "LSNNCell",
        LIF | {"c_adapt": 0.01, "beta": 0.3},
        {"recurrent": False},
        {"SNN-4506", "SNN-4508", "SNN-4527"},
    ),
    "leak": ("LIFCell", LIF | {"v_leak": 0.1}, PLAIN, {"SNN-4506", "SNN-4508"}),
    "odd time constant": ("LIFBox", BOX | {"c": np.nextafter(F(0.1), F(1))}, {}, {"SNN-4508"}),
}


@pytest.mark.parametrize("name", LOSSES)
def test_what_nir_cannot_say_is_refused_by_name_or_lost(name: str, tmp_path: Path) -> None:
    op, params, choices, wanted = LOSSES[name]
    graph, path = layers(op, params, **choices), tmp_path / "x.nir"
    assert set(told(graph, path)) == wanted
    assert not path.exists()
    assert set(told(graph, path, lossy="true")) >= wanted
    assert network_digest(import_nir(path, ImportOptions())) == network_digest(graph)


def test_numbers_per_channel_come_back_from_numbers_per_neuron(tmp_path: Path) -> None:
    """Convolution and LIFBoxCells with a threshold for each channel: read by norse-1 as this very network."""
    builder = GraphBuilder("net", REGISTRY)
    weight = tensor(np.random.default_rng(5).normal(0.3, 1, (3, 1, 3, 3)).astype(F))
    geometry: dict[str, Any] = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1}
    source = builder.input((1, 6, 6), F32)
    port = builder.node(
        "c", "core.Conv", source, params={"weight": weight}, bias=False, accumulate="exact", **geometry
    )
    threshold = np.array([0.2, 0.4, 0.6], F).reshape(3, 1, 1)
    given = {name: tensor(np.asarray(value, F)) for name, value in (BOX | {"v_threshold": threshold}).items()}
    builder.output(builder.node("n", "norse.LIFBox", port, params=given))
    graph = builder.graph(dt=DT)
    assert set(told(graph, tmp_path / "x.nir", **{"for": "norse"})) <= {"SNN-4511", "SNN-4505", "SNN-4516"}
    assert network_digest(import_nir(tmp_path / "x.nir", ImportOptions())) == network_digest(graph)


def test_loops_of_lif_cells_are_written_with_their_edges(tmp_path: Path) -> None:
    """Both ports of a recurrent cell are fed by edges into one NIR node."""
    graph, path = layers("LIFCell", LIF, loop=True, recurrent=True, refractory=False), tmp_path / "x.nir"
    assert {"SNN-4508"} <= set(told(graph, path, lossy="true"))
    assert network_digest(import_nir(path, ImportOptions())) == network_digest(graph)
    plain = import_nir(path, ImportOptions(profile="nir-euler"))
    assert sum(edge.dst.node == "n1" for edge in plain.edges) == 2


def test_lif_cells_are_cubalif_in_exact_arithmetic(tmp_path: Path) -> None:
    """nir-euler reads the plain fields of a LIFCell network with nearly all of its spikes."""
    graph, path = layers("LIFCell", LIF, **PLAIN), tmp_path / "x.nir"
    told(graph, path, lossy="true")
    made = discretise(import_nir(path, ImportOptions(profile="nir-euler")), DT, "nir-euler")
    x = spikes((200, 2, 8), 0.4)
    old, new = (prepare(item).run(x, record=["output"])[0]["output"] for item in (graph, made))
    assert old.sum() > 100
    assert (old & new).sum() >= 0.99 * (old | new).sum()


@pytest.mark.parametrize("op", ["LIFExCell", "LIFAdExCell", "IzhikevichCell"])
def test_neurons_that_nir_has_nothing_for_are_refused(op: str, tmp_path: Path) -> None:
    schema = REGISTRY(f"norse.{op}", 1)
    assert schema is not None
    choices: dict[str, Any] = {item.name: False for item in schema.attributes}
    params = {item.name: 1.0 for item in schema.parameters(choices)}
    assert set(told(layers(op, params, **choices), tmp_path / "x.nir", lossy="true")) == {"SNN-4501"}


@pytest.mark.parametrize("loop", [False, True])
def test_lif_cells_become_loihis_neuron(loop: bool) -> None:
    """The same spikes, and states by the gain; what recurs joins what arrives."""
    graph = layers("LIFCell", LIF, loop=loop, recurrent=loop, refractory=False)
    after = run_pass(graph, PROFILED, PassContext())
    assert {node.op for node in after.nodes if node.id.startswith("n")} == {"core.CubaLIF"}
    x = spikes((200, 2, 8), 0.4)
    old, _ = prepare(graph).run(x, record=["n0/s", "n0/i", "n0/v", "output"])
    new, _ = prepare(after).run(x, record=["n0/s", "n0/u", "n0/v", "output"])
    assert old["output"].sum() > 100
    assert (old["output"] & new["output"]).sum() >= ALMOST * (old["output"] | new["output"]).sum()
    for match in after.correspondence:
        if match.old.node == "n0" and match.old.name in "iv":
            assert match.scale is not None
            values = old[f"n0/{match.old.name}"] * match.scale
            np.testing.assert_allclose(new[f"n0/{match.new.name}"], values, rtol=1e-3, atol=1e-3)


def test_a_refractory_lif_cell_has_no_equal_on_loihi() -> None:
    graph = layers("LIFCell", LIF | {"rho_reset": 2.0}, recurrent=False, refractory=True)
    with pytest.raises(UnsupportedError) as caught:
        run_pass(graph, PROFILED, PassContext())
    assert {(item.code, item.place) for item in caught.value.findings} == {("SNN-2611", "n0"), ("SNN-2611", "n1")}


def test_no_dt_makes_times_numbers_of_steps(tmp_path: Path) -> None:
    found = told(replace(layers("LIFBox", BOX), dt=None), tmp_path / "x.nir")
    assert "SNN-4509" in found
