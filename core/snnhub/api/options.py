"""What importers are given beside their source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from snnhub.errors import UsageError
from snnhub.ir.op import OpLookup
from snnhub.ops.registry import REGISTRY


class InputShapeMissingError(UsageError):
    """The source does not say how large its input is. ``rank``: number of feature dimensions it must have."""

    def __init__(self, message: str, *, rank: int, where: str = "", found: str = "", remedy: str = "") -> None:
        super().__init__(message, where=where, found=found, remedy=remedy)
        self.rank = rank

    def to_json(self) -> dict[str, Any]:
        return {**super().to_json(), "rank": self.rank}

    @classmethod
    def revived(cls, report: Mapping[str, Any], message: str, **details: Any) -> InputShapeMissingError:
        """An error of this class from the ``to_json`` of one."""
        told = {name: details[name] for name in ("where", "found", "remedy")}
        return cls(message, rank=int(report["rank"]), **told)


@dataclass(frozen=True)
class ImportOptions:
    """``settings``: factory arguments (``--set``); ``given``: importer options (``--option``); ``weights``: a
    checkpoint of tensors; ``input_shape``: features of one step of one sample, no time, no batch.

    ``profile`` and ``dt`` (seconds): how a network in continuous time becomes steps. ``dt`` also says how long the
    steps of other networks are, where they do not.
    """

    weights: Path | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    input_shape: tuple[int, ...] | None = None
    given: Mapping[str, str] = field(default_factory=dict)
    lookup: OpLookup = REGISTRY
    profile: str = ""
    dt: float | None = None

    def integer(self, name: str, default: int) -> int:
        """An integer option. Raises ``UsageError`` for anything but a non-negative integer."""
        return integer_option(self.given, name, default)


def integer_option(given: Mapping[str, str], name: str, default: int) -> int:
    """An integer among options. Raises ``UsageError`` for anything but a non-negative integer."""
    text = given.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit():
        raise UsageError("option needs a non-negative integer", where=f"--option {name}", found=text)
    return int(text)
