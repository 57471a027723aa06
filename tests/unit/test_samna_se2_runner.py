"""The runner of Dynap-SE2 boards over a double: the board alone, and the whole way through guard and worker."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snnhub
from snnhub.api.request import RunRequest
from snnhub.compare.distribution import equivalence
from snnhub.engine.reference import prepare
from snnhub.engine.stimulus import read_stimulus
from snnhub.errors import MissingPeerError, RunError, UnsupportedError, UsageError
from snnhub.hub.loader import load
from snnhub.ir.graph import Graph
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY
from snnhub_dynapse2.config import Configuration, Synapse
from snnhub_dynapse2.configure import configure
from snnhub_dynapse2.decode import decode
from snnhub_dynapse2.document import write
from snnhub_dynapse2.mapping.mapped import map_network
from snnhub_dynapse2.network import Ints, Network
from snnhub_dynapse2.restore import restored
from snnhub_dynapse2.samna.board import LEAKS, Setting, run_board
from snnhub_dynapse2.samna.events import columns, control_tag, heard, timed
from snnhub_dynapse2.samna.runner import run_chip
from snnhub_dynapse2.writer import export
from snnhub_formats import container

from tests.conftest import ROOT
from tests.networks.dynapse2_nets import network
from tests.networks.samna_installed import INSTALLER, PURE, installed
from tests.networks.samna_se2_board import graph_of
from tests.networks.samna_se2_double import se2_double

CHANNELS, NEURONS, STEPS = 6, 14, 120
QUICK = Setting(timeout=5.0, settle=0.0)


def made(monitored: tuple[int, ...] = tuple(range(NEURONS)), seed: int = 3) -> Network:
    """Recurrent, of both signs, on one core."""
    random = np.random.default_rng(seed)
    w_rec = random.normal(0, 1.5, (NEURONS, NEURONS)) * (random.random((NEURONS, NEURONS)) < 0.4)
    return network(random.normal(1.5, 2, (CHANNELS, NEURONS)), w_rec, monitored)


def raster(seed: int = 1, steps: int = STEPS) -> Ints:
    """Counts 0 to 3."""
    random = np.random.default_rng(seed)
    return (random.random((steps, CHANNELS)) < 0.1) * random.integers(1, 4, (steps, CHANNELS))


def ours(held: Configuration) -> Graph:
    """The network that the file says, as a graph, read by the decoder."""
    found, _ = restored(held, decode(write(held)))
    return graph_of(found)


def spikes(graph: Graph, x: Ints) -> Array:
    found, _ = prepare(graph, REGISTRY).run(x.astype(np.float32)[:, None], record=("output",))
    return found["output"][:, 0]


def silent(done: int, total: int) -> None:
    pass


def board(held: Configuration, **given: Any) -> Any:
    """A double with one chip whose neurons compute in the file's units."""
    iscale = held.chips[0].cores[0].iscale
    return se2_double(chips=1, iscale=iscale, places=held.board, **given)


@pytest.mark.parametrize("seed", [3, 4])
def test_spikes_come_back_as_the_network_of_the_file_fires_them(seed: int) -> None:
    """Through events, tags, clock and raster: equal in every bin, since the double's neurons are the model's."""
    held, x = configure(map_network(made(seed=seed))), raster(seed)
    samna = board(held)
    seen: list[tuple[int, int]] = []
    found, sent, loaded = run_board(samna, held, x, QUICK, lambda done, total: seen.append((done, total)))
    assert loaded.complete
    np.testing.assert_array_equal(found.spikes, spikes(ours(held), x))
    assert found.spikes.sum() > 50
    assert (found.outside, found.strange) == (0, 0)
    assert sent.spikes == x.sum() == len(samna.opened[0].written) / len(held.inputs[0])
    assert (sent.largest, sent.crowded) == (x.max(), x.sum(axis=1).max())
    assert seen[-1] == (STEPS, STEPS)


def test_chips_are_discharged_before_and_after() -> None:
    held = configure(map_network(made()))
    samna = board(held)
    run_board(samna, held, raster(), QUICK, silent)
    before, during, after = samna.opened[0].configured
    for config in (before, after):
        for core in config.chips[0].cores:
            codes = {(core.parameters[name].coarse_value, core.parameters[name].fine_value) for name in LEAKS}
            assert codes == {(5, 255)}
            assert not any(any(item.core) for neuron in core.neurons for item in neuron.destinations)
    assert during.chips[0].cores[0].parameters["SOIF_LEAK_N"].coarse_value != 5
    assert samna.opened[0].open is False


@pytest.mark.parametrize(
    ("name", "words"), [("silent", "did not send its time within"), ("deaf", "the end of 120 steps")]
)
def test_a_run_that_fails_leaves_the_chips_discharged_and_the_board_closed(name: str, words: str) -> None:
    held = configure(map_network(made()))
    samna = board(held, **{name: True})
    with pytest.raises(RunError, match=words):
        run_board(samna, held, raster(), replace(QUICK, timeout=0.05), silent)
    assert len(samna.opened[0].configured) == 3
    assert samna.opened[0].open is False


