"""Recipes: which Python and which pinned packages make up a peer's environment."""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

from snnhub.errors import FormatError


@dataclass(frozen=True)
class Recipe:
    """``python``: acceptable versions, best first. ``steps``: pip argument lists. ``check``: an import line
    that must work in the finished environment. ``size``: roughly what it takes, in words.
    """

    name: str
    summary: str
    python: tuple[str, ...]
    steps: tuple[tuple[str, ...], ...]
    check: str
    size: str

    @property
    def digest(self) -> str:
        """Changes whenever an environment made from an older recipe should be made anew."""
        text = json.dumps([self.python, self.steps, self.check])
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_recipe(path: Path) -> Recipe:
    """Read a TOML recipe. Raises ``FormatError`` if the file is not there, is no TOML, or lacks a key."""
    try:
        data = tomllib.loads(path.read_text())
    except (OSError, ValueError) as problem:
        found = getattr(problem, "strerror", None) or str(problem)
        raise FormatError("recipe cannot be read", where=str(path), found=found) from None
    try:
        return Recipe(
            data["name"],
            data["summary"],
            tuple(data["python"]),
            tuple(tuple(step) for step in data["pip"]),
            data["check"],
            data["size"],
        )
    except KeyError as problem:
        raise FormatError("recipe lacks a key", where=str(path), found=str(problem)) from None
