"""A complex dense layer of a file as nodes: two synapses driven by the same spikes, and resonators behind them."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from snnhub.ir.graph import Port
from snnhub.ir.tensor import smallest_integer

from snnhub_netx import resonate
from snnhub_netx.packed import packed

if TYPE_CHECKING:
    from snnhub_netx.build import Build
    from snnhub_netx.document import Layer


def complex_layer(build: Build, layer: Layer, source: Port) -> Port | None:
    """Add the nodes; the port of the spikes, or None where the layer does not fit and ``error`` findings say so.

    Both matrices are packed by themselves, each with its own shift, as Lava-DL's reader does.
    """
    if build.graded:
        build.fail(layer, "resonators behind sigma-delta neurons are not held", code="SNN-3122")
        return None
    size, values = prod(layer.shape), layer.neuron
    real, imag = resonate.matrices(layer.arrays, layer.shape)
    if real.shape != imag.shape or real.shape != (size, *build.shape):
        build.fail(
            layer,
            "weight does not fit",
            old=f"{list(real.shape)}, {list(imag.shape)}",
            new=str([size, *build.shape]),
        )
        return None
    problem = resonate.per_neuron(values, size) if values else "no neurons"
    if values is None or problem:
        build.fail(layer, f"decays do not fit: {problem}", code="SNN-3134")
        return None
    weights = {f"weight/{part}": weight for part, weight in zip(resonate.PARTS, (real, imag), strict=True)}
    parts = packed(f"/layer/{layer.index}", weights, build.builder.findings)
    sources = {
        f"a_{name}": build.matrix_node(layer, f"synapse_{name}", part, source, 1)
        for name, part in zip(resonate.PARTS, parts, strict=True)
    }
    build.shape = (size,)
    params = {
        key: smallest_integer(value.reshape(()) if value.size == 1 else value) for key, value in values.items()
    }
    op = resonate.op_of(layer.cell or "")
    return build.builder.node(layer.name, op, sources, params=params, origin=build.origin(layer))
