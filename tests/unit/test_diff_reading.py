"""Step programs in words, against what their equations say."""

from __future__ import annotations

from typing import Any

import pytest
from snnhub.differences.reading import read
from snnhub.ir.op import StepOp
from snnhub.ir.program import Program
from snnhub.ops.registry import REGISTRY


def program(op: str, **attributes: Any) -> Program:
    schema = REGISTRY(op, 1)
    assert isinstance(schema, StepOp)
    return schema.program(attributes)


HARD = {"reset": "value", "compare": "ge"}


@pytest.mark.parametrize(
    ("op", "attributes", "words"),
    [
        ("core.IF", HARD, {"fires": "s where a value >= v_threshold", "reset": "v set to v_reset"}),
        ("core.IF", {**HARD, "compare": "gt"}, {"fires": "s where a value > v_threshold"}),
        ("core.IF", {**HARD, "reset": "subtract"}, {"reset": "v less v_threshold", "decay of v": "none"}),
        ("core.IF", {**HARD, "reset": "none"}, {"reset": "none"}),
        ("core.LIF", {**HARD, "decay_input": True}, {"decay of v": "divided by tau", "input": "divided by tau"}),
        ("core.LIF", {**HARD, "decay_input": False}, {"decay of v": "divided by tau", "input": "as it is"}),
        (
            "core.CubaLIF",
            {**HARD, "arithmetic": "float"},
            {
                "decay of u": "times u_factor",
                "decay of v": "times v_factor",
                "order": "s is decided after this step's input; v takes u after its update",
                "state u": "f32, starts at 0.0",
            },
        ),
        (
            "loihi.CubaLIF",
            {"reset_interval": 0, "reset_offset": 0},
            {
                "fires": "s where a value > vThMant << 6",
                "reset": "v set to 0",
                "decay of u": "times 2^12 - iDecay, shifted right (toward zero) by 12",
                "caps": "clipped to -(2^23 - 1) .. (2^23 - 1); wraps at 32 bits",
            },
        ),
        (
            "core.MultiSpikeLIF",
            {"n_syn": 1, "recurrent": False, "max_spikes": 31},
            {
                "fires": "s is floor(a value / threshold) where a value >= threshold, at most 31",
                "reset": "vmem less s * threshold",
                "decay of vmem": "times alpha",
                "decay of isyn": "times beta",
                "input": "times beta",
                "functions": "floor",
            },
        ),
        (
            "core.Izhikevich",
            HARD,
            {
                "order": "s is decided after this step's input; v takes w before its update; "
                "w takes v before its update"
            },
        ),
        ("core.EIF", HARD, {"functions": "exp"}),
        ("core.ExpSyn", {}, {"fires": "", "reset": "none", "order": "", "decay of isyn": "times beta"}),
    ],
)
def test_words(op: str, attributes: dict[str, Any], words: dict[str, str]) -> None:
    found = read(program(op, **attributes))
    assert {aspect: found[aspect] for aspect in words} == words
