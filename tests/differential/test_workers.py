"""Networks that can only be built elsewhere: imported and run in workers, equal to their framework bit by bit."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snnhub
from snnhub.api.load import load_graph
from snnhub.api.options import ImportOptions, InputShapeMissingError
from snnhub.api.remote import import_with, open_worker, run_with
from snnhub.api.request import RunRequest
from snnhub.cli.main import invoke
from snnhub.engine.reference import prepare
from snnhub.engine.stimulus import read_stimulus
from snnhub.errors import UnsupportedError, UsageError
from snnhub.hub.loader import load
from snnhub.ir.graph import Graph
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY
from snnhub.peers.env import interpreter, own_packages, status
from snnhub.peers.protocol import Worker
from snnhub.peers.recipe import read_recipe
from snnhub_spikingjelly import LAVA, OLD
from snnhub_spikingjelly.elsewhere import IMPORTER, RUNNER

from tests.conftest import REQUIRE_PEERS, ROOT
from tests.golden.freeze import digits

pytestmark = pytest.mark.peer
BLOCKS = str(ROOT / "tests" / "networks" / "blocks.py")
STEPS, SAMPLES = 40, 4


def need_environment(name: str) -> None:
    """Skip without the environment, unless peers are required: then its absence is a failure."""
    found = status(read_recipe(load().environments[name].path()))
    if found.state == "ready":
        return
    message = f"environment {name} is {found.state}. Run: snnhub env create {name}"
    if REQUIRE_PEERS:
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="module")
def blocks() -> None:
    """The environment that has BlockContainer."""
    need_environment(LAVA)


@pytest.fixture(scope="module")
def old() -> None:
    """The environment of SpikingJelly before 2.0."""
    need_environment(OLD)


@pytest.fixture(scope="module")
def worker(blocks: None) -> Iterator[Worker]:
    """One worker for all imports."""
    with open_worker(LAVA) as opened:
        yield opened


def bring(worker: Worker, factory: str, shape: tuple[int, ...] | None = (24,), **settings: Any) -> Graph:
    """Import a factory of ``tests/networks/blocks.py`` in the worker."""
    return import_with(worker, IMPORTER, f"{BLOCKS}:{factory}", given(settings, shape))


def spikes(*features: int, rate: float = 0.4, steps: int = STEPS) -> Array:
    random = np.random.default_rng(5)
    return (random.random((steps, SAMPLES, *features)) < rate).astype(np.float32)


UNIT = 1 / 4096
"""States of Lava's neuron at SpikingJelly's default scale are multiples of this."""


def equal(
    worker: Worker,
    factory: str,
    x: Array,
    loose: tuple[str, ...] = (),
    exact: tuple[str, ...] = (),
    **settings: Any,
) -> tuple[set[str], int]:
    """The engine against the framework in the worker: keys that are equal in every bit, and spikes seen.

    What differs raises, but for sums of floats, which frameworks do in another order, and the states ``loose``
    behind them, which may be a unit off. ``exact``: floats that are equal in every bit nevertheless.
    """
    source, options = f"{BLOCKS}:{factory}", given(settings, x.shape[2:])
    graph = import_with(worker, IMPORTER, source, options)
    request = RunRequest(graph, read_stimulus(x, graph.inputs[0]), ("*",), source, options)
    theirs = run_with(worker, RUNNER, request)
    ours, _ = prepare(graph, REGISTRY).run(x, record=list(theirs))
    floats = {key for key in theirs if theirs[key].dtype.kind == "f"} - {*loose, *exact}
    for key in loose:
        assert np.abs(ours[key] - theirs[key]).max() <= UNIT
    for key in set(theirs) - floats - set(loose):
        np.testing.assert_array_equal(ours[key], theirs[key], err_msg=key)
    for key in floats:
        np.testing.assert_allclose(ours[key], theirs[key], atol=1e-5, err_msg=key)
    return set(theirs) - floats - set(loose), sum(int(theirs[key].sum()) for key in theirs if key.endswith("/s"))


def given(settings: dict[str, Any], shape: tuple[int, ...] | None) -> ImportOptions:
    return ImportOptions(None, {name: str(value) for name, value in settings.items()}, shape)


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "IF"},
        {"kind": "IF", "v_threshold": 0.3},
        {"kind": "LIF", "tau": 3.0},
        {"kind": "Cuba", "current_decay": 0.5, "voltage_decay": 0.03},
        {"kind": "Cuba", "current_decay": 0.25, "voltage_decay": 0.1, "scale": 16, "mode": "s"},
    ],
    ids=str,
)
def test_blocks_are_held_bit_by_bit(settings: dict[str, Any], worker: Worker) -> None:
    """Spikes, potentials and currents, as the integers that the container's floats stand for."""
    keys, alive = equal(worker, "mlp", spikes(24), **settings)
    names = ("s", "v") if settings.get("mode") == "s" else ("s", "u", "v")
    assert keys == {f"{block}/neuron/{name}" for block in (0, 1) for name in names} | {"output"}
    assert alive > 300


