"""The reference itself: it gives what Rockpool gives, for every kind of network and family."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import snnhub
from snnhub.engine.reference import prepare
from snnhub.errors import RunError
from snnhub.ir.tensor import Array
from snnhub_xylo.core import NO_ALIAS, Core

from tests.differential.rockpool_reference import (
    FAMILIES,
    SYNNET,
    SYNNET_LAYERS,
    TRACES,
    Request,
    process,
    random_network,
    reference,
    simulate,
    trained_residual,
)
from tests.networks.rockpool_xylo_nets import FAN_OUT, LARGEST, REFUSED, kinds
from tests.networks.xylo_cores import core_graph

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("rockpool", "xylosim")]
STEPS = 50
SAME = (
    "weights_rec",
    "threshold",
    "threshold_out",
    "bias",
    "bias_out",
    "dash_mem",
    "dash_mem_out",
    "dash_syn_out",
)
FAMILY_KINDS = [(family, kind) for family in FAMILIES for kind in kinds(family)]


def raster(channels: int, steps: int = 60, seed: int = 0, rate: float = 0.8) -> Array:
    return np.random.default_rng(seed).poisson(rate, (steps, channels)).clip(0, 15)


@pytest.mark.parametrize(("family", "kind"), FAMILY_KINDS)
def test_random_networks_are_mapped_quantised_and_run(tmp_path: Path, family: str, kind: str) -> None:
    for seed in range(3):
        path, layers = random_network(tmp_path, seed, kind, family)
        plain = reference(Request(path, layers, family))
        inputs, hidden = plain["weights_in"].shape[0], len(plain["threshold"])
        assert plain["weights_rec"].shape[:2] == (hidden, hidden)
        assert plain["weights_in"].dtype == np.float64
        assert np.isfinite(plain["dash_mem"]).all()
        assert (len(plain["aliases"]) > 0) == ("residual" in kind or kind == "everything")
        for quantiser in ("global", "channel"):
            found = reference(Request(path, layers, family, quantiser, raster(inputs, seed=seed)))
            assert found["weights_rec"].dtype.kind == "i"
            assert found["s"].shape == (60, hidden)
            assert found["isyn2"].shape == found["vmem"].shape == (60, hidden)
            assert found["vmem_out"].shape == found["s_out"].shape == (60, len(plain["threshold_out"]))
            assert found["s"].any()
            names = [name for name in TRACES if name != "isyn2" or found["weights_in"].shape[2] == 2]
            x = raster(inputs, seed=seed)[:, None].astype(np.uint8)
            ours, _ = prepare(core_graph(core_of(found))).run(x, record=[f"xylo/{name}" for name in names])
            for name in names:
                np.testing.assert_array_equal(ours[f"xylo/{name}"][:, 0], found[name])


def core_of(spec: Mapping[str, Array]) -> Core:
    """A quantised specification of Rockpool's, as one of our cores."""
    hidden, synapses = len(spec["threshold"]), spec["weights_in"].shape[2]
    alias = np.full(hidden, NO_ALIAS)
    alias[spec["aliases"][:, 0]] = spec["aliases"][:, 1]
    inputs, outputs = (
        np.zeros((len(spec["weights_in"]), hidden, synapses)),
        np.zeros((hidden, len(spec["bias_out"]))),
    )
    inputs[:, : spec["weights_in"].shape[1]] = spec["weights_in"]
    outputs[hidden - len(spec["weights_out"]) :] = spec["weights_out"]
    dash_syn = np.stack([spec["dash_syn"], spec["dash_syn_2"]][:synapses], axis=1)
    made = {"weights_in": inputs, "weights_out": outputs, "dash_syn": dash_syn, "alias": alias}
    made |= {name: spec[name] for name in SAME}
    return Core.made("v2", made | {f"shift_{name}": spec[f"weight_shift_{name}"] for name in ("in", "rec", "out")})


def test_the_parameters_are_those_of_the_file(tmp_path: Path) -> None:
    path, layers = random_network(tmp_path, 5, "residual")
    found, file = reference(Request(path, layers, "xylo-a3")), json.loads(path.read_text())
    weight = np.array(json.loads(file["0_LinearTorch"]["weight"]), np.float32)
    np.testing.assert_array_equal(found["weights_in"][:, :, 0], weight)
    threshold = np.array(json.loads(file["1_LIFTorch"]["threshold"]), np.float32)
    np.testing.assert_array_equal(found["threshold"][: len(threshold)], threshold)


