"""Functions of torch.nn.functional that a layer computes too: held as that layer, by its own handler."""

from __future__ import annotations

from typing import Any

from snnhub.torchnet import settings
from snnhub.torchnet.call import Call, FunctionHandler
from snnhub.torchnet.layers import LAYERS
from snnhub.torchnet.signals import RefusedError, Signal
from snnhub.torchnet.site import Site

AVERAGE = ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override")
MAXIMUM = ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
RESIZE = ("size", "scale_factor", "mode", "align_corners", "recompute_scale_factor", "antialias")
DROPOUT = ("p", "training", "inplace")
Settings = dict[str, Any]


def _settings(call: Call, names: tuple[str, ...]) -> Settings:
    """Arguments behind the tensor by name. Raises ``RefusedError`` for those worked out in the forward."""
    found: Settings = {**dict(zip(names, call.args[1:], strict=False)), **call.kwargs}
    for name, value in found.items():
        entries = value if isinstance(value, tuple | list) else (value,)
        if not all(entry is None or isinstance(entry, bool | int | float | str) for entry in entries):
            raise RefusedError("SNN-3009", f"{name} of {call.name} is worked out in the forward", "Pass numbers.")
    return found


def _as_layer(kind: str, chosen: Settings, call: Call, site: Site) -> Signal:
    from torch import nn

    try:
        module = getattr(nn, kind)(**chosen)
    except (TypeError, ValueError) as problem:
        raise RefusedError("SNN-3009", f"{call.name}: {problem}", f"Use torch.nn.{kind}.") from None
    settings.check(kind, module)
    return LAYERS[kind](module, call.signal(), site)


def _pooling(kind: str, names: tuple[str, ...]) -> FunctionHandler:
    return lambda call, site: _as_layer(kind, _settings(call, names), call, site)


def _interpolate(call: Call, site: Site) -> Signal:
    chosen = _settings(call, RESIZE)
    if chosen.pop("antialias", False):
        raise RefusedError("SNN-3009", "interpolation with antialias", "Use mode='nearest'.")
    return _as_layer("Upsample", chosen, call, site)


def _pad(call: Call, site: Site) -> Signal:
    chosen = _settings(call, ("pad", "mode", "value"))
    while tuple(chosen["pad"][-2:]) == (0, 0):  # axes in front, which are listed last
        chosen["pad"] = tuple(chosen["pad"][:-2])
    if not chosen["pad"]:
        return call.signal()
    if chosen.get("mode", "constant") != "constant" or len(chosen["pad"]) > 6:
        raise RefusedError(
            "SNN-3009", f"padding {chosen['pad']} of mode {chosen.get('mode')!r}", "Pad with zeros."
        )
    layer = {"padding": tuple(chosen["pad"]), "value": chosen.get("value") or 0}
    return _as_layer(f"ConstantPad{max(1, len(chosen['pad']) // 2)}d", layer, call, site)


def _dropout(call: Call, site: Site) -> Signal:
    if _settings(call, DROPOUT).get("training", call.name != "alpha_dropout"):
        raise RefusedError("SNN-3009", "dropout that is always active", "Pass training=self.training.")
    return call.signal()


FUNCTIONAL: dict[str, FunctionHandler] = {
    **{f"avg_pool{n}d": _pooling(f"AvgPool{n}d", AVERAGE) for n in (1, 2, 3)},
    **{f"max_pool{n}d": _pooling(f"MaxPool{n}d", MAXIMUM) for n in (1, 2, 3)},
    **{f"adaptive_avg_pool{n}d": _pooling(f"AdaptiveAvgPool{n}d", ("output_size",)) for n in (1, 2, 3)},
    "interpolate": _interpolate,
    "pad": _pad,
    **dict.fromkeys(("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout"), _dropout),
}
