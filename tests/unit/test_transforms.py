"""Transforms against their definitions in rational arithmetic, entry by entry; what does not fit is refused."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snnhub.engine.exact import round_fraction
from snnhub.engine.reference import prepare
from snnhub.errors import GraphError
from snnhub.ir.analysis import analyse
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph, Port
from snnhub.ir.numtype import F32, F64, SPIKE, NumType, integer, signed
from snnhub.ir.tensor import Array, tensor
from snnhub.ops.registry import REGISTRY
from snnhub_formats.container import load, save

Rule = Callable[[Array, tuple[int, ...]], Fraction]
SAMPLES = 2


def graph_of(op: str, size: tuple[int, ...], type_: NumType, params: Any = None, /, **attributes: Any) -> Graph:
    """One node behind an input."""
    builder = GraphBuilder("one", REGISTRY)
    source = builder.input(size, type_)
    numbers = {key: tensor(value) for key, value in (params or {}).items()}
    builder.output(builder.node("node", op, source, params=numbers, **attributes))
    return builder.graph()


def values(shape: tuple[int, ...], type_: NumType, seed: int = 0) -> Array:
    """Numbers of a type, floats of very different sizes among them."""
    random = np.random.default_rng(seed)
    if type_.is_int:
        return random.integers(type_.range[0], type_.range[1] + 1, (SAMPLES, *shape)).astype(type_.numpy)
    wide = random.normal(0, 1, (SAMPLES, *shape)) * 2.0 ** random.integers(-20, 20, (SAMPLES, *shape))
    return np.asarray(wide.astype(type_.numpy))


def exact(value: Any) -> Fraction:
    return Fraction(float(value)) if np.asarray(value).dtype.kind == "f" else Fraction(int(value))


def same(graph: Graph, x: Array, rule: Rule) -> None:
    """Every entry of the output is what the rule says, rounded once where it is a float."""
    found = prepare(graph).run(x[None])[0]["output"][0]
    for sample in range(len(x)):
        for place in np.ndindex(*found.shape[1:]):
            wanted = rule(x[sample], place)
            have = found[(sample, *place)]
            if found.dtype.kind == "f":
                assert have == np.dtype(found.dtype).type(round_fraction(wanted, found.dtype)), place
            else:
                assert int(have) == wanted, place


def test_a_wrapped_sum_is_shifted_after_it_has_wrapped() -> None:
    """The shift makes the sum smaller, not the wrap unnecessary: the type promises a value of 20 bits."""
    weight = {"weight": np.array([[127, 127], [1, 1]], np.int8)}
    graph = graph_of("core.Dense", (2,), signed(22), weight, bias=False, accumulate="wrap24", shift=4)
    x = values((2,), signed(22))
    assert analyse(graph, REGISTRY).types[Port("node", "y")] == signed(20)
    same(graph, x, lambda row, place: Fraction(wrapped(sum((int(n) for n in row), 0) * (127, 1)[place[0]]) >> 4))


def wrapped(total: int) -> int:
    return (total + 2**23) % 2**24 - 2**23


@pytest.mark.parametrize("type_", [F32, F64, SPIKE, signed(9)])
def test_upsample(type_: NumType) -> None:
    graph = graph_of("core.Upsample", (2, 3, 5, 1), type_, factor=(2, 1, 3))
    same(graph, values((2, 3, 5, 1), type_), lambda x, i: exact(x[i[0], i[1] // 2, i[2], i[3] // 3]))


@pytest.mark.parametrize("type_", [F32, F64, SPIKE, integer(3, 9), integer(-9, -3)])
def test_pad(type_: NumType) -> None:
    """A range without zero grows, since zeros come in."""
    graph = graph_of("core.Pad", (2, 3, 5), type_, before=(1, 0, 2), after=(0, 3, 1))

    def rule(x: Array, place: tuple[int, ...]) -> Fraction:
        inner = tuple(index - pad for index, pad in zip(place, (1, 0, 2), strict=True))
        inside = all(0 <= index < size for index, size in zip(inner, x.shape, strict=True))
        return exact(x[inner]) if inside else Fraction(0)

    same(graph, values((2, 3, 5), type_), rule)


@pytest.mark.parametrize("type_", [F32, SPIKE])
def test_reshape(type_: NumType) -> None:
    graph = graph_of("core.Reshape", (3, 4, 2), type_, shape=(2, 12, 1))
    same(graph, values((3, 4, 2), type_), lambda x, i: exact(x.reshape(-1)[i[0] * 12 + i[1]]))


@pytest.mark.parametrize("type_", [F32, F64, SPIKE, integer(-5, -2), integer(-7, 3)])
def test_relu(type_: NumType) -> None:
    graph = graph_of("core.ReLU", (7, 3), type_)
    same(graph, values((7, 3), type_), lambda x, i: max(exact(x[i]), Fraction(0)))


def test_relu_keeps_signs_of_zero_as_torch_does() -> None:
    graph = graph_of("core.ReLU", (3,), F32)
    found = prepare(graph).run(np.array([[-0.0, 0.0, -1.0]], np.float32))[0]["output"][0]
    assert np.signbit(found).tolist() == [True, False, False]


@pytest.mark.parametrize("type_", [F32, F64, SPIKE, signed(5)])
@pytest.mark.parametrize("per_channel", [False, True])
def test_scale(type_: NumType, per_channel: bool) -> None:
    dtype = type_.numpy if type_.is_float else np.dtype(np.float32)
    random = np.random.default_rng(4)
    size = (4, 1) if per_channel else ()
    scale, shift = (np.asarray(random.normal(0, 1, size)).astype(dtype) for _ in range(2))
    graph = graph_of("core.Scale", (4, 5), type_, {"scale": scale, "shift": shift})

    def rule(x: Array, place: tuple[int, ...]) -> Fraction:
        factor, offset = (exact(np.broadcast_to(array, x.shape)[place]) for array in (scale, shift))
        return exact(x[place]) * factor + offset

    same(graph, values((4, 5), type_), rule)


def test_scale_of_integers() -> None:
    numbers = {"scale": np.array(-3, np.int8), "shift": np.array(200, np.int16)}
    graph = graph_of("core.Scale", (5,), signed(8), numbers)
    assert analyse(graph, REGISTRY).types[Port("node", "y")] == integer(200 - 3 * 127, 200 + 3 * 128)
    same(graph, values((5,), signed(8)), lambda x, i: 200 - 3 * exact(x[i]))


@pytest.mark.parametrize("type_", [F32, F64, SPIKE, signed(9)])
def test_mul(type_: NumType) -> None:
    """Both factors come from one input: the second as numbers turned around by a scale of -1."""
    builder = GraphBuilder("square", REGISTRY)
    source = builder.input((3, 4), type_)
    dtype = type_.numpy if type_.is_float else np.dtype(np.int8)
    numbers = {"scale": tensor(np.array(-1, dtype)), "shift": tensor(np.array(3, dtype))}
    other = builder.node("other", "core.Scale", source, params=numbers)
    builder.output(builder.node("node", "core.Mul", {"a": source, "b": other}))
    graph = builder.graph()

    def rule(x: Array, place: tuple[int, ...]) -> Fraction:
        second = 3 - exact(x[place])
        return exact(x[place]) * (Fraction(round_fraction(second, dtype)) if type_.is_float else second)

    x = np.asarray(values((3, 4), type_))
    if type_ == F32:  # the rule rounds the difference to f32 first, as the scale does
        x = (np.rint(x * 16) / 16).astype(np.float32)
    same(graph, x, rule)


ADAPTIVE = [
    ((2, 7), (3,)),
    ((2, 9, 9), (3, 3)),
    ((1, 7, 5), (4, 2)),
    ((2, 3, 4, 5), (2, 3, 4)),
    ((1, 2, 2), (5, 1)),
]


@pytest.mark.parametrize("type_", [F32, F64, SPIKE, signed(9)])
@pytest.mark.parametrize(("shape", "sizes"), ADAPTIVE)
def test_adaptive_average(shape: tuple[int, ...], sizes: tuple[int, ...], type_: NumType) -> None:
    """The exact sum rounded once, then divided by one length after the other."""
    graph = graph_of("core.AdaptiveAvgPool", shape, type_, sizes=sizes)
    x = values(shape, type_)
    found = prepare(graph).run(x[None])[0]["output"][0]
    dtype = np.dtype(np.float64 if type_ == F64 else np.float32)
    for sample, channel in product(range(SAMPLES), range(shape[0])):
        for place in np.ndindex(*sizes):
            spans = [
                range(i * n // m, ((i + 1) * n + m - 1) // m)
                for i, n, m in zip(place, shape[1:], sizes, strict=True)
            ]
            terms = [exact(x[(sample, channel, *index)]) for index in product(*spans)]
            wanted = dtype.type(round_fraction(sum(terms, Fraction(0)), dtype))
            for span in spans:
                wanted = wanted / dtype.type(len(span))
            assert found[(sample, channel, *place)] == wanted


@pytest.mark.parametrize(
    ("op", "shape", "attributes"),
    [
        ("core.Upsample", (3,), {"factor": ()}),
        ("core.Upsample", (3, 4), {"factor": (2, 2)}),
        ("core.Pad", (3, 4), {"before": (1,), "after": (1, 1)}),
        ("core.Reshape", (3, 4), {"shape": (3, 5)}),
        ("core.AdaptiveAvgPool", (3, 4), {"sizes": (1, 1)}),
    ],
)
def test_shapes_that_do_not_fit(op: str, shape: tuple[int, ...], attributes: dict[str, Any]) -> None:
    with pytest.raises(GraphError) as caught:
        graph_of(op, shape, F32, **attributes)
    assert "SNN-1009" in {finding.code for finding in caught.value.findings}


@pytest.mark.parametrize(
    ("type_", "scale", "shift"),
    [
        (F32, np.array(2, np.int8), np.array(1, np.int8)),
        (F32, np.array(2, np.float32), np.array(1, np.float64)),
        (SPIKE, np.array(2, np.float32), np.array(1, np.int8)),
        (F64, np.array(2, np.float32), np.array(1, np.float32)),
        (integer(0, 2**25), np.array(2, np.float32), np.array(1, np.float32)),
        (signed(64), np.array(2, np.int8), np.array(1, np.int8)),
    ],
)
def test_types_that_do_not_fit(type_: NumType, scale: Array, shift: Array) -> None:
    with pytest.raises(GraphError) as caught:
        graph_of("core.Scale", (2,), type_, {"scale": scale, "shift": shift})
    assert "SNN-1010" in {finding.code for finding in caught.value.findings}


def test_factors_of_a_product_must_agree() -> None:
    builder = GraphBuilder("x", REGISTRY)
    source = builder.input((2, 3), F32)
    flat = builder.node("flat", "core.Flatten", source, start=0, end=1)
    builder.output(builder.node("node", "core.Mul", {"a": source, "b": flat}))
    with pytest.raises(GraphError, match="differ in shape"):
        builder.graph()


def test_every_new_transform_survives_the_file(tmp_path: Path) -> None:
    builder = GraphBuilder("all", REGISTRY)
    port = builder.input((2, 6, 4), F32)
    numbers = {"scale": tensor(0.5, "float32"), "shift": tensor(-0.1, "float32")}
    steps: list[tuple[str, dict[str, Any]]] = [
        ("core.Pad", {"before": (0, 1, 0), "after": (1, 0, 2)}),
        ("core.Upsample", {"factor": (1, 2)}),
        ("core.AdaptiveAvgPool", {"sizes": (5, 3)}),
        ("core.Scale", {"params": numbers}),
        ("core.ReLU", {}),
        ("core.Reshape", {"shape": (5, 9)}),
    ]
    for op, settings in steps:
        port = builder.node(op.partition(".")[2], op, port, **settings)
    builder.output(builder.node("Mul", "core.Mul", {"a": port, "b": port}))
    graph = builder.graph()
    save(graph, tmp_path / "all.snn")
    found = load(tmp_path / "all.snn")
    assert found == graph
    x = values((2, 6, 4), F32)[None]
    np.testing.assert_array_equal(prepare(found).run(x)[0]["output"], prepare(graph).run(x)[0]["output"])


def test_norms_fold_only_along_the_outputs_of_a_synapse() -> None:
    """Behind a dense layer over (channels, length), a norm's channels are not the layer's outputs."""
    from snnhub.passes.base import PassContext, run_pass
    from snnhub.passes.fold_norm import FOLD_NORM

    def folded(shape: tuple[int, ...], norm: tuple[int, ...]) -> int:
        builder = GraphBuilder("norm", REGISTRY)
        weight = {"weight": tensor(np.eye(3, dtype=np.float32))}
        port = builder.node(
            "fc", "core.Dense", builder.input(shape, F32), params=weight, bias=False, accumulate="exact", shift=0
        )
        numbers = {name: tensor(np.arange(1, 4, dtype=np.float32).reshape(norm)) for name in ("scale", "shift")}
        port = builder.node("bn", "core.BatchNorm", port, params=numbers)
        fire = {"v_threshold": tensor(1.0, "float32"), "v_reset": tensor(0.0, "float32")}
        builder.output(builder.node("n", "core.IF", port, params=fire, reset="value", compare="ge"))
        graph = run_pass(builder.graph(), FOLD_NORM, PassContext(REGISTRY))
        return len(graph.nodes)

    assert folded((3,), (3,)) == 2
    assert folded((3, 3), (1, 3)) == 2
    assert folded((3, 3), (3, 1)) == 3


def test_a_dense_sum_is_wrapped_before_it_is_shifted() -> None:
    weight = np.array([[2**12, 2**12]], np.int16)
    graph = graph_of("core.Dense", (2,), signed(13), {"weight": weight}, bias=False, accumulate="wrap24", shift=3)
    x = np.array([[[4095, 4095], [-4096, -4096], [-1, 0], [4095, -4096]]], np.int16).reshape(1, 4, 2)
    total = x.astype(np.int64) @ weight[0].astype(np.int64)
    wrapped = (total + 2**23) % 2**24 - 2**23
    assert (wrapped != total).any()
    assert prepare(graph).run(x)[0]["output"][..., 0].tolist() == (wrapped >> 3).tolist()
