"""What a core wants of samna's attributes: every one that it sets, by path, in the order of the data file.

Flags follow from the numbers: the second synapse if any of its weights is not 0, biases if any is not 0,
aliasing if there is an alias, and with them the clocks of their parts of the chip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from snnhub_xylo.core import NO_ALIAS, Core, Ints
from snnhub_xylo.document import extents
from snnhub_xylo.families import FAMILIES
from snnhub_xylo.samna.names import Names

ALWAYS = ("isyn_clock_enable", "ra_clock_enable", "hm_clock_enable", "ram_power_enable", "always_update_omp_stat")
"""Of ``debug``: on for every network. The last one for the IMU alone, as Rockpool has it."""


@dataclass(frozen=True)
class Wanted:
    """``path`` as in ``Names.leaves``; ``value``: of one neuron after the other where it leads into a list.

    ``neutral``: what it is worth is what a chip does without it, so that an attribute which is not there is no
    loss.
    """

    path: str
    value: Any
    neutral: bool


def wanted(core: Core, names: Names) -> tuple[Wanted, ...]:
    """Everything that is set for ``core``, which fits the family."""
    values = _values(core, names)
    return tuple(
        Wanted(path, values[path], _neutral(path, values[path])) for path, _ in names.leaves() if path in values
    )


def _values(core: Core, names: Names) -> dict[str, Any]:
    """By path. One that the family does not have is left out."""
    hidden = names.hidden
    second, bias, alias = uses(core)
    ien, oen = extents(core, FAMILIES[names.family])
    # a matrix must have a row and a column; where no weight leads, they hold 0
    into, out = core.weights_in[:, : max(ien, 1)], core.weights_out[core.hidden - max(oen, 1) :]
    found: dict[str, Any] = {
        "synapse2_enable": second,
        "bias_enable": bias,
        "imu_if_input_enable": False,
        "input.weight_bit_shift": int(core.shift_in),
        "input.weights": into[:, :, 0].tolist(),
        f"{hidden}.weight_bit_shift": int(core.shift_rec),
        f"{hidden}.weights": core.weights_rec[:, :, 0].tolist(),
        f"{hidden}.aliasing": alias,
        "readout.weight_bit_shift": int(core.shift_out),
        "readout.weights": out.tolist(),
        "debug.isyn2_clock_enable": second,
        "debug.bias_clock_enable": bias,
    }
    if second:
        found["input.syn2_weights"] = into[:, :, 1].tolist()
        found[f"{hidden}.syn2_weights"] = core.weights_rec[:, :, 1].tolist()
        found[f"{hidden}.neurons[].i_syn2_decay"] = core.dash_syn[:, 1].tolist()
    for name in ALWAYS:
        if name != ALWAYS[-1] or names.family == "xylo-imu":
            found[f"debug.{name}"] = True
    neurons = {
        "threshold": "threshold",
        "v_mem_decay": "dash_mem",
        "v_mem_bias": "bias",
        "i_syn_decay": "dash_syn",
    }
    for name, array in neurons.items():
        found[f"{hidden}.neurons[].{name}"] = first_synapse(core.arrays[array]).tolist()
        found[f"readout.neurons[].{name}"] = core.arrays[f"{array}_out"].tolist()
    found[f"{hidden}.neurons[].alias_target"] = [None if to == NO_ALIAS else int(to) for to in core.alias]
    return found


def uses(core: Core) -> tuple[bool, bool, bool]:
    """Whether a core has weights of a second synapse, biases, and aliases."""
    second = core.synapses == 2 and bool(core.weights_in[:, :, 1].any() or core.weights_rec[:, :, 1].any())
    return second, bool(core.bias.any() or core.bias_out.any()), bool((core.alias != NO_ALIAS).any())


def first_synapse(array: Ints) -> Ints:
    """Of an array that may have an axis of synapses, the first one."""
    return array if array.ndim == 1 else array[:, 0]


def _neutral(path: str, value: Any) -> bool:
    name = path.rpartition(".")[2]
    if not name.endswith(("_enable", "aliasing", "weight_bit_shift", "v_mem_bias", "alias_target")):
        return False
    return not any(value) if isinstance(value, list) else not value


Read = Callable[[str], Any]
"""The value at a path, lists of neurons one after the other; raises what it likes where there is none."""


def core_of(read: Read, names: Names) -> Core:
    """The core that a configuration describes. What its flags switch off is read as absent, since the chip does
    not use it. Numbers are taken as they are: whoever calls this has checked them, or checks the core.
    """
    hidden = names.hidden
    paths = {path for path, _ in names.leaves()}
    second = "synapse2_enable" in paths and bool(read("synapse2_enable"))
    biased, aliased = bool(read("bias_enable")), bool(read(f"{hidden}.aliasing"))
    size = len(read(f"{hidden}.neurons[].threshold"))
    suffixes = ("weights", "syn2_weights")[: 1 + second]
    into = [_columns(np.array(read(f"input.{name}"), np.int64), size) for name in suffixes]
    rec = [np.array(read(f"{hidden}.{name}"), np.int64) for name in suffixes]
    out = np.array(read("readout.weights"), np.int64)
    decays = [read(f"{hidden}.neurons[].{name}") for name in ("i_syn_decay", "i_syn2_decay")[: 1 + second]]
    arrays: dict[str, Any] = {
        "weights_in": np.stack(into, axis=2),
        "weights_rec": np.stack(rec, axis=2),
        "weights_out": np.concatenate([np.zeros((size - len(out), out.shape[1]), np.int64), out]),
        "dash_syn": np.stack([np.array(row, np.int64) for row in decays], axis=1),
        **{f"shift_{key}": int(read(f"{part}.weight_bit_shift")) for key, part in _parts(hidden)},
    }
    targets = read(f"{hidden}.neurons[].alias_target") if aliased else [None] * size
    arrays["alias"] = [NO_ALIAS if to is None else int(to) for to in targets]
    outputs = len(read("readout.neurons[].threshold"))
    for name, attribute in (("threshold", "threshold"), ("dash_mem", "v_mem_decay")):
        arrays[name] = read(f"{hidden}.neurons[].{attribute}")
        arrays[f"{name}_out"] = read(f"readout.neurons[].{attribute}")
    arrays["dash_syn_out"] = read("readout.neurons[].i_syn_decay")
    arrays["bias"] = read(f"{hidden}.neurons[].v_mem_bias") if biased else [0] * size
    arrays["bias_out"] = read("readout.neurons[].v_mem_bias") if biased else [0] * outputs
    return Core.made("v2", arrays)


def _parts(hidden: str) -> Iterator[tuple[str, str]]:
    yield from (("in", "input"), ("rec", hidden), ("out", "readout"))


def _columns(weights: Ints, size: int) -> Ints:
    return np.concatenate([weights, np.zeros((len(weights), size - weights.shape[1]), np.int64)], axis=1)
