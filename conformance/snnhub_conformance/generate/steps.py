"""Cases for step programs: one op with one combination of attributes, alone between an input and an output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import numpy as np
from snnhub.engine.interpreter import container
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import AttributeValue, Graph
from snnhub.ir.numtype import NumType
from snnhub.ir.op import Attribute, StepOp
from snnhub.ir.program import Program, Scope
from snnhub.ir.tensor import Array, Tensor, smallest_integer, tensor
from snnhub.ops.registry import Registry

from snnhub_conformance.building import dense
from snnhub_conformance.case import Case
from snnhub_conformance.generate.draws import arriving
from snnhub_conformance.generate.pool import NEVER, Pool, first_kills, run
from snnhub_conformance.generate.search import Search, Stimulus, recorded, search
from snnhub_conformance.generate.write import ATOMIC_BYTES, Writer, runner_case
from snnhub_conformance.mutants.programs import CLASSES
from snnhub_conformance.scalar import check_against

NODE = "n"
MOST = 24
"""Combinations of choices of one op that are all tried."""
COVERS = "what mutations of single instructions change"
RANGES = {
    "reset_interval": (0, 3, 5),
    "reset_offset": (0, 1, 4),
    "n_syn": (1, 2, 3),
    "max_spikes": (1, 31),
    "a_bits": (30, 32),
}
"""Values of attributes that are numbers: enough to tell what they do from what they do not."""


@dataclass(frozen=True)
class Variant:
    """A step op with its attributes."""

    op: StepOp
    attributes: Mapping[str, AttributeValue]

    @property
    def name(self) -> str:
        words = [f"{name}={value}" for name, value in sorted(self.attributes.items())]
        return " ".join([f"{self.op.name}/{self.op.version}", *words])

    @property
    def program(self) -> Program:
        return self.op.program(self.attributes)

    @property
    def family(self) -> str:
        whole = all(not instr.type.is_float for instr in self.program.code)
        return "op.integer" if whole else "op.float"


def variants(op: StepOp) -> Iterator[Variant]:
    """Every combination of the op's choices; beyond ``MOST``, so many that every two choices meet. Different
    numbers with one program count once.
    """
    seen = set()
    names = [attribute.name for attribute in op.attributes]
    for values in _combined([_choices(attribute) for attribute in op.attributes]):
        variant = Variant(op, dict(zip(names, values, strict=True)))
        if variant.program.digest not in seen:
            seen.add(variant.program.digest)
            yield variant


def _combined(choices: list[tuple[AttributeValue, ...]]) -> list[tuple[AttributeValue, ...]]:
    every = list(product(*choices))
    if len(every) <= MOST:
        return every
    pairs = {values: set(combinations(enumerate(values), 2)) for values in every}
    left, taken = set().union(*pairs.values()), list[tuple[AttributeValue, ...]]()
    while left:
        taken.append(max(every, key=lambda values: len(pairs[values] & left)))  # the first of the best
        left -= pairs[taken[-1]]
    return taken


def _choices(attribute: Attribute) -> tuple[AttributeValue, ...]:
    return attribute.allowed or RANGES.get(attribute.name, attribute.range or (0,))


def add(writer: Writer, variant: Variant, registry: Registry) -> Search:
    """Search stimuli for a variant and add a case for each."""
    found = search(variant.program, variant.name)
    _write(writer, variant, found.stimuli, registry)
    return found


def add_more(writer: Writer, variant: Variant, pools: Sequence[Pool], registry: Registry) -> None:
    """Add cases for stimuli that were found later, beside those of a variant that are there."""
    taken = writer.numbers(variant.family, f"{variant.name}: again ")
    _write(writer, variant, [Stimulus("again", pool) for pool in pools], registry, max(taken, default=-1) + 1)


def _write(
    writer: Writer, variant: Variant, stimuli: Sequence[Stimulus], registry: Registry, covers: int = 0
) -> None:
    """Cases for stimuli; those that are too large for one become two. ``covers``: the first number."""
    pending = list(stimuli)
    while pending:
        item = pending.pop(0)
        kind, _, about = item.theme.partition(" ")
        suffix = about or f"{kind} {covers}"
        case, files = _case(variant, item.pool, registry, suffix, _mistake(about) if about else COVERS)
        if item.pool.size > 1 and sum(len(data) for data in files.values()) > ATOMIC_BYTES:
            half = item.pool.size // 2
            parts = [list(range(half)), list(range(half, item.pool.size))][: 1 if about else 2]
            pending[:0] = [Stimulus(item.theme, item.pool.take(part)) for part in parts]
            continue
        covers += not about
        writer.add(case, files)


def _case(
    variant: Variant, pool: Pool, registry: Registry, suffix: str, comment: str
) -> tuple[Case, dict[str, bytes]]:
    program = variant.program
    flags, kills = noticed(program, pool)
    arrived = [pool.inputs[slot.name].astype(slot.type.numpy) for slot in program.inputs]
    return runner_case(
        variant.family,
        f"{variant.name}: {suffix}",
        comment,
        alone(variant, pool, registry),
        {"input": np.concatenate(arrived, axis=1)},
        expectation(program, pool),
        level="R4" if program.exact else "R3",
        rung="bits" if program.exact else "spikes",
        flags=flags,
        kills=kills,
        source={"kind": "equation", "ref": f"{variant.op.name}/{variant.op.version}"},
    )


def _mistake(name: str) -> str:
    return next(item.mistake for item in CLASSES if item.name == name)


def noticed(program: Program, pool: Pool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Classes and single mutants that this stimulus tells from the right program."""
    expected = run(program, pool, recorded(program))

    def kills(mutant: Program) -> bool:
        return bool((first_kills(mutant, pool, expected) < NEVER).any())

    flags = [c.name for c in CLASSES if (mutant := c.everywhere(program)) is not None and kills(mutant)]
    single = [site for c in CLASSES for site, mutant in c.each(program) if kills(mutant)]
    return tuple(flags), tuple(single)


