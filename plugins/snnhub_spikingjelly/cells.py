"""What every handler of neurons needs: threshold, reset, and numbers as the module computes with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from snnhub.ir.tensor import Tensor, tensor
from snnhub.torchnet.signals import Signal
from snnhub.torchnet.site import Site, array, scalar

from snnhub_spikingjelly.step_mode import ensure_step_mode


def spiking(
    module: Any,
    signal: Signal,
    site: Site,
    op: str,
    params: Mapping[str, Tensor] | None = None,
    **attributes: Any,
) -> Signal:
    """Add a spiking step op: the module's threshold and reset, and what is its own."""
    ensure_step_mode(module, signal)
    numbers = {**(params or {})}
    numbers.setdefault("v_threshold", scalar(module.v_threshold))
    if module.v_reset is not None:
        numbers["v_reset"] = scalar(module.v_reset)
    reset = "subtract" if module.v_reset is None else "value"
    port = site.builder.node(
        site.name, op, signal.port, params=numbers, origin=site.origin, reset=reset, compare="ge", **attributes
    )
    return signal.moved(port, signal.features)


def sigmoid(parameter: Any) -> Tensor:
    """The sigmoid of a learned number, computed by torch in f32: no other library gives the same last bit."""
    import torch

    with torch.no_grad():
        found = parameter.sigmoid()
    return array(found).described(f"f32: torch sigmoid of w = {float(parameter.detach())!r}")


def reciprocal(name: str, value: float) -> Tensor:
    """``1 / value`` in f64, rounded once to f32 where it meets a tensor, as torch does it with a number."""
    return tensor(1.0 / value, "float32").described(f"f32 of the f64 quotient 1 / {name}, {name} = {value!r}")
