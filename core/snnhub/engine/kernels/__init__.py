"""Reference code of the core transforms, one module per family. Arrays are (samples, *features)."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from snnhub.ir.graph import Node
from snnhub.ir.op import Shapes, TransformOp, Types
from snnhub.ir.tensor import Array

Kernel = Callable[[Mapping[str, Array]], Array]
"""Takes arrays (samples, *features) by input port and returns the output in the dtype of its type."""


@dataclass(frozen=True)
class Context:
    """What a kernel is prepared for: the node, shapes of its ports without samples, and their types."""

    node: Node
    shapes: Shapes
    types: Types


def load(op: TransformOp, context: Context) -> Kernel:
    """Prepare the reference code that the schema names."""
    module, _, function = op.kernel.partition(":")
    factory = cast("Callable[[Context], Kernel]", getattr(importlib.import_module(module), function))
    return factory(context)
