"""Live slayer and bootstrap: every word of their forward, of networks of every kind; and what is refused."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snnhub
from snnhub.api.options import ImportOptions, InputShapeMissingError
from snnhub.api.remote import import_with, open_worker, run_with
from snnhub.api.request import RunRequest
from snnhub.engine.stimulus import read_stimulus
from snnhub.errors import FormatError, SnnhubError, UnsupportedError, UsageError
from snnhub.ir.graph import Graph
from snnhub.ir.rung import Rung
from snnhub.peers.protocol import Worker
from snnhub_lavadl import importer, runner

from tests.differential.slayer_networks import (
    NETS,
    bring,
    differences,
    fired,
    options,
    recorded,
    stimulus,
)

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("lava")]
BAD = NETS.with_name("slayer_bad.py")
SEEDS = 14
KINDS = (
    *("dense", "convolution", "recurrent", "delayed", "delayed_channels", "normed", "channels", "winners"),
    *("bootstrapped", "affine", "graded", "pooled", "convt", "decoder", "unpool", "alif"),
    *("rf", "rf_iz", "rf_normed", "sigma_delta", "sigma_delta_normed"),
)
RESONANT, SUMS = ("re", "im"), ("sigma", "last", "residue")
HELD = {"rf": RESONANT, "rf_iz": RESONANT, "rf_normed": RESONANT, "sigma_delta": SUMS, "sigma_delta_normed": SUMS}
"""States of these kinds, each of which slayer must have recorded of every layer that has it."""
LOWERED = (
    *("dense", "convolution", "recurrent", "delayed", "delayed_channels", "channels", "bootstrapped", "affine"),
    *("decoder", "rf", "rf_iz"),
)


@pytest.fixture(scope="module")
def worker(lava: None) -> Iterator[Worker]:
    """One Lava process for all imports and forwards."""
    with open_worker("lava") as opened:
        yield opened


def bad(worker: Worker, name: str, **more: Any) -> Graph:
    return import_with(worker, importer.HERE, f"{BAD}:{name}", ImportOptions(**more))


def codes(graph: Graph) -> set[str]:
    return {finding.code for finding in graph.findings}


@pytest.mark.parametrize("kind", KINDS)
def test_every_word_is_slayers_own(worker: Worker, kind: str) -> None:
    """14 networks of each of 18 kinds: synapse, u, v and spike words of every layer, and the output."""
    """14 networks of each of 18 kinds: synapse, state and spike words of every layer, and the output."""
    alive = 0
    for seed in range(SEEDS):
        graph = bring(worker, kind, seed)
        assert "SNN-3310" in codes(graph) or kind.startswith("sigma_delta")
        theirs = recorded(worker, graph, kind, seed)
        programs = {node.id: node.program for node in graph.nodes if kind in HELD and node.program is not None}
        states = {f"{name}/{state.name}" for name, program in programs.items() for state in program.states}
        assert states <= set(theirs)
        assert {state.rpartition("/")[2] for state in states} == set(HELD.get(kind, ()))
        assert differences(graph, theirs, stimulus(kind, seed)) == dict.fromkeys(theirs, 0), seed
        alive += fired(theirs)
    assert alive > 5_000


def test_what_is_recorded_of_a_recurrent_network(worker: Worker) -> None:
    graph = bring(worker, "recurrent", 0)
    theirs = recorded(worker, graph, "recurrent", 0)
    layers = {"blocks/0": "", "blocks/1": "recurrent/y", "blocks/2": ""}
    wanted = {f"{path}/{name}" for path in layers for name in ("synapse/y", "s", "u", "v")}
    assert set(theirs) == {*wanted, "blocks/1/recurrent/y", "output"}


@pytest.mark.parametrize("kind", LOWERED if os.environ.get("SNNHUB_THOROUGH") else LOWERED[::2])
def test_as_netx_file_live_lava_computes_the_same(kind: str, tmp_path: Path) -> None:
    """The file's own graph against Lava in every word, and against slayer's graph in every spike."""
    path, x = tmp_path / f"{kind}.net", stimulus(kind, 1).astype(np.uint8)
    source = f"{NETS}:net"
    given = options(kind, 1)
    snnhub.convert(source, path, from_="lava-dl", to="netx", options=given, verify=x)
    live = snnhub.verify(path, stimulus=x, against="lava")
    assert live.verdict.reached is Rung.BITS
    both = snnhub.verify(source, path, stimulus=x, from_="lava-dl", options=given)
    assert both.passed
    assert [row.different for row in both.verdict.rows] == [0] * len(both.verdict.rows)
    assert sum(row.compared for row in both.verdict.rows) > 2_000


def test_a_norm_is_a_bias_that_acts_one_step_early(tmp_path: Path) -> None:
    """The known difference: Lava's own run equals the file, and slayer's spikes are other ones."""
    path, x = tmp_path / "normed.net", stimulus("dense", 1).astype(np.uint8)
    given = ImportOptions(input_shape=(20,))
    result = snnhub.convert(f"{BAD}:biased", path, from_="lava-dl", to="netx", options=given)
    assert {"SNN-2131"} <= codes(result.graph)
    assert snnhub.verify(path, stimulus=x, against="lava").verdict.reached is Rung.BITS
    both = snnhub.verify(f"{BAD}:biased", path, stimulus=x, from_="lava-dl", options=given)
    assert sum(row.different for row in both.verdict.rows) > 0


def test_verify_against_slayer_is_equal_in_bits() -> None:
    x = stimulus("convolution", 3)
    result = snnhub.verify(
        f"{NETS}:net", stimulus=x, against="lava-dl", from_="lava-dl", options=options("convolution", 3)
    )
    assert result.verdict.reached is Rung.BITS
    assert sum(row.different for row in result.verdict.rows) == 0


def test_what_the_first_forward_clamps_is_said(worker: Worker) -> None:
    graph = bad(worker, "beyond", input_shape=(8,))
    (finding,) = [f for f in graph.findings if f.code == "SNN-3328"]
    assert (finding.place, finding.old, finding.new) == ("blocks.0.neuron.current_decay", "5000", "4096")


def test_weights_that_are_not_quantised_claim_spikes_and_say_so(worker: Worker) -> None:
    graph = bad(worker, "floats", input_shape=(8,))
    assert [f.place for f in graph.findings if f.code == "SNN-3311"] == [f"{BAD}:floats"]
    assert "blocks/0" in next(f.message for f in graph.findings if f.code == "SNN-3311")
    x = (np.random.default_rng(0).random((40, 3, 8)) < 0.3).astype(np.float32)
    given = ImportOptions(input_shape=(8,))
    request = RunRequest(graph, read_stimulus(x, graph.inputs[0]), ("*",), f"{BAD}:floats", given)
    found = differences(graph, run_with(worker, runner.HERE, request), x)
    assert sum(count for key, count in found.items() if key.endswith("/s")) == 0


def test_thresholds_from_64_on(worker: Worker) -> None:
    graph = bad(worker, "high", input_shape=(8,))
    assert [f.place for f in graph.findings if f.code == "SNN-3307"] == ["blocks/1", "blocks/2"]
    x = (np.random.default_rng(0).random((60, 3, 8)) < 0.5).astype(np.float32)
    given = ImportOptions(input_shape=(8,))
    request = RunRequest(graph, read_stimulus(x, graph.inputs[0]), ("*",), f"{BAD}:high", given)
    theirs = run_with(worker, runner.HERE, request)
    assert differences(graph, theirs, x) == dict.fromkeys(theirs, 0)


def test_a_checkpoint_is_loaded_into_lazily_sized_tensors(worker: Worker, tmp_path: Path) -> None:
    """Delays and means of channels get their size from the file: a fresh network has one of each."""
    torch = pytest.importorskip("torch")
    given = options("delayed", 0)
    fresh = bring(worker, "delayed", 0)
    random = np.random.default_rng(0)
    weights: dict[str, Any] = {}
    for layer, (inputs, outputs) in enumerate([(20, 24), (24, 20), (20, 10)]):
        draw = torch.from_numpy(random.normal(0, 1, (outputs, inputs, 1, 1, 1)).astype(np.float32))
        weights |= {f"blocks.{layer}.synapse.weight": draw}
        weights |= {
            f"blocks.{layer}.neuron.{name}_decay": torch.tensor([400.0]) for name in ("current", "voltage")
        }
        if layer < 2:
            weights[f"blocks.{layer}.delay.delay"] = torch.full((outputs,), 3.5)
    path = tmp_path / "state.pt"
    torch.save(weights, path)
    loaded = ImportOptions(path, given.settings, given.input_shape)
    graph = import_with(worker, importer.HERE, f"{NETS}:net", loaded)
    assert graph.network() != fresh.network()
    assert graph.node["blocks/0"].param["current_decay"].array == 400
    assert {edge.delay for edge in graph.edges if edge.src.node == "blocks/0"} == {4}
    torch.save({**weights, "more": torch.zeros(1)}, path)
    with pytest.raises(UsageError, match="unknown more"):
        import_with(worker, importer.HERE, f"{NETS}:net", loaded)
    path.write_bytes(b"no checkpoint")
    with pytest.raises(SnnhubError) as broken:
        import_with(worker, importer.HERE, f"{NETS}:net", loaded)
    assert isinstance(broken.value, FormatError | UnsupportedError)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("nothing", {"Linear": "SNN-3301"}),
        ("own", {"blocks/1": "SNN-3301"}),
        ("between", {"blocks/1": "SNN-3302", "blocks/2": "SNN-3302", "blocks/3": "SNN-3302"}),
        ("decimated", {"blocks/1": "SNN-3303"}),
        ("counted", {"blocks/0": "SNN-3317", "blocks/2": "SNN-3317"}),
        ("late", {"blocks/0": "SNN-3325", "blocks/1": "SNN-3306"}),
    ],
)
def test_refusals_name_every_reason_with_its_place(worker: Worker, name: str, wanted: dict[str, str]) -> None:
    with pytest.raises(UnsupportedError) as caught:
        bad(worker, name, input_shape=(8,))
    errors = {finding.place: finding.code for finding in caught.value.findings if finding.severity.name == "ERROR"}
    assert errors == wanted


def test_blocks_that_give_no_count_are_taken_with_count_log(worker: Worker) -> None:
    graph = bad(worker, "uncounted", input_shape=(2, 3, 3))
    assert [node.op for node in graph.nodes][:2] == ["core.Flatten", "core.Dense"]


def test_slayer_itself_fails_where_events_are_counted(worker: Worker) -> None:
    """What SNN-3317 says, on slayer's own blocks: the factory raises unless their forward does."""
    assert len(bad(worker, "witnessed").nodes) == 2


