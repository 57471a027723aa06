"""Step programs: tracing, range inference, narrowing, canonical form, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from snnhub.errors import ProgramError
from snnhub.ir.code import Code
from snnhub.ir.microop import MicroOp
from snnhub.ir.numtype import BOOL, F32, integer, signed
from snnhub.ir.program import Program, Scope, Slot, State, canonical, validate
from snnhub.ir.trace import Namespace, Step, Value, cast, check, clip, shr_trunc, trace, trunc, where, wrap

M = MicroOp


def program(body: Any, inputs: Any = signed(16), states: Any = (), params: Any = ()) -> Program:
    return trace(body, [Slot("x", inputs)], params, list(states))


def output(body: Any, type_: Any = signed(8)) -> str:
    """The inferred type of an expression of one input."""
    made = program(lambda x, state, param: ({}, {"y": body(x)}), type_)
    return str(made.output_type("y"))


@pytest.mark.parametrize(
    ("expression", "type_"),
    [
        (lambda x: x + 1, "int[-127..128]"),
        (lambda x: x - x, "int[-255..255]"),
        (lambda x: x * x, "int[-16256..2^14]"),
        (lambda x: -x, "int[-127..128]"),
        (lambda x: abs(x), "int[0..128]"),
        (lambda x: x << 6, "int[-2^13..8128]"),
        (lambda x: shr_trunc(x, 3), "i5"),
        (lambda x: x // 3, "int[-43..42]"),
        (lambda x: clip(x * 100, -128, 127), "i8"),
        (lambda x: wrap(x * 100, 8), "i8"),
        (lambda x: wrap(x, 16), "i8"),
        (lambda x: where(x > 0, x, 0), "u7"),
        (lambda x: where((x >= -5) & (x <= 5), x, 0), "int[-5..5]"),
        (lambda x: where(~(x > 10), x, 10), "int[-128..10]"),
        (lambda x: where((x < -3) | (x > 3), 0, x), "int[-3..3]"),
        (lambda x: check(x * 1000, -5, 7), "int[-5..7]"),
        (lambda x: cast(x > 0, "int"), "u1"),
    ],
)
def test_ranges(expression: Any, type_: str) -> None:
    assert output(expression) == type_


def test_nested_overflow_idiom_is_closed() -> None:
    """Loihi's single wrap of u: without narrowing in both branches the state would not hold its next value."""

    def body(x: Value, state: Namespace, param: Namespace) -> Step:
        w = wrap(state.u + x, 32)
        u = where(w > 2**23, w - 2**24, where(w <= -(2**23), w + 2**24, w))
        return {"u": u}, {"y": u}

    made = program(body, signed(32), [State("u", signed(32), 0)])
    assert signed(32).holds(made.code[made.next[0]].type)


def test_a_state_that_may_leave_its_range_is_refused() -> None:
    with pytest.raises(ProgramError, match="may leave the range") as caught:
        program(lambda x, state, param: ({"v": state.v + x}, {"y": x}), signed(8), [State("v", signed(16), 0)])
    assert "wrap, clip, where or check" in str(caught.value)


def test_more_than_64_bits_is_refused() -> None:
    with pytest.raises(ProgramError, match="64 bits"):
        output(lambda x: x * x, signed(40))


