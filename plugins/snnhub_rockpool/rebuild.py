"""Builds Rockpool's modules for a saved file, and has Rockpool load its parameters. In its environment only."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from snnhub_rockpool.neurons import Reader
from snnhub_rockpool.part import BITSHIFT, DROPOUT, EXODUS, EXP_SYN, LINEAR, RESIDUAL, SEQUENTIAL, Part


def rebuilt(root: Part, path: Path) -> Any:
    """The network of a file whose parts are ``root``: as a user would write it down and call ``load``."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    return _module(root, raw, None)[0]


def _module(part: Part, raw: Mapping[str, Any], width: int | None) -> tuple[Any, int | None]:
    """The module of a part that ``width`` features arrive at, and how many leave it."""
    if part.kind in (SEQUENTIAL, RESIDUAL):
        from rockpool.nn.combinators.residual import TorchResidual
        from rockpool.nn.combinators.sequential import TorchSequential

        made: OrderedDict[str, Any] = OrderedDict()
        for inner in part.parts:
            made[inner.path.rpartition("/")[2] or "net"], width = _module(inner, raw, width)
        return (TorchSequential if part.kind == SEQUENTIAL else TorchResidual)(made), width
    module, width = _leaf(part, width)
    module.json_to_param(_at(raw, part.path))
    if part.kind == DROPOUT:
        module.training = False
    return module, width


def _at(raw: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    for name in path.split("/") if path else ():
        inner = raw[name]
        raw = json.loads(inner) if isinstance(inner, str) else inner
    return raw


def _leaf(part: Part, width: int | None) -> tuple[Any, int | None]:
    from rockpool.nn import modules

    values = part.values
    if part.kind == LINEAR:
        shape = values["weight"].shape
        return modules.LinearTorch(shape, has_bias=values.get("bias") is not None), shape[1]
    if part.kind == DROPOUT:
        from rockpool.nn.modules.torch.dropout import TimeStepDropout

        return TimeStepDropout((width,)), width
    if part.kind == EXP_SYN:
        return modules.ExpSynTorch(width or len(values["tau"]), dt=float(values["dt"])), width
    found = Reader().neurons(part, width)
    if found is None or part.kind == EXODUS:
        raise RuntimeError(f"{part.path}: {part.kind} cannot be run here")
    kind = modules.LIFBitshiftTorch if part.kind == BITSHIFT else modules.LIFTorch
    module = kind(
        (found.size * found.n_syn, found.size),
        leak_mode=values.get("leak_mode", "taus"),
        has_rec=bool(values.get("_has_rec", False)),
        dt=float(values["dt"]),
        # modules without a cap of their own share one tensor, and loading any of them would change all
        max_spikes_per_dt=found.max_spikes,
    )
    return module, found.size
