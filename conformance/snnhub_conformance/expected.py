"""Failures that a plugin expects: a TOML file in its own package, each with a reason and a day of expiry.

``conformance_xfail.toml`` beside the code of the plugin::

    [[xfail]]
    case = "op.integer.0031"
    reason = "wraps at 24 bits: acme/simulator#12"
    expires = 2027-06-30

``runner = "NAME"`` says whose failure it is, where a plugin has several runners.
"""

from __future__ import annotations

import tomllib
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from snnhub.errors import FormatError
from snnhub.hub.objects import Registered

from snnhub_conformance import RELEASED
from snnhub_conformance.outcome import Outcome, excused
from snnhub_conformance.suite import Suite

NAME = "conformance_xfail.toml"


@dataclass(frozen=True)
class Expected:
    """A case that fails, why, and until when that is accepted. ``runner``: whose; empty: all of a plugin's."""

    case: str
    reason: str
    expires: date
    runner: str = ""


def expected_failures(item: Registered) -> tuple[Expected, ...]:
    """What the package of a registered object expects to fail. Raises ``FormatError`` for a broken file."""
    spec = find_spec(item.entry.partition(":")[0].partition(".")[0])
    folders = list(spec.submodule_search_locations or ()) if spec else []
    paths = [Path(folder) / NAME for folder in folders if (Path(folder) / NAME).is_file()]
    return tuple(entry for path in paths for entry in read(path) if entry.runner in ("", item.name))


def _entry(item: Mapping[str, Any]) -> Expected:
    return Expected(str(item["case"]), str(item["reason"]), item["expires"], str(item.get("runner", "")))


def read(path: Path) -> tuple[Expected, ...]:
    """The entries of a file. Raises ``FormatError`` for anything that is not one."""
    try:
        entries = tomllib.loads(path.read_text())["xfail"]
        found = tuple(_entry(item) for item in entries)
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as problem:
        raise FormatError("not a list of expected failures", where=str(path), found=repr(problem)) from None
    for entry in found:
        if not entry.reason.strip() or type(entry.expires) is not date:
            raise FormatError("an expected failure needs a reason and a day", where=f"{path}: {entry.case}")
    return found


def excuse(outcomes: Iterable[Outcome], expected: Iterable[Expected], suite: Suite) -> list[Outcome]:
    """Outcomes with expected failures marked. What has expired by the day of the suite's release counts no more;
    by the clock there is a warning only, so that no build breaks on a date.

    Raises ``FormatError`` for an entry that names no case.
    """
    known = {entry.case: entry for entry in expected}
    from snnhub_conformance.suite import load

    everything = set(suite.by_id) if len(known) == 0 else set(load(suite.folder).by_id)
    if missing := sorted(set(known) - everything):
        raise FormatError("expected failures that name no case", found=", ".join(missing))
    found = []
    for outcome in outcomes:
        entry = known.get(outcome.id)
        if entry is None or entry.expires < RELEASED:
            found.append(outcome)
            continue
        if entry.expires < date.today():
            warnings.warn(f"expected failure of {entry.case} has expired on {entry.expires}", stacklevel=2)
        found.append(excused(outcome, entry.reason))
    return found
