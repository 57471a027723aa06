"""Networks of hundreds and thousands of neurons on Dynap-SE2's chips, what has no room, and who shares a core."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from snnhub.errors import FormatError, UnsupportedError, UsageError
from snnhub.findings import Finding
from snnhub_dynapse2.board import Board, board_of
from snnhub_dynapse2.config import Destination
from snnhub_dynapse2.configure import configure
from snnhub_dynapse2.dac import PARAMETERS, amps, nearest, span
from snnhub_dynapse2.decode import decode
from snnhub_dynapse2.document import write
from snnhub_dynapse2.limits import CAM, LIMITS, SRAM, TAGS
from snnhub_dynapse2.mapping.mapped import Mapped, map_network
from snnhub_dynapse2.mapping.options import Options
from snnhub_dynapse2.mapping.report import cam_counts, errors_by_core, errors_by_neuron, sram_counts, utilisation
from snnhub_dynapse2.network import CURRENTS, Network
from snnhub_dynapse2.restore import restored

from tests.networks.dynapse2_nets import DEFAULTS, fixed_fan_in, network, placed
from tests.property.test_dynapse2_mapping import decodes

Found = dict[str, Finding]


def fits(mapped: Mapped) -> None:
    """Every limit, and the file does what the network does."""
    rows = utilisation(mapped)
    assert max(row["cam"] for row in rows) == cam_counts(mapped).max() <= CAM
    assert max(row["sram"] for row in rows) == sram_counts(mapped).max() <= SRAM
    assert max(row["tags"] for row in rows) <= TAGS
    assert sum(row["neurons"] for row in rows) == mapped.network.n
    decodes(mapped)


def refusal(made: Network, board: Board | None = None) -> Found:
    with pytest.raises(UnsupportedError) as problem:
        map_network(made, board)
    assert problem.value.exit_code == 4
    return {item.code: item for item in problem.value.findings}


def test_300_neurons_with_a_fan_in_of_32() -> None:
    fits(map_network(fixed_fan_in(20, 300, 32, 1)))


def test_1000_neurons_with_a_fan_in_of_64() -> None:
    fits(map_network(fixed_fan_in(50, 1000, 64, 2)))


@pytest.mark.parametrize("monitored", [10, 200])
def test_4000_neurons_in_four_hidden_blocks(monitored: int) -> None:
    """Neurons of a block are anywhere in the numbering; the mapper finds them."""
    mapped = map_network(fixed_fan_in(50, 4000, 16, 3, monitored=monitored, blocks=4))
    fits(mapped)
    assert int(mapped.placement.chip.max()) == 3
    internal = mapped.synapses.source >= 50
    chip = mapped.placement.chip
    outside = chip[mapped.synapses.source[internal] - 50] != chip[mapped.synapses.target[internal]]
    assert outside.mean() < 0.12  # a tenth comes from other blocks; a few neurons move for their monitors


def test_a_full_board_whose_sources_are_anywhere() -> None:
    """Few synapses stay inside a chip, whatever the placement: neurons that hear the same sources go together."""
    fits(map_network(placed(4096, 50, 16, 0.8, 1)))


def test_4000_neurons_with_uniform_synapses_need_too_many_tags() -> None:
    found = refusal(fixed_fan_in(50, 4000, 16, 4))
    assert found["SNN-2504"].bound == f"at most {TAGS}"
    assert int(found["SNN-2504"].old.split()[0]) > TAGS


def test_tags_that_are_free_somewhere_but_not_everywhere() -> None:
    """With equal weights many sources share tags on a core, but not on all cores of a chip."""
    made = fixed_fan_in(50, 4000, 16, 11)
    found = refusal(network(np.sign(made.w_in), np.sign(made.w_rec), made.monitored))
    assert "find no tag that is free on all of their cores" in found["SNN-2504"].message
    assert "sources reach a core" in found["SNN-2504"].message


def test_fan_in_65() -> None:
    found = refusal(fixed_fan_in(50, 300, 65, 3))
    assert (found["SNN-2502"].old, found["SNN-2502"].bound) == ("65 synapses", "at most 64")
    equal = np.ones((65, 3))
    assert "SNN-2502" in refusal(network(equal, np.zeros((3, 3))))  # though one tag could stand for all


def test_a_neuron_for_four_chips_and_the_monitor() -> None:
    w_rec = np.zeros((4000, 4000))
    w_rec[7] = 1.0
    found = refusal(network(np.zeros((1, 4000)), w_rec, monitored=(7,)))
    assert (found["SNN-2503"].old, found["SNN-2503"].bound) == ("5 destinations", "at most 4")
    assert "neuron 7 reaches 4 chips and a monitor" in found["SNN-2503"].message
    fits(map_network(network(np.zeros((1, 4000)), w_rec, monitored=(8,))))


def test_everything_wrong_at_once() -> None:
    made = fixed_fan_in(50, 2100, 65, 3, monitored=2050)
    currents = {**made.currents, "Ispkthr": np.full(2100, 1e-3)}
    found = refusal(replace(made, currents=currents))
    assert {"SNN-2502", "SNN-2505", "SNN-2506"} <= set(found)
    assert set(refusal(network(np.zeros((1, 4097)), np.zeros((4097, 4097))))) == {"SNN-2501"}
    board = Board(positions=((1, 0),))
    assert found["SNN-2505"].old == "2050 neurons"
    assert refusal(network(np.zeros((1, 1025)), np.zeros((1025, 1025))), board)["SNN-2501"].old == "1025 neurons"


def test_saturated_cores_are_named_with_what_else_is_wrong() -> None:
    made = fixed_fan_in(10, 300, 65, 3)
    with pytest.raises(UnsupportedError) as problem:
        map_network(replace(made, iscale=5e-7), options=Options(iscale="keep"))
    codes = [item.code for item in problem.value.findings]
    assert codes == ["SNN-2502", "SNN-2512", "SNN-2512"]


def test_negative_currents_are_refused() -> None:
    assert "SNN-2506" in refusal(
        network(np.ones((1, 2)), np.zeros((2, 2)), changes={"Idc": np.array([0.0, -1e-9])})
    )


def interleaved() -> Network:
    """Four classes of parameters, neuron by neuron."""
    n = 120
    kind = np.arange(n) % 4
    rng = np.random.default_rng(9)
    changes = {
        "Itau_mem": np.array([1.1e-11, 3.3e-11, 5.7e-10, 8.1e-9])[kind],
        "Iref": np.array([1.05e-9, 2.2e-9, 1.05e-9, 4e-9])[kind],
        "Igain_syn": np.array([8.69e-9, 8.69e-9, 3e-8, 1e-7])[kind],
    }
    w_rec = rng.normal(0, 1, (n, n)) * (rng.random((n, n)) < 0.2)
    return network(rng.normal(0, 1, (5, n)), w_rec, (3, 50), changes)


def test_interleaved_classes_get_cores_of_their_own() -> None:
    """The error of every current is the grid's own: that of the code nearest to it."""
    made = interleaved()
    mapped = map_network(made)
    fits(mapped)
    assert len(utilisation(mapped)) == 4
    assert not any(item.code == "SNN-2509" for item in mapped.findings)
    _, worst = errors_by_neuron(mapped)
    own = np.zeros(made.n)
    for name in CURRENTS:
        parameter = PARAMETERS[name][0]
        for neuron, wanted in enumerate(made.currents[name].tolist()):
            off = abs(amps(parameter, nearest(parameter, wanted)) / wanted - 1)
            own[neuron] = max(own[neuron], 0.0 if name == "Igain_syn" else off)
    np.testing.assert_allclose(worst, own, rtol=1e-9)


