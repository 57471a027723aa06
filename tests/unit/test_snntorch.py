"""snnTorch without snnTorch: its steps by hand, graphs as its code, and what NIR says of its neurons."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snnhub.api.options import ImportOptions
from snnhub.engine.reference import prepare
from snnhub.errors import MissingPeerError, UnsupportedError, UsageError
from snnhub.hub.catalogue import register_ops
from snnhub.hub.loader import load
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.digest import network_digest
from snnhub.ir.graph import Decoder, Graph, Port
from snnhub.ir.numtype import F32, integer
from snnhub.ir.tensor import Array, tensor
from snnhub.ops.registry import REGISTRY
from snnhub_nir.reader import import_nir
from snnhub_nir.writer import export_nir
from snnhub_snntorch.code import Coder
from snnhub_snntorch.code_names import tree, variables
from snnhub_snntorch.exporter import export_snntorch
from snnhub_snntorch.neuron_forms import NEURONS
from snnhub_snntorch.recurrent import OPS
from snnhub_snntorch.shortened import shortened

STEP = 1e-3
DENSE: dict[str, Any] = {"accumulate": "exact", "shift": 0}


@pytest.fixture(autouse=True, scope="module")
def ops() -> None:
    register_ops()


def numbers(**values: Any) -> dict[str, Any]:
    return {name: tensor(np.asarray(value, np.float32)) for name, value in values.items()}


def one(op: str, params: Mapping[str, Any], shape: tuple[int, ...] = (1,), **choices: Any) -> Graph:
    """A graph of one neuron, its first output taken."""
    builder = GraphBuilder("one", REGISTRY)
    builder.output(builder.node("n", op, builder.input(shape, F32), params=params, **choices))
    return builder.graph()


def traced(graph: Graph, x: list[float], *keys: str) -> list[list[float]]:
    """Quantities of neuron 0 over time."""
    recording, _ = prepare(graph, REGISTRY).run(
        np.array(x, np.float32).reshape(-1, 1), record=[f"n/{k}" for k in keys]
    )
    return [np.asarray(recording[f"n/{key}"]).ravel().astype(float).tolist() for key in keys]


def leaky(**choices: Any) -> Graph:
    made: dict[str, Any] = {"reset": "subtract", "reset_delay": True, "graded": False} | choices
    more = {"grade": 0.5} if made["graded"] else {}
    return one("snntorch.LeakyMem", numbers(beta=1, v_threshold=1, **more), **made)


def test_a_delayed_reset_comes_with_the_next_step() -> None:
    """Potentials before the reset; the neuron fires as long as it is above the threshold."""
    assert traced(leaky(), [2.5, 0, 0, 0], "s", "mem") == [[1, 1, 0, 0], [2.5, 1.5, 0.5, 0.5]]
    assert traced(leaky(reset="zero"), [2.5, 0, 0.5], "s", "mem") == [[1, 0, 0], [2.5, 0, 0.5]]
    assert traced(leaky(reset="none"), [2.5, 0, 0], "s", "mem") == [[1, 1, 1], [2.5, 2.5, 2.5]]


def test_without_delay_a_double_overshoot_stays_above_the_threshold() -> None:
    """SnnTorch subtracts by the step before, and gives that back where nothing fires: v hangs at 1.5, silent."""
    assert traced(leaky(reset_delay=False), [2.5, 0, 0], "s", "mem") == [[1, 0, 0], [1.5, 1.5, 1.5]]
    assert traced(leaky(reset_delay=False, reset="zero"), [2.5, 0, 0], "s", "mem") == [[1, 0, 0], [0, 0, 0]]


def test_a_potential_on_the_threshold_does_not_fire() -> None:
    assert traced(leaky(), [0.5, 0.5, 0.25], "s") == [[0, 0, 1]]


def test_graded_spikes_are_an_output_of_their_own() -> None:
    assert traced(leaky(graded=True), [2.5, 0, 0], "s", "spk") == [[1, 1, 0], [0.5, 0.5, 0]]


def test_currents_and_their_resets() -> None:
    params = numbers(alpha=0.5, beta=0.5, v_threshold=1)
    synaptic = one("snntorch.SynapticMem", params, reset="zero", reset_delay=True)
    assert traced(synaptic, [2, 0, 0], "s", "syn", "mem") == [[1, 0, 0], [2, 1, 0.5], [2, 0, 0.5]]
    alpha = one("snntorch.Alpha", numbers(alpha=0.5, beta=0.25, gain=2, v_threshold=0.5), reset="subtract")
    # e 2, 1, 0; i -2, -0.5, -0.125 …; before the third step v = 2 (1 - 0.5) = 1 is above 0.5
    assert traced(alpha, [2, 0, 0], "syn_exc", "syn_inh", "mem") == [
        [2, 1, 0],
        [-2, -0.5, 0],
        [0, 1, 2 * (0.5 - 0.125) - 0.5],
    ]


def test_the_circuit_of_lapicque_and_changes_of_delta() -> None:
    params = numbers(r=2, c=2, time_step=1, v_threshold=1)
    lapicque = one("snntorch.Lapicque", params, reset="subtract")
    assert traced(lapicque, [3, 0, 0], "s", "mem") == [[1, 0, 0], [1.5, 0.125, 0.09375]]
    delta = one("snntorch.DeltaLeaky", numbers(beta=0.5, delta_threshold=0.75))
    assert traced(delta, [2, 0, 0, -1], "s", "mem") == [[1, 1, 0, 1], [2, 1, 0.5, -0.75]]


def test_a_neuron_hears_its_own_spike_of_the_step_before() -> None:
    params = numbers(beta=0, v_threshold=1, w_rec=2)
    own = one("snntorch.RLeakyOneToOne", params, reset="none", reset_delay=True)
    assert traced(own, [1.5, 0, 0], "s", "mem") == [[1, 1, 1], [1.5, 2, 2]]
    assert traced(loop(0.0, 2.0, "none"), [1.5, 0, 0], "s", "mem") == [[1, 1, 1], [1.5, 2, 2]]
    biased = loop(0.5, 0.0, "none")
    assert traced(biased, [0, 0, 1], "mem") == [[0.5, 0.5, 1.5]]  # the layer gives its bias from step 0 on


def loop(bias: float, weight: float, reset: str) -> Graph:
    """``RLeaky`` behind a layer."""
    builder = GraphBuilder("loop", REGISTRY)
    params = numbers(beta=0, v_threshold=1)
    out = builder.node(
        "n", "snntorch.RLeaky", {"x": builder.input((1,), F32)}, params=params, reset=reset, reset_delay=True
    )
    layer = numbers(weight=[[weight]], bias=[bias])
    back = builder.node("n/recurrent", "core.Dense", out, params=layer, bias=True, delay=1, **DENSE)
    builder.edge(back, Port("n", "r"))
    builder.output(out)
    return builder.graph()


def test_every_choice_has_a_program_of_its_own() -> None:
    programs = []
    for op in OPS:
        for values in itertools.product(*(item.allowed for item in op.attributes)):
            choices = dict(zip((item.name for item in op.attributes), values, strict=True))
            programs.append(op.program(choices))
            assert {name for name, _ in programs[-1].outputs} >= set(op.ports.outputs)
    assert len(programs) == 45
    assert len({op.name for op in OPS} - set(NEURONS)) == 1  # LeakyParallel has no form in a loop over time


def test_neurons_whose_potential_nobody_takes_become_those_of_the_profile() -> None:
    for reset in ("subtract", "zero"):
        short = shortened(leaky(reset=reset, reset_delay=False), REGISTRY)
        assert short.node["n"].op == "snntorch.Leaky"
        x = [0.7, 2.6, -0.3, 0.4, 3.1, 0.2]
        long = leaky(reset=reset, reset_delay=False)
        assert traced(short, x, "s", "v") == traced(long, x, "s", "v")
    for graph in (leaky(), leaky(reset_delay=False, graded=True), leaky(reset_delay=False, reset="none")):
        assert shortened(graph, REGISTRY) == graph
    builder = GraphBuilder("read", REGISTRY)
    params = numbers(beta=1, v_threshold=1)
    source = builder.input((1,), F32)
    builder.node("n", "snntorch.LeakyMem", source, params=params, reset="zero", reset_delay=False, graded=False)
    builder.output(Port("n", "mem"))
    graph = builder.graph()
    assert shortened(graph, REGISTRY) == graph


def chain(name: str = "chain", decoder: Decoder | None = None, hold: int = 0) -> Graph:
    """Layers and neurons with ids that are awkward in code."""
    builder = GraphBuilder(name, REGISTRY)
    port = builder.input((2, 6, 6), F32, hold=hold)
    weight = np.ones((3, 2, 3, 3), np.float32)
    geometry: dict[str, Any] = {"stride": (1, 1), "padding": (1, 1), "dilation": (1, 1), "groups": 1}
    made = numbers(weight=weight)
    port = builder.node("0", "core.Conv", port, params=made, bias=False, accumulate="exact", **geometry)
    params = numbers(beta=np.full((3, 1, 1), 0.5), v_threshold=0.75)
    choices: dict[str, Any] = {"reset": "subtract", "reset_delay": True, "graded": False}
    port = builder.node("class", "snntorch.LeakyMem", port, params=params, **choices)
    window: dict[str, Any] = {"kernel": (2, 2), "stride": (2, 2), "padding": (0, 0), "ceil_mode": False}
    port = builder.node("net/0", "core.MaxPool", port, dilation=(1, 1), **window)
    port = builder.node("net/1", "core.Flatten", port, start=0, end=2)
    layer = numbers(weight=np.eye(4, 27), bias=np.zeros(4))
    port = builder.node("type", "core.Dense", port, params=layer, bias=True, **DENSE)
    rates = numbers(alpha=0.9, beta=0.8, v_threshold=1)
    port = builder.node("out", "snntorch.Synaptic", port, params=rates)
    builder.output(port)
    return builder.graph(decoder=decoder)


def test_code_of_a_graph() -> None:
    code = Coder(chain()).code("w.pt", "net")
    assert code.found == []
    ast.parse(code.text)
    for line in (
        'self.add_module("0", nn.Conv2d(2, 3, 3, padding=1, bias=False))',
        'self.add_module("class", snn.Leaky(beta=torch.ones(3, 1, 1), threshold=0.75))',
        "self.net = nn.ModuleDict({",
        '"0": nn.MaxPool2d(2),',
        "self.type_ = nn.Linear(27, 4)",
        'self.out = snn.Synaptic(alpha=0.9, beta=0.8, threshold=1.0, reset_mechanism="zero", reset_delay=False)',
        "out_spk, out_syn, out_mem = self.out(type, out_syn, out_mem)",
        'net_1 = self.net["1"](net_0)',
        "return torch.stack(outputs)",
    ):
        assert line in code.text.replace("\n            ", "\n"), line
    assert {key: value.shape for key, value in code.state.items()} == {
        "0.weight": (3, 2, 3, 3),
        "class.beta": (3, 1, 1),
        "type_.weight": (4, 27),
        "type_.bias": (4,),
    }


def test_code_of_frames_and_decisions() -> None:
    text = Coder(chain(decoder=Decoder("sum"), hold=7)).code("w.pt", "net").text
    assert "for _ in range(7):" in text
    assert "return torch.stack(outputs).sum(0)" in text
    by_potential = Coder(chain(decoder=Decoder("last", quantity="out/v"))).code("w.pt", "net").text
    assert "outputs.append(out_mem)" in by_potential
    assert "return torch.stack(outputs)[-1]" in by_potential


def test_a_loop_becomes_the_layer_of_its_neuron() -> None:
    code = Coder(loop(0.5, 2.0, "zero")).code("w.pt", "net")
    assert 'self.n = snn.RLeaky(beta=0.0, threshold=1.0, reset_mechanism="zero", linear_features=1)' in code.text
    assert {key: value.tolist() for key, value in code.state.items()} == {
        "n.recurrent.weight": [[2.0]],
        "n.recurrent.bias": [0.5],
    }


@pytest.mark.parametrize("name", ['"""; import os', "a\nimport os\n", "x\\", "\u2028'''"])
def test_names_of_a_file_do_not_become_code(name: str) -> None:
    harmless = ast.dump(ast.parse(Coder(chain("plain")).code("w.pt", "net").text).body[1])
    tree = ast.parse(Coder(chain(name)).code('"""w\n.pt', "net").text)
    assert ast.dump(tree.body[1]) == harmless
    assert len([item for item in tree.body if isinstance(item, ast.Import | ast.ImportFrom)]) == 3


