"""The record of the table: what was measured, when and with what; stored beside the networks."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.cells.compute import computed
from tests.cells.live import of_source, of_target
from tests.cells.networks import TARGETS, Net

PATH = Path(__file__).with_name("record.json")
Entry = dict[str, Any]


def key_of(net: Net, target: str) -> str:
    """Name of a cell in the record."""
    return f"{net.key} -> {target}"


def measured(nets: Sequence[Net], before: Entry) -> Entry:
    """Every cell of these networks, with live peers; others stay as they were ``before``. A peer that is missing
    is an error. Progress on standard error.
    """
    kept: Entry = {part: dict(before.get(part, {})) for part in ("sources", "cells")}
    record: Entry = {"date": datetime.now(UTC).date().isoformat(), **kept}
    with tempfile.TemporaryDirectory() as name:
        for net in nets:
            record["sources"][net.key] = of_source(net)
            for target in TARGETS:
                record["cells"][key_of(net, target)] = cell(net, target, Path(name))
                print(key_of(net, target), record["cells"][key_of(net, target)], file=sys.stderr, flush=True)
    return record


def cell(net: Net, target: str, folder: Path) -> Entry:
    """One cell: computed, and live where there is something to run."""
    found = computed(net, target, folder)
    if found["outcome"] == "converted" and (live := of_target(net, target, folder)) is not None:
        found["live"] = live
    return found


def stored() -> Entry:
    """What was measured last."""
    found: Entry = json.loads(PATH.read_text())
    return found


def save(record: Entry) -> None:
    """Write it."""
    PATH.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")


def without_live(entry: Entry) -> Entry:
    """What can be computed again without a peer."""
    return {name: value for name, value in entry.items() if name != "live"}


def timeless(record: Entry) -> Entry:
    """The record without its date and versions: what must not change from run to run. How many values differ in
    their last bits, where a framework sums floats, depends on the machine.
    """
    text = json.dumps({name: value for name, value in record.items() if name != "date"})
    found: Entry = json.loads(text)
    for entry in (*found["sources"].values(), *found["cells"].values()):
        for part in (entry, entry.get("live", {})):
            part.pop("versions", None)
            if part.get("reached") == "spikes":
                part.pop("different", None)
    return found
