"""Sums, differences and products in a forward: of two tensors, or of a tensor and a number.

A number meets an f32 tensor as f32 in torch; so it is stored. Only the sign of a zero may differ from torch's.
"""

from __future__ import annotations

import math
from typing import Any

from snnhub.torchnet.call import Call, FunctionHandler
from snnhub.torchnet.counts import as_floats
from snnhub.torchnet.signals import RefusedError, Signal
from snnhub.torchnet.site import Site, scalar

OPERANDS = "Held: two tensors of the network with equal shapes, or a tensor and a number."
MAX_F32 = (2 - 2**-23) * 2.0**127
Operand = Signal | float


def _operands(call: Call) -> tuple[Operand, Operand]:
    """Two operands, at least one of them a signal. Raises ``RefusedError`` for anything else."""
    values = [*call.args, *(call.kwargs[name] for name in ("other",) if name in call.kwargs)]
    extra = sorted(set(call.kwargs) - {"other", "alpha"})
    if len(values) != 2 or extra or call.kwargs.get("alpha", 1) != 1:
        raise RefusedError("SNN-3002", f"{call.name} with {', '.join(extra) or 'alpha'}", OPERANDS)
    a, b = (_operand(call, value) for value in values)
    return a, b


def _operand(call: Call, value: Any) -> Operand:
    if isinstance(value, Signal):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RefusedError(
            "SNN-3002",
            f"{call.name} with something that is neither a number nor a tensor of the network",
            OPERANDS,
        )
    if abs(value) > MAX_F32 or not math.isfinite(value):
        raise RefusedError("SNN-3002", f"{call.name} with {value}, which f32 cannot hold", OPERANDS)
    return float(value)


def _pair(call: Call, op: str, a: Signal, b: Signal, site: Site) -> Signal:
    if a.lead is not b.lead or a.features != b.features:
        found = " and ".join(f"{operand.lead.value} {list(operand.features)}" for operand in (a, b))
        raise RefusedError(
            "SNN-3010",
            f"operands of {call.name} differ: {found}",
            "Only equal shapes are combined; broadcasting is not held.",
        )
    if op == "core.Add":
        a, b = as_floats(a, b, site)
    port = site.builder.node(site.name, op, {"a": a.port, "b": b.port}, origin=site.origin)
    return a.moved(port, a.features)


def _scaled(signal: Signal, site: Site, scale: float, shift: float, name: str = "") -> Signal:
    port = site.builder.node(
        f"{site.name}{name}",
        "core.Scale",
        signal.port,
        params={"scale": scalar(scale), "shift": scalar(shift)},
        origin=site.origin,
    )
    return signal.moved(port, signal.features)


def _add(call: Call, site: Site) -> Signal:
    a, b = _operands(call)
    if isinstance(a, Signal):
        return _pair(call, "core.Add", a, b, site) if isinstance(b, Signal) else _scaled(a, site, 1.0, b)
    return _scaled(call.signal(1), site, 1.0, a)


def _multiply(call: Call, site: Site) -> Signal:
    a, b = _operands(call)
    if isinstance(a, Signal):
        return _pair(call, "core.Mul", a, b, site) if isinstance(b, Signal) else _scaled(a, site, b, 0.0)
    return _scaled(call.signal(1), site, a, 0.0)


def _subtract(call: Call, site: Site) -> Signal:
    a, b = _operands(call)
    return _difference(call, b, a, site) if call.name == "rsub" else _difference(call, a, b, site)


def _difference(call: Call, a: Operand, b: Operand, site: Site) -> Signal:
    """``a - b``; of two tensors it is ``a + (-b)``, which rounds to the same."""
    if isinstance(b, Signal):
        if isinstance(a, Signal):
            return _pair(call, "core.Add", a, _scaled(b, site, -1.0, 0.0, "/negative"), site)
        return _scaled(b, site, -1.0, a)
    return _scaled(a, site, 1.0, -b) if isinstance(a, Signal) else _never(call)


def _never(call: Call) -> Signal:
    raise RefusedError("SNN-3002", f"{call.name} of numbers alone", OPERANDS)


def _divide(call: Call, site: Site) -> Signal:
    """By a power of two, whose reciprocal is exact. Torch divides by other numbers, which is no multiplication."""
    a, b = _operands(call)
    if not isinstance(a, Signal) or isinstance(b, Signal) or b == 0 or abs(math.frexp(b)[0]) != 0.5:
        raise RefusedError(
            "SNN-3002",
            "division by a tensor" if isinstance(b, Signal) else f"division by {b:g}",
            "Multiply by a number, divide by a power of two, or scale the weights of the next layer.",
        )
    if not 2.0**-126 <= abs(b) <= 2.0**126:
        raise RefusedError("SNN-3002", f"division by {b:g}, whose reciprocal f32 does not hold exactly", OPERANDS)
    return _scaled(a, site, 1 / b, 0.0)


def _negative(call: Call, site: Site) -> Signal:
    return _scaled(call.signal(), site, -1.0, 0.0)


def _relu(call: Call, site: Site) -> Signal:
    signal = call.signal()
    port = site.builder.node(site.name, "core.ReLU", signal.port, origin=site.origin)
    return signal.moved(port, signal.features)


ARITHMETIC: dict[str, FunctionHandler] = {
    **dict.fromkeys(("add", "add_", "iadd"), _add),
    **dict.fromkeys(("sub", "sub_", "isub", "subtract", "rsub"), _subtract),
    **dict.fromkeys(("mul", "mul_", "imul", "multiply"), _multiply),
    **dict.fromkeys(("truediv", "itruediv", "div", "div_", "divide", "true_divide"), _divide),
    **dict.fromkeys(("neg", "neg_", "negative"), _negative),
    **dict.fromkeys(("relu", "relu_"), _relu),
}
