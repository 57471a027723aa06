"""Neurons of all profiles as settings of one parametrised neuron, so that two profiles differ in named switches.

In f64, with the threshold at 1: i = alpha i + x + ibias; h = beta v (less a reset that comes late) + gain i +
bias; n = spikes of h; reset; v kept above floor. Where rounding of f32 decides spikes, the settings do not give
the profile's own spikes, and nothing is explained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from snnhub.engine.reference import prepare
from snnhub.errors import SnnhubError
from snnhub.ir.graph import Graph, Node
from snnhub.ir.numtype import F32, F64
from snnhub.ir.op import Attribute, Parameter, StepOp
from snnhub.ir.program import Slot, State
from snnhub.ir.tensor import Array, tensor
from snnhub.ir.trace import Namespace, Step, Value, cast, check, floor, where

WIRING = "wiring"
MOST = 2.0**24
NUMBERS = ("alpha", "beta", "gain", "bias", "ibias", "v0", "i0", "v_reset", "floor")
CHOICES = {
    "compare": ("gt", "ge"),
    "spikes": ("one", "many"),
    "reset": ("value", "subtract"),
    "reset_time": ("same step", "next step"),
    "latency": ("0", "1"),
    "synapse": ("no", "yes"),
}
FIELDS: Mapping[str, tuple[str, ...]] = {
    "scheme": ("alpha", "beta"),
    "gain": ("gain",),
    "v_leak": ("bias", "ibias"),
    "initial": ("v0", "i0"),
    "compare": ("compare",),
    "spikes_per_step": ("spikes",),
    "reset": ("reset", "v_reset"),
    "reset_time": ("reset_time",),
    "latency": ("latency",),
    "floor": ("floor",),
}
"""What is switched at once, in the words of descriptors, and the settings that belong to it."""
Settings = Mapping[str, Any]


def _body(x: Value, state: Namespace, param: Namespace, **choice: str) -> Step:
    wide = cast(x, "f64")
    i = param.alpha * state.i + wide + param.ibias
    drive = param.gain * (i if choice["synapse"] == "yes" else wide)
    late = choice["reset_time"] == "next step"
    kept = param.beta * state.v
    if late and choice["reset"] == "subtract":
        kept = kept - state.n
    elif late:
        kept = where(state.n > 0.0, param.v_reset, kept)
    h = kept + drive + param.bias
    above = h > 1.0 if choice["compare"] == "gt" else h >= 1.0
    one = cast(cast(above, "int"), "f64")
    n = where(above, floor(h), one) if choice["spikes"] == "many" else one
    after = h
    if not late:
        after = h - n if choice["reset"] == "subtract" else where(above, param.v_reset, h)
    v = where(after > param.floor, after, param.floor)
    shown = state.n if choice["latency"] == "1" else n
    return {"i": i, "v": v, "n": n}, {"s": cast(check(shown, 0.0, MOST), "int")}


NEURON = StepOp(
    "agree.Neuron",
    1,
    "The neuron of all profiles; its settings are the choices of a profile.",
    _body,
    lambda _: (Slot("x", F32),),
    lambda _: (State("i", F64, "i0"), State("v", F64, "v0"), State("n", F64, 0.0)),
    lambda _: tuple(Parameter(name, "setting of the neuron", F64) for name in NUMBERS),
    tuple(Attribute(name, "choice of a profile", values) for name, values in CHOICES.items()),
)
"""Not registered: a node carries its program, which is what runs."""


def _settings(threshold: Array, *, single: bool = False, **given: Any) -> Settings:
    """Settings from numbers in the neuron's own scale: potentials over the threshold, gains per step. But for
    integrators (``single``), gain and leak become those of the steady state, so that a scheme is decays alone.
    """
    base: dict[str, Any] = {"alpha": 0.0, "bias": 0.0, "ibias": 0.0, "v0": 0.0, "i0": 0.0, "v_reset": 0.0}
    base |= {"floor": -np.inf, "beta": 1.0, "gain": 1.0}
    base |= {"compare": "gt", "spikes": "one", "reset": "value", "reset_time": "same step", "latency": "0"}
    base |= {"synapse": "yes" if "alpha" in given else "no", **given}
    for name in NUMBERS:
        base[name] = np.asarray(base[name], np.float64)
    if not bool(np.all(threshold > 0)):
        raise SnnhubError("a threshold that is not above 0")
    for name in ("gain", "bias", "v0", "v_reset", "floor"):
        base[name] = base[name] / threshold
    base["integrates"] = single
    if not single:
        closing = 1 - base["beta"]
        if not bool(np.all(closing > 0)) or not bool(np.all(base["alpha"] < 1)):
            raise SnnhubError("a neuron without leak among leaky ones")
        base["gain"] = base["gain"] / closing / (1 - base["alpha"])
        base["bias"] = base["bias"] / closing
    return base


def settings_of(node: Node) -> Settings:
    """The settings of a neuron of any profile. Raises ``SnnhubError`` for one that has none."""
    p = {name: value.array.astype(np.float64) for name, value in node.params}
    if node.op not in READERS:
        raise SnnhubError(f"{node.op} is more than these switches")
    return READERS[node.op](p, node.attribute)


def _nir_lif(p: Any, a: Any) -> Settings:
    return _settings(
        p["v_threshold"], beta=1 - p["c"], gain=p["c"] * p["r"], bias=p["c"] * p["v_leak"], v_reset=p["v_reset"]
    )


def _nir_cuba(p: Any, a: Any) -> Settings:
    gain = p["c_syn"] * p["w_in"] * p["c"] * p["r"]
    rest = {"bias": p["c"] * p["v_leak"], "v_reset": p["v_reset"]}
    return _settings(p["v_threshold"], alpha=1 - p["c_syn"], beta=1 - p["c"], gain=gain, **rest)


def _norse_cuba(p: Any, a: Any) -> Settings:
    scale = p["c_syn"] * p["w_in"]
    if not np.all(scale):
        raise SnnhubError("a synapse without weight")
    rest = {"bias": p["c"] * p["v_leak"], "ibias": p["v_leak"] / p["w_in"], "i0": p["v_leak"] / scale}
    gain = scale * p["c"] * p["r"]
    return _settings(p["v_threshold"], alpha=1 - p["c_syn"], beta=1 - p["c"], gain=gain, v0=p["v_leak"], **rest)


def _core_lif(p: Any, a: Any) -> Settings:
    c = 1 / p["tau"]
    gain = c if a["decay_input"] in (True, "true", "True") else np.ones_like(c)
    rest = {"bias": c * p["v_reset"], "v_reset": p["v_reset"], "v0": p["v_reset"], "compare": a["compare"]}
    return _settings(p["v_threshold"], beta=1 - c, gain=gain, **rest)


def _core_if(p: Any, a: Any) -> Settings:
    rest = {"v_reset": p["v_reset"], "v0": p["v_reset"], "compare": a["compare"]}
    return _settings(p["v_threshold"], single=True, **rest)


def _core_cuba(p: Any, a: Any) -> Settings:
    rest = {"v_reset": p["v_reset"], "v0": p["v_reset"], "compare": a["compare"]}
    return _settings(p["v_threshold"], alpha=p["u_factor"], beta=p["v_factor"], **rest)


def _leaky(p: Any, a: Any) -> Settings:
    subtract = a["reset"] == "subtract"
    return _settings(p["v_threshold"], beta=p["beta"], single=subtract, reset="subtract" if subtract else "value")


MANY: dict[str, Any] = {"compare": "ge", "spikes": "many", "reset": "subtract"}
LATE: dict[str, Any] = {"reset": "subtract", "latency": "1"}
READERS: Mapping[str, Callable[[Any, Any], Settings]] = {
    "nirstep.LIF": _nir_lif,
    "nirstep.CubaLIF": _nir_cuba,
    "nirstep.IF": lambda p, a: _settings(p["v_threshold"], single=True, gain=p["gain"], v_reset=p["v_reset"]),
    "norse.LIFBox": lambda p, a: _settings(
        p["v_threshold"], beta=1 - p["c"], gain=p["c"], bias=p["c"] * p["v_leak"], v0=p["v_leak"]
    ),
    "norse.IAF": lambda p, a: _settings(p["v_threshold"], single=True),
    "norse.CubaLIF": _norse_cuba,
    "core.LIF": _core_lif,
    "core.IF": _core_if,
    "core.CubaLIF": _core_cuba,
    "snntorch.Leaky": _leaky,
    "snntorch.Synaptic": lambda p, a: _settings(p["v_threshold"], alpha=p["alpha"], beta=p["beta"]),
    "sinabs.LIF": lambda p, a: _settings(p["v_threshold"], beta=p["alpha"], **MANY),
    "sinabs.IAF": lambda p, a: _settings(p["v_threshold"], single=True, floor=-p["v_threshold"], **MANY),
    "spyx.LIF": lambda p, a: _settings(p["v_threshold"], beta=p["beta"], reset_time="next step", **LATE),
    "spyx.IF": lambda p, a: _settings(p["v_threshold"], single=True, **LATE),
    "spyx.CuBaLIF": lambda p, a: _settings(p["v_threshold"], alpha=p["alpha"], beta=p["beta"], **LATE),
    "core.MultiSpikeLIF": lambda p, a: _settings(
        p["threshold"], alpha=p["beta"], beta=p["alpha"], gain=p["beta"], bias=p["bias"], **MANY
    ),
}


def neuron(node: Node, settings: Settings) -> Node:
    """The node as the parametrised neuron."""
    numbers = {name: settings[name] for name in NUMBERS}
    if not settings["integrates"]:
        closing = 1 - settings["beta"]
        numbers["gain"] = settings["gain"] * closing * (1 - settings["alpha"])
        numbers["bias"] = settings["bias"] * closing
    numbers["floor"] = np.maximum(numbers["floor"], -1e300)
    attributes = {name: settings[name] for name in CHOICES}
    params = tuple((name, tensor(np.asarray(value, np.float64))) for name, value in numbers.items())
    return replace(
        node,
        op=NEURON.name,
        version=1,
        attributes=tuple(sorted(attributes.items())),
        params=params,
        program=NEURON.program(attributes),
    )


@dataclass(frozen=True)
class Pair:
    """Two profiles of one file, over one stimulus (time, features…)."""

    a: Graph
    b: Graph
    values: Array

    def explain(self) -> tuple[tuple[str, ...], ...]:
        """Every smallest set of fields that, switched in a to what b says, gives every spike of b.

        Raises ``SnnhubError`` where the settings do not give the profiles' own spikes.
        """
        left, right = _neurons(self.a), _neurons(self.b)
        if left.keys() != right.keys():
            raise SnnhubError("the profiles have other neurons")
        if any(left[name]["integrates"] != right[name]["integrates"] for name in left):
            raise SnnhubError("an integrator under one profile is leaky under the other")
        target = _trains(self.b, left, self.values)
        for graph, mine in ((self.a, left), (self.b, right)):
            own = _trains(graph, left, self.values)
            if not _equal(own, _trains(_with(graph, mine), left, self.values)):
                raise SnnhubError(
                    "the switches do not give a profile's own spikes: "
                    "rounding decides, or it does what they cannot say"
                )
        fields = [name for name, parts in FIELDS.items() if _differ(left, right, parts)]
        if _others(self.a) != _others(self.b):
            fields.append(WIRING)
        for size in range(1, len(fields) + 1):
            found = tuple(s for s in combinations(fields, size) if _equal(self._switched(left, right, s), target))
            if found:
                return found
        raise SnnhubError("all switches together do not give the other's spikes")

    def _switched(self, left: Mapping[str, Settings], right: Mapping[str, Settings], names: Iterable[str]) -> Any:
        parts = {part for name in names if name != WIRING for part in FIELDS[name]}
        mixed = {name: {**own, **{part: right[name][part] for part in parts}} for name, own in left.items()}
        try:
            return _trains(_with(self.b if WIRING in names else self.a, mixed), left, self.values)
        except SnnhubError:
            return {}  # a state that runs away is no explanation


def explain(a: Graph, b: Graph, values: Array) -> tuple[tuple[str, ...], ...]:
    """Entry: the smallest sets of fields in which two profiles' graphs differ where it matters. See ``Pair``."""
    return Pair(a, b, values).explain()