def test_convolutions_and_sum_pools_are_held_bit_by_bit(worker: Worker) -> None:
    keys, alive = equal(worker, "pooled", spikes(2, 12, 12))
    assert {"0/neuron/v", "1/neuron/v", "3/neuron/v"} < keys
    assert alive > 1000


def test_a_block_behind_a_float_layer(worker: Worker) -> None:
    keys, alive = equal(worker, "mixed", spikes(24))
    assert keys == {"1/s", "2/neuron/s", "2/neuron/u", "2/neuron/v", "output"}
    assert alive > 300


def test_sums_on_the_threshold_do_not_fire(worker: Worker) -> None:
    """A weight of one half and an input that is always on: IFNode fires at 1, Lava's rule is above 1."""
    x = np.ones((9, 1, 1), np.float32)
    assert equal(worker, "tie", x)[1] == 3
    graph = snnhub.import_model(f"{BLOCKS}:tie", "spikingjelly", (1,), environment=LAVA)
    recording, _ = prepare(graph).run(x)
    assert recording["output"][:, 0, 0].tolist() == [0, 0, 1, 0, 0, 1, 0, 0, 1]


@pytest.mark.usefixtures("lava")
def test_the_mnist_network_of_spikingjellys_lava_example(worker: Worker, tmp_path: Path) -> None:
    """Imported, lowered, written, and run by Lava: every spike of every layer equal."""
    x = digits("images", 8)
    keys, alive = equal(worker, "csnn", x.astype(np.float32))
    assert len([key for key in keys if key.endswith("/v")]) == 6
    assert alive > 50_000
    snnhub.save(bring(worker, "csnn", (1, 28, 28)), tmp_path / "blocks.snn")
    snnhub.convert(tmp_path / "blocks.snn", tmp_path / "blocks.net")
    lowered = snnhub.verify(tmp_path / "blocks.snn", tmp_path / "blocks.net", stimulus=x)
    assert lowered.passed
    assert lowered.verdict.reached is Rung.SPIKES_LAG
    assert max(row.lag for row in lowered.verdict.rows) == 6
    live = snnhub.verify(tmp_path / "blocks.net", stimulus=x[:, :2], against="lava")
    assert live.passed
    assert live.verdict.reached is Rung.BITS


EXPORT = """
import sys
sys.path[:0] = {folders!r}
from snnhub_lava import patches
patches.apply()
import h5py, torch
from tests.networks import blocks
net = [block.to_lava_block() for block in blocks.csnn().conv_fc]
with torch.no_grad():
    x = (torch.rand(1, 1, 28, 28, 2) < 0.4).float()
    for block in net:
        x = block(x)  # lava-dl learns its shapes when it runs
with h5py.File({path!r}, "w") as file:
    for number, block in enumerate(net):
        block.export_hdf5(file.create_group(f"layer/{{number}}"))
"""


