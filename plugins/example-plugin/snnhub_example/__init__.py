"""An example of a plugin for snnhub: an op of its own, a small text format that uses it, and a runner.

This module says what there is and imports nothing heavy: ``snnhub plugins list`` must stay instant.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from snnhub.hub import Exporter, FormatGuess, Importer, Option, Runner, hookimpl

if TYPE_CHECKING:
    from snnhub.ir.op import OpSchema

FLOATS = {"types": ["f32", "int"], "attributes": {"bias": [False], "shift": [0]}}
CAPABILITIES = {
    "ops": ["example.AdaptiveLIF/1"],
    "transforms": {"core.Dense/1": FLOATS},
    "batch": True,
    "limits": {"inputs": 1, "delay": 0},
}
"""What the runner runs; the conformance suite holds it to this in both directions."""
MARK = b'"format": "snnhub-example"'


@hookimpl
def snnhub_register_ops() -> Iterable[OpSchema]:
    from snnhub_example.op import ADAPTIVE_LIF

    return (ADAPTIVE_LIF,)


@hookimpl
def snnhub_register_importers() -> Iterable[Importer]:
    return (
        Importer(
            "example",
            "layers of adaptive neurons as JSON",
            entry="snnhub_example.reader:read",
            formats=(".json",),
            level="F1",
        ),
    )


@hookimpl
def snnhub_register_exporters() -> Iterable[Exporter]:
    return (
        Exporter(
            "example",
            "layers of adaptive neurons as JSON",
            entry="snnhub_example.writer:write",
            formats=(".json",),
            level="F1",
        ),
    )


@hookimpl
def snnhub_register_runners() -> Iterable[Runner]:
    return (
        Runner(
            "example",
            "adaptive neurons in plain NumPy, without snnhub's engine",
            entry="snnhub_example.runner:run",
            level="R4",
            capabilities=CAPABILITIES,
            options=(Option("samples", "samples per round, a positive number", "all at once"),),
        ),
    )


@hookimpl
def snnhub_detect_format(path: Path, head: bytes) -> FormatGuess | None:
    """By content, never by suffix: the file says what it is in its first line."""
    return FormatGuess("example", 90, "JSON that names its format") if MARK in head[:200] else None
