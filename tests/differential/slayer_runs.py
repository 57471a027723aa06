"""Layers of slayer neurons: random specifications, their runs in live slayer, and the same part in the engine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from snnhub.engine.reference import prepare
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph, Port
from snnhub.ir.numtype import F32
from snnhub.ir.tensor import Array, smallest_integer, tensor
from snnhub.ops.registry import REGISTRY
from snnhub.peers.env import interpreter, own_packages
from snnhub.peers.recipe import read_recipe
from snnhub_lava import ENVIRONMENT

from tests.conftest import ROOT

FAMILIES = ("alif", "rf", "rf_iz", "adrf", "adrf_iz", "sigma_delta")
NORMS = (None, "MeanOnlyBatchNorm", "WgtScaleBatchNorm")
PEER = Path(__file__).with_name("slayer_peer.py")
GOLDEN = ROOT / "tests" / "golden" / "slayer" / "neurons.npz"
"""Small layers as live slayer ran them. Anew: ``python -m tests.differential.slayer_runs``."""
Spec = dict[str, Any]
RECORDED = 24


@dataclass(frozen=True)
class Live:
    """What slayer gave for a layer. Arrays are (time, samples, *shape); ``words`` in units of the threshold."""

    op: str
    attributes: Mapping[str, Any]
    findings: tuple[str, ...]
    params: Mapping[str, Array]
    inputs: Mapping[str, Array]
    words: Mapping[str, Array]


def random_layer(seed: int) -> Spec:
    """A layer of the family, norm, gradedness and sharing that ``seed`` gives."""
    random = np.random.default_rng((3320, seed))
    family, turn = FAMILIES[seed % len(FAMILIES)], seed // len(FAMILIES)
    shared = bool(turn % 2)
    dense = not shared or random.random() < 0.6
    shape = [int(random.integers(1, 12))] if dense else [int(n) for n in random.integers(1, 5, 3)]
    settings: Spec = {
        "threshold": float(random.choice([0.3, 1.0, 1.25, 5.0])),
        "norm": NORMS[turn // 2 % 3],
        "shared_param": shared or (family == "sigma_delta" and not dense),
        "requires_grad": bool(random.integers(2)),
        "dropout": bool(random.integers(2)),
    }
    ranged = {"alif": ("current_decay", "voltage_decay"), "sigma_delta": ()}.get(family, ("decay",))
    for name in ranged:
        settings[name] = _decay(random, shared)
    if family in ("rf", "rf_iz", "adrf", "adrf_iz"):
        settings["period"] = float(random.uniform(4, 30)) if shared else [4.0, float(random.uniform(5, 40))]
        settings["log_init"] = bool(random.integers(2))
    if family in ("alif", "adrf", "adrf_iz"):
        settings["threshold_step"] = float(random.choice([0.0, 0.3, 1.0]))
        for name in ("threshold_decay", "refractory_decay"):
            settings[name] = _decay(random, shared)
    if family != "sigma_delta":
        settings["graded_spike"] = bool(turn // 6 % 2)
    spec = {"family": family, "seed": seed, "shape": shape, "steps": int(random.integers(20, 80))}
    spec |= {"settings": settings, "bias": bool(random.integers(2)), "half": None}
    spec |= {"grid": int(random.choice([0, 32, 2048])), "rate": float(random.choice([0.2, 0.6, 1.0]))}
    if family == "sigma_delta" and turn % 5 == 4:
        spec["half"] = str(random.choice(["sigma", "delta"]))
    scale = float(random.choice([1.0, 3.0, 20.0])) * settings["threshold"]
    return {**spec, "drive": float(random.choice([0.0, 0.3])) * scale, "spread": scale}


def _decay(random: np.random.Generator, shared: bool) -> Any:
    if shared:
        return float(random.choice([0.0, 0.01, 0.1, 0.5, random.random()]))
    low = float(random.uniform(0, 0.4))
    return [low, low + float(random.uniform(0, 0.5))]


def directed_layers() -> list[Spec]:
    """Sums beyond 2^24, thresholds of 64 and more, potentials on the threshold, inputs below 1/4096."""
    extremes = (
        {"threshold": 1.0, "spread": 3000.0, "grid": 32, "rate": 1.0},
        {"threshold": 3000.0, "spread": 900.0, "grid": 2048, "rate": 1.0, "drive": 700.0},
        {"threshold": 64.0, "spread": 12.0, "grid": 1, "rate": 1.0, "drive": 4.0},
        {"threshold": 100.5, "spread": 40.0, "grid": 2, "rate": 0.5, "drive": 10.0},
        {"threshold": 0.0, "spread": 0.5, "grid": 8, "rate": 0.5},
        {"threshold": 0.03125, "spread": 1e-3, "grid": 0, "rate": 1.0, "drive": 2e-3},
        {"threshold": 4095.9, "spread": 3e6, "grid": 0, "rate": 0.3},
    )
    found = []
    for number, extreme in enumerate(extremes):
        for place, family in enumerate(FAMILIES):
            if family == "sigma_delta" and extreme["threshold"] == 0:
                continue
            spec = random_layer(len(FAMILIES) * (2 * (number * 7 % 9) + 1) + place)
            settings = {**spec["settings"], "threshold": extreme["threshold"], "norm": None}
            settings |= {name: 0.0 for name in settings if name.endswith("decay") and number % 2 == 0}
            rest = {name: value for name, value in extreme.items() if name != "threshold"}
            found.append({**spec, "drive": 0.0, **rest, "half": None, "steps": 90, "settings": settings})
    return found


def inside(*arguments: str) -> str:
    """Run the interpreter of the Lava environment; what it printed."""
    folders = os.pathsep.join(sorted({str(Path(folder).parent) for folder in own_packages().values()}))
    command = [str(interpreter(read_recipe(ENVIRONMENT.path()))), *arguments]
    environment = {**os.environ, "PYTHONPATH": folders}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def run_live(specs: list[Spec], folder: Path) -> list[Live]:
    """All layers in one process of live slayer."""
    (folder / "spec.json").write_text(json.dumps(specs))
    inside(str(PEER), "layers", str(folder / "answer.npz"), str(folder / "spec.json"))
    return load(folder / "answer.npz")


def load(path: Path) -> list[Live]:
    """What a run left behind."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    count = 1 + max(int(name.partition("/")[0]) for name in arrays)
    return [_live(arrays, f"{number}/") for number in range(count)]


