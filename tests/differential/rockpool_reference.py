"""What Rockpool's own mapper, quantisers and XyloSim make of a network: one process, asked as often as one likes.

    found = reference(Request(network, layers, "xylo-a3", "global", raster))

``found``: the specification's arrays under Rockpool's names (``weights_in`` … ``bias_out``, float64 unquantised,
int64 quantised; ``aliases`` int64 (n, 2), rows source and target; ``dt``; ``weight_shift_in`` …), seconds that
each part took (``seconds_map`` …), and with a raster XyloSim's traces under the record keys of ``xylo.Core``
(``s``, ``isyn``, ``isyn2``, ``vmem``, ``s_out``, ``isyn_out``, ``vmem_out``), int32 (time, [samples,] neurons).
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from snnhub.errors import MissingPeerError
from snnhub.ir.tensor import Array
from snnhub.peers.env import interpreter, status, worker_command
from snnhub.peers.protocol import Worker
from snnhub.peers.recipe import read_recipe
from snnhub_rockpool import ENVIRONMENT
from snnhub_xylo import ENVIRONMENT as XYLOSIM

from tests.conftest import SHARED
from tests.networks import seed_residual

ENTRY = "tests.differential.rockpool_peer:main"
FAMILIES = ("xylo-a2", "xylo-imu", "xylo-a3")
TRACES = ("s", "isyn", "isyn2", "vmem", "s_out", "isyn_out", "vmem_out")
SYNNET = SHARED / "rockpool" / "to_deploy_inXylo.json"
"""The trained SynNet of Rockpool's documentation; not part of the project. Loading leaves dt as it was built."""
SYNNET_LAYERS: list[dict[str, Any]] = [
    {
        "class": "SynNet",
        "arguments": {
            "n_classes": 4,
            "n_channels": 16,
            "size_hidden_layers": [63, 63, 63],
            "time_constants_per_layer": [3, 3, 3],
            "dt": 0.009994,
            "tau_syn_base": 0.02,
            "tau_mem": 0.02,
            "tau_syn_out": 0.02,
        },
    }
]


@dataclass(frozen=True)
class Request:
    """``network``: a file of ``net.save()``; ``layers``: what it leaves out (``tests.networks.rockpool_layers``);
    ``family``: xylo-a2, xylo-imu or xylo-a3; ``quantiser``: none, global or channel; ``raster``: counts
    (time, channels) or (time, samples, channels), needs a quantiser; each sample starts at rest.
    """

    network: Path
    layers: Sequence[Mapping[str, Any]]
    family: str
    quantiser: str = "none"
    raster: Array | None = None

    def __post_init__(self) -> None:
        if self.raster is not None and self.quantiser == "none":
            raise ValueError("a raster needs a quantiser: XyloSim runs integers")


@functools.cache
def process() -> Worker:
    """The process, started at the first call and ended with this one.

    Raises ``MissingPeerError`` without the environments rockpool and xylosim, made with one Python version.
    """
    recipes = [read_recipe(item.path()) for item in (ENVIRONMENT, XYLOSIM)]
    python, other = (interpreter(recipe) for recipe in recipes)
    made = [status(recipe).python.rpartition(".")[0] for recipe in recipes]
    if made[0] != made[1]:
        words = "environments rockpool and xylosim were made with different Pythons"
        raise MissingPeerError(words, found=", ".join(made))
    packages = other.parent.parent / "lib" / f"python{made[0]}" / "site-packages"
    worker = Worker("rockpool-reference", [*worker_command(python, ENTRY), str(packages)])
    atexit.register(worker.close)
    return worker


def reference(request: Request) -> dict[str, Array]:
    """Rockpool's answer. Raises ``RunError`` with its own words where it refuses or fails."""
    worker = process()
    with tempfile.TemporaryDirectory(dir=worker.folder) as folder:
        params = {
            "network": str(request.network.absolute()),
            "layers": json.loads(json.dumps(list(request.layers))),
            "family": request.family,
            "quantiser": request.quantiser,
            "raster": _stored(request.raster, folder),
            "answer": f"{folder}/answer.npz",
        }
        worker.call("map", params)
        return _loaded(params["answer"])


def simulate(spec: Mapping[str, Array], family: str, raster: Array) -> dict[str, Array]:
    """XyloSim's traces of a quantised specification, in the form in which ``reference`` gives one."""
    worker = process()
    with tempfile.TemporaryDirectory(dir=worker.folder) as folder:
        np.savez(f"{folder}/spec.npz", allow_pickle=False, **spec)
        answer = f"{folder}/answer.npz"
        params = {"spec": f"{folder}/spec.npz", "family": family, "raster": _stored(raster, folder)}
        worker.call("simulate", {**params, "answer": answer})
        return _loaded(answer)


def random_network(
    folder: Path, seed: int, kind: str, family: str = "xylo-a3", size: str = "small"
) -> tuple[Path, list[dict[str, Any]]]:
    """A random network as Rockpool saves it, and its layers. Kinds: ``tests.networks.rockpool_xylo_nets``."""
    params = {"seed": seed, "kind": kind, "family": family, "size": size, "folder": str(folder.absolute())}
    answer = process().call("generate", params)
    return Path(answer["network"]), answer["layers"]


@dataclass(frozen=True)
class Trained:
    """A trained network: its file, its layers, and f32 arrays (samples, steps, channels or classes)."""

    network: Path
    layers: list[dict[str, Any]]
    x: Array
    target: Array
    output: Array


@functools.cache
def trained_residual() -> Trained:
    """The residual network of the tutorial for Xylo, trained to a loss of 0 (about 10 s, once for all tests).

    Kept in the temporary folder under the digest of the script and of the versions that trained it.
    """
    script = Path(seed_residual.__file__).read_bytes()
    text = json.dumps(process().identity["environment"], sort_keys=True)
    kept = (
        Path(tempfile.gettempdir()) / f"snnhub-residual-{hashlib.sha256(script + text.encode()).hexdigest()[:16]}"
    )
    if not kept.is_dir():
        made = Path(tempfile.mkdtemp(prefix="snnhub-residual-"))
        process().call("train", {"folder": str(made)})
        try:
            made.rename(kept)
        except OSError:  # somebody else was faster
            shutil.rmtree(made)
    with np.load(kept / "samples.npz", allow_pickle=False) as file:
        arrays = {name: file[name] for name in ("x", "target", "output")}
    return Trained(kept / "net.json", json.loads((kept / "layers.json").read_text()), **arrays)


def _stored(raster: Array | None, folder: str) -> str | None:
    if raster is None:
        return None
    np.save(f"{folder}/raster.npy", raster.astype(np.int64), allow_pickle=False)
    return f"{folder}/raster.npy"


def _loaded(path: str) -> dict[str, Array]:
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}
