"""Layers without state, by class: which room holds the handler of each."""

from __future__ import annotations

from snnhub.torchnet import pooling, shaping, weighted
from snnhub.torchnet.site import Handler

DIMENSIONS = ("1d", "2d", "3d")
COMMON: dict[str, Handler] = {
    "Linear": weighted.linear,
    **{f"Conv{dims}": weighted.convolution for dims in DIMENSIONS},
    **{f"BatchNorm{dims}": weighted.batch_norm for dims in DIMENSIONS},
    **{f"AvgPool{dims}": pooling.average for dims in DIMENSIONS},
    **{f"MaxPool{dims}": pooling.maximum for dims in DIMENSIONS},
    **{f"AdaptiveAvgPool{dims}": pooling.adaptive for dims in DIMENSIONS},
    "Flatten": shaping.flatten_layer,
    "Upsample": shaping.upsample,
    "Dropout": shaping.nothing,
    "Dropout2d": shaping.nothing,
}
"""Layers that frameworks have again, as classes of their own with the same attributes."""
LAYERS: dict[str, Handler] = {
    **COMMON,
    **{f"ZeroPad{dims}": shaping.pad for dims in DIMENSIONS},
    **{f"ConstantPad{dims}": shaping.pad for dims in DIMENSIONS},
    "Unflatten": shaping.unflatten,
    "UpsamplingNearest2d": shaping.upsample,
    "ReLU": shaping.relu,
    **dict.fromkeys(
        ("Identity", "Dropout1d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"), shaping.nothing
    ),
}
"""Every layer of ``torch.nn`` that can be held, by class name."""
REMOVED = frozenset(name for name, handler in LAYERS.items() if handler is shaping.nothing)
"""Layers that compute nothing in evaluation mode."""
