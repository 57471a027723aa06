"""Errors that users see: what was found, what is allowed, where, and what to do.

The library raises these and never prints or exits. Each class carries the exit code that the command
line uses for it. Anything that is not a ``SnnhubError`` is a bug and keeps its traceback (exit 70).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from snnhub.findings import Finding


class SnnhubError(Exception):
    """Base of every error that is meant for the user. ``where`` names file, node, layer or argument."""

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        message: str,
        *,
        where: str = "",
        found: str = "",
        allowed: str = "",
        remedy: str = "",
        findings: Sequence[Finding] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.found = found
        self.allowed = allowed
        self.remedy = remedy
        self.findings = tuple(findings)

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        details = [
            f"{name} {value}" for name, value in (("found", self.found), ("allowed", self.allowed)) if value
        ]
        if details:
            text += f" ({', '.join(details)})"
        return f"{text}. {self.remedy}" if self.remedy else text

    @classmethod
    def revived(cls, report: Mapping[str, Any], message: str, **details: Any) -> SnnhubError:
        """An error of this class from the ``to_json`` of one. ``details``: what the constructor takes."""
        return cls(message, **details)

    def to_json(self) -> dict[str, Any]:
        """The object that ``--json`` prints on failure."""
        return {
            "error": type(self).__name__,
            "message": self.message,
            "where": self.where,
            "found": self.found,
            "allowed": self.allowed,
            "remedy": self.remedy,
            "exit_code": self.exit_code,
            "findings": [finding.to_json() for finding in self.findings],
        }


class FormatError(SnnhubError):
    """A file is broken, truncated, hostile, or not what its name says (exit 1)."""


class GraphError(SnnhubError):
    """A graph breaks the rules of ``ir.verify``; ``findings`` has every problem (exit 1)."""


class ProgramError(SnnhubError):
    """A step program is not well typed, may overflow, or may leave the range of a state (exit 1)."""


class RunError(SnnhubError):
    """A run was stopped: a value left a ``check``, or a state became NaN or infinite (exit 1)."""


class CheckFailedError(SnnhubError):
    """A comparison, target check or conformance case failed (exit 1)."""


class UsageError(SnnhubError):
    """The arguments do not fit: wrong path, shape, option or combination (exit 2)."""

    exit_code = 2


class LossError(SnnhubError):
    """Under ``--strict``, something was lost; ``findings`` says what (exit 3)."""

    exit_code = 3


class UnsupportedError(SnnhubError):
    """The network cannot be held, lowered or exported; ``findings`` has every reason (exit 4)."""

    exit_code = 4


class MissingPeerError(SnnhubError):
    """A framework, environment or device that this needs is not here (exit 5)."""

    exit_code = 5


EXIT_INTERNAL = 70
EXIT_PRECEDENCE = (2, 5, 4, 3, 1)
"""Where several exit codes apply, the first of these wins."""
