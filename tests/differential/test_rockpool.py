"""Live Rockpool: every spike, current and potential of its own simulation, of files and of live networks."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snnhub
from snnhub.api.options import ImportOptions
from snnhub.api.remote import import_with, open_worker
from snnhub.cli.main import invoke
from snnhub.engine.reference import prepare
from snnhub.errors import UnsupportedError, UsageError
from snnhub.hub.loader import load
from snnhub.ir.graph import Decoder
from snnhub.ir.rung import Rung
from snnhub.ops.registry import REGISTRY
from snnhub.peers.protocol import Worker
from snnhub_rockpool.importer import HERE, import_model

from tests.conftest import SHARED
from tests.differential.rockpool_runs import (
    NETS,
    OWN,
    SAMPLES,
    alone,
    bring,
    differences,
    inside,
    recorded,
    spikes_of,
    stimulus,
)
from tests.networks.rockpool_nets import SYNNETS

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("rockpool")]


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


@pytest.mark.parametrize("factory", ["residual", "nested", "steps", "alone"])
def test_other_networks_by_factory(worker: Worker, factory: str) -> None:
    graph, options, source = bring(worker, factory)
    theirs = recorded(worker, graph, options, source, stimulus())
    found = differences(graph, theirs, stimulus())
    assert spikes_of(found) + found["output"] == 0
    assert theirs["output"].sum() > 50
    if factory != "residual":  # whose weights are not on a grid
        assert found == dict.fromkeys(theirs, 0)


@pytest.mark.parametrize("name", SYNNETS)
@pytest.mark.parametrize("way", ["factory", "file"])
def test_synnets_with_every_option(worker: Worker, saved: Path, name: str, way: str) -> None:
    """By factory and as saved: not a spike differs."""
    source: Any = saved / f"synnet-{name}.json"
    if way == "file":
        options = ImportOptions()
        graph = import_model(source, options)
    else:
        graph, options, source = bring(worker, "synnet", **SYNNETS[name])
    x = stimulus(channels=graph.inputs[0].shape[0])
    theirs = recorded(worker, graph, options, source, x)
    found = differences(graph, theirs, x)
    assert spikes_of(found) + found["output"] == 0
    assert theirs["seq/0_neurons/s"].sum() > 1_000
    assert graph.decoder is not None
    vmem = SYNNETS[name].get("output") == "vmem"
    assert graph.decoder.quantity == ("seq/out_neurons/vmem" if vmem else "output")
    assert (theirs["output"].sum() > 50) != vmem
    assert ("SNN-3209" in {finding.code for finding in graph.findings}) == (vmem and way == "file")
    assert graph.dt == SYNNETS[name].get("dt", 0.001)


def test_every_argument_of_a_synnet_is_among_them() -> None:
    """All that the constructor takes."""
    lines = [
        "import inspect",
        "from rockpool.nn.networks import SynNet",
        "print(*inspect.signature(SynNet.__init__).parameters)",
    ]
    printed = inside("-W", "ignore", "-c", "\n".join(lines)).splitlines()[-1]
    arguments = set(printed.split()) - {"self", "args", "kwargs"}
    assert arguments == {name for options in SYNNETS.values() for name in options}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"output": "vmem", "threshold_out": 1.0}, "not applied"),
        ({"tau_syn_base": 0.001}, "larger than the time step"),
        ({"neuron_model": "LIFBitshiftTorch"}, "default_neuron_kwargs"),
        ({"time_constants_per_layer": [1, 2]}, "same length"),
    ],
)
def test_what_a_synnet_itself_refuses(worker: Worker, settings: dict[str, Any], words: str) -> None:
    """Neurons of any class but LIFTorch and LIFExodus are a defect of its own."""
    with pytest.raises(UsageError, match=words):
        bring(worker, "synnet", **settings)


def test_a_synnet_within_a_network(worker: Worker) -> None:
    graph, options, source = bring(worker, "two_synnets", OWN)
    assert [node.id for node in graph.nodes if node.op == "core.MultiSpikeLIF"] == [
        f"{k}_SynNet/seq/{name}" for k in range(2) for name in ("0_neurons", "out_neurons")
    ]
    theirs = recorded(worker, graph, options, source, stimulus())
    assert spikes_of(differences(graph, theirs, stimulus())) == 0
    with pytest.raises(UnsupportedError, match="membrane potentials"):
        bring(worker, "two_synnets", OWN, output="vmem")


def test_a_synnet_that_gives_potentials(worker: Worker, saved: Path) -> None:
    """From the live network it is known, from the file taken from the threshold; decisions are equal."""
    graph, options, source = bring(worker, "synnet", output="vmem")
    assert graph.decoder is not None
    assert graph.decoder.quantity == "seq/out_neurons/vmem"
    assert "SNN-3209" not in {finding.code for finding in graph.findings}
    stored = import_model(saved / "synnet-vmem.json", ImportOptions())
    assert stored.decoder == graph.decoder
    for way, decoder in (("spikes", Decoder("sum")), ("vmem", graph.decoder)):
        assert bring(worker, "synnet", given={"output": way})[0].decoder == decoder
    theirs = recorded(worker, graph, options, source, stimulus())
    ours, _ = prepare(graph, REGISTRY).run(stimulus(), record=["seq/out_neurons/vmem"])
    mean = [run["seq/out_neurons/vmem"].mean(axis=0).argmax(axis=-1) for run in (ours, theirs)]
    np.testing.assert_array_equal(*mean)
    np.testing.assert_allclose(ours["seq/out_neurons/vmem"], theirs["seq/out_neurons/vmem"], atol=1e-4)
    result = snnhub.verify(saved / "synnet-vmem.json", stimulus=stimulus(), against="rockpool")
    assert (result.verdict.decisions, result.verdict.decisions_equal) == (SAMPLES, SAMPLES)


STRUCTURES = {
    "alone": {"net": [{"path": "", "class": "LIFTorch"}]},
    "own": {"net": [{"path": "fc", "class": "Linear"}, {"path": "act", "class": "LIF"}]},
}


@pytest.mark.parametrize(
    "name", ["chain1", "chain3", "recurrent", "residual", "nested", "steps", "undeclared", "alone", "own"]
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
