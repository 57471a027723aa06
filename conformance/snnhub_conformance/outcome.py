"""What came of a case: its status, how far it got, and the first thing that was wrong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from enum import Enum
from typing import Any


class Status(Enum):
    """``unsupported``: left out by the declared capabilities, or refused. ``unavailable``: nothing here to ask.

    Neither counts as passed, and both stay in the denominator.
    """

    PASS = "pass"
    FAIL = "fail"
    XFAIL = "xfail"
    XPASS = "xpass"
    ERROR = "error"
    UNSUPPORTED = "unsupported"
    UNAVAILABLE = "unavailable"


BAD = (Status.FAIL, Status.ERROR, Status.XPASS)
"""What makes a run of the suite fail."""


@dataclass(frozen=True)
class First:
    """The first difference, in time. ``element``: index of the neuron; ``sample``: 0 without a batch axis.

    ``alone``: whether the node still fails when it is fed what is expected in front of it; None if nobody knows.
    """

    step: int
    sample: int
    node: str
    element: tuple[int, ...]
    state: str
    expected: float | int
    got: float | int
    alone: bool | None = None

    def __str__(self) -> str:
        place = f"{self.node}/{self.state}{list(self.element)}"
        words = f"step {self.step}, sample {self.sample}, {place}: expected {self.expected}, got {self.got}"
        return f"{words}, and right when fed what is expected" if self.alone is False else words


@dataclass(frozen=True)
class Outcome:
    """``rung``: what was reached. ``detail``: why. ``flags``: classes of mistakes that the case notices."""

    id: str
    family: str
    status: Status
    level: str
    rung: str = ""
    detail: str = ""
    first: First | None = None
    flags: tuple[str, ...] = ()
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        data = asdict(self)
        data["status"] = self.status.value
        data["seconds"] = round(self.seconds, 4)
        return {key: value for key, value in data.items() if value not in (None, "", ())}


def excused(outcome: Outcome, reason: str) -> Outcome:
    """The outcome of a case that its plugin expects to fail."""
    if outcome.status in (Status.FAIL, Status.ERROR):
        return replace(outcome, status=Status.XFAIL, detail=f"{reason}; {outcome.detail}")
    if outcome.status is Status.PASS:
        return replace(outcome, status=Status.XPASS, detail=f"expected to fail ({reason}) and passed")
    return outcome


def count(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """How many of each status, and ``total``."""
    found = list(outcomes)
    numbers = {status.value: sum(item.status is status for item in found) for status in Status}
    return {**numbers, "total": len(found)}