def test_local_names_are_never_another_nodes() -> None:
    found = variables(["lif", "lif_spk", "lif_mem", "x", "class", "0", "a/b", "a_b", "é"])
    ends = [f"{name}{end}" for name in found.values() for end in ("", "_spk", "_mem", "_syn", "_state")]
    assert len(set(ends)) == len(ends)
    assert not {"x", "class", "step", "outputs"} & set(ends)
    assert all(name.isidentifier() and name.isascii() for name in ends)


def test_two_ids_never_become_one_module() -> None:
    names = ["a/b", "a_b", "a", "a/b/c", "type", "type_", "x y", "x_y", "0", "for"]
    made = tree(dict.fromkeys(names, "nn.ReLU()"))
    assert len(set(made.paths.values())) == len(names)
    assert made.paths["0"] == "0"


def test_all_that_has_no_form_is_told_in_one_report(tmp_path: Path) -> None:
    builder = GraphBuilder("odd", REGISTRY)
    source = builder.input((4,), integer(0, 3))
    weights = {"weight": tensor(np.eye(4, dtype=np.int8))}
    port = builder.node("whole", "core.Dense", source, params=weights, bias=False, **DENSE)
    port = builder.node("core", "core.IF", port, params=numbers(v_threshold=1), reset="subtract", compare="gt")
    params = numbers(beta=np.full(4, 1.5), v_threshold=1)
    builder.node("far", "core.Pad", port, before=(1,), after=(0,), delay=2)
    choices: dict[str, Any] = {"reset": "zero", "reset_delay": True, "graded": False}
    builder.output(builder.node("out", "snntorch.LeakyMem", port, params=params, **choices))
    with pytest.raises(UnsupportedError) as problem:
        export_snntorch(builder.graph(), tmp_path / "x.py")
    found = problem.value.findings
    assert {finding.code for finding in found} == {"SNN-4520"}
    assert {finding.place for finding in found} >= {"input", "whole", "core", "far", "out"}
    assert any("delay" in finding.place for finding in found)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UsageError):
        export_snntorch(chain(), tmp_path / "x.txt")


