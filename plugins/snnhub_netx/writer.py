"""Graph to NetX file, in the types and shapes that Lava-DL's own blocks write."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
from snnhub.errors import UnsupportedError
from snnhub.files import replacing
from snnhub.findings import Finding, Severity, error, loss, note, of_severity
from snnhub.ir.graph import Graph, Node
from snnhub.ir.tensor import Array

from snnhub_netx import sigma_delta_group, sigma_delta_width
from snnhub_netx.chain import Block, Chain, FlattenBlock, LayerBlock
from snnhub_netx.complex_block import ComplexBlock, check_resonators, write_complex
from snnhub_netx.delays import compact, merge
from snnhub_netx.lint import writing
from snnhub_netx.packing import LOWEST, survives
from snnhub_netx.records import make_records

BIAS_LIMIT = 2**15
THRESHOLD_LIMIT = 2**17
CONV_RANGE = (-256, 254)


def export_netx(graph: Graph, path: Path) -> Sequence[Finding]:
    """Write a graph that the arrange passes have prepared. Returns what cannot be said in NetX.

    Raises ``UnsupportedError`` with every reason and writes nothing if the graph does not fit the format.
    """
    chain = Chain(graph)
    findings = [*chain.findings]
    if not findings:
        findings += _check_inputs(graph)
        for index, block in chain.numbered():
            findings += check_block(index, block)
        findings += writing(graph)
    errors = of_severity(findings, Severity.ERROR)
    if errors:
        raise UnsupportedError(
            f"cannot be written as NetX: {errors[0].message}",
            where=errors[0].place,
            remedy=errors[0].remedy,
            findings=findings,
        )
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver="earliest") as file:
        layers = file.create_group("layer")
        for index, block in chain.numbered():
            _write_block(layers.create_group(str(index)), block)
        file.create_group("snnhub").create_dataset(
            "record", data=make_records(graph), dtype=h5py.string_dtype("ascii")
        )
    with replacing(path) as out:
        out.write(buffer.getvalue())
    return findings


def _check_inputs(graph: Graph) -> list[Finding]:
    return [
        note(
            "SNN-4104",
            item.id,
            "NetX does not say that one frame is held: show it in every step",
            old=f"held for {item.hold} steps",
            bound="kept beside the network, where snnhub finds it",
        )
        for item in graph.inputs
        if item.hold
    ]


def check_block(index: int, block: Block) -> list[Finding]:
    """What NetX, or Lava's reader, cannot take of this block."""
    found: list[Finding] = []
    wanted = {f"layer{index}{suffix}" for suffix, _ in block.nodes}
    for _, node in block.nodes:
        if node.id not in wanted:
            found.append(
                error(
                    "SNN-4101", node.id, "node is not named as NetX names layers", remedy="Convert with --to netx."
                )
            )
    if isinstance(block, ComplexBlock):
        found += check_resonators(block.neuron)
    elif not isinstance(block, FlattenBlock) and block.neuron is not None:
        graded = block.neuron.op in sigma_delta_group.NEURONS
        found += sigma_delta_group.check_neuron(block.neuron) if graded else _check_neuron(block.neuron)
    if isinstance(block, LayerBlock | ComplexBlock):
        found += _check_synapse(block)
    if isinstance(block, LayerBlock):
        found += sigma_delta_width.check_block(block)
    return found


def _check_neuron(neuron: Node) -> list[Finding]:
    found: list[Finding] = []
    if neuron.attribute["reset_interval"]:
        found.append(
            loss(
                "SNN-4104",
                neuron.id,
                "NetX does not say when neurons are reset",
                old=f"every {neuron.attribute['reset_interval']} steps",
                remedy="Pass reset_interval to the reader of the file.",
            )
        )
    for name in ("iDecay", "vDecay", "bias"):
        shape = neuron.param[name].shape
        if sum(size > 1 for size in shape[1:]):
            found.append(
                error("SNN-4101", f"{neuron.id}/{name}", "NetX has one value per channel, not per position")
            )
    if neuron.param["vThMant"].shape:
        found.append(error("SNN-4101", f"{neuron.id}/vThMant", "NetX has one threshold per layer"))
    if neuron.param["vThMant"].statistics.max >= THRESHOLD_LIMIT:
        found.append(
            loss(
                "SNN-4105",
                f"{neuron.id}/vThMant",
                "threshold beyond the 17 bits of the chip",
                old=str(neuron.param["vThMant"].statistics.max),
                bound=f"< {THRESHOLD_LIMIT}",
            )
        )
    return found