def test_neurons_of_many_kinds_share_cores_with_those_like_them() -> None:
    rng = np.random.default_rng(4)
    n = 200
    changes = {"Itau_mem": np.exp(rng.uniform(np.log(1e-11), np.log(1e-9), n))}
    mapped = map_network(network(rng.normal(0, 1, (4, n)), np.zeros((n, n)), (), changes))
    shared = [item for item in mapped.findings if item.code == "SNN-2509"]
    assert len(shared) == 4
    logs = np.log(changes["Itau_mem"])
    inside = sum(logs[mapped.placement.core == core].var() for core in range(4)) / 4
    assert inside < logs.var() / 10  # four parts of an even spread have a sixteenth of its variance


def test_more_cores_where_the_fewest_hear_too_much() -> None:
    """200 neurons that hear 3,000 inputs between them do not go on one core."""
    rng = np.random.default_rng(2)
    w_in = np.zeros((3000, 200))
    for neuron in range(200):
        w_in[rng.choice(3000, 40, replace=False), neuron] = rng.normal(0, 2, 40)
    mapped = map_network(network(w_in, np.zeros((200, 200)), (0,)))
    fits(mapped)
    assert len(utilisation(mapped)) > 1


def test_sources_that_reach_the_same_share_a_tag() -> None:
    w_in = np.tile(np.array([1.0, -2.0, 0.0, 3.0]), (30, 1))
    mapped = map_network(network(w_in, np.zeros((4, 4))))
    fits(mapped)
    assert utilisation(mapped)[0]["tags"] == 1
    assert cam_counts(mapped).tolist() == [1, 1, 0, 1]
    assert sum(mapped.links().values()) == 90


def test_inputs_reach_every_core_that_needs_them() -> None:
    """Rockpool addresses the last core alone."""
    n = 600
    mapped = map_network(network(np.random.default_rng(1).normal(0, 2, (10, n)), np.zeros((n, n))))
    fits(mapped)
    (first,) = configure(mapped).inputs[0]
    assert first == Destination(1, 0, 0b111, first.tag)


