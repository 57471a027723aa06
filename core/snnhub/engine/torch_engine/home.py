"""Between NumPy arrays and torch tensors on a device, without a copy where there need be none."""

from __future__ import annotations

from typing import Any

import numpy as np

from snnhub.engine.interpreter import container
from snnhub.ir.numtype import NumType
from snnhub.ir.tensor import Array

Tensor = Any
"""A ``torch.Tensor``: torch is imported inside functions only."""


def dtype_of(dtype: np.dtype[np.generic]) -> Any:
    """The torch dtype of a NumPy dtype."""
    import torch

    return torch.from_numpy(np.empty(0, dtype)).dtype


def container_of(type_: NumType) -> Any:
    """The torch dtype that values of this type are computed in: f32, f64, int64 or bool."""
    return dtype_of(container(type_))


def wire_dtype(type_: NumType) -> Any:
    """The torch dtype of values on their way between nodes, the same as in the reference engine."""
    return dtype_of(type_.numpy)


class Home:
    """A device by its name, ``cpu`` or ``cuda``."""

    def __init__(self, device: str) -> None:
        self.device = device

    def constant(self, array: Array) -> Tensor:
        """A tensor of its own in torch's memory: MKL may sum in another order where data lie unaligned."""
        import torch

        return torch.tensor(np.ascontiguousarray(array).reshape(np.shape(array)), device=self.device)

    def tensor(self, array: Array) -> Tensor:
        """A contiguous tensor with the values of an array; it shares the array's memory where it can."""
        import torch

        return torch.from_numpy(np.ascontiguousarray(array).reshape(np.shape(array))).to(self.device)

    def array(self, tensor: Tensor) -> Array:
        """The values of a tensor as an array."""
        return np.asarray(tensor.cpu().numpy())
