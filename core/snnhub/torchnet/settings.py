"""Settings of torch's layers that the graph cannot say: looked at before anything runs, all in one report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from snnhub.torchnet.signals import RefusedError

Check = Callable[[Any], None]


def check(kind: str, module: Any, cells: Mapping[str, Check] = {}) -> None:
    """Raise ``RefusedError`` if the module has a setting that cannot be held. ``cells``: checks of a framework's
    own neurons, by class name.
    """
    for name, value in (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)):
        _f32(name, value)
    {**CHECKS, **cells}.get(kind, lambda _: None)(module)


def refuse(message: str, remedy: str) -> None:
    raise RefusedError("SNN-3009", message, remedy)


def _f32(name: str, value: Any) -> None:
    import torch

    if value is not None and value.is_floating_point() and value.dtype != torch.float32:
        refuse(f"{name} is {value.dtype}", "Convert the network with net.float().")


def _conv(module: Any) -> None:
    if module.padding_mode != "zeros":
        refuse(f"padding_mode {module.padding_mode!r}", "Use zero padding.")
    spans = [gap * (kernel - 1) for gap, kernel in zip(module.dilation, module.kernel_size, strict=True)]
    if module.padding == "same" and any(span % 2 for span in spans):
        refuse("padding='same' with an even kernel pads one side more", "Pad with numbers, or use an odd kernel.")


def _norm(module: Any) -> None:
    if module.running_mean is None or module.running_var is None:
        refuse(
            "batch normalisation without running statistics depends on the batch", "Use track_running_stats=True."
        )


def _average(module: Any) -> None:
    divisor = getattr(module, "divisor_override", None)  # AvgPool1d has none
    if divisor is not None:
        refuse(f"divisor_override {divisor}", "Scale the next layer instead.")


def _maximum(module: Any) -> None:
    if module.return_indices:
        refuse("return_indices", "Pool without indices.")


def _upsample(module: Any) -> None:
    if module.mode not in ("nearest", "nearest-exact"):
        refuse(f"upsampling mode {module.mode!r}", "Use mode='nearest'.")


def _pad(module: Any) -> None:
    if getattr(module, "value", 0) != 0:
        refuse(f"padding with {module.value}", "Pad with zeros.")
    if any(not isinstance(size, int) or size < 0 for size in module.padding):
        refuse(f"padding {tuple(module.padding)} cuts off", "Pad with sizes from 0 on.")


CHECKS: Mapping[str, Check] = {
    **{f"Conv{dims}d": _conv for dims in (1, 2, 3)},
    **{f"BatchNorm{dims}d": _norm for dims in (1, 2, 3)},
    **{f"AvgPool{dims}d": _average for dims in (1, 2, 3)},
    **{f"MaxPool{dims}d": _maximum for dims in (1, 2, 3)},
    **{f"ZeroPad{dims}d": _pad for dims in (1, 2, 3)},
    **{f"ConstantPad{dims}d": _pad for dims in (1, 2, 3)},
    "Upsample": _upsample,
}
