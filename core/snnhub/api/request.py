"""What a runner is asked to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from snnhub.api.options import ImportOptions, integer_option
from snnhub.engine.stimulus import Stimulus
from snnhub.ir.graph import Graph


@dataclass(frozen=True)
class RunRequest:
    """``graph``: the network as snnhub understands it. ``source``: where it came from, for runners that run the
    original (a file path, a factory, a live object). ``stimulus``: checked against the graph's input.
    ``record``: record keys of ``graph``. ``options``: the runner's own.
    """

    graph: Graph
    stimulus: Stimulus
    record: tuple[str, ...] = ("output",)
    source: Any = None
    import_options: ImportOptions = field(default_factory=ImportOptions)
    options: Mapping[str, str] = field(default_factory=dict)
    steps: int | None = None
    progress: Callable[[int, int], None] | None = None

    @property
    def length(self) -> int:
        """Number of steps to run: beyond the stimulus, the input is zero."""
        return self.steps if self.steps is not None else int(self.stimulus.values.shape[0])

    def integer(self, name: str, default: int) -> int:
        """An integer option. Raises ``UsageError`` for anything but a non-negative integer."""
        return integer_option(self.options, name, default)

    def path(self) -> Path:
        """The source as a path. Raises ``TypeError`` if it is none."""
        if not isinstance(self.source, Path):
            raise TypeError("runner needs a file")
        return self.source
