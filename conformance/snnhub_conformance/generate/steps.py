"""Cases for step programs: one op with one combination of attributes, alone between an input and an output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import AttributeValue, Graph
from snnhub.ir.numtype import NumType
from snnhub.ir.op import Attribute, StepOp
from snnhub.ir.program import Program, Scope
from snnhub.ir.tensor import Array, Tensor, smallest_integer, tensor
from snnhub.ops.registry import Registry

from snnhub_conformance.generate.pool import NEVER, Pool, first_kills, run
from snnhub_conformance.generate.search import Search, recorded, search
from snnhub_conformance.generate.write import Writer, runner_case
from snnhub_conformance.mutants.programs import CLASSES
from snnhub_conformance.scalar import check_against

NODE = "n"
RANGES = {"reset_interval": (0, 3, 5), "reset_offset": (0, 1, 4), "n_syn": (1, 2, 3), "max_spikes": (1, 31)}
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
    """Every combination of the op's choices. Different numbers with one program count once."""
    seen = set()
    names = [attribute.name for attribute in op.attributes]
    for values in product(*(_choices(attribute) for attribute in op.attributes)):
        variant = Variant(op, dict(zip(names, values, strict=True)))
        if variant.program.digest not in seen:
            seen.add(variant.program.digest)
            yield variant


def _choices(attribute: Attribute) -> tuple[AttributeValue, ...]:
    return attribute.allowed or RANGES.get(attribute.name, attribute.range or (0,))


def add(writer: Writer, variant: Variant, registry: Registry) -> Search:
    """Search stimuli for a variant and add a case for each."""
    found = search(variant.program, variant.name)
    for number, item in enumerate(found.stimuli):
        kind, _, about = item.theme.partition(" ")
        shown = "what single mutations change" if kind == "cover" else _mistake(about)
        suffix = about if kind == "class" else f"cover {number}"
        graph = alone(variant, item.pool, registry)
        flags, kills = noticed(variant.program, item.pool)
        expected = expectation(variant.program, item.pool)
        case, files = runner_case(
            variant.family,
            f"{variant.name}: {suffix}",
            shown,
            graph,
            {
                slot.name if len(variant.program.inputs) > 1 else "input": _stored(
                    item.pool.inputs[slot.name], slot.type
                )
                for slot in variant.program.inputs
            },
            expected,
            level="R4" if variant.program.exact else "R3",
            rung="bits" if variant.program.exact else "spikes",
            flags=flags,
            kills=kills,
            source={"kind": "equation", "ref": f"{variant.op.name}/{variant.op.version}"},
        )
        writer.add(case, files)
    return found


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
    """The graph: inputs, the op, an output. One element of the pool is one neuron."""
    builder = GraphBuilder(variant.op.name, registry)
    single = len(variant.program.inputs) == 1
    ports = {
        slot.name: builder.input((pool.size,), slot.type, "input" if single else slot.name)
        for slot in variant.program.inputs
    }
    params = {slot.name: _parameter(pool.params[slot.name], slot.type) for slot in variant.program.params}
    settings: dict[str, Any] = dict(variant.attributes)
    port = builder.node(NODE, variant.op.name, ports, version=variant.op.version, params=params, **settings)
    builder.output(port)
    return builder.graph()


def _parameter(values: Array, type_: NumType) -> Tensor:
    shared = values[0] if (values == values[0]).all() else values
    return smallest_integer(np.asarray(shared)) if type_.is_int else tensor(shared, type_.numpy)


def _stored(values: Array, type_: NumType) -> Array:
    return values.astype(type_.numpy)
