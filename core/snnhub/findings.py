"""Findings: everything that an import, pass, export or comparison changed, refused or noticed.

One finding per tensor or place, with counts and the worst element; never one per value.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from snnhub.codes import CODES


class Severity(Enum):
    """``error``: refused. ``loss``: meaning changed outside a declared bound. ``note``: rounding inside the
    bound of a declared pass, or a fold proved numerically. ``info``: worth knowing, nothing changed.
    """

    ERROR = "error"
    LOSS = "loss"
    NOTE = "note"
    INFO = "info"


_RANK = {severity: rank for rank, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. ``code`` is listed in ``snnhub.codes``; ``place`` names node, edge, tensor or file part.

    ``old`` and ``new`` are values before and after as text, ``bound`` the error bound that holds.
    """

    code: str
    severity: Severity
    place: str
    message: str
    old: str = ""
    new: str = ""
    bound: str = ""
    remedy: str = ""

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise KeyError(f"finding code {self.code} is not listed in snnhub.codes")

    @property
    def title(self) -> str:
        """What the code stands for."""
        return CODES[self.code]

    def to_json(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "severity": self.severity.value,
            "title": self.title,
            "place": self.place,
            "message": self.message,
            "old": self.old,
            "new": self.new,
            "bound": self.bound,
            "remedy": self.remedy,
        }

    def __str__(self) -> str:
        change = f" ({self.old} -> {self.new})" if self.old or self.new else ""
        bound = f" [{self.bound}]" if self.bound else ""
        remedy = f" {self.remedy}" if self.remedy else ""
        return f"{self.severity.value} {self.code} {self.place}: {self.message}{change}{bound}{remedy}"


def error(code: str, place: str, message: str, **details: str) -> Finding:
    """Refused: nothing is written."""
    return Finding(code, Severity.ERROR, place, message, **details)


def loss(code: str, place: str, message: str, **details: str) -> Finding:
    """Meaning changed: ``--strict`` stops here."""
    return Finding(code, Severity.LOSS, place, message, **details)


def note(code: str, place: str, message: str, **details: str) -> Finding:
    """Changed inside a declared bound."""
    return Finding(code, Severity.NOTE, place, message, **details)


def info(code: str, place: str, message: str, **details: str) -> Finding:
    """Nothing changed, worth knowing."""
    return Finding(code, Severity.INFO, place, message, **details)


def of_severity(findings: Iterable[Finding], severity: Severity) -> tuple[Finding, ...]:
    """Those of one severity, in order."""
    return tuple(finding for finding in findings if finding.severity is severity)


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Worst first, otherwise in the order in which they were found; duplicates once."""
    return tuple(sorted(dict.fromkeys(findings), key=lambda finding: _RANK[finding.severity]))


def count(findings: Iterable[Finding]) -> dict[str, int]:
    """How many of each severity."""
    found = list(findings)
    return {severity.value: len(of_severity(found, severity)) for severity in Severity}
