"""Classes of wrong kernels: the definition of an op with one rule of it taken for another.

Only networks of that kernel alone give an occasion. The rules of Xylo's core are the functions and limits of
``snnhub_xylo.definition``; each mistake puts something else in the place of one of them while it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
from snnhub.ir.graph import Graph, Node
from snnhub.ir.tensor import Array, smallest_integer

from snnhub_conformance.mutants.engine_class import Arrays, EngineClass, Run, with_nodes
from snnhub_conformance.second_kernels import by_definition, kernel_of

XYLO = "xylo.Core/1"
Rules = Callable[[Any], Mapping[str, Any]]
"""Of the module ``snnhub_xylo.definition``: what stands in place of some of its names."""


def _with(rules: Rules) -> Run:
    def run(graph: Graph, inputs: Mapping[str, Array], keys: tuple[str, ...], steps: int) -> Arrays | None:
        node = kernel_of(graph)
        if node is None or node.kind != XYLO:
            return None
        from snnhub_xylo import definition

        with patch.multiple(definition, **rules(definition)):
            return by_definition(graph, inputs, keys, steps)

    return run


def _leak(leaked: Callable[[int, int], int]) -> Rules:
    return lambda _: {"leaked": leaked}


def _toward_zero(value: int, dash: int) -> int:
    part = abs(value) >> dash
    least = part if part or not value else 1
    return least if value > 0 else -least


def _no_leak_at_0(right: Any) -> Mapping[str, Any]:
    leaked = right.leaked
    return {"leaked": lambda value, dash: leaked(value, dash) if dash else 0}


def _channels_backwards(right: Any) -> Mapping[str, Any]:
    step = right.step

    def backwards(core: Any, x: Array, state: Any) -> Any:
        return step(replace(core, weights_in=core.weights_in[::-1]), x[::-1], state)

    return {"step": backwards}


def _shifts_saturate(right: Any) -> Mapping[str, Any]:
    def add(currents: Array, weights: Array, shift: int, count: int) -> None:
        for place, weight in np.ndenumerate(weights):
            for _ in range(count):
                currents[place] = right.clipped(int(currents[place]) + right.clipped(int(weight) << shift))

    return {"_add": add}


def _no_shift(right: Any) -> Mapping[str, Any]:
    add = right._add
    return {"_add": lambda currents, weights, shift, count: add(currents, weights, 0, count)}


def _firing(fires: Callable[[int, int], bool], after: Callable[[Any, int, int], int]) -> Rules:
    def rules(right: Any) -> Mapping[str, Any]:
        def fired(v: int, threshold: int, count: int, cap: int) -> tuple[int, int]:
            while fires(v, threshold) and count < cap:
                count, v = count + 1, after(right, v, threshold)
            return count, v

        return {"fired": fired}

    return rules


def _subtracted(right: Any, v: int, threshold: int) -> int:
    return int(right.wrapped(v - threshold))


def _other_version(right: Any) -> Mapping[str, Any]:
    moved = right.moved

    def other(core: Any, v: int, dash: int, current: int, bias: int) -> int:
        return int(moved(replace(core, version={"v1": "v2", "v2": "v1"}[core.version]), v, dash, current, bias))

    return {"moved": other}


def _bias_in_one_sum(right: Any) -> Mapping[str, Any]:
    def moved(core: Any, v: int, dash: int, current: int, bias: int) -> int:
        return int(right.clipped(v + right.clipped(right.wrapped(-right.leaked(v, dash)) + current + bias)))

    return {"moved": moved}


def _aliases(lend: Callable[[int, int], int], after: bool = False) -> Rules:
    """``lend``: of a neuron's spikes and of those that were lent to it, to what its alias gets. ``after``: not
    before every neuron has fired.
    """

    def rules(right: Any) -> Mapping[str, Any]:
        def fire(core: Any, state: Any) -> Array:
            counts, late = np.zeros((2, core.hidden), np.int64)
            for neuron in range(core.hidden):
                lent = int(counts[neuron])
                v, threshold = int(state.vmem[neuron]), int(core.threshold[neuron])
                counts[neuron], state.vmem[neuron] = right.fired(v, threshold, lent, right.CAP_HIDDEN)
                if core.alias[neuron] != right.NO_ALIAS:
                    where = late if after else counts
                    where[core.alias[neuron]] += lend(int(counts[neuron]), lent)
                    where[core.alias[neuron]] = min(right.CAP_HIDDEN, int(where[core.alias[neuron]]))
            return np.asarray(np.minimum(counts + late, right.CAP_HIDDEN))

        return {"_fire_hidden": fire}

    return rules


def _output_at_once(right: Any) -> Mapping[str, Any]:
    """An output hears the spikes of the step itself: the step of outputs alone, run once more with them."""
    step = right.step

    def early(core: Any, x: Array, state: Any) -> tuple[Array, Array]:
        before = right.at_rest(core)
        before.isyn_out, before.vmem_out = state.isyn_out.copy(), state.vmem_out.copy()
        s, _ = step(core, x, state)
        before.pending = s.copy()
        _, s_out = step(core, np.zeros_like(x), before)
        state.isyn_out, state.vmem_out = before.isyn_out, before.vmem_out
        return s, s_out

    return {"step": early}


def _one_synapse(graph: Graph) -> Graph | None:
    """Weights of the second synapse count as 0."""

    def node(item: Node) -> Node | None:
        if item.kind != XYLO or item.attribute["synapses"] != 2:
            return None
        weights = {name: item.param[name].array.astype(np.int64) for name in ("weights_in", "weights_rec")}
        for array in weights.values():
            array[:, :, 1] = 0
        return item.with_params(**{name: smallest_integer(array) for name, array in weights.items()})

    return with_nodes(graph, node)


def _at_least(v: int, threshold: int) -> bool:
    return v >= threshold


RULES: tuple[tuple[str, str, Rules], ...] = (
    ("input-uncapped", "every event of a channel counts, not 15 of a step", lambda _: {"CAP_INPUT": 255}),
    ("hidden-uncapped", "a hidden neuron may give more than 31 spikes", lambda _: {"CAP_HIDDEN": 48}),
    ("hidden-once", "a hidden neuron gives one spike per step", lambda _: {"CAP_HIDDEN": 1}),
    ("output-often", "an output neuron may give more than one spike", lambda _: {"CAP_OUTPUT": 31}),
    ("leak-stops", "the leak is the shift alone, and nothing where that is 0", _leak(lambda v, dash: v >> dash)),
    ("leak-toward-zero", "what is below 0 leaks as if it were above", _leak(_toward_zero)),
    ("dash-0-keeps", "dash 0 is no leak, and not a leak of everything", _no_leak_at_0),
    ("sums-wrap", "sums wrap at 16 bits where they saturate", lambda right: {"clipped": right.wrapped}),
    ("channels-backwards", "the last channel acts first, and sums that saturate keep it", _channels_backwards),
    ("shift-saturates", "a shifted weight saturates where its upper bits are lost", _shifts_saturate),
    ("shift-dropped", "weights are not shifted", _no_shift),
    ("above-threshold", "fires above the threshold, not at it", _firing(lambda v, t: v > t, _subtracted)),
    ("reset-to-zero", "a spike resets the potential to 0", _firing(_at_least, lambda *_: 0)),
    (
        "reset-saturates",
        "the potential saturates where a threshold below 0 is taken off",
        _firing(_at_least, lambda right, v, threshold: int(right.clipped(v - threshold))),
    ),
    ("other-version", "leak, current and bias are added in the order of the other version", _other_version),
    ("bias-in-one-sum", "current and bias saturate together, not one after the other", _bias_in_one_sum),
    ("alias-dropped", "no alias gets any spikes", _aliases(lambda count, lent: 0)),
    ("alias-own-only", "spikes that were lent are not lent on", _aliases(lambda count, lent: count - lent)),
    ("alias-after", "an alias gets its spikes after it has fired", _aliases(lambda count, lent: count, True)),
    ("output-at-once", "outputs hear the spikes of the same step", _output_at_once),
)

KERNELS: tuple[EngineClass, ...] = (
    *(EngineClass(f"xylo.{name}", mistake, run=_with(rules)) for name, mistake, rules in RULES),
    EngineClass("xylo.second-synapse", "the second synapse is not there", _one_synapse),
)
