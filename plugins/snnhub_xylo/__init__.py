"""Xylo: the core of SynSense's chips as an op, its families as targets, and xylosim as a live peer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnhub.hub import (
    Approximation,
    Availability,
    Environment,
    Exporter,
    FormatGuess,
    Importer,
    Method,
    Option,
    Runner,
    Target,
    hookimpl,
)

if TYPE_CHECKING:
    from snnhub.ir.op import OpSchema

ENVIRONMENT = Environment(
    "xylosim",
    "xylosim 0.1.3, the vendor's simulator of Xylo's core, without Rockpool and samna",
    "snnhub_xylo:xylosim.toml",
    worker="snnhub_xylo.worker:main",
)
CAPABILITIES: dict[str, Any] = {
    "models": ["snn/1"],
    "ops": ["xylo.Core/1"],
    "types": ["int"],
    "transforms": {},
    "batch": True,
    "limits": {"inputs": 1, "nodes": 1, "delay": 0},
}
"""One core between an input and outputs."""
FAMILIES = (
    ("xylo-a2", "xylo_a2", "Xylo Audio 2 (syns61201)"),
    ("xylo-imu", "xylo_imu", "Xylo IMU (syns63300)"),
    ("xylo-a3", "xylo_a3", "Xylo Audio 3 (syns65302)"),
)
"""Name, name of its functions, and the chip."""
OPTIONS = (
    Option(
        "quantiser",
        "auto: scale, bias and dash of every neuron, searched on calibration data; per-neuron, global: by rule",
        "auto",
        ("auto", "per-neuron", "global"),
    ),
    Option(
        "dash",
        "decays that the chip does not have: the dash nearest in time constant, or round(log2(tau / dt))",
        "factor",
        ("factor", "log2"),
    ),
    Option(
        "reset",
        "hard resets: refused, or approximated by taking the threshold away, as the chip does",
        "refuse",
        ("refuse", "subtract"),
    ),
    Option(
        "currents",
        "synapses without a current: an input arrives over several steps, or in its own with the help of relays",
        "smear",
        ("smear", "relay"),
    ),
    Option(
        "residual",
        "skips of residual blocks: delayed by relay neurons, exact; at once, too early; or refused",
        "relay",
        ("relay", "skew", "refuse"),
    ),
    Option("float-spec", "a file for the mapped arrays before they are quantised; result.arrays in Python"),
)
APPROXIMATIONS = (
    Approximation(
        "soft-reset",
        "resets to 0 become soft: a spike takes the threshold away",
        {"reset": "subtract"},
        "snnhub_xylo.approximations:hard_resets",
    ),
    Approximation(
        "relay-currents",
        "inputs of neurons without a current arrive in their own step with the help of relays, not over several",
        {"currents": "relay"},
        "snnhub_xylo.approximations:without_current",
        lifts=False,
    ),
    Approximation(
        "skewed-skips",
        "skips of residual blocks come before their block, and need no relays",
        {"residual": "skew"},
        "snnhub_xylo.approximations:sums",
        lifts=False,
    ),
)
METHODS = (
    Method("global", "one scale for all hidden neurons and one for all outputs", {"quantiser": "global"}),
    Method("per-neuron", "the largest weight into every neuron is 127", {"quantiser": "per-neuron"}),
    Method("auto", "scale, bias and dash of every neuron searched", {"quantiser": "auto"}, "needed"),
)
"""``auto`` without calibration data is ``per-neuron``."""
SAMNA_LINE = re.compile(rb'\A\s*\{\s*"value0"\s*:\s*\{')
"""samna's own JSON begins so; its ``operationMode`` follows."""
FORMAT_LINE = re.compile(rb'\A\s*\{\s*"format"\s*:\s*"snnhub-xylo"')


def _available() -> Availability:
    from snnhub.peers.env import status
    from snnhub.peers.recipe import read_recipe

    found = status(read_recipe(ENVIRONMENT.path()))
    if found.state == "ready":
        return Availability(True)
    return Availability(False, f"environment xylosim is {found.state}", "Run: snnhub env create xylosim")


def _samna() -> Availability:
    from snnhub.peers.samna_guard import REMEDY, problem

    words = problem()
    return Availability(False, words, REMEDY) if words else Availability(True)


@hookimpl
def snnhub_register_ops() -> Iterable[OpSchema]:
    from snnhub_xylo.ops import OPS

    return OPS


@hookimpl
def snnhub_register_environments() -> Iterable[Environment]:
    return (ENVIRONMENT,)


@hookimpl
def snnhub_register_runners() -> Iterable[Runner]:
    return (
        Runner(
            "xylosim",
            "SynSense's C++ simulator of Xylo's core, which they call bit exact",
            entry="snnhub_xylo.runner:run_xylosim",
            availability=_available,
            level="R4",
            capabilities=CAPABILITIES,
        ),
        Runner(
            "samna",
            "boards of Xylo Audio 2, IMU and Audio 3 through samna; not verified on a chip",
            entry="snnhub_xylo.samna.runner:run_samna",
            availability=_samna,
            capabilities={**CAPABILITIES, "batch": False},
            options=(
                Option("family", "board: xylo-a2, xylo-imu or xylo-a3", "the family of the xylo.json"),
                Option("timeout", "seconds to wait for the steps of a run", "60"),
                Option("report", "file for what became of every attribute of samna's configuration"),
            ),
        ),
    )


@hookimpl
def snnhub_register_targets() -> Iterable[Target]:
    return [
        Target(
            name,
            f"{chip}: one core, its registers and counts",
            entry=f"snnhub_xylo.target:{function}",
            lowering=f"snnhub_xylo.lowering:{function}",
            chips=(chip,),
            options=OPTIONS,
            methods=METHODS,
            approximations=APPROXIMATIONS,
        )
        for name, function, chip in FAMILIES
    ]


@hookimpl
def snnhub_register_importers() -> Iterable[Importer]:
    return (
        Importer(
            "xylo",
            "xylo.json: a network mapped to one of the chips",
            entry="snnhub_xylo.reader:import_xylo",
            formats=(".json",),
            level="F1",
        ),
        Importer(
            "samna-a2",
            "samna's own JSON of a Xylo Audio 2 configuration (experimental)",
            entry="snnhub_xylo.samna.cereal_reader:import_samna_a2",
            formats=("JSON of samna.xyloCore2",),
            level="F1",
        ),
    )


@hookimpl
def snnhub_register_exporters() -> Iterable[Exporter]:
    samna = Exporter(
        "samna-a2",
        "samna's own JSON of a Xylo Audio 2 configuration (experimental)",
        entry="snnhub_xylo.samna.cereal:export_samna_a2",
        formats=(".samna.json",),
        target="xylo-a2",
        level="F1",
    )
    files = [
        Exporter(
            name,
            f"xylo.json for {chip}",
            entry=f"snnhub_xylo.writer:{function.replace('xylo', 'export')}",
            formats=(".xylo.json",),
            target=name,
            level="F1",
            reader="xylo",
        )
        for name, function, chip in FAMILIES
    ]
    return [*files, samna]


@hookimpl
def snnhub_detect_format(path: Path, head: bytes) -> FormatGuess | None:
    if FORMAT_LINE.match(head):
        return FormatGuess("xylo", 100, "JSON that begins with its format")
    samna = SAMNA_LINE.match(head) and b'"operationMode"' in head and b'"input"' in head
    return FormatGuess("samna-a2", 95, "fields of samna's Xylo configuration") if samna else None
