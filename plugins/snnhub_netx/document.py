"""A NetX file as plain data: layers with integer arrays, checked one by one, all problems collected.

Format facts from lava-dl 0.6.0 (``netx/hdf5.py`` and the blocks' ``export_hdf5``): layers ``/layer/<i>``
numbered without gaps, ``type`` a string, numbers as int64 or as float32 that hold integers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import h5py
import numpy as np
from snnhub.errors import FormatError
from snnhub.findings import Finding, error, info, loss
from snnhub.ir.tensor import Array

from snnhub_netx import sigma_delta_group
from snnhub_netx.hdf5 import integers, text, truncated
from snnhub_netx.lint import IGNORED, ignored
from snnhub_netx.ranks import rank_problems
from snnhub_netx.resonate import OWN_NAMES, check_layer, complex_weights, read_neuron, resonates

CUBA_NAMES = ("CUBA", "LOIHI")
NEURON_KEYS = ("iDecay", "vDecay", "vThMant")
NO_NEURON = {"iDecay": 0, "vDecay": 4096, "vThMant": 1 << 17}
"""What Lava-DL's reader uses for a dense layer without a neuron group."""
REFUSED = {
    "pool": "Lava's reader has no pooling layer; sum pooling can be written as a grouped convolution",
    "convT": "Lava's reader has no transposed convolution",
    "unpool": "Lava's reader has no unpooling layer",
    "average": "Lava's reader has no averaging layer; the decoder is not part of the network "
    "(leave it out as one does there: --option num_layers=N)",
    "concat": "Lava's reader has no concatenation",
    "dense_comp": "Lava's reader fails on this layer type",
    "KWTA": "Lava's reader has no competing neurons, and lava-dl writes nothing of them",
}
FAILING = {"ALIF": "is one that Lava's reader fails on (AttributeError): it has no adaptive CUBA neuron"}
"""Neuron types of lava-dl without a model in Lava's reader."""
CONV_KEYS = ("stride", "padding", "dilation", "groups")
KNOWN = ("input", "dense", "dense_rec", "conv", "flatten")


@dataclass
class Layer:
    """One ``/layer/<index>``. ``arrays`` holds every numeric dataset as int64, ``neuron`` those of the group,
    ``cell`` the type that the group names.
    """

    index: int
    kind: str
    arrays: dict[str, Array] = field(default_factory=dict)
    neuron: dict[str, Array] | None = None
    cell: str | None = None

    @property
    def name(self) -> str:
        return f"layer{self.index}"

    @property
    def complex(self) -> bool:
        """Whether it has complex weights, which belong to resonators."""
        return "weight/real" in self.arrays

    @property
    def shape(self) -> tuple[int, ...]:
        """Declared shape in file order (C, H, W) or (N,); old files write dense layers as (N, 1, 1)."""
        return tuple(int(size) for size in np.atleast_1d(self.arrays["shape"]))


@dataclass
class Document:
    """All layers in order, with what was noticed. ``records``: the JSON text that snnhub keeps in a file.
    ``left_out``: the types of layers that were not asked for.
    """

    layers: list[Layer] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    records: str | None = None
    left_out: tuple[str, ...] = ()


def parse(file: h5py.File, where: str, num_layers: int = 0) -> Document:
    """Read and check every layer. Raises ``FormatError`` if the file is not NetX at all; what is wrong inside
    it becomes ``error`` findings, so that all of it is reported at once.

    ``num_layers``: read only so many layers, as Lava's reader can; 0 for all of them.
    """
    root = file.get("layer")
    if not isinstance(root, h5py.Group):
        raise FormatError("not a NetX file: no group /layer", where=where)
    document = Document()
    names = list(root)
    wanted = [str(number) for number in range(len(names))]
    if not names or sorted(names) != sorted(wanted):
        found = ", ".join(sorted(names, key=lambda name: (len(name), name))) or "nothing"
        raise FormatError(
            "layers must be numbered 0, 1, 2 … without gaps",
            where=f"{where}:/layer",
            found=found,
            allowed=f"0 .. {max(len(names) - 1, 0)}",
        )
    for index, name in enumerate(wanted[: num_layers or None]):
        group = root[name]
        place = f"/layer/{name}"
        if not isinstance(group, h5py.Group):
            document.findings.append(error("SNN-3101", place, "is not a group"))
            continue
        layer = _layer(index, group, place, document.findings)
        if layer is not None:
            document.layers.append(layer)
    if num_layers and wanted[num_layers:]:
        _leave_out(document, [root[name] for name in wanted[num_layers:]], num_layers)
    record = file.get("snnhub/record")
    if isinstance(record, h5py.Dataset):
        document.records = text(record, f"{where}:/snnhub/record")
    return document


def _leave_out(document: Document, groups: list[object], first: int) -> None:
    kinds = [group.get("type") if isinstance(group, h5py.Group) else None for group in groups]
    names = [text(item, "type") if isinstance(item, h5py.Dataset) else "(no type)" for item in kinds]
    document.left_out = tuple(names)
    told = f"layers from {first} on were left out, as asked for: {', '.join(names)}"
    document.findings.append(info("SNN-3141", f"/layer/{first}", told))