def test_spikes_of_one_of_a_graded_neuron_have_no_form() -> None:
    found = Coder(leaky(graded=True)).code("w.pt", "net").found
    assert [item.code for item in found] == ["SNN-4520"]


def test_without_snntorch_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib import util

    found = util.find_spec
    monkeypatch.setattr(util, "find_spec", lambda name, *rest: None if name == "snntorch" else found(name, *rest))
    monkeypatch.setenv("SNNHUB_ENVS", str(tmp_path / "none"))
    with pytest.raises(MissingPeerError, match="nir-frameworks"):
        export_snntorch(chain(), tmp_path / "x.py")
    assert not load().importers["snntorch"].availability().ok


def test_what_was_written_and_what_was_left_out_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snnhub_snntorch.exporter.saved", lambda code: b"state of torch")
    timed = replace(chain(), dt=STEP)
    codes = [finding.code for finding in export_snntorch(timed, tmp_path / "x.py")]
    assert codes == ["SNN-4521", "SNN-4522"]
    assert [finding.code for finding in export_snntorch(chain(), tmp_path / "y.py")] == ["SNN-4521"]
    assert sorted(item.name for item in tmp_path.iterdir()) == ["x.pt", "x.py", "y.pt", "y.py"]


def told(graph: Graph, folder: Path, **chosen: str) -> list[str]:
    """Words of what NIR does not say, with the codes."""
    return [f"{item.code} {item.place}" for item in export_nir(graph, folder / "x.nir", chosen)]