@pytest.mark.usefixtures("lava")
def test_our_file_has_the_numbers_of_lavas_own(worker: Worker, tmp_path: Path) -> None:
    """The way that SpikingJelly documents, to_lava_block and export_hdf5, writes the same network."""
    snnhub.save(bring(worker, "csnn", (1, 28, 28)), tmp_path / "blocks.snn")
    snnhub.convert(tmp_path / "blocks.snn", tmp_path / "ours.net")
    folders = [str(ROOT), *sorted({str(Path(folder).parent) for folder in own_packages().values()})]
    script = EXPORT.format(folders=folders, path=str(tmp_path / "theirs.net"))
    python = interpreter(read_recipe(load().environments[LAVA].path()))
    done = subprocess.run([python, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    ours = snnhub.load(tmp_path / "ours.net")
    theirs = load_graph(tmp_path / "theirs.net", options=given({}, (1, 28, 28))).graph
    assert len(ours.nodes) == len(theirs.nodes) == 13
    for node, other in zip(ours.nodes, theirs.nodes, strict=True):
        assert node.op == other.op
        assert set(node.param) == set(other.param)
        for name in node.param:
            np.testing.assert_array_equal(node.param[name].array, other.param[name].array)


def test_what_blocks_cannot_be_is_refused_at_once(worker: Worker) -> None:
    """Places, remedies and the exit code come through the pipe."""
    with pytest.raises(UnsupportedError) as caught:
        bring(worker, "wrong")
    assert caught.value.exit_code == 4
    found = {finding.place: finding for finding in caught.value.findings if finding.code == "SNN-3030"}
    words = ["bias", "BatchNorm2d", "AvgPool2d", "circular", "normalises", "scale 48", "1/64", "rounded mean"]
    assert [word in found[str(place)].message for place, word in enumerate(words)] == [True] * len(words)
    assert all(finding.remedy for finding in found.values())


def test_what_reaches_a_block_must_be_spikes(worker: Worker) -> None:
    with pytest.raises(UnsupportedError, match="not spikes") as caught:
        bring(worker, "between", (1, 8, 8))
    assert [finding.code for finding in caught.value.findings] == ["SNN-3032"]
    assert "SNN-3032" in [finding.code for finding in bring(worker, "mlp").findings]


@pytest.mark.parametrize("v_threshold", [0.3, 1.0])
def test_nodes_outside_blocks_truncate_their_input(worker: Worker, v_threshold: float) -> None:
    """Graded input straight into a CubaLIFNode: every state equal; behind float weights, every spike."""
    x = np.random.default_rng(8).normal(0.1, 0.3, (STEPS, SAMPLES, 24)).astype(np.float32)
    keys, alive = equal(worker, "bare", x, loose=("2/v",), exact=("0/v",), v_threshold=v_threshold)
    assert {"0/s", "0/v", "2/s"} <= keys
    assert alive > 300
    with pytest.raises(UnsupportedError) as caught:
        bring(worker, "bare_wrong")
    assert [finding.code for finding in caught.value.findings] == ["SNN-3009"]


def test_errors_keep_their_kind(worker: Worker) -> None:
    with pytest.raises(UsageError, match="decay_input == False") as refused:
        bring(worker, "refused_by_spikingjelly")
    assert refused.value.exit_code == 2
    with pytest.raises(UsageError, match="no such factory"):
        bring(worker, "nothing")
    with pytest.raises(InputShapeMissingError) as missing:
        bring(worker, "pooled", None)
    assert missing.value.rank == 3
    with pytest.raises(UsageError, match="does not fit the network"):
        bring(worker, "mlp", (3,))


def test_findings_say_what_is_in_the_graph(worker: Worker) -> None:
    """Where the container's states leave Loihi's, and weights that Lava's own block changes."""
    graph = bring(worker, "heavy")
    found = {finding.code: finding for finding in graph.findings}
    assert "equal for" in found["SNN-3031"].bound
    assert found["SNN-3033"].old == "255/64"
    assert "lava-dl 0.6.0" in found["SNN-6005"].message
    assert graph.node["0/synapse"].param["weight"].array.max() == 255
    leaky = bring(worker, "mlp", kind="LIF", tau=2.0)
    assert "any input" in next(f.bound for f in leaky.findings if f.code == "SNN-3031")


def test_weights_that_only_the_container_has_are_not_exported(worker: Worker, tmp_path: Path) -> None:
    snnhub.save(bring(worker, "heavy"), tmp_path / "heavy.snn")
    with pytest.raises(UnsupportedError) as caught:
        snnhub.convert(tmp_path / "heavy.snn", tmp_path / "heavy.net")
    assert "SNN-4102" in {finding.code for finding in caught.value.findings}


@pytest.mark.usefixtures("old")
@pytest.mark.parametrize(("tau", "soft"), [(2.0, False), (3.0, True)])
def test_networks_for_spikingjelly_before_two(tau: float, soft: bool) -> None:
    x = np.random.default_rng(3).random((20, SAMPLES, 1, 8, 8), dtype=np.float32)
    result = snnhub.verify(
        f"{BLOCKS}:old",
        stimulus=x,
        against="spikingjelly",
        from_="spikingjelly",
        options=given({"tau": tau, "soft": soft}, (1, 8, 8)),
        runner_options={"environment": OLD},
    )
    assert result.passed, result.verdict
    assert sum(row.b_spikes or 0 for row in result.verdict.rows) > 1000
    codes = {finding.code for finding in result.findings}
    assert ("SNN-3034" in codes) is soft
    assert any("spikingjelly 0.0.0.0.14" in f.message for f in result.findings if f.code == "SNN-6001")


@pytest.mark.parametrize(("factory", "environment"), [("mlp", LAVA), ("old", OLD)])
@pytest.mark.usefixtures("spikingjelly")
def test_without_the_option_the_error_says_which(factory: str, environment: str) -> None:
    with pytest.raises(UsageError) as caught:
        snnhub.import_model(f"{BLOCKS}:{factory}", "spikingjelly", (24,))
    assert f"--option environment={environment}" in caught.value.remedy


@pytest.mark.usefixtures("blocks")
def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A conversion in one command; a refusal there has exit code and findings as one here."""
    out = tmp_path / "mlp.net"
    given = ["--from", "spikingjelly", "--option", f"environment={LAVA}", "--input-shape", "24", "--json"]
    assert invoke(["convert", f"{BLOCKS}:mlp", *given, "-o", str(out)]) == 0
    codes = [finding["code"] for finding in json.loads(capsys.readouterr().out)["findings"]]
    assert "SNN-6005" in codes
    assert invoke(["convert", f"{BLOCKS}:wrong", *given, "-o", str(out)]) == 4
    codes = [finding["code"] for finding in json.loads(capsys.readouterr().out)["findings"]]
    assert codes.count("SNN-3030") == 8
    x = tmp_path / "x.npy"
    np.save(x, spikes(24))
    both = ["verify", f"{BLOCKS}:mlp", str(out), "--from", "spikingjelly", "--option", f"environment={LAVA}"]
    assert invoke([*both, "--input", str(x)]) == 0, capsys.readouterr().out
