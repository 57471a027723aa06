"""Graphs of step nodes for workers: every exact micro-operation alone, every step op, loops, delays, sums.

Workers are given one input. Where an operation has several operands, the second and third are the input one
and two steps ago, so the delays are tested as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import AttributeValue, Graph, Node, Port
from snnhub.ir.microop import TRANSCENDENTAL, MicroOp
from snnhub.ir.numtype import BOOL, F32, F64, SPIKE, Kind, NumType, integer, signed
from snnhub.ir.op import Attribute, StepOp
from snnhub.ir.program import Program, Scope, Slot, State
from snnhub.ir.tensor import Array, Tensor, tensor
from snnhub.ir.trace import Value, apply, cast, check, clip, where, wrap
from snnhub.ops.registry import REGISTRY

M = MicroOp
I64, I40 = signed(64), signed(40)
SHIFT = integer(0, 63)
SHAPE = (2, 3)
SHAPES: tuple[tuple[int, ...], ...] = ((), (3,), (2, 1))
"""Of parameters: shared by all, along an axis that broadcasts, and along the other."""
INTEGER_OPS: Mapping[str, tuple[MicroOp, tuple[NumType, ...]]] = {
    "add": (M.ADD, (I40, I40)),
    "sub": (M.SUB, (I40, I40)),
    "mul": (M.MUL, (signed(32), signed(32))),
    "floordiv-negative": (M.FLOORDIV, (I40, integer(-9, -1))),
    "floordiv-positive": (M.FLOORDIV, (I64, integer(1, 2**40))),
    "neg": (M.NEG, (I40,)),
    "abs": (M.ABS, (I40,)),
    "min": (M.MIN, (I64, I64)),
    "max": (M.MAX, (I64, I64)),
    "clip": (M.CLIP, (I64, I64, I64)),
    "shl": (M.SHL, (signed(20), integer(0, 43))),
    "shr_floor": (M.SHR_FLOOR, (I64, SHIFT)),
    "shr_trunc": (M.SHR_TRUNC, (I64, SHIFT)),
    "shr_round_half_even": (M.SHR_ROUND_HALF_EVEN, (I64, SHIFT)),
    "shr_round_half_even-small": (M.SHR_ROUND_HALF_EVEN, (signed(5), integer(0, 3))),
    "eq": (M.EQ, (signed(2), signed(2))),
    **{op.value: (op, (signed(3), signed(3))) for op in (M.LT, M.LE, M.GT, M.GE)},
}
FLOAT_OPS = {
    **dict.fromkeys((M.ADD, M.SUB, M.MUL, M.DIV, M.MIN, M.MAX, M.EQ, M.LT, M.LE, M.GT, M.GE), 2),
    **dict.fromkeys((M.NEG, M.ABS, M.FLOOR, M.CEIL, M.TRUNC, M.RINT), 1),
    **dict.fromkeys((M.FMA, M.CLIP), 3),
}
BOOL_OPS = {M.AND: 2, M.OR: 2, M.NOT: 1, M.EQ: 2}


def fitted(x: Value, type_: NumType) -> Value:
    """An integer brought into a range, so that many of its values occur."""
    low, high = type_.range
    bits = max(low.bit_length(), high.bit_length()) + 1
    small = wrap(x, bits) if bits < 64 else x
    return small if type_.holds(small.type) else clip(small, low, high)


def micro_programs() -> Iterator[tuple[str, Program]]:
    """Name and program of every exact micro-operation alone, with inputs a, b and c of one type and output y."""
    for name, (op, types) in INTEGER_OPS.items():
        yield (
            f"int-{name}",
            made(I64, lambda *x, op=op, types=types: apply(op, *map(fitted, x[: len(types)], types))),
        )
    for bits in (2, 3, 24, 32, 63, 64):
        yield f"int-wrap{bits}", made(I64, lambda a, b, c, bits=bits: wrap(a, bits))
    yield "int-where", made(I64, lambda a, b, c: where(a > b, a, c))
    yield "int-check", made(I64, lambda a, b, c: check(a, -(2**63), 2**63 - 1))
    yield "bool-where", made(BOOL, lambda a, b, c: where(a, b, c))
    yield "bool-int", made(BOOL, lambda a, b, c: cast(a, "int"))
    for op, count in BOOL_OPS.items():
        yield f"bool-{op.value}", made(BOOL, lambda *x, op=op, count=count: apply(op, *x[:count]))
    for type_, (op, count) in product((F32, F64), FLOAT_OPS.items()):
        yield f"{type_}-{op.value}", made(type_, lambda *x, op=op, count=count: apply(op, *x[:count]))
        # a quotient may be infinite or NaN, which no input may be
        yield (
            f"{type_}-{op.value}-odd",
            made(type_, lambda a, b, c, op=op, count=count: apply(op, *(a / b, c, b / c)[:count])),
        )
    for source, target in product((I64, BOOL, F32, F64), ("f32", "f64")):
        yield f"{source}-to-{target}", made(source, lambda a, b, c, target=target: cast(a, target))
    for type_ in (F32, F64):
        yield f"{type_}-where", made(type_, lambda a, b, c: where(a > b, a, c))
        yield f"{type_}-to-int", made(type_, lambda a, b, c: cast(clip(a, -9e15, 9e15), "int"))
        # the bounds of a check of f32 are rounded to f32 first: 0.1 becomes larger
        yield f"{type_}-check", made(type_, lambda a, b, c: check(clip(a, -0.1, 0.1), -0.1, 0.1))


def made(type_: NumType, body: Callable[..., Value]) -> Program:
    """A program with inputs a, b, c, and a state that counts how often y was not 0."""
    from snnhub.ir.trace import trace

    def step(a: Value, b: Value, c: Value, state: Any, param: Any) -> Any:
        y = body(a, b, c)
        last = y if y.type.is_bool else y != 0 if y.type.is_int else y > 0.0
        return {"n": wrap(state.n + cast(last, "int"), 16), "k": wrap(state.k + 1, 4)}, {"y": y}

    slots = [Slot(name, type_) for name in "abc"]
    return trace(step, slots, [], [State("n", signed(16), 0), State("k", signed(4), -3, Scope.NODE)])


def graph_of(program: Program) -> Graph:
    """One node that no plugin knows, fed by the one input, now and before."""
    type_ = SPIKE if program.inputs[0].type == BOOL else program.inputs[0].type
    builder = GraphBuilder("micro", REGISTRY)
    port = builder.input(SHAPE, type_)
    builder.nodes.append(Node("n", "test.Micro", 1, (), (), program))
    for delay, slot in enumerate(program.inputs):
        builder.edge(port, Port("n", slot.name), delay)
    builder.output(Port("n", "y"))
    return builder.graph()


def variants() -> Iterator[tuple[StepOp, dict[str, Any]]]:
    """Every step op with every combination of its choices, without those that need transcendental functions."""
    for op in REGISTRY.all():
        if isinstance(op, StepOp):
            for values in product(*(choices(attribute) for attribute in op.attributes)):
                chosen = dict(zip((attribute.name for attribute in op.attributes), values, strict=True))
                if not any(instr.op in TRANSCENDENTAL for instr in op.program(chosen).code):
                    yield op, chosen


def choices(attribute: Attribute) -> tuple[AttributeValue, ...]:
    """All values of a choice; of a number 0, 3 and 4."""
    low, high = attribute.range or (0, 0)
    return attribute.allowed or tuple(value for value in (0, 3, 4) if low <= value <= high)


def layer_of(op: StepOp, chosen: dict[str, Any], seed: int = 0) -> Graph:
    """The op on its input and on its own first output, two steps later where that fits."""
    random = np.random.default_rng(seed)
    program = op.program(chosen)
    builder = GraphBuilder(op.name, REGISTRY)
    params = {slot.name: parameter(slot, SHAPES[k % 3], random) for k, slot in enumerate(program.params)}
    slot = program.inputs[0]
    port = builder.input(SHAPE, narrow(slot.type) if slot.type.is_int else slot.type)
    sources = dict.fromkeys((slot.name for slot in program.inputs), port)
    out = builder.node("n", op.name, sources, version=op.version, params=params, **chosen)
    if program.output_type(out.name).kind is Kind.BOOL and not fills(slot.type):
        builder.edge(out, Port("n", slot.name), 2)
    builder.output(out, delay=1)
    return builder.graph()


def narrow(type_: NumType) -> NumType:
    """What the input gives: of a wide type a part, so that a sum with spikes still fits."""
    low, high = type_.range
    return integer(max(low, -1000), min(high, 3000))


def fills(type_: NumType) -> bool:
    """Whether the input takes all of the type, so that nothing can be added to it."""
    return type_.is_int and narrow(type_).range[1] == type_.range[1]


def parameter(slot: Slot, shape: tuple[int, ...], random: np.random.Generator) -> Tensor:
    """Random numbers that the slot takes; tau and its like are above 1, and no divisor is 0."""
    own = (1,) * (len(SHAPE) - len(shape)) + shape if shape else ()
    if slot.type.is_int:
        low, high = slot.type.range
        if slot.name == "delay":
            high = 5  # a longer one and nothing would happen
        return tensor(random.integers(max(low, -200), min(high, 900) + 1, own))
    return tensor(random.uniform(1.1, 3.0, own).astype(slot.type.numpy))


def stimulus(type_: NumType, steps: int, samples: int, seed: int = 1) -> Array:
    """Values of the type (time, batch, features…): small, large, and the ones where something turns."""
    random = np.random.default_rng(seed)
    size = (steps, samples, *SHAPE)
    if type_.is_int:
        low, high = type_.range
        corners = [value for value in (low, low + 1, -1, 0, 1, high - 1, high) if low <= value <= high]
        wide = random.integers(low, high, size, endpoint=True, dtype=np.int64)
        small = np.clip(random.integers(-40, 40, size), low, high)
        return np.choose(random.integers(0, 3, size), [wide, small, random.choice(corners, size)]).astype(
            type_.numpy
        )
    info = np.finfo(np.float32 if type_ == F32 else np.float64)
    halves = random.integers(-9, 9, size) / 2
    spread = random.normal(0, 1, size) * 2.0 ** random.integers(-30, 30, size)
    edges = [float(edge) for edge in (info.max, info.min, info.tiny, info.smallest_subnormal)]
    turns = random.choice([*edges, -0.0, 0.0, 1 / 3, 2.0**24 + 1, 2.0**53], size)
    return np.choose(random.integers(0, 3, size), [halves, spread, turns]).astype(type_.numpy)