LOSSES = {
    ("subtract", True): 2,
    ("zero", True): 1,
    ("none", True): 1,
    ("subtract", False): 1,
    ("zero", False): 0,
    ("none", False): 1,
}


@pytest.mark.parametrize(("reset", "delay"), LOSSES)
def test_nir_loses_resets_by_name_and_keeps_the_program(reset: str, delay: bool, tmp_path: Path) -> None:
    builder = GraphBuilder("net", REGISTRY)
    params = numbers(beta=np.full(3, 0.9), v_threshold=np.ones(3))
    choices: dict[str, Any] = {"reset": reset, "reset_delay": delay, "graded": False}
    builder.output(builder.node("n", "snntorch.LeakyMem", builder.input((3,), F32), params=params, **choices))
    graph = builder.graph(dt=STEP)
    found = told(graph, tmp_path, lossy="true")
    assert found.count("SNN-4506 n") == LOSSES[reset, delay]
    assert network_digest(import_nir(tmp_path / "x.nir", ImportOptions())) == network_digest(graph)
    if LOSSES[reset, delay]:
        with pytest.raises(UnsupportedError):
            export_nir(graph, tmp_path / "y.nir", {"for": "snntorch"})


@pytest.mark.parametrize(
    ("beta", "reset", "kind", "lost"), [(0.9, "none", "LI", 0), (1.0, "none", "I", 0), (0.9, "zero", "LI", 1)]
)
def test_a_potential_that_is_taken_is_an_integrator_in_nir(
    beta: float, reset: str, kind: str, lost: int, tmp_path: Path
) -> None:
    builder = GraphBuilder("net", REGISTRY)
    params = numbers(beta=np.full(3, beta), v_threshold=np.ones(3))
    choices: dict[str, Any] = {"reset": reset, "reset_delay": True, "graded": False}
    builder.node("n", "snntorch.LeakyMem", builder.input((3,), F32), params=params, **choices)
    builder.output(Port("n", "mem"))
    found = told(builder.graph(dt=STEP), tmp_path, lossy="true")
    assert found.count("SNN-4506 n") == lost
    plain = import_nir(tmp_path / "x.nir", ImportOptions(given={"ignore_metadata": "true"}))
    assert kind in {node.op.removeprefix("ct.") for node in plain.nodes}


