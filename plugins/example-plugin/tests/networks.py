"""Networks and a file for the tests."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from snnhub.hub.catalogue import register_ops
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Decoder, Graph, Origin
from snnhub.ir.numtype import F32
from snnhub.ir.tensor import tensor
from snnhub.ops.registry import REGISTRY

FILE = """{"format": "snnhub-example", "version": 1, "name": "by hand", "layers": [
 {"name": "first", "weight": [[0.5, -0.25, 1.0], [0.75, 0.5, 0.0]], "decay": 0.5, "rho": 0.75, "beta": 0.25},
 {"name": "second", "weight": [[1.0, 0.5]], "reset": "subtract"}
]}
"""


def adaptive(reset: str = "value", sizes: tuple[int, ...] = (6, 5, 4)) -> Graph:
    """Dense layers with adaptive neurons, and numbers that are no round ones."""
    register_ops()
    random = np.random.default_rng(3)
    builder = GraphBuilder("adaptive", REGISTRY)
    port = builder.input(sizes[:1], F32)
    for number, (before, after) in enumerate(pairwise(sizes)):
        weight = random.normal(0.4, 0.6, (after, before)).astype(np.float32)
        name, origin = f"layer{number}", Origin("snnhub-example", "1", f"layer{number}")
        params = {"weight": tensor(weight)}
        port = builder.node(
            f"{name}/synapse",
            "core.Dense",
            port,
            params=params,
            origin=origin,
            bias=False,
            accumulate="exact",
            shift=0,
        )
        numbers = {"decay": 0.9, "v_threshold": 0.7, "rho": 0.8, "beta": 0.3}
        values = {key: tensor(value, "float32") for key, value in numbers.items()}
        port = builder.node(name, "example.AdaptiveLIF", port, params=values, origin=origin, reset=reset)
    builder.output(port)
    return builder.graph(decoder=Decoder("sum"))
