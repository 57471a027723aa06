"""Sigma-delta layers of NetX files (neuron type ``SDNN``), as lava-dl 0.6.0 and lava-nc 0.10.0 run them.

An input layer becomes ``loihi.Delta``, a group with the key ``sigma_output`` (whatever it holds) ``loihi.Sigma``,
every other ``loihi.SigmaDelta``. Their spikes carry numbers, and the synapses behind them multiply by these.
"""

from __future__ import annotations

import numpy as np
from snnhub.findings import Finding, error, info, loss
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Origin, Port
from snnhub.ir.tensor import Array, smallest_integer

from snnhub_netx.document import Layer
from snnhub_netx.geometry import spread
from snnhub_netx.sigma_delta_group import DELTA, SDNN, SIGMA, SIGMA_DELTA
from snnhub_netx.sigma_delta_width import WORD, shift_of

MANTISSA = 20
"""Bits of a threshold or bias that are left in Lava's 32-bit words, which hold it times 4096."""


def problem(layer: Layer, graded: bool) -> Finding | None:
    """Why the neurons of a layer cannot stand where they are; ``graded``: the spikes into it carry numbers."""
    place = f"/layer/{layer.index}"
    dense = layer.kind in ("dense", "dense_rec")
    if layer.cell != SDNN:
        if not graded or not dense:
            return None
        message = "a dense layer of CUBA neurons behind sigma-delta neurons: sums beyond 32 bits cannot be held"
        return error("SNN-3122", place, message, remedy="Use neurons of one kind.")
    values = layer.neuron or {}
    if values.get("vThMant", np.zeros(())).size != 1 and _op(layer) != SIGMA:
        shape = str(list(values["vThMant"].shape))
        return error("SNN-3122", f"{place}/neuron/vThMant", "Lava fails on a threshold per neuron", old=shape)
    if _op(layer) == SIGMA and "bias" in layer.arrays:
        message = "Lava fails on the bias of a sigma output (TypeError)"
        return error("SNN-3122", f"{place}/bias", message, remedy="Leave it out: a sigma output has none.")
    if layer.kind == "dense_rec" and not graded:
        message = "Lava's recurrent synapse takes the numbers of these neurons for yes or no behind plain spikes"
        return error("SNN-3122", place, message, remedy="Put an input layer with SDNN neurons first.")
    return None


def _op(layer: Layer) -> str:
    if layer.kind == "input":
        return DELTA
    return SIGMA if "sigma_output" in (layer.neuron or {}) else SIGMA_DELTA


def add_neurons(builder: GraphBuilder, layer: Layer, source: Port, shape: tuple[int, ...]) -> Port:
    """Neurons of this shape behind ``source``. Returns their output."""
    op, place = _op(layer), f"/layer/{layer.index}"
    params = {}
    if op != SIGMA:
        threshold = (layer.neuron or {})["vThMant"].reshape(())
        params["vThMant"] = smallest_integer(_wrapped(builder, threshold, f"{place}/neuron/vThMant"))
    if op == SIGMA_DELTA:
        bias = _wrapped(builder, layer.arrays.get("bias", np.zeros((), np.int64)), f"{place}/bias")
        params["bias"] = smallest_integer(spread(bias, shape) if bias.any() else np.zeros((), np.int64))
    attributes = {} if op == DELTA else {"a_bits": _arriving(builder, layer)}
    origin = Origin("netx", "", place)
    return builder.node(layer.name, op, source, params=params, origin=origin, **attributes)


def _wrapped(builder: GraphBuilder, values: Array, place: str) -> Array:
    """Numbers as Lava's words have them once they are shifted by 12."""
    half = 1 << (MANTISSA - 1)
    wrapped = (values + half) % (2 * half) - half
    different = np.flatnonzero(wrapped != values)
    if different.size:
        old, new = (str(array.reshape(-1)[different[0]]) for array in (values, wrapped))
        message = f"Lava wraps the number to {MANTISSA} bits: it holds it times 4096 in {WORD}"
        builder.findings.append(loss("SNN-3123", place, message, old=old, new=new))
    return np.asarray(wrapped)


def _arriving(builder: GraphBuilder, layer: Layer) -> int:
    """Bits that sums keep. A finding where Lava overflows at several places, which one width cannot say."""
    if layer.kind == "conv":
        return WORD
    matrices = [layer.arrays[key] for key in ("weight", "weight_rec") if key in layer.arrays]
    whole = np.concatenate([matrix.reshape(-1) for matrix in matrices])
    apart = "delay" in layer.arrays or layer.kind == "dense_rec"
    if apart:
        message = "sums that leave 32 bits overflow in Lava in parts (per product or per synapse), here at the end"
        bound = f"equal up to sums of {2 ** (WORD - 1 - shift_of(whole))}"
        builder.findings.append(info("SNN-3125", f"/layer/{layer.index}/weight", message, new=bound))
    return WORD if apart else WORD - shift_of(whole)
