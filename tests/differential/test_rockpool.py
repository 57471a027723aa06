"""Live Rockpool: every spike, current and potential of its own simulation, of files and of live networks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snnhub
from snnhub.api.options import ImportOptions
from snnhub.api.remote import import_with, open_worker
from snnhub.api.request import RunRequest
from snnhub.cli.main import invoke
from snnhub.compare.verdict import differing
from snnhub.engine.reference import prepare
from snnhub.engine.stimulus import read_stimulus
from snnhub.errors import UnsupportedError, UsageError
from snnhub.hub.loader import load
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Edge, Graph, Node, Port
from snnhub.ir.numtype import F32
from snnhub.ir.recording import Recording
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY
from snnhub.peers.env import interpreter, own_packages
from snnhub.peers.protocol import Worker
from snnhub.peers.recipe import read_recipe
from snnhub_rockpool import ENVIRONMENT
from snnhub_rockpool.importer import HERE, import_model
from snnhub_rockpool.runner import run_in

from tests.conftest import ROOT, SHARED
from tests.networks.rockpool_files import counts

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("rockpool")]
NETS = ROOT / "tests" / "networks" / "rockpool_nets.py"
STEPS, SAMPLES = 120, 4


@pytest.fixture(scope="module")
def worker(rockpool: None) -> Iterator[Worker]:
    """One Rockpool process for all short runs."""
    with open_worker("rockpool") as opened:
        yield opened


@pytest.fixture(scope="module")
def saved(rockpool: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Networks as Rockpool itself saves them."""
    folder = tmp_path_factory.mktemp("saved")
    inside("-W", "ignore", str(NETS), str(folder))
    return folder


def inside(*arguments: str) -> str:
    """Run Rockpool's interpreter; what it printed."""
    folders = os.pathsep.join(sorted({str(Path(folder).parent) for folder in own_packages().values()}))
    command = [str(interpreter(read_recipe(ENVIRONMENT.path()))), *arguments]
    environment = {**os.environ, "PYTHONPATH": folders}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def bring(worker: Worker, factory: str, **settings: Any) -> tuple[Graph, ImportOptions, str]:
    options = ImportOptions(settings={name: str(value) for name, value in settings.items()})
    source = f"{NETS}:{factory}"
    return import_with(worker, HERE, source, options), options, source


def recorded(worker: Worker, graph: Graph, options: ImportOptions, source: Any, x: Array) -> Recording:
    return run_in(worker, RunRequest(graph, read_stimulus(x, graph.inputs[0]), ("*",), source, options))


def stimulus(steps: int = STEPS, seed: int = 0) -> Array:
    return counts(steps, SAMPLES, 16, seed)


def differences(graph: Graph, theirs: Recording, x: Array) -> dict[str, int]:
    """Values that differ, by record key. Everything that the engine records, Rockpool recorded too."""
    ours, _ = prepare(graph, REGISTRY).run(x, record=list(theirs))
    assert {f"{n.id}/{name}" for n in graph.nodes if n.program for name in n.program.names} <= set(theirs)
    return {key: int(differing(ours[key], theirs[key]).sum()) for key in theirs}


def spikes_of(found: dict[str, int]) -> int:
    return sum(count for key, count in found.items() if key.endswith("/s"))