@pytest.mark.parametrize("kind", ["three layers", "recurrent", "nested residual", "everything"])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_largest_networks_of_a_family(tmp_path: Path, family: str, kind: str) -> None:
    if kind not in kinds(family):
        kind = "biases"
    path, layers = random_network(tmp_path, 0, kind, family, "largest")
    found = reference(Request(path, layers, family, "channel", raster(16, 20)))
    most = LARGEST[family]
    assert (found["weights_in"].shape[0], len(found["threshold_out"])) == (most[0], most[2])
    assert ((found["weights_rec"] != 0).sum(axis=(1, 2)) <= FAN_OUT).all()
    if kind == "three layers":
        assert len(found["threshold"]) == most[1]
    assert found["s"].sum() > 1000


def test_samples_each_start_at_rest_and_a_specification_can_be_given(tmp_path: Path) -> None:
    path, layers = random_network(tmp_path, 3, "recurrent")
    channels = reference(Request(path, layers, "xylo-a3"))["weights_in"].shape[0]
    x = np.stack([raster(channels, seed=seed) for seed in range(3)], axis=1)
    together = reference(Request(path, layers, "xylo-a3", "global", x))
    for sample in range(3):
        alone = reference(Request(path, layers, "xylo-a3", "global", x[:, sample]))
        again = simulate(alone, "xylo-a3", x[:, sample])
        for name in TRACES:
            np.testing.assert_array_equal(together[name][:, sample], alone[name])
            np.testing.assert_array_equal(again[name], alone[name])
    assert together["s_out"].any()


@pytest.mark.parametrize("family", REFUSED)
def test_what_rockpool_refuses_is_an_error_in_its_own_words(tmp_path: Path, family: str) -> None:
    for kind in REFUSED[family]:
        path, layers = random_network(tmp_path, 0, kind, family)
        with pytest.raises(RunError, match=r"DRCError|ValueError"):
            reference(Request(path, layers, family))
    path, layers = random_network(tmp_path, 1, "two layers", family)  # and the process goes on
    assert "seconds_map" in reference(Request(path, layers, family))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_trained_synnet(family: str) -> None:
    if not SYNNET.is_file():
        pytest.skip(f"{SYNNET} is not here")
    with np.load(SYNNET.parent / "rasters.npz") as file:
        x = file["test_poisson_3"]
    found = reference(Request(SYNNET, SYNNET_LAYERS, family, "channel", x))
    assert float(found["dt"]) == 0.009994
    assert len(found["threshold"]) == 189
    assert sorted(set(found["dash_syn"].tolist())) == list(range(1, 8))
    assert found["s"].sum() > 1000


def test_traps_are_as_they_are_known(tmp_path: Path) -> None:
    """Rockpool's own failures and silences, which others here are held against."""
    path, layers = random_network(tmp_path, 0, "edge threshold")
    with pytest.raises(RunError, match="IndexError"):
        reference(Request(path, layers, "xylo-a3", "channel"))
    path, layers = random_network(tmp_path, 0, "recurrent residual")
    assert len(reference(Request(path, layers, "xylo-a3"))["aliases"])
    path, layers = random_network(tmp_path, 0, "linear bias")
    assert not reference(Request(path, layers, "xylo-a3"))["bias"].any()


def test_a_raster_needs_integers(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="quantiser"):
        Request(tmp_path, [], "xylo-a3", "none", np.zeros((3, 4)))


def test_the_trained_residual_network_gives_its_targets() -> None:
    """In Rockpool when it was saved, and in the engine from what was saved: the same spikes at the same steps."""
    found = trained_residual()
    np.testing.assert_array_equal(found.output, found.target)
    assert found.target.sum() == 4
    result = snnhub.run(found.network, found.x.swapaxes(0, 1), record=["output", "1_LIFBitshiftTorch/s"])
    np.testing.assert_array_equal(result.recording["output"].swapaxes(0, 1), found.target)
    assert result.spikes["1_LIFBitshiftTorch/s"] > 100
    spec = reference(Request(found.network, found.layers, "xylo-a2", "global", found.x.swapaxes(0, 1)))
    assert len(spec["aliases"]) == 63
    assert spec["s"].shape == (50, 2, 126)
    on_chip = spec["s_out"].swapaxes(0, 1)
    for lag in range(4):  # in a chip the two paths of the block arrive at different steps
        assert not np.array_equal(on_chip[:, lag:], found.target[:, : STEPS - lag])


def test_versions_are_the_pinned_ones() -> None:
    environment = process().identity["environment"]
    assert (environment["rockpool"], environment["xylosim"]) == ("3.1.0", "0.1.3")
