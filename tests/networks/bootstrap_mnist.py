"""The trained bootstrap network of the docs, exported in the Lava environment, and MNIST's test images."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
from snnhub.ir.tensor import Array
from snnhub.peers.env import interpreter
from snnhub.peers.recipe import read_recipe
from snnhub_lava import ENVIRONMENT

from tests.bench.accuracy import mnist
from tests.conftest import ROOT

EXAMPLE = ROOT / "docs" / "examples" / "bootstrap_mnist"
STEPS = 16


@dataclass(frozen=True)
class Exported:
    """``network``: the file that lava-dl's own blocks wrote. ``mean``: (10000, 10), slayer's output in SNN mode
    averaged over the steps. ``state``: its state dict. ``images``, ``labels``: MNIST's 10,000 test images.
    """

    network: Path
    mean: Array
    images: Array
    labels: Array

    @property
    def state(self) -> Path:
        return self.network.with_name("state.pt")

    def pixels(self, first: int, stop: int) -> Array:
        """What slayer's network takes of each step, before its own transform: (16, images, 784)."""
        still = currents().pixels(self.images[first:stop])
        shown: Array = np.broadcast_to(still.reshape(stop - first, -1), (STEPS, stop - first, still[0].size))
        return shown

    def encoded(self, first: int, stop: int) -> Array:
        """What the input neurons take: (16, images, 784)."""
        module = currents()
        part = self.images[first:stop]
        found: Array = module.encode(part, module.input_bias(self.network))
        return found


def currents() -> ModuleType:
    """The example's encoding, which needs neither torch nor Lava."""
    spec = importlib.util.spec_from_file_location("bootstrap_currents", EXAMPLE / "currents.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def exported(folder: Path) -> Exported:
    """Run the example's export in the Lava environment, on all test images. MNIST is downloaded once (npm)."""
    data = mnist(ROOT / "build" / "mnist")
    python = interpreter(read_recipe(ENVIRONMENT.path()))
    paths = os.pathsep.join(str(ROOT / name) for name in ("core", "formats", "plugins"))
    command = [str(python), str(EXAMPLE / "export.py"), "--data", str(data), "--out", str(folder)]
    environment = {**os.environ, "PYTHONPATH": paths}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    raw = {name: np.fromfile(data / f"t10k-{name}-ubyte", np.uint8) for name in ("images-idx3", "labels-idx1")}
    with np.load(folder / "slayer.npz") as file:
        mean = file["mean"]
    images = raw["images-idx3"][16:].reshape(-1, 28, 28)
    return Exported(folder / "bootstrap.net", mean, images, raw["labels-idx1"][8:])
