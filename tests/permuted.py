"""The engine with float sums as some framework might add them: one term after the other in f32, in an order drawn
anew for every sum, or as a tree. Everything else is the reference engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from snnhub.engine.kernels import Context
from snnhub.engine.kernels.pooling import _counts, _padding
from snnhub.engine.kernels.synapse import window_view
from snnhub.engine.reference import Plan, Values
from snnhub.engine.runner import Runner, TransformRunner
from snnhub.engine.state import RunState
from snnhub.engine.wires import Wire, delayed, delayed_at
from snnhub.ir.graph import Graph, Node, Port
from snnhub.ir.op import OpLookup, TransformOp
from snnhub.ir.tensor import Array
from snnhub.ops.pooling import adaptive_window
from snnhub.ops.registry import REGISTRY

Sum = Callable[[Array], Array]
"""Adds over the last axis."""
ORDERS = ("random", "as stored", "large first", "positive first", "tree")


def summing(order: str, random: np.random.Generator) -> Sum:
    """Sums of arrays (…, terms) in their own dtype, rounded after every addition."""

    def arranged(terms: Array) -> Array:
        if order == "random":
            return random.permuted(terms, axis=-1)
        if order == "large first":
            return np.take_along_axis(terms, np.argsort(-np.abs(terms), axis=-1), -1)
        return -np.sort(-terms, axis=-1) if order == "positive first" else terms

    def total(terms: Array) -> Array:
        terms = arranged(terms)
        if order == "tree":
            while terms.shape[-1] > 1:
                if terms.shape[-1] % 2:
                    terms = np.concatenate([terms, np.zeros_like(terms[..., :1])], axis=-1)
                terms = terms[..., ::2] + terms[..., 1::2]
            return terms[..., 0]
        result = np.zeros_like(terms[..., 0])
        for index in range(terms.shape[-1]):
            result = result + terms[..., index]
        return result

    return total


class PermutedPlan(Plan):
    """A plan whose float sums are added in ``order``."""

    def __init__(self, graph: Graph, order: str, seed: int, lookup: OpLookup = REGISTRY) -> None:
        self.total = summing(order, np.random.default_rng(seed))
        super().__init__(graph, lookup)

    def _runner(self, node: Node, lookup: OpLookup) -> Runner:
        runner = super()._runner(node, lookup)
        schema = lookup(node.op, node.version)
        if isinstance(schema, TransformOp) and isinstance(runner, TransformRunner):
            ports = (*schema.ports.inputs, *schema.ports.outputs)
            types = {name: self.analysis.types[Port(node.id, name)] for name in ports}
            shapes = {name: self.analysis.shapes[Port(node.id, name)] for name in ports}
            if node.op in KERNELS and types["y"].is_float:
                runner._kernel = KERNELS[node.op](Context(node, shapes, types), self.total)
        return runner

    def _combined(self, arrays: list[Array], port: Port) -> Array:
        if len(arrays) == 1:
            return arrays[0]
        return self.total(np.stack([array.astype(np.float32) for array in arrays], axis=-1))

    def _arrive(self, port: Port, wires: tuple[Wire, ...], values: Values, state: RunState) -> Array:
        return self._combined([delayed(wire, values[wire.edge.src], state.lines) for wire in wires], port)

    def _arrive_at(self, port: Port, wires: tuple[Wire, ...], values: Values, state: RunState, step: int) -> Array:
        parts = [delayed_at(wire, values.get(wire.edge.src), state.lines, step) for wire in wires]
        return self._combined(parts, port)[None]


Kernel = Callable[[Mapping[str, Array]], Array]


def _with_bias(terms: Array, context: Context) -> Array:
    bias = context.node.param.get("bias")
    if bias is None:
        return terms
    own = np.broadcast_to(bias.array[:, None], (*terms.shape[:-1], 1))
    return np.concatenate([own, terms], axis=-1)


def _dense(context: Context, total: Sum) -> Kernel:
    weight = context.node.param["weight"].array

    def run(inputs: Mapping[str, Array]) -> Array:
        x = inputs["x"].astype(weight.dtype)
        return total(_with_bias(x[..., None, :] * weight, context))

    return run


def _conv(context: Context, total: Sum) -> Kernel:
    node, weight = context.node, context.node.param["weight"].array
    groups, dims = node.integer("groups"), weight.ndim - 2

    def run(inputs: Mapping[str, Array]) -> Array:
        x = inputs["x"].astype(weight.dtype)
        padded = np.pad(x, [(0, 0), (0, 0), *((pad, pad) for pad in node.integers("padding"))])
        windows = window_view(padded, weight.shape[2:], node.integers("stride"), node.integers("dilation"))
        parts = []
        for part, rows in zip(np.split(windows, groups, axis=1), np.split(weight, groups), strict=True):
            there = np.moveaxis(part, 1, 1 + dims)
            there = there.reshape(*there.shape[: 1 + dims], 1, -1)
            parts.append(there * rows.reshape(len(rows), -1))
        return np.moveaxis(total(_with_bias(np.concatenate(parts, axis=-2), context)), -1, 1)

    return run


def _transposed(context: Context, total: Sum) -> Kernel:
    """Every product put where it lands, one axis of terms per input channel and tap."""
    node, weight = context.node, context.node.param["weight"].array
    groups, (own, each) = node.integer("groups"), weight.shape[:2]
    places = list(np.ndindex(own // groups, *weight.shape[2:]))

    def run(inputs: Mapping[str, Array]) -> Array:
        x = inputs["x"].astype(weight.dtype)
        terms = np.zeros((len(x), *context.shapes["y"][1:], context.shapes["y"][0], len(places)), weight.dtype)
        for source in np.ndindex(*x.shape[2:]):
            for term, (channel, *tap) in enumerate(places):
                numbers = zip(source, tap, *(node.integers(name) for name in LANDS), strict=True)
                at = tuple(i * stride + k * gap - pad for i, k, stride, gap, pad in numbers)
                if any(not 0 <= a < size for a, size in zip(at, context.shapes["y"][1:], strict=True)):
                    continue
                for group in range(groups):
                    row = group * (own // groups) + channel
                    value = x[(slice(None), row, *source)]
                    there = (slice(None), *at, slice(group * each, (group + 1) * each), term)
                    terms[there] += value[:, None] * weight[(row, slice(None), *tap)]
        return np.moveaxis(total(_with_bias(terms, context)), -1, 1)

    return run


LANDS = ("stride", "dilation", "padding")


def _average(context: Context, total: Sum) -> Kernel:
    kernel = context.node.integers("kernel")
    padding, counts = _padding(context), _counts(context).astype(np.float32)

    def run(inputs: Mapping[str, Array]) -> Array:
        x = np.pad(inputs["x"].astype(np.float32), padding)
        windows = window_view(x, kernel, context.node.integers("stride"), (1,) * len(kernel))
        return total(windows.reshape(*windows.shape[: -len(kernel)], -1)) / counts

    return run


def _adaptive(context: Context, total: Sum) -> Kernel:
    sizes = context.shapes["y"][1:]

    def run(inputs: Mapping[str, Array]) -> Array:
        x = inputs["x"].astype(np.float32)
        result = np.empty((len(x), *context.shapes["y"]), np.float32)
        for index in np.ndindex(*sizes):
            window = [
                adaptive_window(place, size, out)
                for place, size, out in zip(index, context.shapes["x"][1:], sizes, strict=True)
            ]
            part = x[(slice(None), slice(None), *(slice(*ends) for ends in window))]
            sums = total(part.reshape(*part.shape[:2], -1))
            for start, end in window:
                sums = sums / np.float32(end - start)
            result[(slice(None), slice(None), *index)] = sums
        return result

    return run


def _scale(context: Context, total: Sum) -> Kernel:
    """Product and sum rounded by themselves, where the engine rounds once."""
    scale, shift = (context.node.param[name].array for name in ("scale", "shift"))
    return lambda inputs: inputs["x"].astype(scale.dtype) * scale + shift


KERNELS: dict[str, Any] = {
    "core.Dense": _dense,
    "core.Conv": _conv,
    "core.ConvTranspose": _transposed,
    "core.AvgPool": _average,
    "core.AdaptiveAvgPool": _adaptive,
    "core.Scale": _scale,
    "core.BatchNorm": _scale,
}
