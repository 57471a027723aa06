"""What a command is given as a network: a file, a factory reference or a live object; and its importer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snnhub.errors import UsageError
from snnhub.hub.catalogue import detect, find, require
from snnhub.hub.loader import Hub, load
from snnhub.hub.objects import Importer


@dataclass(frozen=True)
class Source:
    """An importer and what it is to import: a ``Path``, a factory reference (text), or an object."""

    importer: Importer
    value: Any

    @property
    def name(self) -> str:
        """For messages."""
        return str(self.value) if isinstance(self.value, str | Path) else type(self.value).__name__


def resolve(given: Any, importer: str | None = None, hub: Hub | None = None) -> Source:
    """Find the importer: by name if given, by content for a file, by form for a factory reference.

    Raises ``UsageError`` for a missing file, a reference without a factory, or an unknown importer,
    ``UnsupportedError`` for a file that no importer knows, ``MissingPeerError`` if its framework is not here.
    """
    hub = hub or load()
    source = _resolve(given, importer, hub)
    require(source.importer)
    return source


def _resolve(given: Any, importer: str | None, hub: Hub) -> Source:
    if importer is not None:
        chosen = find(hub.importers, importer, "importer")
        if chosen.live:
            if isinstance(given, str | Path) and Path(given).is_file():
                return Source(chosen, Path(given))  # which knows best what to say about it
            if isinstance(given, str | Path) and ":" not in str(given):
                if Path(given).suffix not in ("", ".py"):
                    raise UsageError("no such file", found=str(given))
                raise UsageError(
                    "a factory is missing",
                    found=str(given),
                    allowed="path/file.py:factory or package.module:factory",
                )
            return Source(chosen, str(given) if isinstance(given, Path) else given)
        if not isinstance(given, str | Path):
            raise UsageError(f"importer {importer} reads files", found=type(given).__name__)
        return Source(chosen, Path(given))
    if not isinstance(given, str | Path):
        raise UsageError(
            "say which importer a live object is for",
            found=type(given).__name__,
            allowed=", ".join(name for name, item in hub.importers.items() if item.live),
        )
    if is_reference(str(given)):
        live = [item for item in hub.importers.values() if item.live and item.implied]
        if len(live) != 1:
            raise UsageError(
                "several importers take factories",
                found=str(given),
                allowed=", ".join(i.name for i in live),
                remedy="Pass --from",
            )
        return Source(live[0], str(given))
    path = Path(given)
    if path.suffix == ".py":
        raise UsageError("a factory is missing", found=str(given), allowed="path/file.py:factory")
    if path.is_dir():
        raise UsageError("is a folder, not a file", where=str(path))
    return Source(detect(path, hub), path)


def is_reference(text: str) -> bool:
    """Whether text names a factory: ``file.py:name`` or ``package.module:name``, and is not a file itself."""
    place, separator, name = text.rpartition(":")
    if not separator or not name.isidentifier() or Path(text).exists():
        return False
    return place.endswith(".py") or all(part.isidentifier() for part in place.split("."))
