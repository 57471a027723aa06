"""A tiny framework on torch, and what an importer says of it: what a third party would write.

Its neurons come as a module of one step that is handed its state, one that keeps it, and modules of whole
sequences with time first, batch first, or both merged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from snnhub.ir.graph import Port
from snnhub.torchnet.framework import MERGED, Framework, Neuron
from snnhub.torchnet.signals import RefusedError, Signal
from snnhub.torchnet.site import Site, scalar
from torch import nn


class Cell(nn.Module):
    """What all neurons share: ``h = v - v leak + x``, a spike at the threshold, and a reset to 0."""

    __module__ = "leakynet"

    def __init__(self, leak: float = 0.125, v_threshold: float = 1.0) -> None:
        super().__init__()
        self.leak, self.v_threshold = leak, v_threshold

    def rest(self) -> torch.Tensor:
        """The state at rest, of any shape."""
        return torch.zeros(0)

    def step(self, x: torch.Tensor, v: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
        v = torch.zeros_like(x) if v is None or v.shape != x.shape else v
        h = v - v * self.leak + x
        s = (h >= self.v_threshold).float()
        return s, h * (1 - s)


class Leaky(Cell):
    """One step; returns spikes and state."""

    __module__ = "leakynet"

    def forward(self, x: torch.Tensor, v: torch.Tensor | None = None) -> Any:
        return self.step(x, v)


class Kept(Cell):
    """One step, with the state inside."""

    __module__ = "leakynet"

    def __init__(self, leak: float = 0.125) -> None:
        super().__init__(leak)
        self.v: torch.Tensor
        self.register_buffer("v", torch.zeros(0))

    def forward(self, x: torch.Tensor) -> Any:
        s, self.v = self.step(x, self.v)
        return s


class TimeFirst(Cell):
    """A sequence (T, N, …); returns spikes and the last state."""

    __module__ = "leakynet"

    def forward(self, x: torch.Tensor, v: torch.Tensor | None = None) -> Any:
        spikes = []
        for now in x:
            s, v = self.step(now, v)
            spikes.append(s)
        return torch.stack(spikes), v


class BatchFirst(Cell):
    """A sequence (N, T, …); returns spikes and keeps what its potential was in every step."""

    __module__ = "leakynet"

    def __init__(self) -> None:
        super().__init__()
        self.watched = False
        self.potentials: torch.Tensor | None = None

    def forward(self, x: torch.Tensor) -> Any:
        spikes, potentials, v = [], [], None
        for now in x.transpose(0, 1):
            s, v = self.step(now, v)
            spikes.append(s)
            potentials.append(v)
        if self.watched:
            self.potentials = torch.stack(potentials, 1)
        return torch.stack(spikes, 1)


class Merged(BatchFirst):
    """A sequence (N*T, …), of so many samples or so many steps."""

    __module__ = "leakynet"

    def __init__(self, samples: int = -1, steps: int = -1) -> None:
        super().__init__()
        self.samples, self.steps = samples, steps

    def forward(self, x: torch.Tensor) -> Any:
        return super().forward(x.reshape(self.samples, self.steps, *x.shape[1:])).flatten(0, 1)


def handle(module: Any, signal: Signal, site: Site) -> Mapping[str, Signal]:
    """``core.LIFCoeff``, whose program rounds as the module does."""
    numbers = {"leak": module.leak, "v_threshold": module.v_threshold, "v_reset": 0.0}
    port = site.builder.node(
        site.name,
        "core.LIFCoeff",
        signal.port,
        params={name: scalar(value) for name, value in numbers.items()},
        origin=site.origin,
        reset="value",
        compare="ge",
        decay_input=False,
    )
    return {
        "s": signal.moved(port, signal.features),
        "v": signal.moved(Port(site.name, "v"), signal.features),
    }


def check(module: Any) -> None:
    """Leaks beyond 0 .. 1 are refused."""
    if not 0 <= module.leak <= 1:
        raise RefusedError("SNN-3009", f"leak {module.leak}", "Choose one from 0 to 1.")


def reset(net: Any) -> None:
    """Bring every state to rest."""
    for module in net.modules():
        if isinstance(module, Kept):
            module.v = torch.zeros(0)


def _watch(module: Any) -> None:
    module.watched = True


def _sequence(module: Any, result: Any) -> Mapping[str, Any]:
    return {"s": result} if module.potentials is None else {"s": result, "v": module.potentials}


def _merged(module: Any, result: Any) -> Mapping[str, Any]:
    kept = module.potentials
    return {"s": result} if kept is None else {"s": result, "v": kept.flatten(0, 1)}


def _made_for(module: Any) -> tuple[int | None, int | None]:
    return (module.samples if module.samples > 0 else None, module.steps if module.steps > 0 else None)


FRAMEWORK = Framework(
    "leakynet",
    "leakynet",
    {
        "Leaky": Neuron(handle, check, lambda module, result: dict(zip("sv", result, strict=True)), keeps=False),
        "Kept": Neuron(handle, check, lambda module, result: {"s": result, "v": module.v}),
        "TimeFirst": Neuron(handle, check, sequence=0, keeps=False),
        "BatchFirst": Neuron(handle, check, _sequence, sequence=1, keeps=False, watch=_watch),
        "Merged": Neuron(handle, check, _merged, sequence=MERGED, keeps=False, made_for=_made_for, watch=_watch),
    },
    reset=reset,
    states=lambda net: frozenset(name for name, _ in net.named_buffers() if name.endswith(".v")),
    dt=lambda net: getattr(net, "dt", None),
    packages=("torch",),
    remedies={"Odd": "Use Leaky."},
)