def _check_synapse(block: LayerBlock | ComplexBlock) -> list[Finding]:
    check = _check_conv if block.kind == "conv" else _check_dense
    found = [finding for synapse in block.synapses for finding in check(synapse)]
    if found or block.kind == "conv":
        return found
    nodes = {node.id: node for _, node in block.nodes}
    return [
        error(
            "SNN-4102",
            f"{name}/weight",
            "Lava's weight packing would change these weights",
            old=str(nodes[name].param["weight"].type),
            remedy=f"Even weights in {LOWEST} .. 254, not all of one negative sign.",
        )
        for name, weight, back in block.matrices(nodes)
        if not survives(weight, back)
    ]


def _check_any(synapse: Node) -> list[Finding]:
    weight = synapse.param["weight"]
    if not weight.type.is_int:
        return [error("SNN-4101", f"{synapse.id}/weight", "weights must be integers", old=str(weight.type))]
    if synapse.attribute["bias"]:
        return [error("SNN-4101", synapse.id, "NetX has its bias in the neuron")]
    return []


def _check_dense(synapse: Node) -> list[Finding]:
    found = _check_any(synapse)
    if synapse.attribute["accumulate"] != "exact" or synapse.attribute["shift"]:
        found.append(error("SNN-4101", synapse.id, "a NetX dense synapse sums exactly and does not shift"))
    return found


def _check_conv(synapse: Node) -> list[Finding]:
    found, weight = _check_any(synapse), synapse.param["weight"]
    if synapse.attribute["accumulate"] != "wrap24" or len(weight.shape) != 4:
        found.append(error("SNN-4101", synapse.id, "a NetX convolution is 2-d and wraps its sums to 24 bits"))
    if weight.type.is_int and (weight.statistics.min < CONV_RANGE[0] or weight.statistics.max > CONV_RANGE[1]):
        found.append(
            loss(
                "SNN-4105",
                f"{synapse.id}/weight",
                "weights beyond the 8 bits of the chip",
                old=str(weight.type),
                bound=f"{CONV_RANGE[0]} .. {CONV_RANGE[1]}",
            )
        )
    return found


def _write_block(group: h5py.Group, block: Block) -> None:
    group.create_dataset("type", data=np.array([block.kind], dtype="S10"))
    if isinstance(block, FlattenBlock):
        group["shape"] = np.array([block.size], np.int64)
        return
    if isinstance(block, ComplexBlock):
        write_complex(group, block)
        return
    if isinstance(block, LayerBlock):
        _write_synapse(group, block)
    else:
        group["shape"] = np.array(block.shape, np.int64)
    if block.neuron is not None:
        write = sigma_delta_group.write_neuron if block.neuron.op in sigma_delta_group.NEURONS else _write_neuron
        write(group.create_group("neuron"), block.neuron)
        bias = block.neuron.param.get("bias")
        if bias is not None and bias.array.any():
            group["bias"] = bias.array.astype(np.float32).reshape(-1)


def _write_synapse(group: h5py.Group, block: LayerBlock) -> None:
    weight, delay = merge(block.parts())
    group["shape"] = np.array(block.shape, np.int64)
    group["weight"] = weight.astype(np.float32)
    if any(block.delays):
        group["delay"] = compact(weight, delay).astype(np.float32)
    if block.recurrent is not None:
        group["weight_rec"] = block.recurrent.param["weight"].array.astype(np.float32)
    if block.kind == "conv":
        _write_geometry(group, block.synapse, weight)
    else:
        group["inFeatures"], group["outFeatures"] = np.int64(weight.shape[1]), np.int64(weight.shape[0])


def _write_geometry(group: h5py.Group, synapse: Node, weight: Array) -> None:
    groups = synapse.integer("groups")
    group["inChannels"], group["outChannels"] = np.int64(weight.shape[1] * groups), np.int64(weight.shape[0])
    group["kernelSize"] = np.array(weight.shape[2:], np.int64)
    for name in ("stride", "padding", "dilation"):
        group[name] = np.array(synapse.integers(name), np.int64)
    group["groups"] = np.int64(groups)


def _write_neuron(group: h5py.Group, neuron: Node) -> None:
    group.create_dataset("type", data="CUBA", dtype=h5py.string_dtype("ascii"))
    for name in ("iDecay", "vDecay", "vThMant"):
        values = neuron.param[name].array.astype(np.int64)
        group[name] = values.reshape(-1) if values.ndim else np.int64(values)
    group["refDelay"] = np.int64(1)
    group["gradedSpike"] = np.bool_(False)
