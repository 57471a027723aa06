"""Looks registered things up by name, and registers plugin ops; unknown names suggest the nearest."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from snnhub.errors import MissingPeerError, SnnhubError, UnsupportedError, UsageError
from snnhub.hub.loader import Hub, PluginProblem, load
from snnhub.hub.objects import Environment, FormatGuess, Importer, Registered

R = TypeVar("R", bound=Registered | Environment)
HEAD_BYTES = 4096
_OPS_LOADED: set[int] = set()


def find(table: Mapping[str, R], name: str, noun: str) -> R:
    """The object of that name. Raises ``UsageError`` naming the nearest ones."""
    if name in table:
        return table[name]
    near = difflib.get_close_matches(name, table, n=2)
    hint = f"Did you mean {' or '.join(near)}?" if near else ""
    raise UsageError(f"no {noun} of this name", found=name, allowed=", ".join(sorted(table)), remedy=hint)


def require(item: Registered) -> None:
    """Raise ``MissingPeerError`` with the install hint if the object cannot be used here."""
    availability = item.availability()
    if not availability.ok:
        raise MissingPeerError(
            f"{item.kind} {item.name} cannot be used here: {availability.reason}", remedy=availability.hint
        )


def register_ops(hub: Hub | None = None) -> None:
    """Add the ops of every plugin to the registry of this process, once. Problems are recorded in the hub."""
    from snnhub.ops.registry import REGISTRY

    hub = hub or load()
    if id(hub) in _OPS_LOADED:
        return
    _OPS_LOADED.add(id(hub))
    for name, plugin in hub.manager.list_name_plugin():
        others = [other for other_name, other in hub.manager.list_name_plugin() if other_name != name]
        try:
            for ops in hub.manager.subset_hook_caller("snnhub_register_ops", others)():
                for op in ops:
                    REGISTRY.add(op)
        except Exception as problem:  # noqa: BLE001  a broken op set must not stop the others
            hub.problems.append(PluginProblem(name, str(plugin), f"ops: {type(problem).__name__}: {problem}"))


def detect(path: Path, hub: Hub | None = None) -> Importer:
    """The importer for a file, by content. Raises ``UsageError`` if it cannot be read or two importers claim
    it equally, ``UnsupportedError`` if none knows it.
    """
    hub = hub or load()
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as problem:
        raise UsageError("cannot be read", where=str(path), found=problem.strerror or str(problem)) from None
    if not head:
        raise UnsupportedError("file is empty", where=str(path))
    guesses: list[FormatGuess] = [g for g in hub.manager.hook.snnhub_detect_format(path=path, head=head) if g]
    if not guesses:
        raise UnsupportedError(
            "no importer knows this kind of file",
            where=str(path),
            found=f"begins with {head[:8]!r}",
            allowed=", ".join(sorted({f for item in hub.importers.values() for f in item.formats})),
        )
    best = max(guess.score for guess in guesses)
    winners = [guess for guess in guesses if guess.score == best]
    if len(winners) > 1:
        claims = "; ".join(f"{guess.importer}: {guess.why}" for guess in winners)
        raise UsageError("two importers claim this file", where=str(path), found=claims, remedy="Pass --from")
    if winners[0].importer not in hub.importers:
        raise SnnhubError("the importer that claims this file is not registered", found=winners[0].importer)
    return hub.importers[winners[0].importer]
