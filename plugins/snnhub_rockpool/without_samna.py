"""Makes the Xylo parts of Rockpool importable where samna is not. Applied inside its environment only."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from pathlib import Path

FAMILIES = ("syns61201", "syns63300", "syns65302")
"""The packages of the chip families that have a mapper: each imports samna on its first lines."""
PARENT = "rockpool.devices.xylo"


def apply() -> None:
    """Register the packages above Rockpool's mappers and simulators as empty ones that only know their folders.

    Their modules can then be imported by full name (``rockpool.devices.xylo.syns61201.xylo_mapper``); those that
    need samna still fail. Call before ``rockpool.devices.xylo`` is first imported; does nothing where samna is.
    """
    if importlib.util.find_spec("samna") is not None or PARENT in sys.modules:
        return
    import rockpool.devices

    folder = Path(rockpool.devices.__path__[0]) / "xylo"
    for name in (PARENT, *(f"{PARENT}.{family}" for family in FAMILIES)):
        _bare(name, folder / name.removeprefix(PARENT).lstrip("."))
    # what the other families take from the first one's package, instead of from its module
    first = f"{PARENT}.{FAMILIES[0]}"
    for name, value in vars(importlib.import_module(f"{first}.xylo_graph_modules")).items():
        vars(sys.modules[first]).setdefault(name, value)


def _bare(name: str, folder: Path) -> None:
    """An empty package in the place of ``name``."""
    module = types.ModuleType(name)
    module.__path__ = [str(folder)]
    sys.modules[name] = module
    parent, _, last = name.rpartition(".")
    setattr(sys.modules[parent], last, module)
