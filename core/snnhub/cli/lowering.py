"""Options of ``snnhub convert`` that a target's lowering reads; each target says which ones it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

CHOICES = (
    (
        "maxpool",
        ("refuse", "or-layer"),
        "Where the target has no maximum: refuse (default), or one more layer of neurons, exact, a step later.",
    ),
    (
        "reset",
        ("refuse", "zero", "subtract"),
        "Where the target resets otherwise: refuse (default), or as it does (zero: loihi2, subtract: Xylo), never "
        "exact; --calibrate measures it.",
    ),
    (
        "currents",
        ("smear", "relay"),
        "Xylo: inputs of neurons without a current arrive over several steps (default), or in their own with the "
        "help of relay neurons.",
    ),
    (
        "quantiser",
        ("auto", "per-neuron", "global"),
        "Xylo: search scale, bias and dash of every neuron on --calibrate (default), or go by a rule.",
    ),
    (
        "dash",
        ("factor", "log2"),
        "Xylo: other decays than it has become the nearest in time constant (default), or round(log2(tau / dt)).",
    ),
    (
        "residual",
        ("relay", "skew", "refuse"),
        "Xylo: skips of residual blocks wait in relay neurons, exactly (default), come too early, or are refused.",
    ),
    (
        "split-synapses",
        ("off", "auto"),
        "Dynap-SE2: let a synapse be the sum of two CAM entries where its neuron has room. Default: off.",
    ),
    (
        "neurons",
        ("refuse", "analog"),
        "Dynap-SE2: LIF neurons are refused (default), or become analog ones that fire as often on --calibrate.",
    ),
    (
        "iscale",
        ("auto", "keep"),
        "Dynap-SE2: change the current per unit of weight, and Igain_syn with it, where bases do not fit "
        "(default), or refuse then.",
    ),
)
"""Name, values, and what it is for."""
TEXTS = (
    ("board", "BOARD.json", "Dynap-SE2: where the chips of the board are. Default: in a row."),
    (
        "monitor",
        "NODE",
        "Dynap-SE2: neurons whose spikes leave the board: output (default), all, NODE, NODE:5 or NODE:0-9; may be "
        "given several times.",
    ),
    ("chips", "N", "Dynap-SE2: use only so many chips of the board."),
)
"""Name, what stands for its value, and what it is for. Several are joined by commas."""


def lowering_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add all of them to a command, which gets them by name."""
    for name, values, words in reversed(CHOICES):
        command = click.option(f"--{name}", type=click.Choice(list(values)), help=words)(command)
    for name, shown, words in reversed(TEXTS):
        command = click.option(f"--{name}", multiple=name == "monitor", metavar=shown, help=words)(command)
    return command


def chosen(given: Mapping[str, str | tuple[str, ...] | None]) -> dict[str, str]:
    """Those that were given, as targets call them."""
    names = {name.replace("-", "_"): name for name, _, _ in (*CHOICES, *TEXTS)}
    texts = {key: ",".join(value) if isinstance(value, tuple) else value for key, value in given.items()}
    return {names[key]: value for key, value in texts.items() if value}
