"""Live DynapSim: every spike with the factors that the worker stored, states to the last bits of exp and log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import snnhub
from snnhub.api.options import ImportOptions
from snnhub.api.remote import open_worker
from snnhub.cli.main import invoke
from snnhub.errors import UnsupportedError, UsageError
from snnhub.ir.graph import Graph
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import tensor
from snnhub.peers.protocol import Worker
from snnhub_dynapse2.build import stored
from snnhub_dynapse2.derive import RAW, derived
from snnhub_dynapse2.parameters import BIASES, COMPUTING, names

from tests.conftest import SHARED
from tests.differential.dynapsim_runs import (
    EXACT,
    NETS,
    bring,
    first_difference,
    off,
    ours,
    raster,
    recorded,
    spikes_differing,
)
from tests.networks.dynapsim_numbers import save

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("dynapse2")]
NEURONS = "1_DynapSim"
CHANNELS, STEPS = 16, 1000
SIZES = (2, 3, 5, 8, 13, 16, 24, 33, 48, 64, 77, 96, 101, 112, 120, 128)
SEED_DATA = SHARED / "rockpool"


@pytest.fixture(scope="module")
def worker(dynapse2: None) -> Iterator[Worker]:
    """One Rockpool process for all short runs."""
    with open_worker("dynapse2") as opened:
        yield opened


@pytest.mark.parametrize("ahp", [False, True])
@pytest.mark.parametrize(("seed", "size"), list(enumerate(SIZES)))
def test_random_networks_spike_equally_with_the_stored_factors(
    worker: Worker, seed: int, size: int, ahp: bool
) -> None:
    """2 to 128 neurons, with and without recurrence and adaptation, 1,000 steps: 32 networks."""
    graph, options, source = bring(
        worker, "random_net", seed=seed + 100 * ahp, size=size, recurrent=seed % 3 != 2, ahp=ahp
    )
    x = raster(STEPS, CHANNELS, seed)
    theirs = recorded(worker, graph, options, source, x)
    found = ours(graph, theirs, x)
    assert theirs["output"].sum() > size
    assert spikes_differing(found, theirs) == 0
    assert max(off(found, theirs, STEPS).values()) < EXACT


@pytest.mark.parametrize(("seed", "size", "ahp"), [(1, 16, False), (2, 64, True), (3, 128, True)])
def test_networks_with_realised_mismatch_spike_equally(worker: Worker, seed: int, size: int, ahp: bool) -> None:
    """Every constant of every neuron is another one, and currents start from what Io was before."""
    graph, options, source = bring(worker, "random_net", seed=seed, size=size, ahp=ahp, mismatch=0.1)
    assert "SNN-3401" in {finding.code for finding in graph.findings}
    params = graph.node[NEURONS].param
    assert params["Io"].shape == params["kp"].shape == (size,)
    assert params["I_init"].shape == params["Iscale"].shape == ()
    x = raster(STEPS, CHANNELS, seed)
    theirs = recorded(worker, graph, options, source, x)
    found = ours(graph, theirs, x)
    assert theirs["output"].sum() > size
    assert spikes_differing(found, theirs) == 0
    assert max(off(found, theirs, STEPS).values()) < EXACT


def with_factors(graph: Graph, exact: bool) -> Graph:
    """The graph with numbers computed here from the biases that it stores."""
    node = graph.node[NEURONS]
    raw = {name: node.param[name].array for name in RAW}
    iscale, dt = (float(node.param[name].array) for name in ("Iscale", "dt"))
    found = derived(raw, iscale, dt, initial=node.param["I_init"].array, exact=exact)
    changed = node.with_params(**{name: stored(name, array, "") for name, array in found.items()})
    return replace(graph, nodes=tuple(changed if item.id == NEURONS else item for item in graph.nodes))


@pytest.mark.parametrize(("ahp", "tolerance"), [(False, 5e-4), (True, 1e-2)])
@pytest.mark.parametrize("seed", range(4))
def test_without_the_stored_factors_states_stay_close_until_a_spike_differs(
    worker: Worker, seed: int, ahp: bool, tolerance: float
) -> None:
    """Factors computed here from the bias currents: the design's tolerance. Right ones, where Rockpool's have lost
    digits, move a membrane that is about to fire by twice as much (measured: up to 5.6e-4 without adaptation).
    """
    graph, options, source = bring(worker, "random_net", seed=seed, size=24, ahp=ahp)
    x = raster(STEPS, CHANNELS, seed)
    theirs = recorded(worker, graph, options, source, x)
    for exact in (False, True):
        changed = with_factors(graph, exact)
        assert exact == (changed.node[NEURONS].param["f_charge"] != graph.node[NEURONS].param["f_charge"].bare())
        found = ours(changed, theirs, x)
        until = first_difference(found, theirs)
        assert until > 400
        assert max(off(found, theirs, until).values()) < tolerance * (1 + exact)


def test_several_layers_in_nested_sequences(worker: Worker) -> None:
    graph, options, source = bring(worker, "layered", seed=3)
    x = raster(500, CHANNELS, 3)[:, None].repeat(3, axis=1)
    x[:, 1:] = np.roll(x[:, 1:], 17, axis=0)
    theirs = recorded(worker, graph, options, source, x)
    found = ours(graph, theirs, x)
    assert theirs["output"].sum() > 20
    assert spikes_differing(found, theirs) == 0
    assert {"0_LinearJax/y", "2_JaxSequential/1_DynapSim/imem", "4_DynapSim/s", "output"} <= set(theirs)


def test_a_layer_alone_and_steps_beyond_the_stimulus(worker: Worker) -> None:
    graph, options, source = bring(worker, "alone")
    assert [node.op for node in graph.nodes] == ["dynapse2.DynapSim"]
    x = 3 * raster(200, CHANNELS, 5, 0.1)
    theirs = recorded(worker, graph, options, source, x)
    found = ours(graph, theirs, x)
    assert theirs["output"].sum() > 20
    assert spikes_differing(found, theirs) == 0


@pytest.mark.parametrize("mismatch", [0.0, 0.05])
def test_the_tutorials_network_with_its_trained_weights(mismatch: float) -> None:
    """Seed 001: 60 channels, 500 steps of 1 ms, two recurrent neurons, both frozen samples in one batch."""
    if not (SEED_DATA / "w_in_optimized.npy").is_file():
        pytest.skip("the trained weights are not here")
    x = raster(500, 2 * 60, 2022).reshape(500, 2, 60)
    settings = {"mismatch": str(mismatch), "folder": str(SEED_DATA)}
    result = snnhub.verify(
        f"{NETS}:seed",
        stimulus=x,
        against="dynapsim",
        from_="dynapse2",
        options=ImportOptions(settings=settings),
    )
    assert result.passed
    assert result.verdict.reached is Rung.SPIKES
    rows = {row.a_key: row for row in result.verdict.rows}
    assert (rows[f"{NEURONS}/s"].a_spikes or 0) > 50
    assert rows[f"{NEURONS}/s"].different == 0
    told = {finding.code for finding in result.findings}
    assert {"SNN-3001", "SNN-3403", "SNN-6001", "SNN-6005"} <= told
    assert ("SNN-3401" in told) == (mismatch > 0)


def test_exact_factors_are_an_option_and_say_so(worker: Worker) -> None:
    right, *_ = bring(worker, "random_net", given={"factors": "exact"}, size=8)
    theirs, *_ = bring(worker, "random_net", size=8)
    values = {graph: graph.node[NEURONS].param["f_charge"] for graph in (right, theirs)}
    assert "expm1" in values[right].recipe
    assert "jax.numpy.exp" in values[theirs].recipe
    assert ("factors", "exact") in right.provenance.stages[0].options
    assert values[right].bare() != values[theirs].bare()
    with pytest.raises(UsageError, match="unknown factors"):
        bring(worker, "random_net", given={"factors": "wrong"})


def test_what_cannot_be_held_is_refused_at_once(worker: Worker) -> None:
    with pytest.raises(UnsupportedError) as caught:
        bring(worker, "two_steps")
    found = {(item.code, item.place) for item in caught.value.findings}
    assert ("SNN-3002", "2_LIFJax") in found
    assert "SNN-3407" in {code for code, _ in found}


COMBINED = {
    "residual": ["2_JaxResidual/y", "3_JaxResidual/0_JaxResidual/y", "6_JaxResidual/y"],
    "residual first": ["net/y"],
    "residual of weights": ["1_JaxResidual/y", "2_JaxResidual/y"],
    "stack": ["1_JaxFFwdStack/2_DynapSim/s"],
    "stack alone": ["0_LinearJax/y", "2_DynapSim/s"],
    "ordered": ["fc/y", "act/s"],
    "appended": ["later/s"],
    "weights": ["net/y"],
    "subclass": ["0_LinearJax/y", "1_DynapSim/s"],
}


@pytest.mark.parametrize("kind", COMBINED)
def test_every_way_to_combine_modules(worker: Worker, kind: str) -> None:
    """What Rockpool's combinators make of the same layers: every spike, and every sum of a residual block."""
    graph, options, source = bring(worker, "combined", kind=kind)
    x = raster(400, CHANNELS, 8, 0.1)
    theirs = recorded(worker, graph, options, source, x)
    found = ours(graph, theirs, x)
    assert {"output", *COMBINED[kind]} <= set(theirs)
    assert spikes_differing(found, theirs) == 0
    assert np.abs(theirs["output"].astype(float)).sum() > 20
    for key in theirs:
        if key.endswith("/y") or key == "output":
            assert found[key].dtype == theirs[key].dtype, key
            np.testing.assert_allclose(found[key], theirs[key], rtol=1e-5, atol=1e-5, err_msg=key)


