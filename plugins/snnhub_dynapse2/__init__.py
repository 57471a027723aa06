"""Dynap-SE2: the analog neuron model as a step op, and the chip's limits, mapper and quantiser."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from snnhub.hub import (
    Approximation,
    Availability,
    Environment,
    Exporter,
    FormatGuess,
    Importer,
    Option,
    Runner,
    Target,
    hookimpl,
)

if TYPE_CHECKING:
    from snnhub.ir.op import OpSchema

ENVIRONMENT = Environment(
    "dynapse2",
    "Rockpool 3.1.0 with jax: DynapSim, its mapper and quantiser, without samna and torch",
    "snnhub_dynapse2:dynapse2.toml",
    worker="snnhub_dynapse2.worker:main",
)
OPTIONS = (
    Option("factors", "charge factors as Rockpool computes them, or exact: as its equations say", "rockpool"),
    Option(
        "environment",
        "where a factory is run: dynapse2, or here (if this interpreter has Rockpool and jax)",
        "dynapse2",
    ),
)
"""Options of the importer; the runner runs what was imported with them."""
MAPPING = (
    Option("board", "file with positions of chips, start of inputs and hops of the monitor", "chips in a row"),
    Option("monitor", "neurons whose spikes leave the board: output, all, NODE, NODE:5 or NODE:0-9", "output"),
    Option(
        "split-synapses",
        "auto: a synapse may be the sum of two CAM entries where its neuron has room",
        "off",
        ("off", "auto"),
    ),
    Option(
        "iscale",
        "current per unit of weight: changed with Igain_syn where bases do not fit, or kept",
        "auto",
        ("auto", "keep"),
    ),
    Option("chips", "how many chips of the board may be used", "all of them"),
    Option("neurons", "LIF neurons: refused, or analog ones that fire as often", "refuse", ("refuse", "analog")),
)
"""Options of the lowering."""
ANALOG = Approximation(
    "analog",
    "LIF neurons become DynapSim neurons whose currents are searched so that they fire as often",
    {"neurons": "analog"},
    "snnhub_dynapse2.approximate.analog:concerned",
)
FORMAT_LINE = re.compile(rb'\A\s*\{\s*"format"\s*:\s*"snnhub-dynapse2"')


@hookimpl
def snnhub_register_environments() -> Iterable[Environment]:
    return (ENVIRONMENT,)


@hookimpl
def snnhub_register_importers() -> Iterable[Importer]:
    return (
        Importer(
            "dynapse2",
            "networks of DynapSim: path/file.py:factory, package.module:factory, or an .npz of their numbers",
            entry="snnhub_dynapse2.importer:import_model",
            formats=("npz of a DynapSim network", "file.py:factory", "package.module:factory"),
            live=True,
            implied=False,
            level="F1",
            options=OPTIONS,
        ),
        Importer(
            "dynapse2-json",
            "dynapse2.json: a network mapped to a board of Dynap-SE2",
            entry="snnhub_dynapse2.lowered.file:import_dynapse2_json",
            formats=(".json",),
            level="F1",
        ),
    )


@hookimpl
def snnhub_register_targets() -> Iterable[Target]:
    return (
        Target(
            "dynapse2",
            "a board of up to four Dynap-SE2 chips: neurons, CAM, SRAM, tags, currents",
            entry="snnhub_dynapse2.target:dynapse2",
            lowering="snnhub_dynapse2.lowering:passes",
            chips=("Dynap-SE2",),
            options=MAPPING,
            approximations=(ANALOG,),
            tables={"dynapse2.DynapSim": "snnhub_dynapse2.lowered.reports:tables_of"},
        ),
    )


@hookimpl
def snnhub_register_exporters() -> Iterable[Exporter]:
    return (
        Exporter(
            "dynapse2",
            "dynapse2.json for a board of Dynap-SE2 chips",
            entry="snnhub_dynapse2.exporter:export_dynapse2",
            formats=(".dynapse2.json",),
            target="dynapse2",
            level="F1",
            reader="dynapse2-json",
        ),
    )


@hookimpl
def snnhub_register_runners() -> Iterable[Runner]:
    return (
        Runner(
            "dynapsim",
            "Rockpool's DynapSim, in its environment (or here, for live modules): one evolve per run",
            entry="snnhub_dynapse2.runner:run_model",
            takes="dynapse2",
            availability=_available,
            level="R3",
            replays=(".npz",),
        ),
        Runner(
            "samna-dynapse2",
            "Dynap-SE2 boards through samna, for a dynapse2.json; not verified on a chip",
            entry="snnhub_dynapse2.samna.runner:run_chip",
            availability=_samna,
            deterministic=False,
            options=(
                Option("timeout", "seconds to wait for the board beyond the run itself", "60"),
                Option("bitfile", "file for the board's FPGA; without one it is taken to be configured"),
                Option("report", "file for what became of every attribute of samna's configuration"),
            ),
        ),
    )


@hookimpl
def snnhub_detect_format(path: Path, head: bytes) -> FormatGuess | None:
    """A zip of arrays with the names of DynapSim's numbers among its members; JSON that begins with its format."""
    if FORMAT_LINE.match(head):
        return FormatGuess("dynapse2-json", 100, "JSON that begins with its format")
    if not head.startswith(b"PK") or b".npy" not in head:
        return None
    from snnhub_dynapse2.archive import looks_like

    return FormatGuess("dynapse2", 90, "arrays with the names of DynapSim's factors") if looks_like(path) else None


def _available() -> Availability:
    from importlib.util import find_spec

    from snnhub.peers.env import status
    from snnhub.peers.recipe import read_recipe

    found = status(read_recipe(ENVIRONMENT.path()))
    here = find_spec("rockpool") is not None and find_spec("jax") is not None
    if found.state == "ready" or here:
        return Availability(True)
    return Availability(False, f"environment dynapse2 is {found.state}", "Run: snnhub env create dynapse2")


def _samna() -> Availability:
    from snnhub.peers.samna_guard import REMEDY, problem

    words = problem()
    return Availability(False, words, REMEDY) if words else Availability(True)


@hookimpl
def snnhub_register_ops() -> Iterable[OpSchema]:
    from snnhub_dynapse2.ops import OPS

    return OPS