def test_transposed_convolutions_are_slayers(worker: Worker) -> None:
    """The weights of a forward, laid out as slayer has them, and what shows that sums are exact."""
    graph = bring(worker, "convt", 0)
    ops = [node.op for node in graph.nodes if node.op.startswith("core.Conv")]
    assert ops == ["core.ConvTranspose"] * 3
    second = graph.node["blocks/1/synapse"]
    assert second.param["weight"].shape == (4, 3, 3, 2)
    assert second.attribute["dilation"] == (2, 2)
    assert second.attribute["groups"] == 2
    proven = next(finding.message for finding in graph.findings if finding.code == "SNN-3310")
    assert all(f"blocks/{number}" in proven for number in (0, 1, 2, 4))
    assert "SNN-3311" not in codes(graph)


def test_what_is_said_of_networks_that_can_be_taken(worker: Worker) -> None:
    assert "SNN-3305" in codes(bad(worker, "mean"))
    assert "SNN-3305" in codes(bad(worker, "decimated_last"))
    assert {"SNN-3304", "SNN-3312"} <= codes(bad(worker, "used"))
    assert "SNN-3313" in codes(bad(worker, "boots"))
    assert "SNN-3309" in codes(bring(worker, "delayed", 0))


def test_wrong_calls(worker: Worker) -> None:
    with pytest.raises(InputShapeMissingError):
        bad(worker, "picture")
    with pytest.raises(UsageError, match="fails on an input"):
        bad(worker, "picture", input_shape=(8,))
    with pytest.raises(UsageError, match=r"torch\.nn\.Module"):
        bad(worker, "number")
    with pytest.raises(UsageError, match="no such factory"):
        bad(worker, "missing")
    with pytest.raises(UnsupportedError, match="there is no time") as caught:
        bad(worker, "boots", given={"mode": "ann"})
    assert caught.value.findings[0].code == "SNN-3313"
    with pytest.raises(UsageError, match="unknown mode"):
        bad(worker, "boots", given={"mode": "other"})
