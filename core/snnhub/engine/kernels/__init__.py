"""Reference code of the core transforms, one module per family. Arrays are (samples, *features).

Kernel ops of plugins have theirs where their schema says, over arrays (time, samples, *features).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from snnhub.ir.graph import Node
from snnhub.ir.op import KernelOp, Shapes, TransformOp, Types
from snnhub.ir.tensor import Array

Kernel = Callable[[Mapping[str, Array]], Array]
"""Takes arrays (samples, *features) by input port and returns the output in the dtype of its type."""


StatefulKernel = Callable[[Mapping[str, Array], dict[str, Array], frozenset[str]], Mapping[str, Array]]
"""The code of a kernel op: takes arrays (time, samples, *features) by input port, the states (samples, *features),
which it moves on in place, and the names of states that are wanted. Returns every output, and the wanted states
after each step, as arrays (time, samples, *features) in the dtype of their types. Inputs stay as they are, and
what it computes for a sample depends on that sample alone.
"""


@dataclass(frozen=True)
class Context:
    """What a kernel is prepared for: the node, shapes of its ports without samples, and their types.

    For a kernel op, the states are among them.
    """

    node: Node
    shapes: Shapes
    types: Types


def load(op: TransformOp, context: Context) -> Kernel:
    """Prepare the reference code that the schema names."""
    module, _, function = op.kernel.partition(":")
    factory = cast("Callable[[Context], Kernel]", getattr(importlib.import_module(module), function))
    return factory(context)


def load_stateful(op: KernelOp, context: Context) -> StatefulKernel:
    """Prepare the code of a kernel op."""
    module, _, function = op.kernel.partition(":")
    factory = cast("Callable[[Context], StatefulKernel]", getattr(importlib.import_module(module), function))
    return factory(context)
