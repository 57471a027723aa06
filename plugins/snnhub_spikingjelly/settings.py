"""Settings of modules that the graph cannot say. They are looked at before anything runs, all in one report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from snnhub_spikingjelly.cell_settings import CELLS
from snnhub_spikingjelly.signals import RefusedError

Check = Callable[[Any], None]


def check(kind: str, module: Any) -> None:
    """Raise ``RefusedError`` if the module has a setting that cannot be held."""
    for name, value in (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)):
        _f32(name, value)
    CHECKS.get(kind, lambda _: None)(module)


def _refuse(message: str, remedy: str) -> None:
    raise RefusedError("SNN-3009", message, remedy)


def _f32(name: str, value: Any) -> None:
    import torch

    if value is not None and value.is_floating_point() and value.dtype != torch.float32:
        _refuse(f"{name} is {value.dtype}", "Convert the network with net.float().")


def _conv(module: Any) -> None:
    if module.padding_mode != "zeros":
        _refuse(f"padding_mode {module.padding_mode!r}", "Use zero padding.")
    spans = [gap * (kernel - 1) for gap, kernel in zip(module.dilation, module.kernel_size, strict=True)]
    if module.padding == "same" and any(span % 2 for span in spans):
        _refuse("padding='same' with an even kernel pads one side more", "Pad with numbers, or use an odd kernel.")


def _norm(module: Any) -> None:
    if module.running_mean is None or module.running_var is None:
        _refuse(
            "batch normalisation without running statistics depends on the batch", "Use track_running_stats=True."
        )


def _average(module: Any) -> None:
    if module.divisor_override is not None:
        _refuse(f"divisor_override {module.divisor_override}", "Scale the next layer instead.")


def _maximum(module: Any) -> None:
    if module.return_indices:
        _refuse("return_indices", "Pool without indices.")


CHECKS: Mapping[str, Check] = {
    **CELLS,
    "Conv2d": _conv,
    "BatchNorm2d": _norm,
    "AvgPool2d": _average,
    "MaxPool2d": _maximum,
}