def expectation(program: Program, pool: Pool) -> dict[str, Array]:
    """Records of the case. Two interpreters that share no code must agree on them."""
    names = recorded(program)
    found = run(program, pool, names)
    check_against(program, pool.params, pool.inputs, found)
    types = {state.name: state.type for state in program.states}
    types |= {name: program.output_type(name) for name, _ in program.outputs}
    shared = {state.name for state in program.states if state.scope is Scope.NODE}
    return {
        f"{NODE}/{name}": found[name][:, : 1 if name in shared else None].astype(types[name].numpy)
        for name in names
    }


def alone(variant: Variant, pool: Pool, registry: Registry) -> Graph:
    """The graph: an input, the op, an output. One element of the pool is one neuron.

    An op with several ports gets its share of one wide input by matrices of 0 and 1.
    """
    builder = GraphBuilder(variant.op.name, registry)
    slots = variant.program.inputs
    port = builder.input((pool.size * len(slots),), arriving(variant.program, slots[0].type))
    ports = {slot.name: port for slot in slots}
    if len(slots) > 1:
        for number, slot in enumerate(slots):
            weight = np.zeros((pool.size, pool.size * len(slots)), slot.type.numpy)
            weight[:, number * pool.size :][:, : pool.size] = np.eye(pool.size)
            ports[slot.name] = dense(builder, f"to_{slot.name}", port, weight)
    params = {slot.name: _parameter(pool.params[slot.name], slot.type) for slot in variant.program.params}
    settings: dict[str, Any] = dict(variant.attributes)
    fired = builder.node(NODE, variant.op.name, ports, version=variant.op.version, params=params, **settings)
    builder.output(fired)
    return builder.graph()


def pool_of(case: Case, graph: Graph) -> Pool:
    """The pool that a case was made of."""
    node = graph.node[NODE]
    program = node.program
    if program is None:
        raise ValueError(case.id)
    (array,) = case.stimulus().values()
    parts = np.split(array, len(program.inputs), axis=1)
    size = parts[0].shape[1]
    params = {
        slot.name: np.broadcast_to(node.param[slot.name].array, (size,)).astype(container(slot.type))
        for slot in program.params
    }
    inputs = {
        slot.name: part.astype(container(slot.type)) for slot, part in zip(program.inputs, parts, strict=True)
    }
    return Pool(params, inputs)


def _parameter(values: Array, type_: NumType) -> Tensor:
    shared = values[0] if (values == values[0]).all() else values
    return smallest_integer(np.asarray(shared)) if type_.is_int else tensor(shared, type_.numpy)
