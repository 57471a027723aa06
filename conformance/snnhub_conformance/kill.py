"""Which mistakes a case notices: every class of wrong programs and wrong engines, run on it.

A flag of a case is the name of a class that fails it. Two classes are *inseparable* one way if every case that
notices the one notices the other as well: a runner that fails these cases may have either wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import numpy as np
from snnhub.compare.align import spike_keys
from snnhub.compare.verdict import differing
from snnhub.ir.graph import Graph, Node
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array
from snnhub_formats import container

from snnhub_conformance.case import FILE, Case
from snnhub_conformance.generate.write import layout
from snnhub_conformance.mutants.engine_class import Arrays, EngineClass, plain, with_nodes
from snnhub_conformance.mutants.engines import ENGINES
from snnhub_conformance.mutants.kernels import KERNELS
from snnhub_conformance.mutants.programs import CLASSES, ProgramClass

Engine = Callable[[Graph, Mapping[str, Array], tuple[str, ...], int], Arrays]
UNFLAGGED = ("network", "profile")
"""First parts of names of families of whole networks, which tell that something is wrong and not what."""


def _with_program(item: ProgramClass) -> EngineClass:
    """The engine that makes a mistake in every step program."""

    def node(old: Node) -> Node | None:
        program = item.everywhere(old.program) if old.program is not None else None
        return None if program is None else replace(old, program=program)

    return EngineClass(item.name, item.mistake, lambda graph: with_nodes(graph, node))


OF_ENGINES: dict[str, EngineClass] = {item.name: item for item in (*ENGINES, *KERNELS)}
"""Wrong engines and wrong kernels, by name."""
EVERYTHING: dict[str, EngineClass] = {item.name: _with_program(item) for item in CLASSES} | OF_ENGINES
"""Every class as a wrong engine, by name."""


def wrong_engine(name: str) -> Engine:
    """A runner that makes one mistake, and runs rightly what gives no occasion for it."""

    def run(graph: Graph, inputs: Mapping[str, Array], keys: tuple[str, ...], steps: int) -> Arrays:
        found = EVERYTHING[name].records(graph, inputs, keys, steps)
        return plain(graph, inputs, keys, steps) if found is None else found

    return run


def unlike(expected: Mapping[str, Array], found: Mapping[str, Array]) -> bool:
    """Whether records are missing, of another shape, or different."""
    return any(
        key not in found or found[key].shape != array.shape or bool(differing(array, found[key]).any())
        for key, array in expected.items()
    )


def noticed(
    graph: Graph,
    inputs: Mapping[str, Array],
    expected: Mapping[str, Array],
    steps: int,
    classes: Mapping[str, EngineClass] = EVERYTHING,
) -> tuple[str, ...]:
    """Names of the classes that do not give what is expected, in the order of ``classes``."""
    keys = tuple(expected)
    names = []
    with np.errstate(all="ignore"):
        for name, item in classes.items():
            found = item.records(graph, inputs, keys, steps)
            if found is not None and unlike(expected, found):
                names.append(name)
    return tuple(names)


def flags(case: Case, classes: Mapping[str, EngineClass] = EVERYTHING) -> tuple[str, ...]:
    """The flags that a case for runners must carry: what it notices at its own level, of ``classes``."""
    if (
        case.kind != "runner"
        or case.family.partition(".")[0] in UNFLAGGED
        or case.expect.result != "valid"
        or case.expect.lag
    ):
        return ()
    graph = container.load(case.path(case.subject["snn"]))
    expected = case.records()
    if case.rung is not Rung.BITS:
        trains = spike_keys(graph)
        expected = {key: array for key, array in expected.items() if key in trains or "/" not in key} or expected
    return noticed(graph, case.stimulus(), expected, case.expect.steps, classes)


def renew(case: Case) -> Case:
    """The case with its flags computed again; ``case.json`` is written if they change. Generation only.

    Of step ops alone the classes of wrong programs stay as their maker found them, in containers without end.
    """
    if case.family.startswith("op."):
        own = (name for name in case.flags if name not in OF_ENGINES)
        found = (*own, *flags(case, OF_ENGINES))
    else:
        found = flags(case)
    new = replace(case, flags=found)
    if new != case:
        (case.folder / FILE).write_text(layout(new.to_json()))
    return new


def inseparable(cases: Iterable[Case]) -> dict[str, list[str]]:
    """For each class that some case notices, the classes that every one of these cases notices as well."""
    common: dict[str, set[str]] = {}
    for case in cases:
        for flag in case.flags:
            common[flag] = common.get(flag, set(case.flags)) & set(case.flags)
    return {name: sorted(others - {name}) for name, others in sorted(common.items()) if others - {name}}


def unnoticed(cases: Iterable[Case]) -> list[str]:
    """Classes that no case notices."""
    seen = {flag for case in cases for flag in case.flags}
    return sorted(set(EVERYTHING) - seen)
