"""What arrives at an input port, in tensors: delay lines as in the reference engine, sums as torch adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from snnhub.engine.torch_engine.home import Tensor, wire_dtype
from snnhub.engine.wires import Wire
from snnhub.ir.numtype import NumType


def delayed(wire: Wire, values: Tensor, lines: Mapping[int, Tensor]) -> Tensor:
    """A whole block as the target sees it: ``delay`` old values first."""
    import torch

    return torch.cat([lines[wire.number], values])[: values.shape[0]] if wire.edge.delay else values


def delayed_at(wire: Wire, values: Tensor | None, lines: Mapping[int, Tensor], step: int) -> Tensor:
    """One step of a block that is still being computed; ``values`` is None before its source has run."""
    source = step - wire.edge.delay
    return lines[wire.number][step] if source < 0 or values is None else values[source]


def moved_on(line: Tensor, values: Tensor) -> Tensor:
    """A delay line after a block: the last values."""
    import torch

    return torch.cat([line, values])[values.shape[0] :]


def combine(tensors: Sequence[Tensor], type_: NumType) -> Tensor:
    """The sum of what several edges deliver, in edge order: one rounding per addition; integers are exact."""
    import torch

    if len(tensors) == 1:
        return tensors[0]
    dtype = torch.int64 if type_.is_int else wire_dtype(type_)
    total = tensors[0].to(dtype)
    for tensor in tensors[1:]:
        total = total + tensor.to(dtype)
    return total.to(wire_dtype(type_))
