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
)
"""Name, values, and what it is for."""


def lowering_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add all of them to a command, which gets them by name."""
    for name, values, words in reversed(CHOICES):
        command = click.option(f"--{name}", type=click.Choice(list(values)), help=words)(command)
    return command


def chosen(given: Mapping[str, str | None]) -> dict[str, str]:
    """Those that were given, as targets call them."""
    names = {name.replace("-", "_"): name for name, _, _ in CHOICES}
    return {names[key]: value for key, value in given.items() if value is not None}
