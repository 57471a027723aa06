"""The numbers of one Xylo core, as every reader, writer and kernel here uses them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from snnhub.ir.graph import Node
from snnhub.ir.tensor import Tensor, smallest_integer

Ints = NDArray[Any]
"""Arrays of int64."""
CAP_INPUT, CAP_HIDDEN, CAP_OUTPUT = 15, 31, 1
"""Events that a step takes per input channel, and spikes that a hidden and an output neuron give at most."""
LOW, HIGH = -(2**15), 2**15 - 1
"""Currents and membrane potentials have 16 bits."""
NO_ALIAS = -1
BIASES = ("bias", "bias_out")
"""Parameters that version 1 of the core does not have."""


@dataclass(frozen=True, eq=False)
class Core:
    """``version``: v1 or v2. Shapes, with I inputs, R hidden and O output neurons, S synapses per hidden neuron:

    ``weights_in`` (I, R, S), ``weights_rec`` (R, R, S), ``weights_out`` (R, O), rows are sources; ``threshold``,
    ``bias``, ``dash_mem``, ``alias`` (R,), ``dash_syn`` (R, S); ``threshold_out``, ``bias_out``,
    ``dash_mem_out``, ``dash_syn_out`` (O,); ``shift_in``, ``shift_rec``, ``shift_out`` 0-d. ``alias``: the
    neuron that gets this one's spikes as its own, or -1.
    """

    version: str
    weights_in: Ints
    weights_rec: Ints
    weights_out: Ints
    shift_in: Ints
    shift_rec: Ints
    shift_out: Ints
    threshold: Ints
    bias: Ints
    dash_mem: Ints
    dash_syn: Ints
    alias: Ints
    threshold_out: Ints
    bias_out: Ints
    dash_mem_out: Ints
    dash_syn_out: Ints

    @classmethod
    def of(cls, node: Node) -> Core:
        """The core that a node ``xylo.Core/1`` describes."""
        version = str(node.attribute["core"])
        arrays = {name: tensor.array.astype(np.int64) for name, tensor in node.params}
        if version == "v1":
            arrays["bias"] = np.zeros_like(arrays["threshold"])
            arrays["bias_out"] = np.zeros_like(arrays["threshold_out"])
        return cls(version, **arrays)

    @classmethod
    def made(cls, version: str, arrays: Mapping[str, Any]) -> Core:
        """From arrays of any integer dtype by name."""
        return cls(version, **{name: np.asarray(array).astype(np.int64) for name, array in arrays.items()})

    @cached_property
    def arrays(self) -> dict[str, Ints]:
        """Every array by name."""
        return {item.name: getattr(self, item.name) for item in fields(self) if item.name != "version"}

    def params(self) -> dict[str, Tensor]:
        """The parameters of the node, in the smallest dtypes that hold them."""
        skipped = BIASES if self.version == "v1" else ()
        return {name: smallest_integer(array) for name, array in self.arrays.items() if name not in skipped}

    @property
    def inputs(self) -> int:
        """Input channels."""
        return int(self.weights_in.shape[0])

    @property
    def hidden(self) -> int:
        """Hidden neurons."""
        return int(self.weights_rec.shape[0])

    @property
    def outputs(self) -> int:
        """Output neurons."""
        return int(self.weights_out.shape[1])

    @property
    def synapses(self) -> int:
        """Synapses of a hidden neuron."""
        return int(self.weights_in.shape[2])


def wrap16(values: Ints) -> Ints:
    """The lowest 16 bits, read as a signed number."""
    return ((values - LOW) & 0xFFFF) + LOW


def saturated(values: Ints) -> Ints:
    """Clipped to 16 bits."""
    return np.minimum(np.maximum(values, LOW), HIGH)


def leak(values: Ints, dash: Ints) -> Ints:
    """What decays in a step: ``values >> dash``, rounded down, and at least 1 of what is above 0."""
    part = values >> dash
    least: Ints = (part == 0) & (values > 0)
    return np.asarray(part + least)