def _layer(index: int, group: h5py.Group, place: str, findings: list[Finding]) -> Layer | None:
    kind_item = group.get("type")
    if not isinstance(kind_item, h5py.Dataset):
        findings.append(error("SNN-3101", place, "layer has no type", remedy=f"Known types: {', '.join(KNOWN)}."))
        return None
    kind = text(kind_item, f"{place}/type")
    if kind not in KNOWN:
        reason = REFUSED.get(kind, "Lava's reader skips unknown layers without a word; this one refuses them")
        findings.append(
            error("SNN-3102", place, f"layer type {kind!r}: {reason}", remedy=f"Known: {', '.join(KNOWN)}.")
        )
        return None
    layer = Layer(index, kind)
    layer.arrays = _arrays(group, place, findings, skip=("type", "neuron"))
    neuron = group.get("neuron")
    if isinstance(neuron, h5py.Group):
        layer.cell = _cell(neuron, f"{place}/neuron")
        layer.neuron = _neuron(neuron, layer, f"{place}/neuron", findings)
    findings += check_layer(kind, layer.arrays, layer.cell, place)
    _required(layer, place, findings)
    findings += rank_problems(kind, layer.arrays, place)
    return layer


def _arrays(group: h5py.Group, place: str, findings: list[Finding], skip: tuple[str, ...]) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    for name, item in group.items():
        where = f"{place}/{name}"
        if name in skip:
            continue
        if name == "weight" and isinstance(item, h5py.Group):
            arrays |= complex_weights(item, where, findings)
        elif isinstance(item, h5py.Group):
            findings.append(error("SNN-3101", where, "is a group where numbers belong"))
        elif name in IGNORED:
            continue
        else:
            try:
                arrays[name] = delays(item, where, findings) if name == "delay" else integers(item, where)
            except FormatError as problem:
                findings.append(
                    error("SNN-3104", problem.where, problem.message, old=problem.found, remedy=problem.allowed)
                )
    return arrays


def delays(item: h5py.Dataset, where: str, findings: list[Finding]) -> Array:
    """Delays as whole steps. Fractions are cut off, as Lava's reader does (``astype(int)``), and reported."""
    whole, fractions, first = truncated(item, where)
    if fractions:
        message = f"Lava cuts {fractions} of {whole.size} delays down to whole steps"
        findings.append(loss("SNN-3115", where, message, old=f"{first:g}", new=str(int(first))))
    return whole


def _cell(group: h5py.Group, place: str) -> str:
    item = group.get("type")
    return text(item, f"{place}/type") if isinstance(item, h5py.Dataset) else "(missing)"


def _neuron(group: h5py.Group, layer: Layer, place: str, findings: list[Finding]) -> dict[str, Array] | None:
    kind = layer.cell or ""
    if kind == sigma_delta_group.SDNN:
        return sigma_delta_group.read_neuron(group, place, layer.kind == "input", findings)
    if resonates(kind):
        findings += ignored(group, kind, place)
        return read_neuron(group, kind, place, findings)
    if kind not in CUBA_NAMES:
        held = ", ".join((*CUBA_NAMES, sigma_delta_group.SDNN, *OWN_NAMES.values()))
        reason = FAILING.get(kind, "is not held")
        findings.append(error("SNN-3103", place, f"neuron type {kind} {reason}", remedy=f"Held: {held}."))
        return None
    findings += ignored(group, kind, place)
    arrays = _arrays(group, place, findings, skip=("type", "activation"))
    missing = [key for key in NEURON_KEYS if key not in arrays]
    if missing and not any(f.place.startswith(place) for f in findings if f.code == "SNN-3104"):
        findings.append(error("SNN-3101", place, f"neuron lacks {', '.join(missing)}"))
    return {key: arrays[key] for key in NEURON_KEYS if key in arrays}


def _given(layer: Layer, key: str) -> bool:
    """Whether the file has it; a complex layer needs no other weights."""
    return key in layer.arrays or ("weight/real" in layer.arrays and key.startswith("weight"))


def _required(layer: Layer, place: str, findings: list[Finding]) -> None:
    needed: Mapping[str, tuple[str, ...]] = {
        "input": ("shape",),
        "dense": ("shape", "weight"),
        "dense_rec": ("shape", "weight", "weight_rec"),
        "conv": ("shape", "weight", *CONV_KEYS),
        "flatten": (),
    }
    broken = {finding.place for finding in findings if finding.place.startswith(f"{place}/")}
    findings += [
        error("SNN-3101", place, f"{layer.kind} layer lacks {key}")
        for key in needed[layer.kind]
        if not _given(layer, key) and not any(item.startswith(f"{place}/{key}") for item in broken)
    ]
    if (
        layer.kind == "conv"
        and layer.neuron is None
        and not any(item.startswith(f"{place}/neuron") for item in broken)
    ):
        findings.append(error("SNN-3101", place, "conv layer lacks a neuron group, which Lava's reader needs"))
    if layer.kind == "conv" and "delay" in layer.arrays and np.any(layer.arrays.pop("delay")):
        findings.append(
            loss("SNN-3106", f"{place}/delay", "Lava's reader ignores delays of convolutions; so does this one")
        )