@pytest.mark.parametrize(
    ("expression", "type_", "words"),
    [
        (lambda x: x / 2, signed(8), "is for floats"),
        (lambda x: x // x, signed(8), "division by zero"),
        (lambda x: x << 64, signed(8), "shift amount"),
        (lambda x: x + 0.5, signed(8), "float constant"),
        (lambda x: x // 2, F32, "is for integers"),
        (lambda x: cast(x, "int"), F32, "known range"),
        (lambda x: wrap(x, 1), signed(8), "width"),
        (lambda x: check(x, 3, 1), signed(8), "bounds"),
        (lambda x: where(x > 0, x > 1, x), signed(8), "differ in type"),
        (lambda x: (x > 0) + 1, signed(8), "does not take"),
    ],
)
def test_wrong_operands_are_refused(expression: Any, type_: Any, words: str) -> None:
    with pytest.raises(ProgramError, match=words):
        output(expression, type_)


def test_a_float_becomes_an_integer_only_within_checked_bounds() -> None:
    assert output(lambda x: cast(check(trunc(x * 4096), -100, 100), "int"), F32) == "int[-100..100]"


def test_truth_and_iteration_of_traced_values_raise() -> None:
    with pytest.raises(ProgramError, match="no truth value"):
        output(lambda x: x if x > 0 else x)
    with pytest.raises(ProgramError, match="iterated"):
        output(lambda x: list(x))


def test_float_constants_are_rounded_to_f32_once() -> None:
    made = program(lambda x, state, param: ({}, {"y": x * 0.1}), F32)
    constant = next(instr for instr in made.code if instr.op is M.CONST)
    assert constant.imm == (0.10000000149011612,)


def test_canonical_form_merges_and_drops() -> None:
    def first(x: Value, state: Namespace, param: Namespace) -> Step:
        return {}, {"y": (x + 1) * (x + 1)}

    def second(x: Value, state: Namespace, param: Namespace) -> Step:
        _ = x * 7  # dead
        sum_ = x + 1
        return {}, {"y": sum_ * sum_}

    a, b = program(first), program(second)
    assert a == b
    assert a.digest == b.digest
    assert canonical(a) == a


def test_minus_zero_is_another_constant() -> None:
    plus = program(lambda x, state, param: ({}, {"y": x + 0.0}), F32)
    minus = program(lambda x, state, param: ({}, {"y": x + -0.0}), F32)
    assert plus.digest != minus.digest


def test_a_program_that_lies_about_a_type_is_refused() -> None:
    made = program(lambda x, state, param: ({}, {"y": x + 1}))
    code = list(made.code)
    code[-1] = type(code[-1])(code[-1].op, code[-1].args, signed(8), code[-1].imm)
    with pytest.raises(ProgramError, match="inferred"):
        validate(Program(made.inputs, made.params, made.states, tuple(code), made.next, made.outputs))


def test_forward_references_and_unknown_slots_are_refused() -> None:
    made = program(lambda x, state, param: ({}, {"y": x + 1}))
    last = made.code[-1]
    forward = (*made.code[:-1], type(last)(last.op, (5, 1), last.type, ()))
    with pytest.raises(ProgramError, match="earlier"):
        validate(Program(made.inputs, made.params, made.states, forward, made.next, made.outputs))
    missing = (type(last)(M.INPUT, (), signed(16), (3,)), *made.code[1:])
    with pytest.raises(ProgramError, match="no such slot"):
        validate(Program(made.inputs, made.params, made.states, missing, made.next, made.outputs))


def test_immediate_values_that_no_rule_reads_are_refused() -> None:
    made = program(lambda x, state, param: ({}, {"y": x + 1}))
    last = made.code[-1]
    more = (*made.code[:-1], type(last)(last.op, last.args, last.type, (7,)))
    with pytest.raises(ProgramError, match="immediate"):
        validate(Program(made.inputs, made.params, made.states, more, made.next, made.outputs))


def test_node_states_must_not_depend_on_elements() -> None:
    with pytest.raises(ProgramError, match="must not depend"):
        program(
            lambda x, state, param: ({"k": cast(x > 0, "int")}, {"y": x}),
            signed(8),
            [State("k", integer(0, 1), 0, Scope.NODE)],
        )


def test_names_must_be_disjoint() -> None:
    with pytest.raises(ProgramError, match="disjoint"):
        program(lambda x, state, param: ({"x": state.x}, {"y": x}), signed(8), [State("x", signed(8), 0)])


def test_narrowing_has_a_budget() -> None:
    """A chain of nested conditions would cost exponential time; beyond the budget ranges stay wide, and true."""
    code = Code()
    value = code.leaf(M.INPUT, signed(16), 0)
    for threshold in range(60):
        limit = code.leaf(M.CONST, integer(threshold, threshold), threshold)
        condition = code.append(M.GT, (value, limit))
        value = code.append(M.WHERE, (condition, value, value))
    assert code.facts[value].type.holds(signed(16))
    assert code.facts[condition].type == BOOL