@pytest.mark.parametrize(
    ("op", "params", "choices"),
    [
        ("snntorch.Alpha", {"alpha": 0.9, "beta": 0.8, "gain": 1.0, "v_threshold": 1}, {"reset": "zero"}),
        ("snntorch.DeltaLeaky", {"beta": 0.9, "delta_threshold": 1}, {}),
        (
            "snntorch.RLeakyOneToOne",
            {"beta": 0.9, "v_threshold": 1, "w_rec": 1},
            {"reset": "zero", "reset_delay": True},
        ),
    ],
)
def test_neurons_that_nir_has_nothing_for(op: str, params: Any, choices: Any, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError) as problem:
        export_nir(one(op, numbers(**params), **choices), tmp_path / "x.nir", {"lossy": "true"})
    assert "SNN-4501" in {finding.code for finding in problem.value.findings}


def test_a_circuit_has_a_time_constant(tmp_path: Path) -> None:
    params = numbers(r=2, c=3, time_step=0.5, v_threshold=1)
    graph = one("snntorch.Lapicque", params, reset="zero")
    found = told(graph, tmp_path, lossy="true")
    assert "SNN-4508 n" in found
    plain = import_nir(tmp_path / "x.nir", ImportOptions(given={"ignore_metadata": "true"}))
    lif = next(node for node in plain.nodes if node.op == "ct.LIF")
    values: Array = lif.param["tau"].array
    assert values.tolist() == [12.0]  # R C / time_step, in steps of one second
    assert lif.param["r"].array.tolist() == [2.0]
