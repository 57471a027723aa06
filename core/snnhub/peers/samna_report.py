"""What became of every attribute when a network was put into a samna configuration: nothing is left unsaid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from snnhub.errors import UnsupportedError
from snnhub.findings import Finding, Severity, error, info, of_severity

PLACE = "samna"
SHOWN = 3


@dataclass(frozen=True)
class Entry:
    """An attribute by path (``hidden.neurons[].threshold``), its value in few words, and what else is to be said.

    ``needed``: without it the chip would compute something else.
    """

    path: str
    value: str
    words: str = ""
    needed: bool = True

    def __str__(self) -> str:
        return f"{self.path} {self.value}" + (f": {self.words}" if self.words else "")


@dataclass(frozen=True)
class LoadReport:
    """``done``: set, and read back equal. ``missing``: the object has no such attribute. ``refused``: the value
    was not taken, or reads back as another one. ``left``: documented, not touched, with what they hold.
    ``unknown``: attributes of the objects that no documentation known here names, not touched.
    """

    family: str
    done: tuple[Entry, ...]
    missing: tuple[Entry, ...]
    refused: tuple[Entry, ...]
    left: tuple[Entry, ...]
    unknown: tuple[Entry, ...]

    @property
    def complete(self) -> bool:
        """Whether everything that the network needs is in the configuration."""
        return not any(entry.needed for entry in (*self.missing, *self.refused))

    def findings(self) -> tuple[Finding, ...]:
        """Errors for what the network needs and could not be set, notes on the rest."""
        found = []
        for entry in self.missing:
            words = "this samna has no such attribute"
            make, more = (error, "") if entry.needed else (info, "; the network does not need it")
            found.append(make("SNN-4304", f"{PLACE}/{entry.path}", words + more, new=entry.value, remedy=VERSION))
        for entry in self.refused:
            words = f"samna did not take the value: {entry.words}"
            found.append(error("SNN-4305", f"{PLACE}/{entry.path}", words, new=entry.value, remedy=VERSION))
        for entries, words in ((self.left, "documented attributes"), (self.unknown, "attributes not known here")):
            if entries:
                names = ", ".join(entry.path for entry in entries[:SHOWN])
                more = f" and {len(entries) - SHOWN} more" if len(entries) > SHOWN else ""
                text = f"{len(entries)} {words} left at their defaults: {names}{more}"
                found.append(info("SNN-4306", PLACE, text))
        return tuple(found)

    def lines(self) -> Iterator[str]:
        """The report as text, a line per attribute."""
        for title, entries in (
            ("set", self.done),
            ("missing", self.missing),
            ("refused", self.refused),
            ("left at default", self.left),
            ("not known, left", self.unknown),
        ):
            yield from (f"{title:16} {entry}" for entry in entries)

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def to_json(self) -> dict[str, Any]:
        return {
            "family": self.family,
            "complete": self.complete,
            **{
                name: [vars(entry) for entry in getattr(self, name)]
                for name in ("done", "missing", "refused", "left", "unknown")
            },
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> LoadReport:
        """A report from its ``to_json``."""
        names = ("done", "missing", "refused", "left", "unknown")
        lists = {name: tuple(Entry(**row) for row in data[name]) for name in names}
        return cls(data["family"], **lists)

    def ensure_complete(self) -> None:
        """Raise ``UnsupportedError`` with everything that the network needs and that was not taken."""
        if not self.complete:
            refuse(of_severity(self.findings(), Severity.ERROR))


def refuse(found: Sequence[Finding]) -> None:
    """Raise ``UnsupportedError`` for errors of a configuration, if there are any."""
    if found:
        first = found[0]
        raise UnsupportedError(
            f"the network cannot be put into samna's configuration: {first.message}",
            where=first.place,
            found=first.old,
            remedy=first.remedy,
            findings=list(found),
        )


VERSION = "Look the attribute up in the reference of the samna that is installed; names change between versions."


def shown(value: Any) -> str:
    """A value in few words."""
    if not isinstance(value, list | tuple) and not hasattr(value, "shape"):
        return str(value)[:60]
    if isinstance(value, list | tuple) and any(item is None for item in value):
        kept = [item for item in value if item is not None]
        return f"{len(kept)} of {len(value)} set" + (f", {min(kept)} .. {max(kept)}" if kept else "")
    try:
        array = np.asarray(value, np.int64)
    except (TypeError, ValueError, OverflowError):
        return f"{type(value).__name__} of {len(value)}"
    size = " x ".join(map(str, array.shape))
    return f"{size}, {array.min()} .. {array.max()}" if array.size else size
