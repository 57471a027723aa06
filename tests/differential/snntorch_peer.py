"""Live snnTorch beside the torch engine, asked for from outside: runs in the environment ``nir-frameworks``.

``python -m tests.differential.snntorch_peer neurons|networks FOLDER`` prints one JSON document.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from snnhub.api.hosted import register_own_ops
from snnhub.api.options import ImportOptions
from snnhub.api.request import RunRequest
from snnhub.engine.stimulus import Stimulus
from snnhub.engine.torch_engine.plan import prepare_torch
from snnhub.engine.torch_engine.settings import Mode, Settings
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.digest import network_digest
from snnhub.ir.graph import Graph, Origin
from snnhub.ir.numtype import F32
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY
from snnhub.torchnet.signals import Lead, Signal
from snnhub.torchnet.site import Site

CALL = Settings(Mode("s"), None, "cpu", 1)
WIDE, STEPS, SAMPLES, SEED = 6, 25, 3, 20261122
RESETS, BOTH = ("subtract", "zero", "none"), (True, False)
NETS = "tests/networks/snntorch_nets.py"
Case = tuple[tuple[int, ...], Callable[[], Any]]


def main() -> None:
    """Entry point of the process."""
    import torch

    torch.set_num_threads(1)
    register_own_ops()
    answer = {"neurons": neurons, "networks": networks}[sys.argv[1]](Path(sys.argv[2]))
    print(json.dumps(answer))


def cases() -> Iterator[Case]:
    """Every neuron with every attribute that can be held."""
    import snntorch as snn
    import torch

    f = (WIDE,)
    decay = torch.linspace(-0.1, 1.2, WIDE)  # snnTorch clamps it
    theta = torch.tensor([0.5, 1.0, 1.5, -0.25, 2.0, 0.75])
    for r, d, b, t, g in itertools.product(RESETS, BOTH, (0.9, 1, decay), (1, theta), (1.0, 0.5)):
        given: dict[str, Any] = {"threshold": t, "reset_mechanism": r, "reset_delay": d, "graded_spikes_factor": g}
        learnt = isinstance(b, float)
        yield f, lambda b=b, k=given, n=learnt: snn.Leaky(b, learn_beta=n, learn_graded_spikes_factor=n, **k)
    for r, d, b, t in itertools.product(RESETS, BOTH, (0.5, decay), (1.0, theta)):
        given = {"threshold": t, "reset_mechanism": r, "reset_delay": d, "init_hidden": True, "output": True}
        yield f, lambda b=b, k=given: snn.Synaptic(0.8, b, **k)
    pairs = ((0.9, 0.8), (torch.linspace(0.5, 1, WIDE), torch.linspace(0.1, 0.4, WIDE)))
    for r, t, (a, b) in itertools.product(RESETS, (1.0, theta), pairs):
        yield f, lambda a=a, b=b, r=r, t=t: snn.Alpha(a, b, threshold=t, reset_mechanism=r)
    circuits: tuple[dict[str, Any], ...] = (
        *({"beta": 0.9}, {"R": 5, "C": 2}, {"R": 5.1, "C": 0.005, "time_step": 0.001}),
        *({"beta": 0.5, "R": 2}, {"beta": 0.5, "C": 3, "time_step": 2}),
    )
    for r, t, k in itertools.product(RESETS, (1.0, theta), circuits):
        yield f, lambda r=r, t=t, k=k: snn.Lapicque(**k, threshold=t, reset_mechanism=r)
    for b in (0.9, decay):
        yield f, lambda b=b: snn.DeltaLeaky(0.5, b)
    yield (3, 5, 4), lambda: snn.Leaky(torch.linspace(0, 1, 3).reshape(3, 1, 1), threshold=torch.rand(5, 1))
    yield f, lambda: snn.Leaky(np.exp(-1 / 20), surrogate_disable=True, threshold=np.float64(0.7))
    yield from recurrent(decay, theta)


def recurrent(decay: Any, theta: Any) -> Iterator[Case]:
    """``RLeaky`` and ``RSynaptic`` behind a Linear, a Conv2d, and by factors of their own."""
    import snntorch as snn
    import torch

    ways: tuple[dict[str, Any], ...] = (
        {"linear_features": WIDE},
        {"all_to_all": False, "V": 0.5},
        {"all_to_all": False, "V": torch.linspace(-1, 1, WIDE), "learn_recurrent": False},
    )
    for r, d, t, b, k in itertools.product(RESETS, BOTH, (1.0, theta), (0.9, decay), ways):
        given: dict[str, Any] = {"threshold": t, "reset_mechanism": r, "reset_delay": d, **k}
        yield (WIDE,), lambda b=b, k=given: snn.RLeaky(b, **k)
    for r, t, b, k in itertools.product(RESETS, (1.0, theta), (0.9, decay), ways):
        yield (WIDE,), lambda r=r, t=t, b=b, k=k: snn.RSynaptic(0.7, b, threshold=t, reset_mechanism=r, **k)
    for r, d in itertools.product(RESETS, BOTH):
        given = {"conv2d_channels": 3, "kernel_size": 3, "reset_mechanism": r, "reset_delay": d}
        yield (3, 5, 4), lambda k=given: snn.RLeaky(0.5, **k)
    yield (3, 5, 4), lambda: snn.RSynaptic(0.7, 0.5, conv2d_channels=3, kernel_size=(3, 1))


def inputs(shape: tuple[int, ...]) -> Iterator[tuple[str, Array]]:
    """Random; a grid on which sums land on the threshold; overshoot beyond twice it; mostly negative."""
    random, size = np.random.default_rng(SEED), (STEPS, SAMPLES, *shape)
    yield "random", random.normal(0.3, 0.8, size).astype(np.float32)
    yield "grid", (random.integers(-2, 4, size) * 0.25).astype(np.float32)
    yield "overshoot", random.normal(2.5, 1.5, size).astype(np.float32)
    yield "negative", random.normal(-0.5, 0.7, size).astype(np.float32)


def alone(module: Any, shape: tuple[int, ...]) -> tuple[Graph, list[str]]:
    """A graph of one neuron, and the names of its outputs."""
    from snnhub_snntorch.attributes import own_class
    from snnhub_snntorch.neurons import NEURONS

    neuron, builder = NEURONS[own_class(module).__name__], GraphBuilder("net", REGISTRY)
    source = builder.input(shape, F32)
    neuron.check(module)
    site = Site("n", Origin("snntorch", "", "n"), builder)
    signals = neuron.handle(module, Signal(source, Lead.BATCH, shape), site)
    for name, signal in signals.items():
        builder.output(signal.port, f"out_{name}")
    return builder.graph(), list(signals)


def live(module: Any, x: Array) -> dict[str, Array]:
    """What the module itself gives, its states handed on as a user does."""
    import torch
    from snnhub_snntorch.neurons import NEURONS

    name = type(module).__name__
    recorded: dict[str, list[Array]] = {}
    state: tuple[Any, ...] = ((None, None),) if name == "DeltaLeaky" else ()
    with torch.no_grad():
        for step in x:
            result = module(torch.from_numpy(step), *state)
            if isinstance(result, tuple) and not module.init_hidden:
                state = result if name in ("RLeaky", "RSynaptic") else result[1:]
            for key, value in NEURONS[name].outputs(module, result).items():
                recorded.setdefault(key, []).append(value.numpy().copy())
    return {key: np.stack(values) for key, values in recorded.items()}


def differing(found: Array, wanted: Array) -> int:
    """Words of f32 that differ, the sign of zero too."""
    return int((found.astype(np.float32).view(np.uint32) != wanted.view(np.uint32)).sum())


def neurons(_: Path) -> dict[str, dict[str, int]]:
    """By class and input: cases, words, words that differ, spikes."""
    import torch

    table: dict[str, dict[str, int]] = {}
    for number, (shape, make) in enumerate(cases()):
        for name, x in inputs(shape):
            torch.manual_seed(number)
            module = make().eval()
            graph, names = alone(module, shape)
            wanted = live(module, x)
            recording, _run = prepare_torch(graph, CALL).run(x, record=[f"n/{key}" for key in names])
            row = table.setdefault(
                f"{type(module).__name__} {name}", dict.fromkeys(("cases", "words", "differ", "spikes"), 0)
            )
            row["cases"] += 1
            for key in names:
                row["words"] += wanted[key].size
                row["differ"] += differing(np.asarray(recording[f"n/{key}"]), wanted[key])
                row["spikes"] += int((wanted[key] != 0).sum()) if key in ("s", "spk") else 0
    return table


def networks(folder: Path) -> dict[str, dict[str, Any]]:
    """Every network of ``snntorch_nets``: imported, run in both, written as code, read and run again."""
    import snntorch as snn
    from snnhub.errors import UnsupportedError

    from tests.networks.snntorch_nets import SHAPES

    found: dict[str, dict[str, Any]] = {}
    for name, shape in SHAPES.items():
        snn.SpikingNeuron.init()  # its reset() looks at every neuron of the process
        try:
            found[name] = _network(name, shape, folder)
        except UnsupportedError as problem:
            found[name] = {"refused": sorted({f"{item.code} {item.place}" for item in problem.findings})}
    return found


def _network(name: str, shape: tuple[int, ...], folder: Path) -> dict[str, Any]:
    from snnhub.errors import UnsupportedError
    from snnhub_snntorch.exporter import export_snntorch
    from snnhub_snntorch.importer import import_snntorch

    options = ImportOptions(input_shape=shape)
    source = f"{NETS}:{name}"
    graph = import_snntorch(source, options)
    x = np.random.default_rng(SEED).normal(0.3, 1.2, (12, 4, *shape)).astype(np.float32)
    if graph.inputs[0].hold:
        x[:] = x[0]
    answer = {"codes": sorted({finding.code for finding in graph.findings}), **_beside(graph, source, options, x)}
    path = folder / f"{name}.py"
    try:
        export_snntorch(graph, path)
    except UnsupportedError as problem:
        return answer | {"code": sorted({f"{item.code} {item.place}" for item in problem.findings})}
    again = ImportOptions(input_shape=shape, weights=path.with_suffix(".pt"))
    back = import_snntorch(f"{path}:net", again)
    second = _beside(back, f"{path}:net", again, x)
    same = network_digest(back) == network_digest(graph)
    return answer | {"same": same, "again": second, "spikes match": second["spikes"] == answer["spikes"]}


def _beside(graph: Graph, source: str, options: ImportOptions, x: Array) -> dict[str, Any]:
    """The network itself beside the torch engine, on all that both can record."""
    from snnhub_snntorch.importer import run_snntorch

    request = RunRequest(graph, Stimulus(x, True, ""), ("*",), source, options, {}, None, None)
    theirs = run_snntorch(request)
    plan = prepare_torch(graph, CALL)
    keys = [key for key in theirs if key in plan.record_keys()]
    ours, _run = plan.run(x, record=keys)
    wrong = {key: int((np.asarray(ours[key]) != theirs[key]).sum()) for key in keys}
    spikes = {key: int(theirs[key].sum()) for key in keys if key.endswith("/s")}
    words = sum(theirs[key].size for key in keys)
    return {"words": words, "differ": sum(wrong.values()), "spikes": spikes, "keys": len(keys)}


if __name__ == "__main__":
    main()
