"""Nirtorch 2.6, ``nir_to_torch`` (snnTorch, SpikingJelly): by the alphabet, each node as soon as its sources ran.

A node of several sources does not wait for those that it can reach itself: it gets what they gave in the step
before. Sums, and what Output returns first, follow the order of a set of pairs of names (``hash_order``). Nodes
that wait are asked again without end, so that some graphs never become a program.
"""

from __future__ import annotations

import keyword
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from snnhub_profiles.hash_order import set_order
from snnhub_profiles.source import RefusedError, Source
from snnhub_profiles.torch_names import DICTIONARY, MODULE
from snnhub_profiles.wiring import Wiring, inlined

NEVER = "the importer never returns: it waits for"


def program(source: Source, known: Collection[str], path: str = "") -> Wiring:
    """The wiring, with the paths of names. Raises ``RefusedError``."""
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
        inner[item.name] = program(item.inner or source, known, f"{path}{item.name}/")
        if len(inner[item.name].returned) != 1:
            raise RefusedError(f"{item.name} is a graph with several edges into its Output: not covered")
    edges = tuple((back[a], back[b], steps) for a, b, steps in made.kept)
    order = tuple(back[name] for name in made.done)
    ends = tuple(back[name] for name in made.returned)
    if not ends:
        raise RefusedError("nothing leads to Output, so that no value is returned")

    level = Wiring(order, edges, order[0], ends[0], returned=ends)
    return inlined(level, inner, path)


def _narrow(
    source: Source, order: Iterable[str], edges: Iterable[tuple[str, str, int]], ends: Collection[str]
) -> None:
    """Raise ``RefusedError`` where a single 0, which stands for all late sources in the first step, meets weights.

    A node of late sources only gets that 0, and so do those that it alone leads to: neurons take it for all of
    them, weights do not, and as an output it has another shape than the steps after it.
    """
    narrow: set[str] = set()
    for name in order:
        found = [src in narrow or steps for src, dst, steps in edges if dst == name]
        if found and all(found):
            narrow.add(name)
            item = source.items[name]
            if item.type not in ("I", "IF", "LI", "LIF", "CubaLI", "CubaLIF", "Scale", "Threshold"):
                raise RefusedError(f"{name} gets a single 0 in the first step, which {item.type} does not take")
    if narrow & set(ends):
        raise RefusedError("in the first step a single 0 is returned, and more numbers after it")


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
        later = self._reached(name) if self.kinds[name] != "Output" and len(pairs) > 1 else set()
        found = []
        for src, _ in pairs:
            if src not in self.done and src not in later:
                return None
            found.append((src, name, int(src not in self.done)))
        return found

    def _reached(self, start: str) -> set[str]:
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