def test_every_spike_is_sent_a_microsecond_apart() -> None:
    """First one of each channel, then the second ones; the destinations of a channel at one time."""
    held = configure(map_network(made()))
    x = np.zeros((3, CHANNELS), np.int64)
    x[0, 1], x[2] = 1, [0, 3, 1, 0, 0, 2]
    rows, sent = timed(held, x)
    times = [2000 + number for number in range(6)]
    assert rows == [(0, 1), *zip(times, [1, 2, 5, 1, 5, 1], strict=True)]
    assert (sent.spikes, sent.largest, sent.crowded, sent.unheard) == (7, 3, 6, 0)
    assert [item.code for item in sent.findings()] == ["SNN-4412"]
    x[1] = 200
    with pytest.raises(UsageError, match="more spikes in a step than there are microseconds"):
        timed(held, x)
    with pytest.raises(UsageError, match="does not fit the board's inputs"):
        timed(held, x[:, 1:])
    with pytest.raises(UsageError, match="shorter than the board's clock"):
        timed(replace(held, dt=1e-7), x)


def test_channels_that_nobody_hears_are_counted() -> None:
    w_in = np.ones((3, 4))
    w_in[1] = 0
    held = configure(map_network(network(w_in, np.zeros((4, 4)), (0,))))
    rows, sent = timed(held, np.full((5, 3), 2))
    assert {channel for _, channel in rows} == {0, 2}
    assert sent.unheard == 10
    assert [item.code for item in sent.findings()] == ["SNN-4412", "SNN-4413"]


def test_events_that_have_no_bin_or_no_neuron_are_counted() -> None:
    held = configure(map_network(made((2, 5))))
    assert columns(held) == {0: 0, 1: 1}
    events = [(0, 999), (0, 1000), (1, 1999), (1, 2000), (0, 3999), (0, 4000), (7, 1500), (1, 2001)]
    found = heard(held, events, 1000, 3)
    assert found.spikes.tolist() == [[1, 1], [0, 2], [1, 0]]
    assert (found.outside, found.strange) == (2, 1)
    assert [item.code for item in found.findings()] == ["SNN-4413", "SNN-4414"]
    samna = board(held, stray=1999, late=400)
    run, _, _ = run_board(samna, held, raster(), QUICK, silent)
    assert run.strange == 1


def test_the_control_tag_is_nobodys() -> None:
    held = configure(map_network(made((2, 5))))
    assert control_tag(held) == 2047
    taken = tuple(replace(held.monitors[0], tag=tag) for tag in range(1, 2048))
    assert control_tag(replace(held, monitors=taken)) == 0
    everything = (*taken, replace(held.monitors[0], tag=0))
    with pytest.raises(UsageError, match="every tag is a monitored neuron's"):
        control_tag(replace(held, monitors=everything))


def test_what_stops_before_a_board_is_opened() -> None:
    held, x = configure(map_network(made())), raster()
    samna = se2_double(chips=1, without=["Dynapse2Synapse.weight", "SYAM_W1_P"])
    with pytest.raises(UnsupportedError, match="cannot be put into samna's configuration") as caught:
        run_board(samna, held, x, QUICK, silent)
    assert {item.code for item in caught.value.findings} == {"SNN-4304"}
    assert len(caught.value.findings) == 2
    samna = board(held)
    with pytest.raises(UsageError, match="does not fit"):
        run_board(samna, held, x[:, 1:], QUICK, silent)
    for names in ([], ["Dynap-SE2 Stack"] * 2, ["Speck2f"]):
        samna.boards = names
        with pytest.raises(MissingPeerError, match="needs one Dynap-SE2 board"):
            run_board(samna, held, x, QUICK, silent)
    assert samna.opened == []


def test_boards_that_do_not_do_as_they_are_told() -> None:
    held, x = configure(map_network(made())), raster()
    with pytest.raises(RunError, match="did not take the bit file"):
        run_board(board(held), held, x, replace(QUICK, bitfile="stack.txt"), silent)
    samna = board(held)
    run_board(samna, held, x, replace(QUICK, bitfile="stack.bit"), silent)
    assert samna.opened[0].bitfile == "stack.bit"
    with pytest.raises(RunError, match="did not take the configuration"):
        run_board(board(held, accepts=False), held, x, QUICK, silent)
    with pytest.raises(RunError, match="clock starts again"):
        run_board(board(held, now=2**32 - 10**5), held, x, QUICK, silent)


