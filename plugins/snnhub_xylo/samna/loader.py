"""Puts a core into a samna configuration object, attribute by attribute, and says what became of each one.

Only attribute access is used, so that a samna whose JSON or constructors changed still works, and one whose
attributes changed is told from one that works. samna itself is not imported: whoever has a configuration object
has it. Not verified on a chip, nor against samna; against a double made from ``attributes.toml``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from snnhub.api.check import check_target
from snnhub.errors import UnsupportedError
from snnhub.findings import Severity, of_severity
from snnhub.hub.catalogue import register_ops
from snnhub.peers.samna_report import Entry, LoadReport, shown

from snnhub_xylo.core import Core
from snnhub_xylo.document import graph_of
from snnhub_xylo.families import FAMILIES, Family
from snnhub_xylo.samna.names import Attribute, Names, names_of
from snnhub_xylo.samna.values import Wanted, core_of, wanted
from snnhub_xylo.target import spec_of

JSON_METHODS = ("from_json", "to_json")
ABSENT = object()


def apply(config: Any, core: Core, family: Family | str) -> LoadReport:
    """Set ``config``, a ``XyloConfiguration`` of the family's samna module, to compute ``core``.

    What cannot be set is in the report, not an exception: see ``LoadReport.complete``. Raises ``UnsupportedError``
    with every reason for a core that the family does not hold; then nothing was set.
    """
    family = FAMILIES[family] if isinstance(family, str) else family
    ensure_fits(core, family)
    names = names_of(family.name)
    task = _Task(config, names)
    wishes = wanted(core, names)
    for wish in wishes:
        if "[]" not in wish.path:
            task.set_one(wish)
    lists: dict[str, list[Wanted]] = {}
    for wish in wishes:
        if "[]" in wish.path:
            lists.setdefault(wish.path.partition("[]")[0], []).append(wish)
    for path, group in lists.items():
        task.set_list(path, group)
    return task.report(wishes)


def read_core(config: Any, family: Family | str) -> Core:
    """The core that a configuration object describes, by attribute. Raises ``AttributeError`` for one without an
    attribute that this needs.
    """
    names = names_of(family if isinstance(family, str) else family.name)
    return core_of(lambda path: read(config, path), names)


def ensure_fits(core: Core, family: Family) -> None:
    """Raise ``UnsupportedError`` with everything that the family does not have."""
    register_ops()  # whoever calls this may have loaded no network yet
    beyond = of_severity(check_target(graph_of(core), spec_of(family)).findings, Severity.ERROR)
    if beyond:
        first = beyond[0]
        raise UnsupportedError(
            f"{family.name} does not hold this core: {first.message}",
            where=first.place,
            found=first.old,
            remedy=first.remedy,
            findings=beyond,
        )


def read(config: Any, path: str) -> Any:
    """The value at a path, as plain numbers and lists; of every neuron where the path leads into a list."""
    before, brackets, rest = path.partition("[].")
    value = config
    for name in before.split("."):
        value = getattr(value, name)
    return [plain(getattr(item, rest)) for item in value] if brackets else plain(value)


def plain(value: Any) -> Any:
    """Arrays and sequences as lists of Python's own numbers; everything else as it is."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    try:  # what samna's matrices and vectors may be: something that can be gone through
        return [plain(item) for item in value]
    except TypeError:
        return value


