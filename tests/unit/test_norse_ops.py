"""norse's cells as step ops: every word against norse's equations written out in NumPy, without torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from snnhub.engine.reference import prepare
from snnhub.hub.catalogue import register_ops
from snnhub.hub.loader import load
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph, Port
from snnhub.ir.numtype import F32
from snnhub.ir.tensor import Array, tensor
from snnhub.ops.registry import REGISTRY

F = np.float32
SIZE, STEPS = 9, 60
Numbers = Mapping[str, Any]
FIRING = {"v_threshold": 0.7, "v_reset": -0.2}
LEAKING = {"c": 0.1, "v_leak": 0.15}
LIF = {**LEAKING, **FIRING, "c_syn": 0.2}
ADAPTIVE = {**LIF, "delta_t": 0.5, "c_adapt": 0.05, "adaptation_current": 0.4, "adaptation_spike": 0.3}
CURVED = {"c_v": 0.25, "c_u": 0.005, "sq": 0.04, "mn": 5.0, "bias": 140.0, "b": 0.2, "d": 6.0}
CURVED |= {"v_threshold": 30.0, "v_reset": -65.0, "v_start": -70.0, "u_start": -14.0}


@pytest.fixture(autouse=True, scope="module")
def ops() -> None:
    register_ops()


def alone(op: str, params: Numbers, loop: Array | None = None, **choices: Any) -> Graph:
    """One layer; with weights from its spikes to its port r, one step later."""
    builder = GraphBuilder("net", REGISTRY)
    given = {name: tensor(np.asarray(value, F)) for name, value in params.items()}
    if loop is not None:
        choices["recurrent"] = True
    out = builder.node("n", op, builder.input((SIZE,), F32), params=given, **choices)
    if loop is not None:
        dense: dict[str, Any] = {"bias": False, "accumulate": "exact", "shift": 0}
        back = builder.node("w", "core.Dense", out, params={"weight": tensor(loop)}, delay=1, **dense)
        builder.edge(back, Port("n", "r"))
    builder.output(out)
    return builder.graph()


def weighed(z: Array, otherwise: Any, then: Any) -> Array:
    """(1 - z) a + z b, as norse resets."""
    return np.asarray((F(1) - z) * otherwise + z * then)


def fired(distance: Array) -> Array:
    return (distance > 0).astype(F)


Step = Callable[[Array, dict[str, Array], Numbers, Array], Array]


def lif(x: Array, s: dict[str, Array], p: Numbers, back: Array) -> Array:
    j = s["i"] + x + back
    h = s["v"] + p["c"] * ((p["v_leak"] - s["v"]) + j)
    z = fired(h - p["v_threshold"])
    s |= {"i": j + (-p["c_syn"]) * j, "v": weighed(z, h, p["v_reset"])}
    return z


def refractory(x: Array, s: dict[str, Array], p: Numbers, back: Array) -> Array:
    before, mask = s["v"], fired(s["rho"])
    z = lif(x, s, p, back)
    s["v"] = weighed(mask, s["v"], before)
    z = (F(1) - mask) * z
    s["rho"] = weighed(z, np.maximum(s["rho"] - mask, F(0)), p["rho_reset"])
    return z


def lsnn(x: Array, s: dict[str, Array], p: Numbers, back: Array) -> Array:
    h = s["v"] + p["c"] * ((p["v_leak"] - s["v"]) + s["i"])
    i = s["i"] + (-p["c_syn"]) * s["i"]
    b = s["b"] + p["c_adapt"] * (p["v_threshold"] - s["b"])
    z = fired(h - b)
    s |= {"i": i + x + back, "v": weighed(z, h, p["v_reset"]), "b": b + z * p["beta"]}
    return z


def adaptive(x: Array, s: dict[str, Array], p: Numbers, back: Array) -> Array:
    j, v = s["i"] + x + back, s["v"]
    rise = p["delta_t"] * np.exp(((v - p["v_threshold"]) / p["delta_t"]).astype(np.float64)).astype(F)
    drive = (p["v_leak"] - v) + rise + j
    h = v + p["c"] * (drive - s["a"] if "a" in s else drive)
    z = fired(h - p["v_threshold"])
    s |= {"i": j + (-p["c_syn"]) * j, "v": weighed(z, h, p["v_reset"])}
    if "a" in s:
        decayed = s["a"] + p["c_adapt"] * (p["adaptation_current"] * (v - p["v_leak"]) - s["a"])
        s["a"] = decayed + z * p["adaptation_spike"]
    return z


def curved(x: Array, s: dict[str, Array], p: Numbers, back: Array) -> Array:
    v, u = s["v"], s["u"]
    h = v + p["c_v"] * (p["sq"] * v**2 + p["mn"] * v + p["bias"] - u + x + back)
    drifted = u + p["c_u"] * (p["b"] * v - u)
    z = fired(h - p["v_threshold"])
    s |= {"v": weighed(z, h, p["v_reset"]), "u": weighed(z, drifted, drifted + p["d"])}
    return z


def box(x: Array, s: dict[str, Array], p: Numbers, back: Array) -> Array:
    h = s["v"] + p["c"] * ((x + p["v_leak"]) - s["v"])
    z = fired(h - p["v_threshold"])
    s["v"] = weighed(z, h, p["v_reset"] if "v_reset" in p else h - p["v_threshold"])
    return z


def iaf(x: Array, s: dict[str, Array], p: Numbers, back: Array) -> Array:
    h = s["v"] + x
    z = fired(h - p["v_threshold"])
    s["v"] = weighed(z, h, p["v_reset"])
    return z


def li(x: Array, s: dict[str, Array], p: Numbers, back: Array) -> Array:
    j = s["i"] + x
    s |= {"v": s["v"] + p["c"] * ((p["v_leak"] - s["v"]) + j), "i": j + (-p["c_syn"]) * j}
    return s["v"]


def li_box(x: Array, s: dict[str, Array], p: Numbers, back: Array) -> Array:
    s["v"] = s["v"] + p["c"] * ((p["v_leak"] - s["v"]) + x)
    return s["v"]


BOTH: dict[str, float | str] = {"i": 0.0, "v": "v_leak"}
HELD: dict[str, Any] = {"refractory": True}
SOFT = {name: value for name, value in {**LEAKING, **FIRING}.items() if name != "v_reset"}
Case = tuple[str, Step, Numbers, Mapping[str, float | str], dict[str, Any], float]
CASES: dict[str, Case] = {
    "box": ("LIFBoxCell", box, {**LEAKING, **FIRING}, {"v": "v_leak"}, {"reset": "value"}, 8),
    "box soft": ("LIFBoxCell", box, SOFT, {"v": "v_leak"}, {"reset": "subtract"}, 8),
    "iaf": ("IAFCell", iaf, FIRING, {"v": "v_reset"}, {}, 1),
    "lif": ("LIFCell", lif, LIF, BOTH, {"refractory": False}, 2),
    "refractory": ("LIFCell", refractory, {**LIF, "rho_reset": 3.0}, {**BOTH, "rho": 0.0}, HELD, 2),
    "ex": ("LIFExCell", adaptive, {**LIF, "delta_t": 0.5}, BOTH, {}, 1),
    "adex": ("LIFAdExCell", adaptive, ADAPTIVE, {**BOTH, "a": 0.0}, {"refractory": False}, 1),
    "lsnn": ("LSNNCell", lsnn, {**LIF, "c_adapt": 0.01, "beta": 0.4}, {**BOTH, "b": "v_threshold"}, {}, 2),
    "izhikevich": ("IzhikevichCell", curved, CURVED, {"v": "v_start", "u": "u_start"}, {}, 20),
    "li": ("LICell", li, {**LEAKING, "c_syn": 0.2}, BOTH, {}, 1),
    "li box": ("LIBoxCell", li_box, LEAKING, {"v": "v_leak"}, {}, 1),
}
LOOPS = ("lif", "refractory", "ex", "adex", "lsnn", "izhikevich")
DRIVES = ("random", "grid", "overshoot", "negative")


def drive(kind: str, gain: float) -> Array:
    """(steps, 2, SIZE): chance, multiples of a quarter, bursts far above the threshold, or below zero."""
    chance = np.random.default_rng(DRIVES.index(kind))
    shape = (STEPS, 2, SIZE)
    made: dict[str, Callable[[], Array]] = {
        "random": lambda: chance.normal(0.3, 1, shape),
        "grid": lambda: chance.integers(-2, 4, shape) / 4,
        "overshoot": lambda: (chance.random(shape) < 0.3) * 50.0,
        "negative": lambda: -np.abs(chance.normal(0, 3, shape)),
    }
    return np.asarray(made[kind]() * gain, F)


def by_hand(case: Case, x: Array, loop: Array | None) -> dict[str, Array]:
    _, step, params, start, _, _ = case
    p = {name: F(value) for name, value in params.items()}
    zeros = np.zeros(x.shape[1:], F)
    state = {name: zeros + (p[first] if isinstance(first, str) else F(first)) for name, first in start.items()}
    z = zeros
    found: dict[str, list[Array]] = {name: [] for name in (*start, "out")}
    for now in x:
        back = zeros if loop is None else (z.astype(np.float64) @ loop.T).astype(F)
        z = step(now, state, p, back)
        for name, values in {**state, "out": z}.items():
            found[name].append(values)
    return {name: np.stack(values) for name, values in found.items()}


@pytest.mark.parametrize("kind", DRIVES)
@pytest.mark.parametrize("name", CASES)
def test_every_word_of_every_state(name: str, kind: str) -> None:
    case = CASES[name]
    op, _, params, start, choices, gain = case
    x = drive(kind, gain)
    for loop in (None, whole(name)) if name in LOOPS else (None,):
        more = {**choices, "recurrent": False} if loop is None and name in LOOPS else choices
        graph = alone(f"norse.{op}", params, loop, **more)
        found, _ = prepare(graph).run(x, record=["output", *(f"n/{state}" for state in start)])
        wanted = by_hand(case, x, loop)
        np.testing.assert_array_equal(found["output"].astype(F), wanted["out"])
        for state in start:
            assert found[f"n/{state}"].astype(F).tobytes() == wanted[state].tobytes(), state
        if kind in ("random", "overshoot") and name not in ("li", "li box"):
            assert 0 < wanted["out"].sum() < wanted["out"].size


def whole(name: str) -> Array:
    """Weights whose sums of spikes are exact in any order."""
    return np.asarray(np.random.default_rng(len(name)).integers(-3, 4, (SIZE, SIZE)) / 8, F)


def test_plugins_of_one_distribution_share_a_domain_and_no_other_gets_in() -> None:
    """norse.* are ops of the profiles and of this plugin; neither is refused for that."""
    assert REGISTRY("norse.LIFBox", 1) is not None
    assert REGISTRY("norse.LIFCell", 1) is not None
    assert [problem for problem in load().problems if "domain" in problem.message] == []


def test_parameters_per_neuron_and_a_start_at_the_leak() -> None:
    """Before anything arrives, a neuron whose leak lies above its threshold fires at once."""
    leak = np.where(np.arange(SIZE) % 2, 0.9, 0.1)
    graph = alone("norse.LIFCell", {**LIF, "v_leak": leak}, recurrent=False, refractory=False)
    found, _ = prepare(graph).run(np.zeros((1, 1, SIZE), F), record=["output"])
    np.testing.assert_array_equal(found["output"][0, 0], leak > LIF["v_threshold"])
