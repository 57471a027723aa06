"""States of sinabs' layers after each step. LIF, IAF and ExpLeak record them themselves. Recurrent and adaptive
layers of sinabs 3.1.3 hand out states that the next step has changed already; there they are read as that begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

STATES = {"v_mem": "v", "i_syn": "i", "b": "b"}
"""sinabs' names of states, and those of the ops."""
FIRST = "i_syn"
"""What a step sets before everything else."""


def records(module: Any) -> bool:
    """Whether a layer records its states rightly."""
    return not hasattr(module, "rec_connect") and not type(module).__name__.startswith("ALIF")


def known_states(module: Any) -> tuple[str, ...]:
    """States that can be read of a layer, by the names of the ops."""
    if not records(module) and module.spike_fn is None:
        return ()  # nothing of ours is called in a step
    current = ("i",) if module.alpha_syn_calculated is not None else ()
    return ("v", *current, *(("b",) if type(module).__name__.startswith("ALIF") else ()))


def watch(module: Any) -> None:
    """Have the states of a layer kept. What it computes stays the same."""
    if records(module):
        module.record_states = True
    elif module.spike_fn is not None:
        module.reset_fn = _Watched(module.reset_fn)


def outputs(module: Any, result: Any) -> Mapping[str, Any]:
    """What a layer puts out, and its states after each step where ``watch`` has them kept; time is axis 1, or
    merged with the samples where the layer does that.
    """
    found = {"y" if module.spike_fn is None else "s": result}
    merges = hasattr(module, "num_timesteps")
    for name, values in _kept(module).items():
        if name in STATES:
            found[STATES[name]] = values.flatten(0, 1) if merges else values
    return found


def _kept(module: Any) -> Mapping[str, Any]:
    import torch

    if records(module):
        return dict(module.recordings)
    if not isinstance(module.reset_fn, _Watched):
        return {}
    steps = [step.after or dict(step) for step in module.reset_fn.steps]
    module.reset_fn.steps.clear()
    wanted = known_states(module)
    names = [name for name in STATES if STATES[name] in wanted]
    return {name: torch.stack([step[name] for step in steps], 1) for name in names}


class _Watched:
    """A reset function whose results are kept, step by step."""

    def __init__(self, reset_fn: Any) -> None:
        self.reset_fn = reset_fn
        self.steps: list[_Step] = []

    def __call__(self, spikes: Any, state: Any, threshold: Any) -> Any:
        made = _Step(self.reset_fn(spikes, state, threshold))
        self.steps.append(made)
        return made


class _Step(dict[str, Any]):
    """States from the reset of a step on; ``after``: as they were when the next step began."""

    after: dict[str, Any] | None = None

    def __setitem__(self, name: str, value: Any) -> None:
        if name == FIRST and self.after is None:
            self.after = dict(self)
        super().__setitem__(name, value)
