"""The importer: from a file to a graph."""

from __future__ import annotations

import hashlib
from pathlib import Path

from snnhub.api.options import ImportOptions
from snnhub.findings import note
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Decoder, Graph, Origin, Provenance, Stage
from snnhub.ir.numtype import F32
from snnhub.ir.tensor import tensor

from snnhub_example.document import FORMAT, parse
from snnhub_example.op import NAME, NUMBERS

DEFAULTS = {"decay": 1.0, "v_threshold": 1.0, "rho": 0.0, "beta": 0.0}
"""Where the file does not say: a neuron that neither leaks nor adapts."""


def read(path: Path, options: ImportOptions) -> Graph:
    """The graph of a file: layer ``a`` becomes the nodes ``a/synapse`` and ``a``.

    Raises ``UsageError`` if the file cannot be read, ``FormatError`` with everything that is wrong with it.
    """
    name, layers = parse(path)
    builder = GraphBuilder(name, options.lookup)
    port = builder.input((layers[0].weight.shape[1],), F32)
    for layer in layers:
        origin = Origin(FORMAT, "1", layer.name)
        port = builder.node(
            f"{layer.name}/synapse",
            "core.Dense",
            port,
            params={"weight": tensor(layer.weight)},
            origin=origin,
            bias=False,
            accumulate="exact",
            shift=0,
        )
        numbers = {}
        for key in NUMBERS:
            value = layer.numbers[key]
            if value is None:  # nothing silent: what the file does not say and we choose is a finding
                value = DEFAULTS[key]
                builder.findings.append(note("SNN-3109", f"{layer.name}/{key}", "not in the file", new=str(value)))
            numbers[key] = tensor(value, "float32")
        port = builder.node(layer.name, NAME, port, params=numbers, origin=origin, reset=layer.reset)
    builder.output(port)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    provenance = Provenance((Stage("import example", "1"),), path.name, digest)
    return builder.graph(decoder=Decoder("sum"), provenance=provenance)
