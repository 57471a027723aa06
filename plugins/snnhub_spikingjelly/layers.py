"""Layers without state, by class: which room holds the handler of each."""

from __future__ import annotations

from snnhub_spikingjelly import pooling, shaping, weighted
from snnhub_spikingjelly.site import Handler

BOTH = ("torch", "spikingjelly")
DIMENSIONS = ("1d", "2d", "3d")
SHARED: dict[str, Handler] = {
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
"""Layers that torch has, and SpikingJelly again with a step mode."""
OF_TORCH: dict[str, Handler] = {
    **{f"ZeroPad{dims}": shaping.pad for dims in DIMENSIONS},
    **{f"ConstantPad{dims}": shaping.pad for dims in DIMENSIONS},
    "Unflatten": shaping.unflatten,
    "UpsamplingNearest2d": shaping.upsample,
    "ReLU": shaping.relu,
    **dict.fromkeys(
        ("Identity", "Dropout1d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"), shaping.nothing
    ),
}
LAYERS: dict[tuple[str, str], Handler] = {
    **{(root, name): handler for root in BOTH for name, handler in SHARED.items()},
    **{("torch", name): handler for name, handler in OF_TORCH.items()},
    ("spikingjelly", "VotingLayer"): pooling.voting,
}
REMOVED = frozenset(name for (_, name), handler in LAYERS.items() if handler is shaping.nothing)
"""Layers that compute nothing in evaluation mode."""
