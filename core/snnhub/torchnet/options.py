"""Options that every importer of a torch framework has. Imports nothing heavy: plugins register them."""

from __future__ import annotations

from snnhub.hub.objects import Option

LAYOUTS = ("step", "time-first", "batch-first", "merged", "frame")
"""What one call of a network takes: (N, …) of one step, (T, N, …), (N, T, …), (N*T, …), or one frame that it shows
itself for as many steps as it loops over.
"""
OPTIONS = (
    Option("output", "which of the tensors that the network returns is its output, counted from 0", "0"),
    Option("layout", f"what one call of the network takes: {', '.join(LAYOUTS)}", "found out"),
    Option(
        "steps", "steps of the run that is recorded, where the network takes only so many", "4, or what it needs"
    ),
    Option("samples", "samples of the run that is recorded, where the network takes only so many", "3"),
)