def test_noisy_runs_are_compared_by_their_rates() -> None:
    """The only verdict that there is: two one-sided tests over runs, each with weights of its own."""
    held = configure(map_network(made()))
    samna, graph, inputs = board(held, noise=0.02), ours(held), [raster(seed, 200) for seed in range(3)]
    theirs = np.array([run_board(samna, held, x, QUICK, silent)[0].spikes.sum(axis=0) for x in inputs])
    own = np.array([spikes(graph, x).sum(axis=0) for x in inputs])
    assert (theirs != own).any()
    found = equivalence(own, theirs, seconds=200 * held.dt, paired=True)
    assert found.runs == (3, 3)
    assert sum(row.equivalent for row in found.rows) > NEURONS // 2
    assert not any(row.equivalent for row in equivalence(own, 2 * theirs, paired=True).rows)


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path, of this process and of workers, in which the double is installed as samna."""
    unit = configure(map_network(made())).chips[0].cores[0].iscale
    init = (
        "from tests.networks.samna_se2_double import se2_double\n\n"
        f'globals().update(vars(se2_double(name="samna", chips=1, iscale={unit!r})))\n'
    )
    folder = installed(tmp_path / "site", init=init)
    monkeypatch.syspath_prepend(str(folder))
    path = [str(folder), str(ROOT), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path))
    yield folder
    assert "samna" not in sys.modules


def request(path: Any, graph: Graph, x: Any, record: tuple[str, ...] = ("output",), **options: str) -> RunRequest:
    return RunRequest(graph, read_stimulus(x, graph.inputs[0]), record, path, options=options)


@pytest.mark.usefixtures("beside")
def test_the_whole_way(tmp_path: Path) -> None:
    """Through guard, worker and loader, from a dynapse2.json; and samna is never imported in this process."""
    path, report = tmp_path / "net.json", tmp_path / "load.json"
    export(made(), path)
    held = configure(map_network(made()))
    graph, x = ours(held), raster().astype(np.float32)
    got = run_chip(request(path, graph, x, ("*",), report=str(report)))
    assert got["output"].dtype == np.uint8
    assert set(got) == {"output", "DynapSim/s"}
    np.testing.assert_array_equal(got["output"], spikes(graph, raster()))
    assert got["output"].sum() > 50
    codes = [item.code for item in got.findings]
    assert {"SNN-6001", "SNN-4307", "SNN-4308", "SNN-4306", "SNN-4412"} == set(codes)
    assert json.loads(report.read_text())["complete"] is True


def test_without_the_real_one_it_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The installer of the index is told by its files; it is not run."""
    folder = installed(tmp_path / "site", init=INSTALLER, wheel=PURE, extension=b"")
    monkeypatch.syspath_prepend(str(folder))
    availability = load().runners["samna-dynapse2"].availability()
    assert not availability.ok
    assert "purely Python" in availability.reason
    path = tmp_path / "net.json"
    export(made(), path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]))
    graph = ours(configure(map_network(made())))
    with pytest.raises(MissingPeerError, match="purely Python"):
        run_chip(request(path, graph, raster().astype(np.float32)))
    assert "samna" not in sys.modules


def test_what_the_runner_refuses(tmp_path: Path) -> None:
    path, some = tmp_path / "net.json", tmp_path / "some.json"
    export(made(), path)
    export(made((0, 3)), some)
    graph, x = ours(configure(map_network(made()))), raster().astype(np.float32)
    with pytest.raises(UsageError, match=r"runs a dynapse2\.json"):
        run_chip(request("module:factory", graph, x))
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(UsageError, match="this is none"):
        run_chip(request(tmp_path / "other.json", graph, x))
    with pytest.raises(UsageError, match="one sample"):
        run_chip(request(path, graph, np.stack([x, x], axis=1)))
    for value in (0.5, -1.0):
        with pytest.raises(UsageError, match="whole numbers"):
            run_chip(request(path, graph, x * np.float32(value)))
    for text in ("soon", "0", "inf"):
        with pytest.raises(UsageError, match="seconds"):
            run_chip(request(path, graph, x, timeout=text))
    with pytest.raises(UsageError, match="2 of 14 neurons are monitored"):
        run_chip(request(some, graph, x))
    with pytest.raises(UsageError, match="does not record"):
        run_chip(request(path, graph, x, ("DynapSim/imem",)))


def test_one_run_of_a_chip_is_never_verified_against(tmp_path: Path) -> None:
    """Not even by chance: bits or spikes of one run say nothing of the next."""
    graph = ours(configure(map_network(made())))
    container.save(graph, tmp_path / "net.snn")
    with pytest.raises(UsageError, match="runs differ from one another"):
        snnhub.verify(tmp_path / "net.snn", against="samna-dynapse2", stimulus=raster().astype(np.float32))


def test_delays_and_depression_have_parameters_that_the_file_does_not_set() -> None:
    from snnhub_dynapse2.samna.runner import unset

    held = configure(map_network(made()))
    assert list(unset(held)) == []
    core = held.chips[0].cores[0]
    odd = replace(
        core.neurons[0], cam=(Synapse(1, "AMPA", 1, True, True), Synapse(2, "AMPA", 1, False, False, True))
    )
    held = replace(held, chips=(replace(held.chips[0], cores=(replace(core, neurons=(odd,)),)),))
    found = list(unset(held))
    assert [item.code for item in found] == ["SNN-4411", "SNN-4411"]
    assert "2 synapses are delayed" in found[0].message
    assert "SYPD_DLY0_P" in found[0].message
    assert "SYPD_DYL0_P" in found[0].message
    assert "SYAW_STDSTR_N" in found[1].message
