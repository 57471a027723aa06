"""Neurons of the core op set against their equations in NumPy, for every combination of attributes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snnhub.cli.main import invoke
from snnhub.engine.reference import prepare
from snnhub.errors import GraphError, RunError, UnsupportedError
from snnhub.findings import Severity
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph
from snnhub.ir.numtype import F32
from snnhub.ir.op import StepOp
from snnhub.ir.tensor import Array, tensor
from snnhub.ops.registry import CORE, REGISTRY
from snnhub.passes.base import PassContext, run_passes
from snnhub_formats.container import load, save
from snnhub_loihi.lowering import passes

from tests.build import dense, scalar

F = np.float32
VALUES = {
    "v_threshold": 0.7,
    "v_reset": -0.3,
    "tau": 3.0,
    "leak": 0.37,
    "k": 1.7,
    "v_rest": -0.05,
    "v_critical": 0.6,
    "a0": 0.7,
    "delta_T": 0.9,
    "theta_rh": 0.75,
    "w_rest": 0.05,
    "tau_w": 3.0,
    "a": 0.3,
    "b": 0.15,
    "factor": 0.82,
    "cosine": 0.54,
    "sine": 0.84,
    "u_factor": 0.3,
    "v_factor": 0.9,
    "u_decay": 1229,
    "v_decay": 410,
    "scale": 448.0,
}
States = dict[str, Array]
Charge = Callable[[Array, States, Mapping[str, Any], Mapping[str, Any]], tuple[Array, States]]
"""(x, states, parameters, attributes) to the potential before the spike, and the other states after the step."""


def rest(p: Mapping[str, Any], at: Mapping[str, Any]) -> Any:
    return p["v_reset"] if at["reset"] == "value" else F(0)


def leaky(x: Array, st: States, p: Mapping[str, Any], at: Mapping[str, Any], divide: bool = True) -> Array:
    def part(y: Array) -> Any:
        return y / p["tau"] if divide else y * p["leak"]

    v = st["v"]
    away = v - rest(p, at)
    return np.asarray(v + part(x - away) if at["decay_input"] else v - part(away) + x)


def lif_coeff(x: Array, st: States, p: Mapping[str, Any], at: Mapping[str, Any]) -> tuple[Array, States]:
    return leaky(x, st, p, at, divide=False), {}


def klif(x: Array, st: States, p: Mapping[str, Any], at: Mapping[str, Any]) -> tuple[Array, States]:
    return np.maximum(leaky(x, st, p, at) * p["k"], F(0)), {}


def parabola(v: Array, p: Mapping[str, Any]) -> Any:
    return p["a0"] * (v - p["v_rest"]) * (v - p["v_critical"])


def qif(x: Array, st: States, p: Mapping[str, Any], _: Mapping[str, Any]) -> tuple[Array, States]:
    return st["v"] + (x + parabola(st["v"], p)) / p["tau"], {}


def eif(x: Array, st: States, p: Mapping[str, Any], _: Mapping[str, Any]) -> tuple[Array, States]:
    v = st["v"]
    rise = p["delta_T"] * np.exp(((v - p["theta_rh"]) / p["delta_T"]).astype(np.float64)).astype(F)
    return v + (x + p["v_rest"] - v + rise) / p["tau"], {}


def izhikevich(x: Array, st: States, p: Mapping[str, Any], at: Mapping[str, Any]) -> tuple[Array, States]:
    v, w = st["v"], st["w"]
    h = v + (x + parabola(v, p) - w) / p["tau"]
    s = (h >= p["v_threshold"] if at["compare"] == "ge" else h > p["v_threshold"]).astype(F)
    return h, {"w": w + (p["a"] * (h - p["v_rest"]) - w) / p["tau_w"] + p["b"] * s}


def raf(x: Array, st: States, p: Mapping[str, Any], _: Mapping[str, Any]) -> tuple[Array, States]:
    u, v = st["u"], st["v"]
    h = p["factor"] * (u * p["sine"] + v * p["cosine"])
    return h, {"u": p["factor"] * (u * p["cosine"] - v * p["sine"]) + x}


def cuba(x: Array, st: States, p: Mapping[str, Any], at: Mapping[str, Any]) -> tuple[Array, States]:
    if at["arithmetic"] == "float":
        u = st["u"] * p["u_factor"] + x
        return st["v"] * p["v_factor"] + u, {"u": u}

    def leak(state: Array, decay: int, arrived: Array) -> Array:
        kept = np.trunc(state * p["scale"]).astype(np.int64) * (4096 - int(decay))
        kept = np.sign(kept) * (np.abs(kept) // 4096)
        total = kept + np.trunc(arrived * p["scale"]).astype(np.int64)
        return np.asarray(total.astype(F) / p["scale"])

    u = leak(st["u"], p["u_decay"], x)
    return leak(st["v"], p["v_decay"], u), {"u": u}


MODELS: dict[str, Charge] = {
    "core.LIFCoeff": lif_coeff,
    "core.KLIF": klif,
    "core.QIF": qif,
    "core.EIF": eif,
    "core.Izhikevich": izhikevich,
    "core.RAF": raf,
    "core.CubaLIF": cuba,
}


def combinations(op: StepOp) -> Iterator[dict[str, Any]]:
    names = [attribute.name for attribute in op.attributes]
    for values in product(*(attribute.allowed for attribute in op.attributes)):
        yield dict(zip(names, values, strict=True))


def step_op(name: str) -> StepOp:
    op = REGISTRY(name, 1)
    assert isinstance(op, StepOp)
    return op


def parameters(op: StepOp, attributes: dict[str, Any]) -> dict[str, Any]:
    """Numbers of the type that each parameter has."""
    return {
        p.name: np.int16(VALUES[p.name]) if p.type is not None and p.type.is_int else F(VALUES[p.name])
        for p in op.parameters(attributes)
    }


def alone(op: StepOp, attributes: dict[str, Any], size: int = 50) -> Graph:
    """A graph of one node."""
    builder = GraphBuilder(op.name, REGISTRY)
    params = {name: tensor(value) for name, value in parameters(op, attributes).items()}
    builder.output(builder.node("n", op.name, builder.input((size,), F32), params=params, **attributes))
    return builder.graph()


CASES = [(name, choice) for name in MODELS for choice in combinations(step_op(name))]


def currents(steps: int = 40, size: int = 50) -> Array:
    found: Array = np.random.default_rng(0).normal(0.6, 1.5, (steps, 3, size)).astype(F)
    return found


def expected(name: str, at: dict[str, Any], x: Array) -> dict[str, Array]:
    """The whole run in NumPy, one rounding per operation in f32."""
    op, out = step_op(name), dict[str, list[Array]]()
    p = parameters(op, at)
    starts = {"v": rest(p, at), "w": p.get("w_rest", F(0)), "u": F(0)}
    names = [state.name for state in op.program(at).states]
    st = {state: np.full(x.shape[1:], starts[state], F) for state in names}
    for values in x:
        h, st_next = MODELS[name](values, st, p, at)
        s = h >= p["v_threshold"] if at["compare"] == "ge" else h > p["v_threshold"]
        threshold = p["v_threshold"]
        if at.get("scale_reset"):
            h, threshold = h / p["k"], F(1) / p["k"] * threshold
        after = {"value": rest(p, at), "subtract": h - threshold, "none": h}[at["reset"]]
        st = {**st_next, "v": np.where(s, after, h).astype(F)}
        for key, array in {**st, "s": s}.items():
            out.setdefault(key, []).append(array)
    return {key: np.stack(arrays) for key, arrays in out.items()}


@pytest.mark.parametrize(("name", "choice"), CASES, ids=str)
def test_every_combination_computes_its_equation_bit_by_bit(name: str, choice: dict[str, Any]) -> None:
    x = currents()
    with np.errstate(all="ignore"):  # without a reset, curved neurons run away; both sides must agree on that too
        wanted = expected(name, choice, x)
    recording, _ = prepare(alone(step_op(name), choice)).run(x, record=[f"n/{key}" for key in wanted])
    assert wanted["s"].sum() > 50
    for key, array in wanted.items():
        np.testing.assert_array_equal(recording[f"n/{key}"], array, err_msg=key)


def test_the_filter_is_a_leaky_sum_that_input_holds() -> None:
    x = currents()
    recording, _ = prepare(alone(step_op("core.SynapseFilter"), {})).run(x, record=["n/y", "n/i", "output"])
    i = np.zeros(x.shape[1:], F)
    for step, values in enumerate(x):
        i = i - (F(1) - values) * i * F(VALUES["leak"]) + values
        np.testing.assert_array_equal(recording["n/y"][step], i)
    np.testing.assert_array_equal(recording["n/i"], recording["n/y"])
    assert recording["output"].dtype == F


def test_every_step_op_of_the_core_is_here() -> None:
    ours = {op.name for op in CORE if isinstance(op, StepOp)}
    elsewhere = {"core.SynapseFilter", "core.IF", "core.LIF", "core.MultiSpikeLIF", "core.ExpSyn"}
    assert ours == {*MODELS, *elsewhere}
    inexact = {name for name, choice in CASES if not step_op(name).program(choice).exact}
    assert inexact == {"core.EIF"}, "exp may not promise bits"


@pytest.mark.parametrize("name", [*MODELS, "core.SynapseFilter"])
def test_saved_runs_equal_and_go_on_with_every_state(name: str, tmp_path: Path) -> None:
    op = step_op(name)
    for number, choice in enumerate(combinations(op)):
        graph = alone(op, choice)
        save(graph, tmp_path / f"{number}.snn")
        found = load(tmp_path / f"{number}.snn")
        assert found == graph
        plan, x = prepare(found), currents(12)
        keys = plan.record_keys()
        whole, _ = prepare(graph).run(x, record=keys)
        first, state = plan.run(x[:5], record=keys)
        rest_, _ = plan.run(x[5:], record=keys, state=state)
        for key in keys:
            np.testing.assert_array_equal(np.concatenate([first[key], rest_[key]]), whole[key], err_msg=key)


def test_a_number_for_each_neuron_and_states_of_their_own() -> None:
    """Parameters broadcast over neurons; the recovery variable starts where its parameter says, one by one."""
    op = step_op("core.Izhikevich")
    choice: dict[str, Any] = {"reset": "value", "compare": "ge"}
    builder = GraphBuilder("many", REGISTRY)
    params = {name: tensor(value) for name, value in parameters(op, choice).items()}
    params |= {"w_rest": tensor(np.array([0.0, 0.5, 1.0], F)), "a": tensor(np.array([0.0, 0.0, 0.3], F))}
    params |= {"b": scalar(0.0)}
    builder.output(builder.node("n", op.name, builder.input((3,), F32), params=params, **choice))
    recording, _ = prepare(builder.graph()).run(np.zeros((2, 3), F), record=["n/w"])
    assert recording["n/w"][0, 0] == 0
    assert recording["n/w"][0, 1] == F(0.5) + (F(0) * F(0) - F(0.5)) / F(3)
    assert recording["n/w"][0, 2] < F(1) + (F(0) - F(1)) / F(3)


def test_fixed_decays_are_integers_of_4096_and_overflow_stops_the_run() -> None:
    op = step_op("core.CubaLIF")
    choice: dict[str, Any] = {"reset": "value", "compare": "ge", "arithmetic": "fixed"}
    plan = prepare(alone(op, choice, 2))
    with pytest.raises(RunError, match="left its checked range"):
        plan.run(np.full((3, 2), -1e12, F))
    params = {name: tensor(value) for name, value in parameters(op, choice).items()}
    for wrong, code in ((tensor(np.int16(4097)), "SNN-1006"), (scalar(0.5), "SNN-1005")):
        builder = GraphBuilder("wrong", REGISTRY)
        builder.output(
            builder.node("n", op.name, builder.input((2,), F32), params={**params, "u_decay": wrong}, **choice)
        )
        with pytest.raises(GraphError) as caught:
            builder.graph()
        assert code in {finding.code for finding in caught.value.findings}


def test_semantics_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    choice = {"reset": "subtract", "compare": "ge", "decay_input": True, "scale_reset": True}
    save(alone(step_op("core.KLIF"), choice), tmp_path / "k.snn")
    assert invoke(["inspect", str(tmp_path / "k.snn"), "--semantics"]) == 0
    assert "1.0 / k * v_threshold" in capsys.readouterr().out
    assert invoke(["check", str(tmp_path / "k.snn")]) == 0


@pytest.mark.parametrize("name", [*sorted({*MODELS} - {"core.CubaLIF"}), "core.SynapseFilter"])
def test_the_lowering_refuses_them_once_and_says_what_to_do(name: str) -> None:
    op = step_op(name)
    choice = next(combinations(op))
    builder = GraphBuilder("foreign", REGISTRY)
    port = dense(builder, "d", builder.input((6,), F32), np.eye(6, dtype=F))
    params = {key: tensor(value) for key, value in parameters(op, choice).items()}
    if name == "core.LIFCoeff":
        params["leak"] = scalar(-0.25)  # others are lowered as LIF neurons
    builder.output(builder.node("n", name, port, params=params, **choice))
    with pytest.raises(UnsupportedError) as caught:
        run_passes(builder.graph(), passes(), PassContext())
    errors = [f for f in caught.value.findings if f.severity is Severity.ERROR]
    assert [(f.code, f.place) for f in errors] == [("SNN-2101", "n")]
    assert name in errors[0].message
    assert errors[0].remedy