@pytest.mark.parametrize("kind", ["LIFTorch", "LIFBitshiftTorch"])
@pytest.mark.parametrize("n_syn", [1, 2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_feed_forward_networks_are_equal_in_every_bit(worker: Worker, n_syn: int, kind: str, seed: int) -> None:
    """Factors from the worker, biases, mixed thresholds, cap 31 and 1: 0 differing words of any kind."""
    graph, options, source = bring(worker, "chain", n_syn=n_syn, kind=kind, seed=seed)
    x = stimulus(seed=seed)
    theirs = recorded(worker, graph, options, source, x)
    assert differences(graph, theirs, x) == dict.fromkeys(theirs, 0)
    assert theirs[f"1_{kind}/s"].sum() > 10_000
    assert theirs["output"].sum() > 100


@pytest.mark.parametrize("n_syn", [1, 3])
@pytest.mark.parametrize("seed", range(4))
def test_with_any_weights_the_spikes_are_equal_and_neurons_in_every_bit(
    worker: Worker, n_syn: int, seed: int
) -> None:
    """Torch rounds sums of weights in an order of its own; what arrives being equal, so is every word."""
    graph, options, source = bring(worker, "chain", n_syn=n_syn, seed=seed, exact=False)
    x = stimulus(seed=seed)
    theirs = recorded(worker, graph, options, source, x)
    assert spikes_of(differences(graph, theirs, x)) == 0
    assert alone(graph, theirs) == {"1_LIFTorch": 0, "3_LIFTorch": 0}


def test_more_than_three_synapses_differ_in_last_bits_of_states_alone(worker: Worker) -> None:
    graph, options, source = bring(worker, "chain", n_syn=5)
    assert "SNN-3212" in {finding.code for finding in graph.findings}
    theirs = recorded(worker, graph, options, source, stimulus())
    found = differences(graph, theirs, stimulus())
    assert spikes_of(found) == 0
    assert {key for key, count in found.items() if count} <= {"1_LIFTorch/vmem", "3_LIFTorch/vmem"}
    assert found["1_LIFTorch/vmem"] > 0


def alone(graph: Graph, theirs: Recording) -> dict[str, int]:
    """Each layer of neurons alone in the reference engine, fed with what Rockpool fed it: values that differ."""
    found = {}
    for node in graph.nodes:
        if node.op == "core.MultiSpikeLIF":
            piece, sources = _piece(graph, node)
            inputs = {f"in_{port}": theirs[f"{src.node}/{src.name}"] for port, src in sources.items()}
            names = node.program.names if node.program else ()
            ours, _ = prepare(piece, REGISTRY).run(inputs, record=[f"{node.id}/{name}" for name in names])
            found[node.id] = sum(int(differing(ours[key], theirs[key]).sum()) for key in ours)
    return found


def _piece(graph: Graph, node: Node) -> tuple[Graph, dict[str, Port]]:
    """A layer of neurons with an input for each port, and where these come from."""
    sources = {edge.dst.name: edge.src for edge in graph.feeding(node.id)}
    builder = GraphBuilder(node.id, REGISTRY)
    builder.nodes.append(node)
    size = next(array.shape[0] for array in (graph.node[src.node].param["weight"] for src in sources.values()))
    for port in sources:
        builder.edges.append(Edge(builder.input((size,), F32, f"in_{port}"), Port(node.id, port)))
    builder.output(Port(node.id, "s"))
    return builder.graph(), sources


@pytest.mark.parametrize("strength", [0.01, 0.03, 0.1])
@pytest.mark.parametrize(("n_syn", "seed"), [(1, 0), (1, 1), (2, 0)])
def test_recurrent_layers_are_equal_node_by_node(worker: Worker, strength: float, n_syn: int, seed: int) -> None:
    graph, options, source = bring(worker, "recurrent", strength=strength, n_syn=n_syn, seed=seed)
    theirs = recorded(worker, graph, options, source, stimulus(seed=seed))
    assert alone(graph, theirs) == {"1_LIFTorch": 0, "3_LIFTorch": 0}
    assert theirs["1_LIFTorch/s"].sum() > 5_000


@pytest.mark.parametrize("strength", [0.01, 0.03, 0.1])
@pytest.mark.parametrize(("n_syn", "seed"), [(1, 0), (1, 1), (2, 0)])
def test_recurrent_networks_spike_equally_in_the_torch_engine(strength: float, n_syn: int, seed: int) -> None:
    pytest.importorskip("torch")
    settings = {"strength": str(strength), "n_syn": str(n_syn), "seed": str(seed)}
    result = snnhub.verify(
        f"{NETS}:recurrent",
        stimulus=stimulus(seed=seed),
        against="rockpool",
        from_="rockpool",
        options=ImportOptions(settings=settings),
        engine="torch",
    )
    assert result.passed
    assert result.verdict.reached.reaches(Rung.SPIKES)


def test_recurrence_on_a_grid_is_equal_free_running(worker: Worker) -> None:
    graph, options, source = bring(worker, "recurrent", exact=True, strength=0.05)
    theirs = recorded(worker, graph, options, source, stimulus())
    assert differences(graph, theirs, stimulus()) == dict.fromkeys(theirs, 0)


@pytest.mark.parametrize("factory", ["residual", "nested", "alone"])
def test_other_networks_by_factory(worker: Worker, factory: str) -> None:
    graph, options, source = bring(worker, factory)
    theirs = recorded(worker, graph, options, source, stimulus())
    found = differences(graph, theirs, stimulus())
    assert spikes_of(found) + found["output"] == 0
    assert theirs["output"].sum() > 50
    if factory != "residual":  # whose weights are not on a grid
        assert found == dict.fromkeys(theirs, 0)


SYNNETS: dict[str, dict[str, Any]] = {
    "default": {},
    "two layers, taus": {
        "size_hidden_layers": [20, 14],
        "time_constants_per_layer": [4, 3],
        "tau_syn_base": 0.003,
    },
    "dropout, caps": {"p_dropout": 0.3, "max_spikes_per_dt": 5, "max_spikes_per_dt_out": 2},
    "trainable": {"train_time_constants": True, "train_threshold": True, "threshold": 0.7},
    "unrounded taus": {"quantize_time_constants": False, "tau_mem": 0.0053, "tau_syn_out": 0.0031, "dt": 0.0011},
    "thresholds": {"threshold_out": [0.5, 1.0, 1.5, 2.0], "tau_mem": 0.004},
}


@pytest.mark.parametrize("name", SYNNETS)
def test_synnets_with_every_option(worker: Worker, name: str) -> None:
    graph, options, source = bring(worker, "synnet", **SYNNETS[name])
    theirs = recorded(worker, graph, options, source, stimulus())
    assert spikes_of(differences(graph, theirs, stimulus())) == 0
    assert theirs["seq/0_neurons/s"].sum() > 1_000
    assert theirs["output"].sum() > 50
    assert graph.decoder is not None
    assert graph.decoder.quantity == "output"


def test_a_synnet_that_gives_potentials(worker: Worker, saved: Path) -> None:
    """From the live network it is known, from the file taken from the threshold; decisions are equal."""
    graph, options, source = bring(worker, "synnet", output="vmem")
    assert graph.decoder is not None
    assert graph.decoder.quantity == "seq/out_neurons/vmem"
    assert "SNN-3209" not in {finding.code for finding in graph.findings}
    stored = import_model(saved / "vmem.json", ImportOptions())
    assert stored.decoder == graph.decoder
    theirs = recorded(worker, graph, options, source, stimulus())
    ours, _ = prepare(graph, REGISTRY).run(stimulus(), record=["seq/out_neurons/vmem"])
    mean = [run["seq/out_neurons/vmem"].mean(axis=0).argmax(axis=-1) for run in (ours, theirs)]
    np.testing.assert_array_equal(*mean)
    np.testing.assert_allclose(ours["seq/out_neurons/vmem"], theirs["seq/out_neurons/vmem"], atol=1e-4)
    result = snnhub.verify(saved / "vmem.json", stimulus=stimulus(), against="rockpool")
    assert (result.verdict.decisions, result.verdict.decisions_equal) == (SAMPLES, SAMPLES)


STRUCTURES = {
    "alone": {"net": [{"path": "", "class": "LIFTorch"}]},
    "own": {"net": [{"path": "fc", "class": "Linear"}, {"path": "act", "class": "LIF"}]},
}


@pytest.mark.parametrize(
    "name", ["chain1", "chain3", "recurrent", "residual", "nested", "synnet", "undeclared", "alone", "own"]
)
def test_files_that_rockpool_saved(worker: Worker, saved: Path, tmp_path: Path, name: str) -> None:
    """Decays are worked out here and may be off by a last bit; no spike is. Rockpool loads the same file."""
    given: dict[str, str] = {}
    if name in STRUCTURES:
        with pytest.raises(UnsupportedError, match="Edit this"):
            import_model(saved / f"{name}.json", ImportOptions())
        given["structure"] = str(tmp_path / "S.json")
        Path(given["structure"]).write_text(json.dumps(STRUCTURES[name]))
    options = ImportOptions(given=given)
    graph = import_model(saved / f"{name}.json", options)
    theirs = recorded(worker, graph, options, saved / f"{name}.json", stimulus())
    found = differences(graph, theirs, stimulus())
    assert spikes_of(found) + found["output"] == 0
    assert theirs["output"].sum() > 50
    codes = {finding.code for finding in graph.findings}
    assert ("SNN-3203" in codes) == (name == "undeclared")


def test_the_file_and_the_live_network_are_one_but_for_last_bits(worker: Worker, saved: Path) -> None:
    live, _, _ = bring(worker, "chain")
    stored = import_model(saved / "chain1.json", ImportOptions())
    assert [(n.id, n.attributes) for n in live.nodes] == [(n.id, n.attributes) for n in stored.nodes]
    assert live.dt == stored.dt
    for node in live.nodes:
        for name, tensor in node.params:
            other = stored.node[node.id].param[name].array
            assert np.abs(tensor.array - other).max() <= np.spacing(np.float32(1)), (node.id, name)
    assert "torch 2.13" in live.node["1_LIFTorch"].param["alpha"].recipe


def test_the_trained_synnet_on_every_raster(rockpool: None) -> None:
    """30 rasters of 300 steps: 0 of 1,737,000 spike bins differ."""
    folder = SHARED / "rockpool"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here")
    with np.load(folder / "rasters.npz") as file:
        x = np.stack([file[key] for key in sorted(file.files)], axis=1).astype(np.float32)
    result = snnhub.verify(folder / "to_deploy_inXylo.json", stimulus=x, against="rockpool")
    assert result.passed
    rows = [row for row in result.verdict.rows if row.spikes]
    assert sum(row.different for row in rows) == 0
    assert sum(row.a_spikes or 0 for row in rows[:-1]) > 800_000
    assert result.verdict.decisions_equal == x.shape[1]


def test_modules_that_are_not_held_are_refused_with_all_reasons(worker: Worker) -> None:
    for factory, code in (("own", "SNN-3002"), ("odd_spikes", "SNN-3214")):
        with pytest.raises(UnsupportedError) as caught:
            bring(worker, factory)
        assert code in {finding.code for finding in caught.value.findings}


@pytest.mark.parametrize(
    ("source", "settings", "words"),
    [
        (f"{NETS}:nothing", {}, "no such factory"),
        (f"{NETS}:chain", {"wrong": "1"}, "do not fit"),
        (f"{NETS}:chain", {"kind": "LIFJax"}, "the factory failed"),
        (f"{NETS}:DT", {}, "no such factory"),
        ("missing.py:net", {}, "no such file"),
        ("json:dumps", {"obj": "1"}, "module of Rockpool"),
    ],
)
def test_factories_that_do_not_work_say_why(
    worker: Worker, source: str, settings: dict[str, str], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        import_with(worker, HERE, source, ImportOptions(settings=settings))


def test_on_the_command_line(saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "x.npy", stimulus(40))
    given = ["--from", "rockpool", "--set", "n_syn=2", "--input", str(tmp_path / "x.npy")]
    assert invoke(["verify", f"{NETS}:chain", *given, "--against", "rockpool", "--expect", "bits"]) == 0
    assert "bits" in capsys.readouterr().out
    run = ["run", str(saved / "residual.json"), "--input", str(tmp_path / "x.npy"), "--runner", "rockpool"]
    assert invoke(run) == 0
    assert load().problems == []


LIVE = f"""
import sys, warnings
warnings.simplefilter("ignore")
sys.path.insert(0, {str(NETS.parent)!r})
import numpy as np
import rockpool_nets
from snnhub.api.options import ImportOptions
from snnhub.api.request import RunRequest
from snnhub.engine.reference import prepare
from snnhub.engine.stimulus import read_stimulus
from snnhub_rockpool.importer import import_model
from snnhub_rockpool.runner import run_model
net = rockpool_nets.nested()
import torch
before = torch.get_rng_state()
graph = import_model(net, ImportOptions())
assert net[3].training and torch.equal(before, torch.get_rng_state())
x = np.random.default_rng(0).poisson(0.7, (60, 3, 16)).astype(np.float32)
for _ in range(2):  # the second run starts from rest again
    theirs = run_model(RunRequest(graph, read_stimulus(x, graph.inputs[0]), ("*",), net))
    ours, _ = prepare(graph).run(x, record=list(theirs))
    wrong = [key for key in theirs if not np.array_equal(ours[key], theirs[key])]
    assert wrong == [], wrong
assert net[3].training and not net[2].vmem.any()
print(int(theirs["output"].sum()))
"""


def test_a_live_module_in_a_process_that_has_rockpool() -> None:
    """By duck typing, without a worker; the module is not changed."""
    assert int(inside("-c", LIVE)) > 50


def test_mappers_can_be_imported_without_samna() -> None:
    lines = [
        "import snnhub_rockpool.without_samna as w, importlib; w.apply()",
        "m = 'rockpool.devices.xylo.%s.xylo_mapper'",
        "print([importlib.import_module(m % f).mapper.__name__ for f in w.FAMILIES])",
    ]
    assert inside("-W", "ignore", "-c", "\n".join(lines)).strip().endswith("['mapper', 'mapper', 'mapper']")
    assert "samna" not in sys.modules
