"""Xylo's families as targets: utilisation, every violation at once, and what is not lowered yet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import snnhub
from snnhub.api.check import TargetReport, check_target
from snnhub.cli.main import invoke
from snnhub.findings import Severity
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph
from snnhub.ops.registry import REGISTRY
from snnhub_formats import container
from snnhub_xylo.core import Core
from snnhub_xylo.families import FAMILIES, REGISTERS
from snnhub_xylo.target import spec_of

from tests.build import mlp
from tests.networks.multispike_nets import network
from tests.networks.xylo_cores import core_graph

ALL = tuple(FAMILIES)


def made(inputs: int = 4, hidden: int = 10, outputs: int = 3, synapses: int = 1, **changes: object) -> Core:
    """A sound core: inputs feed the first neurons, the last feed the outputs, few recurrent weights."""
    first = min(hidden, 100)
    into = np.zeros((inputs, hidden, synapses), np.int64)
    into[:, :first] = 5
    recurrent = np.zeros((hidden, hidden, synapses), np.int64)
    recurrent[np.arange(hidden - 1), np.arange(1, hidden)] = 9
    out = np.zeros((hidden, outputs), np.int64)
    out[-first:] = 7
    arrays = {
        "weights_in": into,
        "weights_rec": recurrent,
        "weights_out": out,
        **dict.fromkeys(("threshold", "dash_mem"), np.full(hidden, 3)),
        "bias": np.zeros(hidden, np.int64),
        "dash_syn": np.full((hidden, synapses), 2),
        "alias": np.full(hidden, -1),
        **dict.fromkeys(("threshold_out", "dash_mem_out", "dash_syn_out"), np.full(outputs, 3)),
        "bias_out": np.zeros(outputs, np.int64),
        **dict.fromkeys(("shift_in", "shift_rec", "shift_out"), np.int64(0)),
    }
    return Core.made("v2", arrays | changes)


def report(core: Core, family: str) -> TargetReport:
    return check_target(core_graph(core), spec_of(FAMILIES[family]))


def errors(core: Core, family: str) -> list[tuple[str, str, str]]:
    found = report(core, family).findings
    return [(item.code, item.place, item.old) for item in found if item.severity is Severity.ERROR]


@pytest.mark.parametrize("family", ALL)
def test_a_small_core_fits_and_its_use_is_shown(family: str) -> None:
    found = report(made(), family)
    assert found.fits
    assert found.findings == ()
    usage = {place: (low, high, limit.high) for place, low, high, limit in found.usage}
    hidden = {"xylo-a2": 1000, "xylo-imu": 496, "xylo-a3": 992}[family]
    assert usage["xylo: hidden neurons"] == (10, 10, hidden)
    assert usage["xylo: recurrent fan-out"][0] == 1
    assert usage["xylo/threshold"] == (3, 3, 32767)
    assert all(limit.source for *_, limit in found.usage)


@pytest.mark.parametrize(
    ("family", "sizes"), [("xylo-a2", (16, 1000, 8)), ("xylo-imu", (16, 496, 16)), ("xylo-a3", (16, 992, 32))]
)
def test_the_largest_fits_and_one_more_does_not(family: str, sizes: tuple[int, int, int]) -> None:
    inputs, hidden, outputs = sizes
    assert report(made(*sizes), family).fits
    assert errors(made(inputs + 1, hidden, outputs), family) == [("SNN-2201", "xylo", str(inputs + 1))]
    assert errors(made(inputs, hidden + 1, outputs), family) == [("SNN-2201", "xylo", str(hidden + 1))]
    assert errors(made(inputs, hidden, outputs + 1), family) == [("SNN-2201", "xylo", str(outputs + 1))]


def with_fan_out(count: int, hidden: int = 70, synapses: int = 1) -> Core:
    core = made(hidden=hidden, synapses=synapses)
    recurrent = core.weights_rec.copy()
    recurrent[3] = 0
    recurrent[3].reshape(-1)[:count] = 1
    return Core.made("v2", core.arrays | {"weights_rec": recurrent})


def test_fan_out() -> None:
    assert report(with_fan_out(63), "xylo-a2").findings == ()
    assert [item.code for item in report(with_fan_out(64), "xylo-a2").findings] == ["SNN-2405"]
    assert errors(with_fan_out(65), "xylo-a2") == [("SNN-2201", "xylo", "65")]
    assert "Neuron 3" in report(with_fan_out(65), "xylo-a2").findings[0].remedy
    assert errors(with_fan_out(65, synapses=2), "xylo-a2") == [("SNN-2201", "xylo", "65")]  # both synapses count
    assert errors(with_fan_out(65), "xylo-imu") == []
    assert errors(with_fan_out(490, 496), "xylo-imu") == []
    dense = made(hidden=200)
    full = Core.made("v2", dense.arrays | {"weights_rec": np.ones((200, 200, 1), np.int64)})
    assert errors(full, "xylo-imu") == [("SNN-2201", "xylo", "40000")]  # 31,744 recurrent weights in all


def test_order_of_the_neurons() -> None:
    core = made(hidden=200)
    last = core.weights_in.copy()
    last[0, 199] = 1
    wrong = Core.made("v2", core.arrays | {"weights_in": last})
    assert errors(wrong, "xylo-a2") == []
    assert errors(wrong, "xylo-a3") == [("SNN-2201", "xylo", "200")]
    remedy = report(wrong, "xylo-a3").findings[0].remedy
    assert "101 neurons are concerned: number them so that they stand first" in remedy


def test_every_violation_at_once() -> None:
    wrong = made(17, 1001, 33, 2, threshold=np.full(1001, -1), alias=np.arange(1001)[::-1].copy())
    place = {
        "xylo-a2": ["17", "1001", "33"],
        "xylo-imu": ["17", "1001", "33", "2"],
        "xylo-a3": ["17", "1001", "33"],
    }
    for family in ALL:
        found = errors(wrong, family)
        assert [old for code, where, old in found if (code, where) == ("SNN-2201", "xylo")] == place[family]
        assert ("SNN-2201", "xylo/threshold", "-1 .. -1") in found
        assert ("SNN-2402", "xylo/alias", "500 -> 500") in found


def test_versions_and_thresholds_of_zero() -> None:
    core = made(threshold_out=np.array([0, 1, 2]))
    first = Core.made("v1", core.arrays)
    assert errors(first, "xylo-a3") == [("SNN-2401", "xylo", "v1")]
    found = report(core, "xylo-a3")
    assert found.fits
    assert [(item.code, item.place) for item in found.findings] == [("SNN-2403", "xylo/threshold_out")]


def late() -> Graph:
    core = made()
    builder = GraphBuilder("late", REGISTRY)
    x = builder.input((4,), core_graph(core).inputs[0].type)
    s = builder.node("xylo", "xylo.Core", x, params=core.params(), delay=2, core="v2", synapses=1)
    builder.output(s)
    return builder.graph()


def test_a_delay_before_the_core() -> None:
    found = check_target(late(), spec_of(FAMILIES["xylo-imu"]))
    assert [(item.code, item.old) for item in found.findings] == [("SNN-2404", "delay 2")]


def test_two_cores() -> None:
    core = made()
    builder = GraphBuilder("two", REGISTRY)
    x = builder.input((4,), core_graph(core).inputs[0].type)
    for name in "ab":
        s = builder.node(name, "xylo.Core", x, params=core.params(), core="v2", synapses=1)
        builder.output(s, name=f"out_{name}")
    found = check_target(builder.graph(), spec_of(FAMILIES["xylo-a2"]))
    assert [(item.code, item.place, item.old) for item in found.findings] == [("SNN-2201", "two", "2")]


@pytest.mark.parametrize("family", ALL)
def test_networks_of_layers_are_mapped_to_be_checked(family: str) -> None:
    spec = spec_of(FAMILIES[family])
    found = check_target(network("residual"), spec)
    assert found.fits
    assert {"xylo: hidden neurons", "xylo: recurrent fan-out"} <= {place for place, *_ in found.usage}
    hidden = next(low for place, low, _, _ in found.usage if place == "xylo: hidden neurons")
    assert hidden == 27  # two layers of 9, and 9 relays
    broken = check_target(network("two", 0, (17, 9, 40)), spec)
    values = {item.old for item in broken.findings if item.code == "SNN-2201"}
    assert values == {"17", "40"}


def test_what_has_no_place_is_named_node_by_node() -> None:
    found = check_target(mlp(), spec_of(FAMILIES["xylo-a2"])).findings
    assert {item.place for item in found if item.severity is Severity.ERROR} >= {"n0", "n1"}
    assert "SNN-2425" in {item.code for item in found}


def test_every_limit_has_a_source() -> None:
    assert all(limit.source and limit.low <= limit.high for limit in REGISTERS)
    assert all(source for family in FAMILIES.values() for _, source in family.limits.values())


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    container.save(core_graph(with_fan_out(65)), tmp_path / "net.snn")
    result = snnhub.check(tmp_path / "net.snn", targets=ALL)
    assert [item.fits for item in result.targets] == [False, True, True]
    arguments = ["check", str(tmp_path / "net.snn"), *(word for name in ALL for word in ("--target", name))]
    assert invoke(arguments) == 1
    shown = capsys.readouterr().out
    for words in ("target xylo-a2: does not fit", "target xylo-imu: fits", "hidden neurons", "SNN-2201", "65"):
        assert words in shown
