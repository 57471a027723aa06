"""One difference between two networks, in words and as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from snnhub.differences.numbers import Numbers


class Section(Enum):
    """Where a difference belongs. ``PROVENANCE`` computes nothing: networks that differ there are equal."""

    STRUCTURE = "structure"
    SEMANTICS = "semantics"
    PARAMETERS = "parameters"
    INTERFACE = "interface"
    PROVENANCE = "provenance"


@dataclass(frozen=True)
class Difference:
    """``what`` differs, at ``a`` and ``b`` (empty where a network has no such place): ``old`` there, ``new`` here.

    ``words``: what it means. ``numbers``: of a tensor. ``lines``: of a step program, as a unified diff.
    """

    section: Section
    what: str
    a: str = ""
    b: str = ""
    old: str = ""
    new: str = ""
    words: str = ""
    numbers: Numbers | None = None
    lines: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """One name for both places."""
        if not self.a or not self.b or self.a == self.b:
            return self.a or self.b
        return f"{self.a} | {self.b}"

    def to_json(self) -> dict[str, Any]:
        document: dict[str, Any] = {
            "section": self.section.value,
            "what": self.what,
            "a": self.a,
            "b": self.b,
            "old": self.old,
            "new": self.new,
            "words": self.words,
        }
        if self.numbers is not None:
            document["numbers"] = self.numbers.to_json()
        if self.lines:
            document["lines"] = list(self.lines)
        return document
