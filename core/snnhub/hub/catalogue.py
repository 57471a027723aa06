"""Looks registered things up by name, and registers plugin ops; unknown names suggest the nearest."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from snnhub.errors import MissingPeerError, SnnhubError, UnsupportedError, UsageError
from snnhub.hub.contain import attempt, reason
from snnhub.hub.loader import Hub, call, load
from snnhub.hub.objects import Environment, FormatGuess, Importer, Registered
from snnhub.hub.objects_check import guess_problem

R = TypeVar("R", bound=Registered | Environment)
HEAD_BYTES = 4096
DETECT = "snnhub_detect_format"


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
    """Add the ops of every plugin to the registry of this process, once. Problems are recorded in the hub.

    The first plugin that registers an op in a domain owns the domain, with those of its distribution; ``core`` is
    snnhub's own.
    """
    hub = hub or load()
    if hub.ops_loaded:
        return
    hub.ops_loaded = True
    for plugin in (item.name for item in hub.plugins):
        offered, problem = attempt(_ops, hub, plugin)
        if problem is not None:  # a broken op set must not stop the others
            hub.add(plugin, f"snnhub_register_ops: {reason(problem)}")
        for op in offered or ():
            if message := _op_problem(op, plugin, hub):
                hub.add(plugin, message)


def _ops(hub: Hub, plugin: str) -> list[Any]:
    found: list[Any] = []
    for ops in call(hub, plugin, "snnhub_register_ops"):
        if isinstance(ops, str | bytes | dict) or not isinstance(ops, Iterable):
            raise TypeError(f"returned {type(ops).__name__}; it must return a list")
        found += ops
    return found


def _op_problem(op: Any, plugin: str, hub: Hub) -> str:
    """Registers an op. Why it cannot be, or nothing."""
    from snnhub.ops.registry import REGISTRY

    name, version = getattr(op, "name", None), getattr(op, "version", None)
    if not isinstance(name, str) or not isinstance(version, int) or not hasattr(op, "output_types"):
        return f"snnhub_register_ops returned {type(op).__name__}, which is no op"
    domain, dot, rest = name.partition(".")
    if not dot or not domain or not rest:
        return f"op {name!r} has no domain; it must be named domain.Op"
    owner = hub.domains.setdefault(domain, plugin)
    if owner != plugin and hub.distribution(owner) != hub.distribution(plugin):
        return f"op {name}/{version} is in the domain {domain}, which belongs to {owner}"
    try:
        REGISTRY.add(op)
    except SnnhubError as problem:
        return str(problem)
    return ""


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
    guesses = opinions(path, head, hub)
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
    return hub.importers[winners[0].importer]


def opinions(path: Path, head: bytes, hub: Hub) -> list[FormatGuess]:
    """What the plugins think of a file. One that raises or talks nonsense is noted in the hub and passed over."""
    guesses: list[FormatGuess] = []
    for plugin in (item.name for item in hub.plugins):
        found, problem = attempt(lambda name: list(call(hub, name, DETECT, path=path, head=head)), plugin)
        if problem is not None:
            hub.add(plugin, f"{DETECT} raised {reason(problem)}")
        for guess in (guess for guess in found or () if guess is not None):
            if message := guess_problem(guess, hub.importers):
                hub.add(plugin, message)
            else:
                guesses.append(guess)
    return guesses