class _Task:
    """One configuration being set."""

    def __init__(self, config: Any, names: Names) -> None:
        self.config, self.names = config, names
        self.missing: dict[str, str] = {}
        self.refused: dict[str, str] = {}
        self.absent_is_fine = {path for path, attribute in names.leaves() if attribute.absent_is_fine}

    def set_one(self, wish: Wanted) -> None:
        parent, name = self.parent(wish.path)
        if parent is ABSENT or not hasattr(parent, name):
            self.missing[wish.path] = name
        elif problem := _assign(parent, name, wish.value):
            self.refused[wish.path] = problem

    def set_list(self, path: str, group: list[Wanted]) -> None:
        """Neurons are made, set and handed over as a list: those that an attribute gives out may be copies."""
        parent, name = self.parent(path)
        owner = self.owner(path)
        make = getattr(sys.modules.get(type(self.config).__module__), owner, None)
        if parent is ABSENT or not hasattr(parent, name) or not callable(make):
            where = name if callable(make) else owner
            self.missing.update((wish.path, where) for wish in group)
            return
        neurons = [make() for _ in group[0].value]
        for wish in group:
            attribute = wish.path.rpartition(".")[2]
            for number, (neuron, value) in enumerate(zip(neurons, wish.value, strict=True)):
                if not hasattr(neuron, attribute):
                    self.missing[wish.path] = attribute
                    break
                if problem := _assign(neuron, attribute, value):
                    self.refused[wish.path] = f"neuron {number}, {value}: {problem}"
                    break
        if problem := _assign(parent, name, neurons):
            self.refused.update((wish.path, problem) for wish in group if wish.path not in self.missing)

    def parent(self, path: str) -> tuple[Any, str]:
        """The object that holds an attribute, ``ABSENT`` if it is not there, and the attribute's name."""
        *before, name = path.split(".")
        value = self.config
        for part in before:
            value = getattr(value, part, ABSENT)
        return value, name

    def owner(self, path: str) -> str:
        """The class of the items of a list."""
        of = self.names.configuration
        for part in path.split("."):
            of = self.names.classes[of][part].of
        return of

    def report(self, wishes: tuple[Wanted, ...]) -> LoadReport:
        """Read everything back; what reads back as something else was not taken."""
        done = []
        for wish in wishes:
            if wish.path in self.missing or wish.path in self.refused:
                continue
            try:
                found = read(self.config, wish.path)
            except Exception as problem:  # noqa: BLE001  whatever the object raises is told
                self.refused[wish.path] = f"cannot be read back, {_told(problem)}"
                continue
            if _same(found, wish.value):
                done.append(Entry(wish.path, shown(wish.value)))
            else:
                self.refused[wish.path] = f"reads back as {shown(found)}"
        by_path = {wish.path: wish for wish in wishes}
        missing = tuple(self.entry(by_path[path], name) for path, name in self.missing.items())
        refused = tuple(self.entry(by_path[path], words) for path, words in self.refused.items())
        left, unknown = tuple(self.left(set(by_path))), tuple(self.unknown())
        return LoadReport(self.names.family, tuple(done), missing, refused, left, unknown)

    def entry(self, wish: Wanted, words: str) -> Entry:
        fine = wish.neutral or wish.path in self.absent_is_fine
        return Entry(wish.path, shown(wish.value), words, wish.path in self.refused or not fine)

    def left(self, set_paths: set[str]) -> Iterator[Entry]:
        for path, _ in self.names.leaves():
            if path not in set_paths:
                try:
                    value = shown(read(self.config, path))
                except Exception as problem:  # noqa: BLE001  whatever the object raises is told
                    value = f"not there, {_told(problem)}"
                yield Entry(path, value, needed=False)

    def unknown(self) -> Iterator[Entry]:
        """Attributes that the objects have and the data file has not."""
        yield from _unknown(self.config, self.names.root, self.names, "")


def _unknown(item: Any, known: Mapping[str, Attribute], names: Names, prefix: str) -> Iterator[Entry]:
    for name in dir(item):
        if name.startswith("_") or name in JSON_METHODS or callable(getattr(item, name, None)):
            continue
        attribute = known.get(name)
        if attribute is None:
            yield Entry(prefix + name, shown(plain(getattr(item, name, None))), needed=False)
        elif attribute.kind == "object":
            yield from _unknown(getattr(item, name), names.classes[attribute.of], names, f"{prefix}{name}.")
        elif attribute.kind == "list":
            for neuron in list(getattr(item, name))[:1]:
                yield from _unknown(neuron, names.classes[attribute.of], names, f"{prefix}{name}[].")


def _assign(item: Any, name: str, value: Any) -> str:
    """Set an attribute. Why it was not taken, or nothing."""
    try:
        setattr(item, name, value)
    except Exception as problem:  # noqa: BLE001  whatever the object raises is told
        return _told(problem)
    return ""


def _told(problem: Exception) -> str:
    return " ".join(f"{type(problem).__name__}: {problem}".split())[:120]


def _same(found: Any, value: Any) -> bool:
    if isinstance(value, list):
        return (
            isinstance(found, list)
            and len(found) == len(value)
            and all(_same(a, b) for a, b in zip(found, value, strict=True))
        )
    return found is value if value is None or isinstance(value, bool) else bool(found == value)
