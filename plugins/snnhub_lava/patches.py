"""What Lava needs to import on Python 3.11 without its optional packages. Applied inside its environment only."""

from __future__ import annotations

import dataclasses
import sys
import types
from collections.abc import Callable
from typing import Any

UNUSED = ("cv2", "torchvision")
"""Imported by ``lava.lib.dl.slayer`` for its object detection, which nothing here uses."""


def apply() -> None:
    """Make Lava importable. Call before the first import of ``lava``."""
    dataclasses.dataclass = _accept_unhashable_defaults(dataclasses.dataclass)
    for name in UNUSED:
        try:
            __import__(name)
        except ImportError:
            for part in (name, f"{name}.transforms", f"{name}.ops", f"{name}.models"):
                sys.modules.setdefault(part, _Hollow(part))


class _Hollow(types.ModuleType):
    """A module whose every attribute is itself: enough for ``import`` lines, useless for anything else."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__path__ = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self


def _accept_unhashable_defaults(original: Callable[..., Any]) -> Callable[..., Any]:
    """From Python 3.11 on, ``dataclass`` refuses default values whose class has no hash, as Lava has some."""

    def dataclass(cls: type | None = None, /, **options: Any) -> Any:
        def decorate(target: type) -> Any:
            for value in list(vars(target).values()):
                kind = type(value)
                if kind.__hash__ is None and not isinstance(value, list | dict | set):
                    kind.__hash__ = object.__hash__
            return original(target, **options)

        return decorate if cls is None else decorate(cls)

    return dataclass
