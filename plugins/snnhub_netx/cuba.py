"""CUBA neurons of a layer, with what Lava's reader puts in place of what the file leaves out."""

from __future__ import annotations

import numpy as np
from snnhub.findings import info, loss
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Origin, Port
from snnhub.ir.tensor import Array, smallest_integer

from snnhub_netx.document import NO_NEURON, Layer
from snnhub_netx.geometry import spread


def add_cuba(builder: GraphBuilder, layer: Layer, source: Port, shape: tuple[int, ...]) -> Port:
    """Neurons of this shape behind ``source``. Returns their output."""
    if layer.neuron is None:
        builder.findings.append(
            info(
                "SNN-3109",
                f"/layer/{layer.index}",
                "no neuron group: a non-leaky integrator, as Lava's reader has it",
                new=", ".join(f"{key} {value}" for key, value in NO_NEURON.items()),
            )
        )
    values = layer.neuron or {key: np.asarray(value) for key, value in NO_NEURON.items()}
    params = {key: smallest_integer(spread(value, shape)) for key, value in values.items()}
    params["bias"] = smallest_integer(_bias(builder, layer, shape))
    return builder.node(
        layer.name,
        "loihi.CubaLIF",
        source,
        params=params,
        origin=Origin("netx", "", f"/layer/{layer.index}"),
        reset_interval=0,
        reset_offset=0,
    )


def _bias(builder: GraphBuilder, layer: Layer, shape: tuple[int, ...]) -> Array:
    bias = layer.arrays.get("bias")
    if bias is None or not np.any(bias):
        return np.zeros((), np.int64)
    wrapped = bias.astype(np.int16).astype(np.int64)
    if np.any(wrapped != bias):
        first = int(np.argmax(wrapped.reshape(-1) != bias.reshape(-1)))
        builder.findings.append(
            loss(
                "SNN-3112",
                f"/layer/{layer.index}/bias",
                "Lava wraps the bias to 16 bits",
                old=str(bias.reshape(-1)[first]),
                new=str(wrapped.reshape(-1)[first]),
            )
        )
    return spread(wrapped, shape)
