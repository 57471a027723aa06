"""NetX files with exactly the entries that a test asks for, typed as lava-dl types them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

CUBA = {"type": "CUBA", "iDecay": 4096, "vDecay": 0, "vThMant": 64, "refDelay": 1, "gradedSpike": False}


def write(path: Path, layers: list[dict[str, Any]], names: list[str] | None = None) -> Path:
    """A NetX file with exactly these entries, typed as lava-dl types them."""
    with h5py.File(path, "w") as file:
        for name, layer in zip(names or [str(i) for i in range(len(layers))], layers, strict=True):
            group = file.create_group(f"layer/{name}")
            for key, value in layer.items():
                if key == "type":
                    group["type"] = np.array([value], dtype="S10")
                elif isinstance(value, dict):
                    for inner, number in value.items():
                        group[f"neuron/{inner}"] = number
                else:
                    group[key] = value
    return path


def dense_layer(weight: Any, **changes: Any) -> dict[str, Any]:
    array = np.asarray(weight, np.float32)
    return {"type": "dense", "shape": np.array([array.shape[0]]), "weight": array, "neuron": dict(CUBA), **changes}


def conv_layer(weight: Any, shape: tuple[int, int, int], **changes: Any) -> dict[str, Any]:
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