def _neurons(graph: Graph) -> dict[str, Settings]:
    """Settings of all nodes that spike."""
    spiking = [n for n in graph.nodes if n.program is not None and "s" in dict(n.program.outputs)]
    return {node.id: settings_of(node) for node in spiking}


def _with(graph: Graph, settings: Mapping[str, Settings]) -> Graph:
    nodes = tuple(neuron(n, settings[n.id]) if n.id in settings else n for n in graph.nodes)
    return replace(graph, nodes=nodes)


def _trains(graph: Graph, names: Iterable[str], values: Array) -> dict[str, Array]:
    keys = [f"{name}/s" for name in names]
    if not keys:
        raise SnnhubError("there is no neuron that spikes")
    recording, _ = prepare(graph).run(values, record=keys)
    return {key: np.asarray(recording[key]).astype(np.int64) for key in keys}


def _equal(a: Mapping[str, Array], b: Mapping[str, Array]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a)


def _differ(left: Mapping[str, Settings], right: Mapping[str, Settings], parts: Iterable[str]) -> bool:
    def apart(x: Any, y: Any) -> bool:
        return x != y if isinstance(x, str) else not np.allclose(x, y, rtol=1e-5, atol=1e-9)

    return any(apart(left[name][part], right[name][part]) for name in left for part in parts)


def _others(graph: Graph) -> Any:
    """Edges with their delays, as a set: what is not a neuron."""
    return {(edge.src, edge.dst, edge.delay) for edge in graph.edges}
