"""Exports the trained network with lava-dl's own export, and writes down what slayer makes of MNIST's test images.

    python export.py --weights weights.npz --data package/data --out build/bootstrap

Runs in the Lava environment. Leaves ``bootstrap.net``, ``state.pt`` (the state dict) and
``slayer.npz``: ``mean`` (images, 10), the mean over 16
steps of the last block's output in SNN mode, which slayer decides by, and ``accuracy``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from model import Network, spiking, stored
from train import images, labels


@torch.no_grad()
def means(net: Network, x: torch.Tensor) -> np.ndarray:
    """What the last block puts out, averaged over the steps: (images, 10)."""
    parts = []
    for start in range(0, len(x), 250):
        parts.append(net(x[start : start + 250], spiking()).double().mean(-1).numpy())
        print(f"\r{start + len(parts[-1])} of {len(x)} images", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return np.concatenate(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, default=Path(__file__).parent / "weights.npz")
    parser.add_argument("--data", type=Path, required=True, help="folder with the four MNIST IDX files")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    net = stored(args.weights)
    found = means(net, images(args.data, "t10k"))
    right = float((found.argmax(1) == labels(args.data, "t10k").numpy()).mean())
    np.savez(args.out / "slayer.npz", mean=found, accuracy=right)
    torch.save(net.state_dict(), args.out / "state.pt")  # before the export, which takes weight norm off
    net.export_hdf5(args.out / "bootstrap.net")
    print(f"slayer, SNN mode: {right:.2%} of {len(found)} test images")


if __name__ == "__main__":
    main()
