"""Step programs in words, against what their equations say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from snnhub.differences.reading import read
from snnhub.ir.microop import MicroOp
from snnhub.ir.op import StepOp
from snnhub.ir.program import Program
from snnhub.ops.registry import REGISTRY

from tests.networks.step_programs import micro_programs, variants


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


def test_every_operation_and_every_op_can_be_read() -> None:
    """Every micro-operation alone, and every step op in every choice of attributes."""
    programs = [item for _, item in micro_programs()]
    programs += [op.program(chosen) for op, chosen in variants()]
    assert len(programs) > 60
    for item in programs:
        words = read(item)
        assert all(f"state {state.name}" in words for state in item.states)


def test_one_turned_comparison_is_seen_in_every_op() -> None:
    """>= for > in the comparison of every neuron that fires at most once a step: this word changes, and that of a
    reset which has a comparison of its own.
    """
    turned = {MicroOp.GE: MicroOp.GT, MicroOp.GT: MicroOp.GE}
    seen = alone = 0
    for op, chosen in variants():
        item = op.program(chosen)
        spike = dict(item.outputs).get("s")
        if spike is None or item.code[spike].op not in turned:
            continue
        code = tuple(replace(i, op=turned[i.op]) if n == spike else i for n, i in enumerate(item.code))
        ours, theirs = read(item), read(replace(item, code=code))
        changed = [aspect for aspect in ours if ours[aspect] != theirs[aspect]]
        assert changed in (["fires"], ["fires", "reset"]), (op.name, chosen)
        alone += changed == ["fires"]
        seen += 1
    assert alone > seen * 3 / 4
    assert seen > 20
