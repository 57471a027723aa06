"""Nirtorch 2.6, ``nir_to_torch`` (snnTorch, SpikingJelly): by the alphabet, each node as soon as its sources ran.

A node of several sources does not wait for those that it can reach itself: it gets what they gave in the step
before. Sums, and what Output returns first, follow the order of a set of pairs of names (``hash_order``). Nodes
that wait are asked again without end, so that some graphs never become a program.
"""

from __future__ import annotations

import keyword
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from snnhub_profiles.hash_order import set_order
from snnhub_profiles.source import Item, RefusedError, Source
from snnhub_profiles.torch_names import DICTIONARY, MODULE
from snnhub_profiles.wiring import NEURONS, Wiring, inlined

NEVER = "the importer never returns: it waits for"


def program(source: Source, known: Collection[str]) -> Wiring:
    """The wiring, with the paths of names. Raises ``RefusedError``."""
    return _program(source, known, "", ())


def stateful_program(source: Source, known: Collection[str]) -> Wiring:
    """The same of an importer whose neurons are given their states (SpikingJelly)."""
    return _program(source, known, "", NEURONS)


PROGRAMS = (program, stateful_program)


def returned(source: Source) -> list[str]:
    """The nodes whose values Output returns, in the order of the set of its edges."""
    names = {_plain(name): name for name in source.items}
    ends = [item.name for item in source.of("Output")]
    edges = [(_plain(a), _plain(b)) for a, b in source.edges if b in ends]
    return [names[a] for a, _ in set_order(edges)]


def _program(source: Source, known: Collection[str], path: str, stateful: Collection[str]) -> Wiring:
    names = {name: _plain(name) for name in source.items}
    if len(set(names.values())) < len(names):
        raise RefusedError("two nodes have one name for the importer")
    for name in names.values():
        if name in MODULE or name in DICTIONARY:
            raise RefusedError(f"a module of torch cannot be named {name}")
    kinds = {names[name]: item.type for name, item in source.items.items()}
    for kind in ("Input", "Output"):
        if kind not in kinds.values():
            raise RefusedError(f"the importer needs an {kind}")
    if list(kinds.values()).count("Input") > 1:
        raise RefusedError("several Inputs become arguments in an order that Python does not allow")
    made = _Program(kinds, [(names[a], names[b]) for a, b in source.edges])
    made.run()
    back = {plain: name for name, plain in names.items()}
    inner = {}
    for item in source.nested:
        if names[item.name] in made.asked_again:
            raise RefusedError(
                f"{item.name} is a graph that has to wait for a source, which nirtorch cannot build"
            )
        inner[item.name] = _program(_within(item), known, f"{path}{item.name}/", stateful)
        if len(inner[item.name].returned) > 1:
            _ensure_no_state(_within(item), item.name, stateful)
    edges = tuple((back[a], back[b], steps) for a, b, steps in made.kept)
    order = tuple(back[name] for name in made.done)
    ends = tuple(back[name] for name in made.returned)
    if not ends:
        raise RefusedError("nothing leads to Output, so that no value is returned")

    level = Wiring(order, edges, order[0], ends[0], returned=ends)
    return inlined(level, inner, path)


def _within(item: Item) -> Source:
    assert item.inner is not None  # noqa: S101  ``nested`` lists those that have one
    return item.inner


def _ensure_no_state(source: Source, name: str, stateful: Collection[str]) -> None:
    """Of several values that a graph within returns, the second is taken for its state, and given to it in the
    next step. Raises ``RefusedError`` where a node looks for its own there.
    """
    made = _Program({}, list(source.edges))
    looking = [item.name for item in source.items.values() if item.inner is not None or item.type in stateful]
    looking += [node for a, node in source.edges if a in made.reached(node)]
    if looking:
        words = f"{name} is a graph with several edges into its Output, the second of which is taken for its state"
        raise RefusedError(f"{words}, where {looking[0]} finds none")


def _plain(name: str) -> str:
    plain = name.replace(".", "_")
    return f"nir_node_{plain}" if keyword.iskeyword(plain) else plain


@dataclass
class _Program:
    """Nodes by type, and edges; ``done`` in the order of the calls, ``returned`` the sources of Output."""

    kinds: Mapping[str, str]
    edges: list[tuple[str, str]]
    done: list[str] = field(default_factory=list)
    kept: list[tuple[str, str, int]] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)
    asked_again: set[str] = field(default_factory=set)

    def run(self) -> None:
        """Go through the nodes. Raises ``RefusedError`` where that never ends."""
        waiting = deque(self.kinds)
        idle = 0
        while waiting:
            if idle > len(waiting):
                raise RefusedError(f"{NEVER} the sources of {', '.join(waiting)}")
            name = waiting.popleft()
            if self._handled(name, bool(waiting)):
                idle = 0
            else:
                waiting.append(name)
                idle += 1

    def _handled(self, name: str, others: bool) -> bool:
        if self.kinds[name] == "Input":
            self.done.append(name)
            return True
        if not self.done or (self.kinds[name] == "Output" and others):
            return False
        found = self._arriving(name)
        if found is None:
            self.asked_again.add(name)
            return False
        if self.kinds[name] == "Output":
            self.returned = [src for src, _, _ in found]
        else:
            self.kept += found
            self.done.append(name)
        return True

    def _arriving(self, name: str) -> list[tuple[str, str, int]] | None:
        """The edges into a node with their steps, in the order of the sum; None while it has to wait."""
        pairs = set_order(edge for edge in self.edges if edge[1] == name)
        later = self.reached(name) if self.kinds[name] != "Output" and len(pairs) > 1 else set()
        found = []
        for src, _ in pairs:
            if src not in self.done and src not in later:
                return None
            found.append((src, name, int(src not in self.done)))
        return found

    def reached(self, start: str) -> set[str]:
        """A node and those that it leads to."""
        after: dict[str, list[str]] = {}
        for src, dst in self.edges:
            after.setdefault(src, []).append(dst)
        found, waiting = {start}, [start]
        while waiting:
            for name in after.get(waiting.pop(), []):
                if name not in found:
                    found.add(name)
                    waiting.append(name)
        return found