def _live(arrays: Mapping[str, Array], start: str) -> Live:
    def under(kind: str) -> dict[str, Array]:
        return {key.removeprefix(start + kind): a for key, a in arrays.items() if key.startswith(start + kind)}

    op, attributes, findings = json.loads(str(arrays[f"{start}part"]))
    return Live(op, attributes, tuple(findings), under("param/"), under("in/"), under("word/"))


def graph_of(live: Live) -> Graph:
    """The part as a network of its own."""
    builder = GraphBuilder("slayer", REGISTRY)
    ports = {name: builder.input(x.shape[2:], F32, f"in_{name}") for name, x in live.inputs.items()}
    params = {
        name: smallest_integer(value) if value.dtype.kind == "i" else tensor(value)
        for name, value in live.params.items()
    }
    builder.node("n", live.op, ports, params=params, **live.attributes)
    builder.output(Port("n", "y" if live.op == "slayer.Sigma" else "s"))
    return builder.graph()


def differing(live: Live, graph: Graph | None = None) -> dict[str, int]:
    """Words and spikes that differ, by name. Every state of the op is compared."""
    graph = graph or graph_of(live)
    program = graph.node["n"].program
    assert program is not None
    inputs = {f"in_{name}": x for name, x in live.inputs.items()}
    recording, _ = prepare(graph, REGISTRY).run(inputs, record=[f"n/{name}" for name in program.names])
    ours = {name: recording.with_batch(f"n/{name}") for name in program.names}
    if "t" in ours:
        ours |= before_spike(live, ours)
    theirs = expected(live)
    assert set(theirs) == set(ours)
    return {name: int((as_word(ours[name]) != theirs[name]).sum()) for name in theirs}


def as_word(state: Array) -> Array:
    """An integer state as slayer's f32 word in units of the threshold; spikes and floats as they are."""
    if state.dtype.kind in "iu" and state.dtype != np.uint8:
        return np.asarray(state.astype(np.float32) / np.float32(4096))
    return state.astype(np.float32)


def expected(live: Live) -> dict[str, Array]:
    """The states of our ops out of slayer's words, which it records before a spike resets them."""
    words = dict(live.words)
    if live.op == "slayer.Sigma":
        return {"sigma": words["s"], "y": words["s"]}
    if live.op == "slayer.Delta":
        return {**_deltas(next(iter(live.inputs.values())), live), "s": words["s"]}
    if live.op == "slayer.SigmaDelta":
        return {"sigma": words["sigma"], **_deltas(_activation(words["sigma"], live), live), "s": words["s"]}
    fired = words["s"] != 0
    threshold = (live.params["threshold"] / 4096).astype(np.float32)
    if live.op == "slayer.RFIzhikevich":
        words["re"] = np.where(fired, np.float32(0), words["re"])
        words["im"] = np.where(fired, (threshold - np.float32(1 / 4096)).astype(np.float32), words["im"])
    return words


def before_spike(live: Live, ours: Mapping[str, Array]) -> dict[str, Array]:
    """Our threshold and refractory state as they were before a spike raised them, exactly: what slayer records."""
    fired = live.words["s"] != 0
    t = ours["t"] - np.where(fired, live.params["threshold_step"], 0)
    return {"t": t, "r": ours["r"] - np.where(fired, 2 * t, 0)}


def _activation(sigma: Array, live: Live) -> Array:
    a = sigma
    if "mean" in live.params:
        a = a - live.params["mean"]
    if "std" in live.params:
        a = a / live.params["std"]
    return np.asarray(np.maximum(a + live.params["bias"], np.float32(0)))


def _deltas(a: Array, live: Live) -> dict[str, Array]:
    """The last activation, and the residue by slayer's loop over time in f32."""
    last, residue, found = np.zeros_like(a[0]), np.zeros_like(a[0]), []
    for now in a:
        change = (now - last) + residue
        residue = change - np.where(np.abs(change) >= live.params["threshold"], change, np.float32(0))
        last = now
        found.append(residue)
    return {"last": a, "residue": np.stack(found)}


def record() -> None:
    """Write ``GOLDEN``: the first layers of each family that spike, made small."""
    small = [{**random_layer(seed), "steps": 24, "drive": 1.5, "spread": 4.0} for seed in range(3 * RECORDED)]
    for spec in small:
        spec["shape"] = spec["shape"][:1] if len(spec["shape"]) == 1 else [2, 2, 1]
    with tempfile.TemporaryDirectory() as folder:
        found = run_live(small, Path(folder))
        loud = [spec for spec, live in zip(small, found, strict=True) if live.words["s"].any()][:RECORDED]
        run_live(loud, Path(folder))
        GOLDEN.parent.mkdir(exist_ok=True)
        shutil.copy(Path(folder) / "answer.npz", GOLDEN)


if __name__ == "__main__":
    record()
