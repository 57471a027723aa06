"""Layers to nodes. Every synapse costs one step, which sits on the edge into it.

Where Lava computes with other weights than the file holds (see ``packing``), the graph has Lava's, and a
finding says so.
"""

from __future__ import annotations

from math import prod
from pathlib import Path

import numpy as np
from snnhub.api.options import ImportOptions, InputShapeMissingError
from snnhub.findings import error, info
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Origin, Port
from snnhub.ir.numtype import SPIKE, signed
from snnhub.ir.tensor import Array, smallest_integer

from snnhub_netx import resonate, sigma_delta
from snnhub_netx.complex_layer import complex_layer
from snnhub_netx.cuba import add_cuba
from snnhub_netx.delays import lava_delays, split
from snnhub_netx.document import Document, Layer
from snnhub_netx.geometry import conv_input, conv_output, matrix, pair
from snnhub_netx.packed import packed
from snnhub_netx.packing import Effective
from snnhub_netx.sigma_delta_group import SDNN

INPUT_TRANSFORM = "offered by Lava's reader as an input transform and not applied by it, nor here"


class Build:
    """Walks the layers once and adds their nodes."""

    def __init__(self, document: Document, options: ImportOptions, path: Path) -> None:
        self.document = document
        self.path = path
        self.options = options
        self.builder = GraphBuilder(path.stem, options.lookup)
        self.builder.findings += document.findings
        self.shape: tuple[int, ...] = ()
        self.port: Port | None = None
        self.flattened = False
        self.graded = False

    def walk(self) -> None:
        """Add the nodes of every layer; what does not fit becomes an ``error`` finding of the builder."""
        for layer in self.document.layers:
            getattr(self, f"_{layer.kind}")(layer)
        last = self.document.layers[-1]
        if self.flattened:
            self.fail(last, "a flatten layer must be followed by a dense layer")
        if not self.builder.nodes:
            self.fail(last, "file has no layer with neurons")
        elif self.port is not None:
            self.builder.output(self.port)

    def fail(self, layer: Layer, message: str, code: str = "SNN-3107", **details: str) -> None:
        self.builder.findings.append(error(code, f"/layer/{layer.index}", message, **details))

    def _start(self, shape: tuple[int, ...]) -> Port:
        self.shape = shape
        return self.builder.input(shape, SPIKE)

    def _source(self, layer: Layer) -> Port:
        """Where the layer's input comes from; the graph input is declared when the first layer asks."""
        if self.port is None:
            self.port = self._start(self._input_shape(layer))
        return self.port

    def _input_shape(self, layer: Layer) -> tuple[int, ...]:
        if self.options.input_shape is not None:
            return self.options.input_shape
        if layer.kind != "conv":
            whole = resonate.matrices(layer.arrays, layer.shape)[0] if layer.complex else matrix(layer, "weight")
            return (prod(whole.shape[1:]),)
        size = conv_input(layer)
        if size is not None:
            self.builder.findings.append(
                info("SNN-3109", "input", "input shape worked out from the first layer", new=str(list(size)))
            )
            return size
        raise InputShapeMissingError(
            "the file does not say how large its input is",
            where=f"{self.path}:/layer/{layer.index}",
            found="a convolution first, and no input layer",
            remedy="Pass --input-shape C,H,W",
            rank=3,
        )

    def _input(self, layer: Layer) -> None:
        if self.port is not None or self.shape:
            self.fail(layer, "an input layer must come first")
            return
        shape = layer.shape
        if layer.neuron is None:
            self.port = self._start(shape)
            return
        self.shape = shape
        self._input_transform(layer)
        source = self.builder.input(shape, signed(32))
        layer.arrays.pop("bias", None)
        self.port = self._neuron(layer, source, shape)

    def _input_transform(self, layer: Layer) -> None:
        for key in ("weight", "bias"):
            given = layer.arrays.get(key)
            if given is None:
                continue
            if given.size != 1:
                self.fail(
                    layer,
                    f"the {key} of an input layer is one number in Lava's reader",
                    old=f"shape {list(given.shape)}",
                )
                continue
            place = f"/layer/{layer.index}/{key}"
            self.builder.findings.append(info("SNN-3105", place, INPUT_TRANSFORM, old=str(given.reshape(-1)[0])))

    def _flatten(self, layer: Layer) -> None:
        if self.flattened or len(self.shape) < 1:
            self.fail(layer, "a flatten layer needs a layer before it and a dense layer after it")
            return
        source = self._source(layer)
        origin = self.origin(layer)
        self.port = self.builder.node(
            layer.name, "core.Flatten", source, start=0, end=len(self.shape) - 1, origin=origin
        )
        self.shape = (prod(self.shape),)
        self.flattened = True

    def _dense(self, layer: Layer) -> None:
        source = self._source(layer)
        if len(self.shape) > 1:
            self.fail(
                layer,
                "a dense layer after a spatial one needs a flatten layer between them",
                old=str(list(self.shape)),
            )
            return
        self.flattened = False
        if layer.complex:
            self.port = complex_layer(self, layer, source)
            return
        weight = matrix(layer, "weight")
        if weight.shape != (prod(layer.shape), self.shape[0]):
            self.fail(
                layer,
                "weight does not fit",
                old=str(list(weight.shape)),
                new=str([prod(layer.shape), *self.shape]),
            )
            return
        recurrent = matrix(layer, "weight_rec") if layer.kind == "dense_rec" else None
        if recurrent is not None and recurrent.shape != (weight.shape[0],) * 2:
            self.fail(layer, "weight_rec does not fit", old=str(list(recurrent.shape)))
            return
        delay = self._delay(layer, *weight.shape)
        place = f"/layer/{layer.index}"
        whole, *rest = packed(place, {"weight": weight}, self.builder.findings, recurrent)
        parts = split(whole.weight, delay)
        synapses = [
            self.matrix_node(
                layer,
                "synapse" if len(parts) == 1 else f"synapse_d{steps}",
                Effective(part, whole.shift),
                source,
                1 + steps,
            )
            for steps, part in parts
        ]
        self.shape = (weight.shape[0],)
        self.port = self._neuron(layer, synapses[0], self.shape)
        for synapse in synapses[1:]:
            self.builder.edge(synapse, Port(layer.name, "a"))
        for part in rest:
            back = self.matrix_node(layer, "synapse_rec", part, self.port, 1)
            self.builder.edge(back, Port(layer.name, "a"))

    _dense_rec = _dense

    def _delay(self, layer: Layer, outputs: int, inputs: int) -> Array:
        """Delays (out, in) as Lava has them; where they cannot be had, an ``error`` finding and zeros."""
        place = f"/layer/{layer.index}"
        delay = layer.arrays.get("delay", np.zeros((), np.int64))
        recurrent = layer.kind == "dense_rec" and "delay" in layer.arrays
        whole, findings = lava_delays(delay, (outputs, inputs), recurrent, place)
        self.builder.findings += findings
        return whole

    def matrix_node(self, layer: Layer, name: str, part: Effective, source: Port, delay: int) -> Port:
        return self.builder.node(
            f"{layer.name}/{name}",
            "core.Dense",
            source,
            params={"weight": smallest_integer(part.weight)},
            origin=self.origin(layer),
            delay=delay,
            bias=False,
            accumulate="exact",
            shift=part.shift,
        )

    def _conv(self, layer: Layer) -> None:
        source = self._source(layer)
        weight = layer.arrays["weight"]
        if weight.ndim == 5 and weight.shape[4] == 1:
            weight = weight[..., 0]
        if weight.ndim != 4 or len(self.shape) != 3:
            self.fail(
                layer,
                "a convolution needs weight (O, I, kH, kW) and input (C, H, W)",
                old=f"{list(weight.shape)}, {list(self.shape)}",
            )
            return
        made = conv_output(layer, weight.shape, self.shape)
        if made != layer.shape:
            self.fail(
                layer,
                "the convolution does not have the shape that the file declares",
                old=str(list(layer.shape)),
                new=f"{list(made) if made else 'nothing fits'} from input {list(self.shape)}",
            )
            return
        synapse = self.builder.node(
            f"{layer.name}/synapse",
            "core.Conv",
            source,
            params={"weight": smallest_integer(weight)},
            origin=self.origin(layer),
            delay=1,
            bias=False,
            accumulate="wrap24",
            stride=pair(layer.arrays["stride"]),
            padding=pair(layer.arrays["padding"]),
            dilation=pair(layer.arrays["dilation"]),
            groups=int(layer.arrays["groups"].reshape(-1)[0]),
        )
        self.shape = layer.shape
        self.port = self._neuron(layer, synapse, self.shape)

    def _neuron(self, layer: Layer, source: Port, shape: tuple[int, ...]) -> Port:
        misplaced = sigma_delta.problem(layer, self.graded)
        if misplaced is not None:
            self.builder.findings.append(misplaced)
            return source
        self.graded = layer.cell == SDNN
        add = sigma_delta.add_neurons if self.graded else add_cuba
        return add(self.builder, layer, source, shape)

    def origin(self, layer: Layer) -> Origin:
        return Origin("netx", "", f"/layer/{layer.index}")