@pytest.mark.parametrize(
    ("kind", "changed"), [("module", "evolve"), ("sequential", "evolve"), ("dynapsim", "odd")]
)
def test_classes_of_ones_own_are_refused_by_name(worker: Worker, kind: str, changed: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        bring(worker, "own", kind=kind)
    (refused,) = caught.value.findings
    name = {"module": "Own", "sequential": "Twice", "dynapsim": "Odd"}[kind]
    assert (refused.code, refused.place) == ("SNN-3002", f"0_{name}")
    assert f"{name} is a class of its own, which changes {changed}" in refused.message
    assert "Residual and FFwdStack" in refused.remedy


def test_every_other_module_is_refused_with_its_reason(worker: Worker) -> None:
    with pytest.raises(UnsupportedError) as caught:
        bring(worker, "others")
    found = {item.place: item.message for item in caught.value.findings if item.code == "SNN-3002"}
    assert len(found) == 7
    assert not [words for words in found.values() if "it is not known" in words]
    assert "no spikes" in found["3_RateJax"]


def test_a_network_handed_over_as_a_file_is_the_same_network(worker: Worker, tmp_path: Path) -> None:
    """Numbers of section E and the recording, in one file; no Rockpool where it is read."""
    graph, options, source = bring(worker, "random_net", seed=4, size=40, ahp=True)
    x = raster(STEPS, CHANNELS, 4)
    theirs = recorded(worker, graph, options, source, x)
    params = graph.node[NEURONS].param
    arrays = {name: params[name].array for name in (*names(COMPUTING), *RAW)}
    arrays |= {name: params[name].array for name in params if name not in arrays}
    arrays |= {"w_in": graph.node["0_LinearJax"].param["weight"].array.T}
    arrays |= {"w_rec": graph.node[f"{NEURONS}/w_rec"].param["weight"].array.T, "x": x}
    arrays |= {name: theirs[f"{NEURONS}/{name}"] for name in ("s", "isyn", "iahp", "imem", "vmem")}
    path = save(tmp_path / "net.npz", arrays)
    again = snnhub.import_model(path, "dynapse2")
    assert {name: value.bare() for name, value in again.node["layer0"].params} == {
        name: value.bare() for name, value in params.items()
    }
    result = snnhub.verify(path, stimulus=x, against="dynapsim")
    assert result.passed
    assert result.verdict.reached is Rung.SPIKES
    out = {*names(BIASES), "n_ref", "I_init"}
    without = {name: array for name, array in arrays.items() if name not in out}
    assert snnhub.verify(save(path, without), stimulus=x, against="dynapsim").passed


def test_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "x.npy", raster(200, CHANNELS, 7))
    net, out = f"{NETS}:random_net", str(tmp_path / "net.snn")
    assert invoke(["convert", net, "--from", "dynapse2", "--to", "snn", "-o", out, "--set", "size=12"]) == 0
    common = ["--input", str(tmp_path / "x.npy")]
    assert invoke(["verify", net, "--from", "dynapse2", "--set", "size=12", "--against", "dynapsim", *common]) == 0
    assert "verdict: spikes" in capsys.readouterr().out
    assert invoke(["run", out, *common]) == 0


def test_a_wrong_network_is_noticed(worker: Worker) -> None:
    """The comparison can fail: one weight, one factor, one constant changed."""
    graph, options, source = bring(worker, "random_net", seed=6, size=16)
    x = raster(STEPS, CHANNELS, 6)
    theirs = recorded(worker, graph, options, source, x)
    for name, factor in (("f_charge", 1.02), ("Ut", 1.01), ("t_ref", 2.0)):
        node = graph.node[NEURONS]
        changed = node.with_params(**{name: tensor(node.param[name].array * np.float32(factor))})
        wrong = replace(graph, nodes=tuple(changed if item.id == NEURONS else item for item in graph.nodes))
        found = ours(wrong, theirs, x)
        assert spikes_differing(found, theirs) > 0, name
        assert max(off(found, theirs, STEPS).values()) > 5e-4, name


def test_a_factory_that_draws_anew_each_time_is_told(worker: Worker) -> None:
    graph, options, source = bring(worker, "unseeded")
    theirs = recorded(worker, graph, options, source, raster(5, 2, 0))
    (told,) = [item for item in theirs.findings if item.code == "SNN-2527"]
    assert "1_DynapSim" in told.message
    assert "0_LinearJax" not in told.message
    assert told.severity.value == "loss"
