"""The neuron group of sigma-delta layers (type ``SDNN``) in NetX files: read, checked and written.

Keys as lava-dl 0.6.0 writes them: ``type``, ``activation``, ``vThMant``, and ``sigma_output`` for a sigma output.
"""

from __future__ import annotations

import h5py
import numpy as np
from snnhub.errors import FormatError
from snnhub.findings import Finding, error, info, loss
from snnhub.ir.graph import Node
from snnhub.ir.tensor import Array, tensor

from snnhub_netx.hdf5 import integers, text

SDNN = "SDNN"
DELTA, SIGMA_DELTA, SIGMA = "loihi.Delta", "loihi.SigmaDelta", "loihi.Sigma"
NEURONS = (DELTA, SIGMA_DELTA, SIGMA)
RELU = "relu"
NUMBERS = frozenset({"vThMant", "sigma_output"})
KEYS = NUMBERS | {"type", "activation"}
STATE_LIMIT = 2**11
"""A threshold or bias from here on, times 4096, is beyond the 24 bits that the models give for their states."""


def read_neuron(group: h5py.Group, place: str, is_input: bool, findings: list[Finding]) -> dict[str, Array] | None:
    """Numbers of an SDNN group; what is wrong with it becomes ``error`` findings."""
    if "messageBits" in group:
        message = "Lava's reader fails on this key of a sigma-delta layer (TypeError), and so does the whole file"
        findings.append(error("SNN-3121", f"{place}/messageBits", message, remedy="Delete it: 16 is the default."))
    _activation(group, place, findings)
    ignored = sorted(set(group) - {*KEYS, "messageBits"})
    findings += [info("SNN-3105", f"{place}/{key}", "is ignored, as Lava does") for key in ignored]
    before = len(findings)
    arrays: dict[str, Array] = {}
    for key in sorted(NUMBERS & set(group)):
        where = f"{place}/{key}"
        if not isinstance(group[key], h5py.Dataset):
            findings.append(error("SNN-3101", where, "is a group where a number belongs"))
            continue
        try:
            arrays[key] = integers(group[key], where)
        except FormatError as problem:
            found = error("SNN-3104", problem.where, problem.message, old=problem.found, remedy=problem.allowed)
            findings.append(found)
    if len(findings) > before:
        return None
    sigma = "sigma_output" in arrays and not is_input
    if not sigma and "vThMant" not in arrays:
        findings.append(error("SNN-3101", place, "neuron lacks vThMant"))
        return None
    if sigma and np.any(arrays.get("vThMant", 0)):
        findings.append(
            info("SNN-3105", f"{place}/vThMant", "a sigma output has no threshold: ignored, as Lava does")
        )
    return arrays


def _activation(group: h5py.Group, place: str, findings: list[Finding]) -> None:
    item = group.get("activation")
    if item is None:
        return
    where = f"{place}/activation"
    try:
        name = text(item, where) if isinstance(item, h5py.Dataset) else "(a group)"
    except FormatError as problem:
        findings.append(error("SNN-3101", where, problem.message, old=problem.found))
        return
    if name != RELU:
        message = "Lava's reader ignores the activation: it computes a ReLU, and so does this network"
        findings.append(loss("SNN-3120", where, message, old=name, new=RELU))


def check_neuron(neuron: Node) -> list[Finding]:
    """What NetX, or Lava's reader, cannot take of these neurons, and what is beyond the chip."""
    found: list[Finding] = []
    if "vThMant" in neuron.param and neuron.param["vThMant"].shape:
        found.append(error("SNN-4101", f"{neuron.id}/vThMant", "NetX has one threshold per layer"))
    if "bias" in neuron.param and sum(size > 1 for size in neuron.param["bias"].shape[1:]):
        found.append(error("SNN-4101", f"{neuron.id}/bias", "NetX has one bias per channel, not per position"))
    for name, value in neuron.params:
        statistics = value.statistics
        if max(statistics.max, -statistics.min) >= STATE_LIMIT:
            message = "number beyond the 24 bits of the chip's states, which hold it times 4096"
            worst = max(abs(statistics.max), abs(statistics.min))
            found.append(
                loss("SNN-4105", f"{neuron.id}/{name}", message, old=f"{worst:g}", bound=f"< {STATE_LIMIT}")
            )
    return found


def write_neuron(group: h5py.Group, neuron: Node) -> None:
    """The group in the types that lava-dl's blocks write."""
    kind = h5py.string_dtype("ascii")
    group.create_dataset("type", data=SDNN, dtype=kind)
    group.create_dataset("activation", data=RELU, dtype=kind)
    threshold = neuron.param.get("vThMant", tensor(0, "int8")).array
    group["vThMant"] = np.int64(threshold.reshape(()))
    if neuron.op == SIGMA:
        group["sigma_output"] = np.bool_(True)
