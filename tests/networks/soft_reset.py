"""Digits seen by sixteen channels, and trained SpikingJelly networks that read them: two with soft reset, ``hard``
with a reset to 0.

Trained on MNIST (see the example's train.py for where it comes from), less than a minute each:

    python -m tests.networks.soft_reset package/data

The weights are stored beside this file, so tests never train.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Decoder, Graph
from snnhub.ir.numtype import F32
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY

from tests.build import dense, scalar
from tests.conftest import EXAMPLE

STEPS, HIDDEN, CLASSES, SIDE = 32, 60, 8, 4
"""Xylo Audio 2 has 8 output neurons: the digits 0 to 7."""
KINDS = ("if", "lif")
HARD = "hard"
FOLDER = Path(__file__).parent


def channels(images: Array) -> Array:
    """Grey images (samples, 28, 28), averaged over 7 x 7 pixels, as spikes (STEPS, samples, 16) of 0 and 1.

    Rates are twice the mean grey value, at most 1; no random numbers.
    """
    grey = images.reshape(-1, SIDE, 7, SIDE, 7).mean(axis=(2, 4)).reshape(-1, SIDE * SIDE)
    level = np.minimum(2 * grey, 255).astype(np.int64)
    phase = np.arange(SIDE * SIDE) * 255 // (SIDE * SIDE)
    time = np.arange(STEPS + 1).reshape(-1, 1, 1)
    return np.asarray(np.diff((time * level + phase) // 255, axis=0), np.uint8)


def digits(key: str = "images", count: int = 100) -> Array:
    """The example's stored digits as spikes of sixteen channels."""
    return channels(np.load(EXAMPLE / "digits.npz")[key][:count])


def network(kind: str, trained: bool = True) -> Any:
    """16-60-8 with soft reset: ``if`` integrates, with biases; ``lif`` leaks (tau 4), its input not divided.
    ``hard``: integrates, without biases, and is reset to 0.
    """
    import torch
    from spikingjelly.activation_based import layer, neuron, surrogate
    from torch import nn

    def neurons() -> Any:
        reset = 0.0 if kind == HARD else None
        common = {"v_reset": reset, "surrogate_function": surrogate.ATan(), "step_mode": "m"}
        return neuron.LIFNode(4.0, False, **common) if kind == "lif" else neuron.IFNode(**common)

    bias = kind == "if"
    net = nn.Sequential(
        layer.Linear(SIDE * SIDE, HIDDEN, bias=bias, step_mode="m"),
        neurons(),
        layer.Linear(HIDDEN, CLASSES, bias=bias, step_mode="m"),
        neurons(),
    )
    if trained:
        with np.load(stored(kind)) as file:
            net.load_state_dict({name: torch.from_numpy(file[name]) for name in file.files})
    return net


def stored(kind: str) -> Path:
    """The file with the trained weights."""
    return FOLDER / ("hard_if.npz" if kind == HARD else f"soft_{kind}.npz")


def graph(kind: str) -> Graph:
    """The trained network as it is imported, without SpikingJelly."""
    builder = GraphBuilder(stored(kind).stem, REGISTRY)
    port = builder.input((SIDE * SIDE,), F32)
    with np.load(stored(kind)) as file:
        for number in (0, 2):
            port = dense(builder, str(number), port, file[f"{number}.weight"], bias=file.get(f"{number}.bias"))
            choice: dict[str, Any] = {"reset": "value" if kind == HARD else "subtract", "compare": "ge"}
            params = {"v_threshold": scalar(1.0), **({"v_reset": scalar(0.0)} if kind == HARD else {})}
            if kind == "lif":
                choice["decay_input"], params["tau"] = False, scalar(4.0)
            port = builder.node(
                f"{number + 1}", f"core.{'LIF' if kind == 'lif' else 'IF'}", port, params=params, **choice
            )
    builder.output(port)
    return builder.graph(decoder=Decoder("sum"))


def train(kind: str, folder: Path, epochs: int = 3) -> None:
    """Train one network and store its weights; prints its accuracy on the test images."""
    import torch
    from spikingjelly.activation_based import functional
    from torch.nn.functional import cross_entropy

    def read(name: str) -> Array:
        raw = (folder / name).read_bytes()
        shape = np.frombuffer(raw, dtype=">u4", count=raw[3], offset=4).astype(int)
        return np.frombuffer(raw, dtype=np.uint8, offset=4 + 4 * raw[3]).reshape(shape)

    torch.manual_seed(0)
    net, order = network(kind, trained=False), np.random.default_rng(0)

    def known(part: str) -> tuple[Array, Array]:
        labels = read(f"{part}-labels-idx1-ubyte").astype(np.int64)
        return read(f"{part}-images-idx3-ubyte")[labels < CLASSES], labels[labels < CLASSES]

    images, labels = known("train")
    optimiser = torch.optim.Adam(net.parameters(), lr=3e-3)
    for _ in range(epochs):
        for chosen in np.array_split(order.permutation(len(images)), len(images) // 128):
            rates = net(torch.from_numpy(channels(images[chosen])).float()).mean(0)
            optimiser.zero_grad()
            cross_entropy(10 * rates, torch.from_numpy(labels[chosen])).backward()
            optimiser.step()
            functional.reset_net(net)
    test, wanted = known("t10k")
    with torch.no_grad():
        found = net(torch.from_numpy(channels(test)).float()).mean(0).argmax(1).numpy()
    print(kind, "accuracy", float((found == wanted).mean()))
    np.savez_compressed(stored(kind), **{k: v.numpy() for k, v in net.state_dict().items()})


if __name__ == "__main__":
    for name in (*KINDS, HARD):
        train(name, Path(sys.argv[1]))
