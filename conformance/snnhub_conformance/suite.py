"""The suite: every case that is installed, in a fixed order, and the tables that lie beside them."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from snnhub.errors import UsageError

from snnhub_conformance.case import FILE, Case, read
from snnhub_conformance.packed import FOLDER, vectors

VECTORS = FOLDER
MATRIX = "matrix.json"


@dataclass(frozen=True)
class Suite:
    """Cases by id, sorted. ``folder``: where they lie."""

    cases: tuple[Case, ...]
    folder: Path = VECTORS

    @cached_property
    def by_id(self) -> dict[str, Case]:
        return {case.id: case for case in self.cases}

    @cached_property
    def families(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(case.family for case in self.cases))

    def select(
        self,
        *,
        ids: Iterable[str] = (),
        families: Iterable[str] = (),
        kind: str = "",
        levels: Iterable[str] = (),
    ) -> Suite:
        """The cases that fit all that is given. Raises ``UsageError`` for an id or family that does not exist."""
        wanted, named, ranks = set(ids), set(families), set(levels)
        self._known("case", wanted, set(self.by_id))
        self._known("family", named, {part for name in self.families for part in _prefixes(name)})
        kept = tuple(
            case
            for case in self.cases
            if (not wanted or case.id in wanted)
            and (not named or named & set(_prefixes(case.family)))
            and (not kind or case.kind == kind)
            and (not ranks or case.level in ranks)
        )
        return Suite(kept, self.folder)

    @staticmethod
    def _known(noun: str, wanted: set[str], known: set[str]) -> None:
        if missing := sorted(wanted - known):
            import difflib

            near = difflib.get_close_matches(missing[0], known, n=3)
            raise UsageError(f"no {noun} of this name", found=missing[0], allowed=", ".join(near) or "see: list")

    @cached_property
    def digests(self) -> dict[str, str]:
        """SHA-256 over each family: what a report was measured on."""
        whole = {name: hashlib.sha256() for name in self.families}
        for case in self.cases:
            whole[case.family].update(json.dumps(case.to_json(), sort_keys=True, default=str).encode())
        return {name: "sha256:" + value.hexdigest() for name, value in whole.items()}

    def digest(self, family: str) -> str:
        """SHA-256 over a family; empty for one that does not exist (any more)."""
        return self.digests.get(family, "")

    @cached_property
    def matrix(self) -> dict[str, Any]:
        """Mutants that no case notices with their proofs, classes that no case tells apart, counts."""
        path = self.folder / MATRIX
        table: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        return table

    @cached_property
    def mutants(self) -> dict[str, dict[str, int]]:
        """What became of the mutants of step programs, by group (the first part of an op's name): ``programs``,
        ``mutants``, and of these ``noticed`` by a case, ``equal`` as proved, and ``open``.
        """
        groups: dict[str, Counter[str]] = {}
        for name, entry in self.matrix.get("op", {}).items():
            equal, unknown = len(entry["equivalent"]), len(entry["open"])
            noticed = entry["mutants"] - equal - unknown
            row = {"programs": 1, "mutants": entry["mutants"], "noticed": noticed, "equal": equal, "open": unknown}
            groups.setdefault(name.partition(".")[0], Counter()).update(row)
        return {name: dict(groups[name]) for name in sorted(groups)}


def _prefixes(family: str) -> list[str]:
    parts = family.split(".")
    return [".".join(parts[: count + 1]) for count in range(len(parts))]


def load(folder: Path | None = None) -> Suite:
    """All cases under ``folder``, else the shipped ones. Raises ``FormatError`` for one that does not follow the
    schema.
    """
    folder = vectors() if folder is None else folder
    paths = sorted(folder.glob(f"*/*/{FILE}"))
    return Suite(tuple(read(path) for path in paths), folder)
