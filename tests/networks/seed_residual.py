"""The tutorial's task for Xylo: a residual network, trained until two inputs give exactly their target spikes.

16 inputs, 63 neurons, a residual block around 63 more, 2 outputs. Only for interpreters that have Rockpool. Run as
a script it writes ``net.json`` (``net.save``), ``layers.json`` and ``samples.npz`` (``x`` (2, 50, 16), ``target``,
``output`` (2, 50, 2), ``epochs``) to a folder: ``python seed_residual.py FOLDER``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

SAMPLES, STEPS, CHANNELS, CLASSES = 2, 50, 16, 2
EPOCHS, RATE = 1000, 1e-2
SEED = 4
QUIET = 10
"""No target spike comes before this step."""


def task(seed: int) -> tuple[Any, Any]:
    """Frozen noise, 0 or 1 (samples, steps, channels), and one target spike per sample and class. f32."""
    random = np.random.default_rng((50, seed))
    noise = np.abs(random.normal(1, 1, (SAMPLES, STEPS, CHANNELS)))
    x = (noise > noise.max() / 2).astype(np.float32)
    target = np.zeros((SAMPLES, STEPS, CLASSES), np.float32)
    for sample in range(SAMPLES):
        for each in range(CLASSES):
            target[sample, random.integers(QUIET, STEPS), each] = 1
    return x, target


def trained(seed: int = SEED) -> tuple[Any, dict[str, Any]]:
    """The network and its arrays. Raises ``RuntimeError`` if the loss is not 0 in the end."""
    import torch

    from tests.networks.rockpool_nets import residual

    torch.set_num_threads(1)  # sums come out alike on every run
    net = residual(seed)
    x, target = (torch.from_numpy(array) for array in task(seed))
    optimiser = torch.optim.Adam(net.parameters().astorch(), lr=RATE)
    for epoch in range(EPOCHS):
        losses = [_learn(net, optimiser, x[k : k + 1], target[k : k + 1]) for k in range(SAMPLES)]
        if sum(losses) == 0:
            arrays = {"x": x.numpy(), "target": target.numpy(), "output": _run(net, x), "epochs": epoch + 1}
            return net, arrays
    raise RuntimeError(f"loss is {sum(losses)} after {EPOCHS} epochs")


def _learn(net: Any, optimiser: Any, x: Any, target: Any) -> float:
    """One sample from rest; a step unless its output is right already."""
    import torch

    net.reset_state()
    optimiser.zero_grad()
    output, _, _ = net(x)
    loss = torch.nn.functional.mse_loss(output, target)
    if loss.item() > 0:
        loss.backward()
        optimiser.step()
    return float(loss.item())


def _run(net: Any, x: Any) -> Any:
    """Output spikes of each sample, from rest."""
    import torch

    outputs = []
    with torch.no_grad():
        for sample in x:
            net.reset_state()
            outputs.append(net(sample[None])[0][0].numpy())
    return np.stack(outputs)


def store(folder: Path) -> None:
    """Train and write everything to an existing folder."""
    from tests.networks.rockpool_layers import described

    net, arrays = trained()
    net.save(folder / "net.json")
    (folder / "layers.json").write_text(json.dumps(described(net)))
    np.savez(folder / "samples.npz", allow_pickle=False, **arrays)


if __name__ == "__main__":
    import warnings

    warnings.simplefilter("ignore")
    store(Path(sys.argv[1]))
