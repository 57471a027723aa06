"""The state of a run: node states and delay lines. Saving, restoring and going on continues bit for bit."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from snnhub.errors import FormatError
from snnhub.ir.tensor import Array


@dataclass
class RunState:
    """``step``: how many steps have run. ``nodes``: states by node and name. ``lines``: by edge number, the
    last ``delay`` values that its source produced, oldest first. All arrays have the samples axis.
    """

    step: int = 0
    nodes: dict[str, dict[str, Array]] = field(default_factory=dict)
    lines: dict[int, Array] = field(default_factory=dict)

    def copy(self) -> RunState:
        """An independent copy: runs that go on from it leave this one alone."""
        return RunState(
            self.step,
            {node: {name: array.copy() for name, array in states.items()} for node, states in self.nodes.items()},
            {edge: line.copy() for edge, line in self.lines.items()},
        )

    def part(self, samples: slice) -> RunState:
        """The state of some samples, as views."""
        return RunState(
            self.step,
            {
                node: {name: array[samples] for name, array in states.items()}
                for node, states in self.nodes.items()
            },
            {edge: line[:, samples] for edge, line in self.lines.items()},
        )

    def save(self, path: Path) -> None:
        """Write as ``.npz``: ``step``, ``node/<id>/<state>`` and ``line/<edge>``."""
        arrays = {
            f"node/{node}/{name}": array for node, states in self.nodes.items() for name, array in states.items()
        }
        arrays |= {f"line/{edge}": line for edge, line in self.lines.items()}
        arrays["step"] = np.asarray(self.step, dtype=np.int64)
        np.savez(path, allow_pickle=False, **arrays)

    @staticmethod
    def load(path: Path) -> RunState:
        """Read what ``save`` wrote. Raises ``FormatError`` for anything else."""
        state = RunState()
        with np.load(path, allow_pickle=False) as file:
            for key in file.files:
                kind, _, rest = key.partition("/")
                if key == "step":
                    state.step = int(file[key])
                elif kind == "line" and rest.isdigit():
                    state.lines[int(rest)] = file[key]
                elif kind == "node" and "/" in rest:
                    node, _, name = rest.rpartition("/")
                    state.nodes.setdefault(node, {})[name] = file[key]
                else:
                    raise FormatError("not a run state", where=str(path), found=key)
        return state
