"""Concat."""

from __future__ import annotations

import numpy as np

from snnhub.engine.kernels import Context, Kernel


def concat(context: Context) -> Kernel:
    """``a`` then ``b`` along the node's axis, in the dtype of the output."""
    axis, dtype = context.node.integer("axis") + 1, context.types["y"].numpy
    return lambda inputs: np.concatenate([inputs[name].astype(dtype) for name in ("a", "b")], axis=axis)
