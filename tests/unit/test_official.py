"""What ``nir.read`` makes of a file, without nir: shapes, nodes that it adds, fields that it fills in, refusals.

Held against nir 1.0.8 itself by tests/differential/test_official.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from snnhub_profiles.official import official
from snnhub_profiles.source import Item, RefusedError, Source

from tests.networks.nir_nets import Fields, integrate, lif


def item(name: str, kind: str, inner: Source | None = None, **fields: Any) -> Item:
    words = {key: value for key, value in fields.items() if isinstance(value, str)}
    return Item(name, name, kind, {k: np.asarray(v) for k, v in fields.items() if k not in words}, words, inner)


def source(*edges: tuple[str, str], **nodes: tuple[str, Fields] | Source) -> Source:
    made = {
        name: item(name, "NIRGraph", node) if isinstance(node, Source) else item(name, node[0], **node[1])
        for name, node in sorted(nodes.items())
    }
    return Source(made, edges)


def terminal(kind: str, *shape: int) -> tuple[str, Fields]:
    return kind, {"shape": np.array(shape)}


CONV: dict[str, Any] = {"weight": np.ones((4, 2, 3, 1)), "stride": [1, 2], "padding": [0, 0], "dilation": [1, 1]}
CONV |= {"groups": 1, "bias": np.zeros(4), "input_shape": [5, 6]}


def test_ends_are_added_in_the_order_of_a_set_and_under_a_free_name() -> None:
    found = official(source(a=lif(2), b=lif(3), c=integrate(4), input_a=terminal("Input", 2)))
    assert list(found.items)[:4] == ["a", "b", "c", "input_a"]
    assert set(found.items) >= {"input_a_0", "input_b", "input_c", "output_a", "output_input_a"}
    assert set(found.edges) == {
        ("input_a_0", "a"),
        ("input_b", "b"),
        ("input_c", "c"),
        ("a", "output_a"),
        ("b", "output_b"),
        ("c", "output_c"),
        ("input_a", "output_input_a"),
    }
    assert found.items["output_c"].arriving == (4,)


def test_shapes_come_along_the_edges_by_formulas_of_its_own() -> None:
    """A convolution takes the first axis of its kernel, 3, for both; Flatten begins at axis 1."""
    pool = "SumPool2d", {"kernel_size": [2, 2], "stride": [1, 1], "padding": [0, 0]}
    parts: dict[str, Any] = {"i": terminal("Input", 2, 5, 6), "conv": ("Conv2d", CONV), "pool": pool}
    found = official(source(("i", "conv"), ("conv", "pool"), ("pool", "flat"), **parts, flat=("Flatten", {})))
    assert [found.items[name].leaving for name in ("conv", "pool", "flat", "output_flat")] == [
        (4, 3, 2),
        (4, 2, 1),
        (4, 2),
        (4, 2),
    ]


def test_fields_are_filled_in_in_their_dtypes() -> None:
    fields = {name: np.ones(2, "f2") for name in ("tau_mem", "tau_syn", "r", "v_leak", "v_threshold")}
    found = official(source(a=("CubaLIF", fields))).items["a"].fields
    assert (found["v_reset"].dtype, found["w_in"].dtype) == (np.dtype("f2"), np.dtype("f2"))
    wide = official(source(a=("CubaLIF", {**fields, "w_in": np.full((3, 1), 2.0)}))).items["a"]
    assert (wide.fields["w_in"].shape, wide.fields["w_in"].dtype, wide.arriving) == ((3, 2), np.dtype("f8"), (2,))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"input_shape": [5.0, 6.5]}, None),
        ({"input_shape": 5}, "one number"),
        ({"stride": 1.0}, "no whole number"),
        ({"stride": [1]}, "out of bounds"),
        ({"stride": [0, 1]}, "infinity"),
        ({"padding": [[0, 0], [0, 0]]}, "size 1"),
        ({"padding": "wide"}, "wide"),
        ({"weight": np.ones((4, 2))}, "out of range"),
        ({"dilation": 1, "stride": np.uint8(1)}, None),
    ],
)
def test_numbers_that_are_none_for_it(changed: Fields, words: str | None) -> None:
    """An array of one is no number, a float is none where it counts, and the axes are those of input_shape."""
    made = source(a=("Conv2d", {**CONV, **changed}))
    if words is None:
        assert official(made).items["a"].arriving == (2, 5, 6)
        return
    with pytest.raises(RefusedError, match=words):
        official(made)


def test_a_graph_within_needs_terminals_of_the_right_names() -> None:
    """It gets an Input in front only where its own is called input; pools behind it ask for output."""
    inner = source(
        ("input", "a"), ("a", "output"), input=terminal("Input", 2), a=lif(2), output=terminal("Output", 2)
    )
    assert set(official(source(sub=inner)).items) == {"sub", "input_sub", "output_sub"}
    other = source(
        ("in", "a"), ("a", "output"), **{"in": terminal("Input", 2)}, a=lif(2), output=terminal("Output", 2)
    )
    with pytest.raises(RefusedError, match="needs an Input"):
        official(source(sub=other))
    named = official(source(("i", "sub"), i=terminal("Input", 2), sub=other))
    assert named.items["sub"].arriving == (2,)
    with pytest.raises(RefusedError, match="without Input"):
        official(source(("i", "sub"), i=terminal("Input", 2), sub=Source({}, ())))
    assert official(Source({}, ())) == Source({}, ())
