"""NetX files as bytes, with exactly the entries that are asked for, typed as lava-dl types them."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from snnhub.ir.tensor import Array

Layer = dict[str, Any]
SDNN: Layer = {"type": "SDNN", "activation": "relu", "vThMant": 3}
CUBA: Layer = {"type": "CUBA", "iDecay": 4096, "vDecay": 0, "vThMant": 64, "refDelay": 1, "gradedSpike": False}


def netx(
    layers: Sequence[Layer], names: Sequence[str] | None = None, change: Callable[[Any], object] | None = None
) -> bytes:
    """A file of these layers, named 0, 1, … unless ``names`` says otherwise. ``change``: done to it last."""
    import h5py

    stream = io.BytesIO()
    with h5py.File(stream, "w", libver=("v108", "v110"), track_order=False) as file:
        for name, layer in zip(names or [str(number) for number in range(len(layers))], layers, strict=True):
            group = file.create_group(f"layer/{name}")
            for key, value in layer.items():
                _entry(group, key, value)
        if change is not None:
            change(file)
    return stream.getvalue()


def _entry(group: Any, key: str, value: Any) -> None:
    if key == "type":
        group.create_dataset("type", data=np.array([value], "S10"), track_times=False)
    elif isinstance(value, dict):
        for name, number in value.items():
            group.create_dataset(f"neuron/{name}", data=number, track_times=False)
    else:
        group.create_dataset(key, data=value, track_times=False)


def dense_layer(weight: Any, **changes: Any) -> Layer:
    """A dense layer with neurons."""
    array = np.asarray(weight, np.float32)
    return {"type": "dense", "shape": np.array([array.shape[0]]), "weight": array, "neuron": dict(CUBA), **changes}


def complex_layer(real: Any, imag: Any, **numbers: Any) -> Layer:
    """Resonators behind complex weights; decays that Lava has the same on every machine."""
    cells = {"type": "RF_PHASE", "sinDecay": 1500.5, "cosDecay": 3700.5, "vThMant": 20, "gradedSpike": False}
    parts = {"weight/real": np.asarray(real, np.float32), "weight/imag": np.asarray(imag, np.float32)}
    return {
        "type": "dense",
        "shape": np.array([len(parts["weight/real"])]),
        **parts,
        "neuron": {**cells, **numbers},
    }


def conv_layer(weight: Any, shape: tuple[int, int, int], **changes: Any) -> Layer:
    """A convolution with neurons. ``shape``: of its output."""
    return {
        "type": "conv",
        "shape": np.array(shape),
        "weight": np.asarray(weight, np.float32),
        "stride": np.array([1, 1]),
        "padding": np.array([0, 0]),
        "dilation": np.array([1, 1]),
        "groups": 1,
        "neuron": dict(CUBA),
        **changes,
    }


def input_layer(*shape: int, **changes: Any) -> Layer:
    return {"type": "input", "shape": np.array(shape), **changes}


def even(*shape: int) -> Array:
    """Even weights -24 .. 38 of both signs."""
    return 2 * ((np.arange(int(np.prod(shape))) * 13 + 4) % 32 - 12).reshape(shape)


def graded_input(*shape: int, **changes: Any) -> Layer:
    """An input layer that sends graded spikes."""
    return input_layer(*shape, neuron={**SDNN, "vThMant": 0}, **changes)


def without(layer: Layer, *keys: str) -> Layer:
    return {key: value for key, value in layer.items() if key not in keys}


def neuron(**changes: Any) -> Layer:
    return {**CUBA, **changes}