def test_monitored_neurons_have_a_tag_each() -> None:
    n = 600
    mapped = map_network(network(np.ones((1, n)), np.zeros((n, n)), tuple(range(n))))
    assert [monitor.tag for monitor in configure(mapped).monitors] == list(range(n))
    assert len({(m.chip, m.core, m.neuron) for m in configure(mapped).monitors}) == n


def test_split_synapses_are_nearer_and_counted() -> None:
    made = fixed_fan_in(20, 300, 24, 6)
    plain, split = (map_network(made, options=Options(split=choice)) for choice in ("off", "auto"))
    fits(split)
    errors = [sum(row["mse"] * row["synapses"] for row in errors_by_core(mapped)) for mapped in (plain, split)]
    assert errors[1] < errors[0] / 8
    assert sum(row["split"] for row in utilisation(split)) > 1000
    assert {"SNN-2515"} <= {item.code for item in split.findings}
    weights, _ = errors_by_neuron(split)
    assert np.square(weights).sum() * 24 == pytest.approx(errors[1])


def test_refractory_steps_choose_the_code_of_iref() -> None:
    """Nearest in current, 1.05 nA would block for two steps; another code next to it blocks for one."""
    made = network(np.ones((1, 3)), np.zeros((3, 3)))
    plain = map_network(made)
    kept = map_network(replace(made, n_ref=np.array([1, 1, 1])))
    (note,) = [item for item in kept.findings if item.code == "SNN-2514"]
    assert (note.severity.value, note.new) == ("note", "1 steps")
    codes = [mapped.quantised.currents[0].codes["Iref"] for mapped in (plain, kept)]
    assert codes[0] != codes[1]
    never = map_network(replace(made, n_ref=np.array([40, 40, 40])))
    assert [item.severity.value for item in never.findings if item.code == "SNN-2514"] == ["loss"]


def test_what_changed_is_said() -> None:
    tiny = {"Iw_ahp": np.zeros(40), "Itau_ahp": np.full(40, 2.8e-12)}
    rng = np.random.default_rng(0)
    values = rng.normal(0, 3, (8, 40))
    mapped = map_network(network(values, np.zeros((40, 40)), changes=tiny))
    found = {item.code: item for item in mapped.findings}
    assert {"SNN-2507", "SNN-2508", "SNN-2510", "SNN-2511", "SNN-2513", "SNN-2517"} <= set(found)
    assert "rounding of Igain_syn" in found["SNN-2513"].bound
    dropped = int(np.count_nonzero(~mapped.quantised.masks.any(axis=1)))
    assert found["SNN-2511"].message.startswith(f"{dropped} of 320")
    latches = configure(mapped).chips[0].cores[0].neurons[0].latches
    assert latches == ("so_dc",)
    on = {"Iw_ahp": np.full(40, 1e-9), "Idc": np.zeros(40)}
    held = configure(map_network(network(values, np.zeros((40, 40)), changes=on)))
    assert held.chips[0].cores[0].neurons[0].latches == ("so_adaptation",)
    assert all(held.index_of[address] == key for key, address in held.address_of.items())
    restored_dc = restored(held, decode(write(held)))[0].currents["Idc"]
    assert not restored_dc.any()


def test_limits_have_sources() -> None:
    assert {limit.parameter: limit.high for limit in LIMITS}["fan-in"] == 64
    assert all(limit.source for limit in LIMITS)


def test_networks_that_are_none() -> None:
    ones = np.ones((2, 3))
    with pytest.raises(UsageError, match="do not fit each other"):
        network(ones, np.zeros((2, 2)))
    with pytest.raises(UsageError, match="finite"):
        network(ones * np.nan, np.zeros((3, 3)))
    with pytest.raises(UsageError, match="monitored"):
        network(ones, np.zeros((3, 3)), (0, 0))
    with pytest.raises(UsageError, match="currents"):
        network(ones, np.zeros((3, 3)), changes={"Inone": np.zeros(3)})
    with pytest.raises(UsageError, match="n_ref"):
        replace(network(ones, np.zeros((3, 3))), n_ref=np.zeros(2, np.int64))
    with pytest.raises(UsageError, match="no such choice"):
        Options(split="always")


def test_boards() -> None:
    assert board_of(Board().to_json()) == Board()
    with pytest.raises(FormatError, match="one place"):
        Board(positions=((1, 0), (1, 0)))
    with pytest.raises(FormatError, match="too far"):
        Board(positions=((1, 0), (9, 0)))
    with pytest.raises(FormatError, match="monitor's hops"):
        Board(monitor_hop=(1, 0))
    with pytest.raises(FormatError, match="keys"):
        board_of({"positions": []})


def test_defaults_are_in_range() -> None:
    assert set(DEFAULTS) == set(CURRENTS)
    for name, value in DEFAULTS.items():
        assert value < span(PARAMETERS[name][0])[1]
