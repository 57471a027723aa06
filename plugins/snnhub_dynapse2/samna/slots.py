"""Lists of a neuron that are handed over whole: made anew from plain values, and read again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from snnhub_dynapse2.samna.names import classes
from snnhub_dynapse2.samna.wanted import Values


class Slots:
    """Objects of one class of samna's module, by their values.

    ``missing``: names that its objects do not have. ``problems``: why a value was not taken, by name. Objects of
    equal values are made once: a list may hold one several times, since samna keeps values. Raises
    ``AttributeError`` for a module without the class.
    """

    def __init__(self, module: Any, owner: str, names: Sequence[str]) -> None:
        self.module, self.owner, self.names = module, owner, tuple(names)
        self.make = getattr(module, owner)
        probe = self.make()
        self.missing = tuple(name for name in self.names if not hasattr(probe, name))
        self.kinds = {name: classes()[owner][name] for name in self.names}
        self.problems: dict[str, str] = {}
        self._made: dict[Values, Any] = {}
        self._read: dict[Values, tuple[tuple[str, bool, Any], ...]] = {}

    def object(self, values: Values) -> Any:
        """An object that holds the values. What it does not take is in ``problems``."""
        if values not in self._made:
            self._made[values] = found = self.make()
            for name, mask, value in self._theirs(values):
                try:
                    setattr(found, name, list(value) if mask else value)
                except Exception as problem:  # noqa: BLE001  whatever the object raises is told
                    self.problems.setdefault(name, f"{value}: {told(problem)}")
        return self._made[values]

    def _theirs(self, values: Values) -> tuple[tuple[str, bool, Any], ...]:
        """Name, whether it is a mask, and value in samna's terms, of everything that its objects have."""
        if values not in self._read:
            rows = []
            for name, value in zip(self.names, values, strict=True):
                kind = self.kinds[name]
                member = (
                    getattr(getattr(self.module, kind.of, None), value, None) if kind.kind == "enum" else value
                )
                if name not in self.missing:
                    rows.append((name, kind.kind == "mask", member))
            self._read[values] = tuple(rows)
        return self._read[values]

    def differing(self, found: Sequence[Any], values: Sequence[Values]) -> tuple[str, str] | None:
        """Name and words for the first value that reads back as another one, or None. The name is empty where
        there are more or fewer slots.
        """
        if len(found) != len(values):
            return "", f"reads back with {len(found)} slots instead of {len(values)}"
        for slot, (item, row) in enumerate(zip(found, values, strict=True)):
            for name, mask, value in self._theirs(row):
                read = getattr(item, name)
                if (tuple(read) if mask else read) != value:
                    return name, f"slot {slot} reads back as {read} instead of {value}"
        return None


def told(problem: Exception) -> str:
    """What an object of samna raised, in one line."""
    return " ".join(f"{type(problem).__name__}: {problem}".split())[:120]
