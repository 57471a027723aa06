"""core.ConvTranspose against its definition in rational arithmetic, floats and integers; what does not fit."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snnhub.engine.reference import prepare
from snnhub.errors import GraphError
from snnhub.ir.analysis import analyse
from snnhub.ir.graph import Graph, Port
from snnhub.ir.numtype import F32, F64, SPIKE, NumType, integer, signed
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY
from snnhub_formats.container import load, save

from tests.unit.test_transforms import exact, graph_of, same, values

GEOMETRIES: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "1d": ((2, 5), (2, 3, 3), {"stride": (2,), "padding": (1,), "output_padding": (1,)}),
    "2d": ((4, 3, 4), (4, 2, 3, 2), {"stride": (2, 3), "padding": (1, 0), "groups": 2}),
    "2d, taps apart": ((2, 3, 2), (2, 3, 2, 3), {"dilation": (3, 2), "output_padding": (2, 1), "padding": (0, 2)}),
    "3d": ((1, 2, 3, 2), (1, 2, 2, 1, 3), {"stride": (1, 2, 3), "padding": (0, 1, 0)}),
    "cut by more than a kernel": ((2, 6, 7), (2, 2, 1, 2), {"stride": (3, 1), "padding": (2, 3)}),
    "cut, and more at the end": ((1, 4), (1, 1, 1), {"stride": (4,), "padding": (1,), "output_padding": (3,)}),
    "one group per channel": ((3, 2, 2), (3, 1, 2, 2), {"stride": (2, 2), "groups": 3}),
    "four axes": ((1, 2, 1, 2, 2), (1, 1, 2, 1, 2, 1), {"stride": (2, 1, 1, 2)}),
}


def whole(dims: int, **changes: Any) -> dict[str, Any]:
    usual: dict[str, Any] = dict.fromkeys(("stride", "dilation"), (1,) * dims)
    usual |= dict.fromkeys(("padding", "output_padding"), (0,) * dims)
    return {**usual, "groups": 1, "accumulate": "exact", "bias": False, **changes}


def transposed(
    shape: tuple[int, ...], type_: NumType, weight: Array, bias: Array | None = None, **changes: Any
) -> Graph:
    params = {"weight": weight} | ({} if bias is None else {"bias": bias})
    given = whole(weight.ndim - 2, bias=bias is not None, **changes)
    return graph_of("core.ConvTranspose", shape, type_, params, **given)


def sums(graph: Graph, x: Array, place: tuple[int, ...]) -> Fraction:
    """Every input and tap that lands on a place, by going over all of them."""
    node = graph.node["node"]
    weight, groups = node.param["weight"].array, node.integer("groups")
    group, filter_ = divmod(place[0], weight.shape[1])
    bias = node.param["bias"].array[place[0]] if "bias" in node.param else 0
    total = exact(bias)
    channels = weight.shape[0] // groups
    names = ("stride", "padding", "dilation")
    for index in np.ndindex(channels, *x.shape[1:]):
        for tap in np.ndindex(*weight.shape[2:]):
            numbers = zip(index[1:], tap, *(node.integers(name) for name in names), strict=True)
            if tuple(i * step - pad + k * gap for i, k, step, pad, gap in numbers) == place[1:]:
                row = group * channels + index[0]
                total += exact(weight[(row, filter_, *tap)]) * exact(x[(row, *index[1:])])
    return total


@pytest.mark.parametrize("name", GEOMETRIES)
@pytest.mark.parametrize("type_", [F32, SPIKE, F64, signed(8)], ids=str)
def test_every_entry_is_the_sum_of_what_lands_there(name: str, type_: NumType) -> None:
    shape, kernel, changes = GEOMETRIES[name]
    random = np.random.default_rng(1)
    weight: Array = random.normal(0, 1, kernel) * 2.0 ** random.integers(-9, 9, kernel)
    bias: Array = random.normal(0, 1, kernel[1] * changes.get("groups", 1))
    if type_.is_int and type_ != SPIKE:
        weight, bias = np.rint(weight).astype(np.int32), np.rint(90 * bias).astype(np.int32)
    else:
        dtype = np.float64 if type_ == F64 else np.float32
        weight, bias = weight.astype(dtype), bias.astype(dtype)
    graph = transposed(shape, type_, weight, bias, **changes)
    same(graph, values(shape, type_), lambda x, place: sums(graph, x, place))


def test_the_type_counts_what_can_land_on_an_entry() -> None:
    """Inputs of a group times taps, not outputs: 2 channels of 4 in 2 groups, and 3 taps."""
    graph = transposed((4, 5), integer(0, 3), np.full((4, 7, 3), 5, np.int8), groups=2)
    port = Port("node", "y")
    analysis = analyse(graph, REGISTRY)
    assert analysis.types[port] == integer(0, 2 * 3 * 15)
    assert analysis.shapes[port] == (14, 7)


def test_integer_sums_wrap_where_the_node_says_so() -> None:
    weight = np.full((2, 1, 2), 2**15 - 1, np.int16)
    x = np.full((1, 1, 2, 2), 2**15 - 1, np.int16)
    graph = transposed((2, 2), signed(16), weight, accumulate="wrap24")
    total = np.array([2, 4, 2]) * (2**15 - 1) ** 2
    wrapped = (total + 2**23) % 2**24 - 2**23
    assert prepare(graph).run(x)[0]["output"].ravel().tolist() == wrapped.tolist()
    assert wrapped.tolist() != total.tolist()


@pytest.mark.parametrize(
    ("shape", "kernel", "changes", "words"),
    [
        ((2, 3), (3, 1, 2), {}, "channels do not fit"),
        ((3, 3), (3, 1, 2), {"groups": 2}, "channels do not fit"),
        ((2, 3, 3), (2, 1, 2), {}, "of the weight's rank"),
        ((2, 3), (2, 1, 2), {"stride": (1, 1)}, "needs 1 entries"),
        ((2, 3), (2, 1, 2), {"output_padding": (1,)}, "must be smaller"),
        ((2, 3), (2, 1, 2), {"padding": (2,)}, "cuts everything off"),
        ((2, 3), (2, 2, 2), {"bias": np.zeros(3, np.float32)}, "bias does not fit"),
    ],
)
def test_what_does_not_fit_is_refused(
    shape: tuple[int, ...], kernel: tuple[int, ...], changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(GraphError) as caught:
        transposed(shape, F32, np.ones(kernel, np.float32), **changes)
    assert any(words in str(finding) for finding in caught.value.findings), caught.value.findings


def test_it_survives_the_file(tmp_path: Path) -> None:
    shape, kernel, changes = GEOMETRIES["2d"]
    graph = transposed(shape, F32, np.arange(np.prod(kernel), dtype=np.float32).reshape(kernel), **changes)
    save(graph, tmp_path / "one.snn")
    found = load(tmp_path / "one.snn")
    assert found == graph
    x = values(shape, F32)[None]
    np.testing.assert_array_equal(prepare(found).run(x)[0]["output"], prepare(graph).run(x)[0]["output"])
