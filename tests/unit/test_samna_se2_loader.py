"""Putting a dynapse2.json into samna's objects: into a double made from the documented attributes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from snnhub.errors import UnsupportedError
from snnhub.findings import Severity
from snnhub_dynapse2.config import LATCHES, ChipConfig, Configuration, CoreConfig, Destination, Neuron, Synapse
from snnhub_dynapse2.configure import configure
from snnhub_dynapse2.dac import SCALES, Code
from snnhub_dynapse2.decode import decode
from snnhub_dynapse2.document import write
from snnhub_dynapse2.limits import CAM, SRAM, TAGS
from snnhub_dynapse2.mapping.mapped import map_network
from snnhub_dynapse2.mapping.options import Options
from snnhub_dynapse2.samna.loader import apply
from snnhub_dynapse2.samna.names import classes, latches, leaves, parameters, sources

from tests.networks.dynapse2_nets import fixed_fan_in, network, small
from tests.networks.samna_se2_board import Chip
from tests.networks.samna_se2_double import se2_double
from tests.property.test_dynapse2_mapping import BOARDS


def mapped(seed: int) -> Configuration | None:
    """A random network on one of two boards, None if it does not fit."""
    try:
        options = Options(split="auto" if seed % 3 == 0 else "off")
        return configure(map_network(small(seed), BOARDS[seed % 2], options))
    except UnsupportedError:
        return None


def fill(config: Any, module: Any, seed: int) -> None:
    """What an earlier network may have left: every slot of some neurons, switches, in every core."""
    random = np.random.default_rng(seed)
    synapse, destination = module.Dynapse2Synapse(), module.Dynapse2Destination()
    synapse.tag, synapse.dendrite, synapse.weight, synapse.stp = 7, module.Dendrite.nmda, [True] * 4, True
    destination.core, destination.x_hop, destination.tag = [True] * 4, 1, 7
    for chip in config.chips:
        for core in chip.cores:
            for number in random.choice(256, 40, replace=False).tolist():
                neuron = core.neurons[number]
                neuron.synapses, neuron.destinations = [synapse] * CAM, [destination] * SRAM
                neuron.latch_soif_kill = neuron.latch_so_dc = True


def read_back(config: Any, module: Any, held: Configuration) -> Chip:
    """What the objects say, found by the double's own routing."""
    from types import SimpleNamespace

    settings = SimpleNamespace(places=held.board, dt=held.dt, iscale=1e-8, noise=0.0)
    return Chip(module, config, settings, np.random.default_rng(0))


def check_equal(config: Any, module: Any, held: Configuration) -> int:
    """The multiset of the decoder, monitors, inputs, codes and switches: nothing lost, nothing extra."""
    chip, wanted = read_back(config, module, held), decode(write(held))
    found = chip.links()
    for channel, destinations in enumerate(held.inputs):
        for item in destinations:
            cores = [bool(item.cores >> bit & 1) for bit in range(4)]
            reached = chip.reached(held.board.input, (cores, item.x_hop, item.y_hop, item.tag))
            found.update(chip.hears(reached, channel))
    masks = Counter[Any]()
    for (source, target, dendrite, weight), times in found.items():
        mask = sum(on << bit for bit, on in enumerate(weight))
        masks[source, target, dendrite.upper(), mask, False, False, False] += times
    assert masks == Counter({tuple(event): times for event, times in wanted.events.items()})
    assert {(where, tag) for where, tags in chip.monitored().items() for tag in tags} == set(wanted.monitored)
    for part in held.chips:
        for core in part.cores:
            theirs = config.chips[part.id].cores[core.id].parameters
            for name, code in core.parameters.items():
                assert (theirs[name].coarse_value, theirs[name].fine_value) == (code.coarse, code.fine)
    on = {(h, c, n.id, name) for h, c, n in _neurons(held) for name in n.latches}
    assert on == set(_switched(config))
    return sum(masks.values())


def _neurons(held: Configuration) -> list[tuple[int, int, Neuron]]:
    return [(chip.id, core.id, n) for chip in held.chips for core in chip.cores for n in core.neurons]


def _switched(config: Any) -> list[tuple[int, int, int, str]]:
    return [
        (h, c, n, name.removeprefix("latch_"))
        for h, chip in enumerate(config.chips)
        for c, core in enumerate(chip.cores)
        for n, neuron in enumerate(core.neurons)
        for name in latches()
        if getattr(neuron, name)
    ]


def test_random_networks_are_read_back_as_the_decoder_reads_the_file() -> None:
    """On objects that were full of another network."""
    done, synapses, module = 0, 0, se2_double(chips=2).dynapse2
    for seed in range(40):
        held = mapped(seed)
        if held is None or max((chip.id for chip in held.chips), default=0) > 1:
            continue
        config = module.Dynapse2Configuration()
        fill(config, module, seed)
        report = apply(config, held, module)
        assert report.complete
        assert not report.refused
        synapses += check_equal(config, module, held)
        done += 1
        if done == 3:
            break
    assert done == 3
    assert synapses > 300


def test_four_chips_and_their_routes() -> None:
    held = configure(map_network(fixed_fan_in(8, 1100, 9, 4, monitored=30)))
    module = se2_double().dynapse2
    assert len(held.chips) > 1
    config = module.Dynapse2Configuration()
    assert apply(config, held, module).complete
    assert check_equal(config, module, held) > 9000


def everything() -> Configuration:
    """One neuron with every field at another value than an empty one's, and all 64 and 4 slots of another."""
    held = configure(map_network(network(np.ones((1, 2)), np.zeros((2, 2)))))
    kinds = ("AMPA", "GABA", "NMDA", "SHUNT")
    full = [
        Synapse(TAGS - 1 - slot, kinds[slot % 4], slot % 15 + 1, slot % 3 == 0, slot % 5 == 0, slot % 7 == 0)
        for slot in range(CAM)
    ]
    reach = [
        Destination(-1, 7, 15, 2047),
        Destination(0, 0, 1, 0),
        Destination(1, -7, 8, 5),
        Destination(2, 0, 6, 9),
    ]
    neurons = (
        Neuron(0, LATCHES, (Synapse(0, "SHUNT", 8, True, True, True),), ()),
        Neuron(255, (), tuple(sorted(full)), tuple(reach)),
    )
    codes = {name: Code(number % 6, 255 - number) for number, name in enumerate(SCALES)}
    chips = (ChipConfig(0, (CoreConfig(3, 1e-8, codes, neurons),)),)
    return Configuration(held.board, chips, (), (), (), 1e-3, {}, {})


def test_every_field_is_set_and_every_other_slot_cleared() -> None:
    held, module = everything(), se2_double(chips=1).dynapse2
    config = module.Dynapse2Configuration()
    fill(config, module, 1)
    report = apply(config, held, module)
    assert report.complete
    first, last = config.chips[0].cores[3].neurons[0], config.chips[0].cores[3].neurons[255]
    assert all(getattr(first, name) is True for name in latches())
    names = ("tag", "dendrite", "weight", "stp", "precise_delay", "mismatched_delay")
    none = module.Dendrite.none
    assert [getattr(first.synapses[0], name) for name in names] == [
        0,
        module.Dendrite.shunt,
        [False] * 3 + [True],
        *[True] * 3,
    ]
    for synapse in first.synapses[1:]:
        assert [getattr(synapse, name) for name in names] == [0, none, [False] * 4, *[False] * 3]
    entries = held.chips[0].cores[0].neurons[1].cam
    for theirs, ours in zip(last.synapses, entries, strict=True):
        assert (theirs.tag, theirs.dendrite) == (ours.tag, getattr(module.Dendrite, ours.dendrite.lower()))
        assert theirs.weight == [bool(ours.mask >> bit & 1) for bit in range(4)]
        assert (theirs.stp, theirs.precise_delay, theirs.mismatched_delay) == (
            ours.stp,
            ours.precise_delay,
            ours.mismatched_delay,
        )
    assert [(item.x_hop, item.y_hop, item.tag) for item in last.destinations] == [
        (-1, 7, 2047),
        (0, 0, 0),
        (1, -7, 5),
        (2, 0, 9),
    ]
    for core in (0, 1, 2):
        for neuron in config.chips[0].cores[core].neurons:
            assert not any(any(item.core) for item in neuron.destinations)
            assert {item.dendrite for item in neuron.synapses} == {none}
            assert not any(any(item.weight) for item in neuron.synapses)
    told = {entry.path: entry.value for entry in report.done}
    assert told["chips[].cores[].neurons[].latch_soif_kill"] == "1 in use, the rest cleared"
    assert told["chips[].cores[].parameters[SYAM_W3_P]"].endswith("on 1 cores")
    left = {entry.path for entry in report.left}
    assert {"chips[].cores[].neuron_monitoring_on", "chips[].cores[].parameters[SYPD_DLY1_P]"} <= left
    assert json_again(report) == report


def json_again(report: Any) -> Any:
    import json

    return type(report).from_json(json.loads(json.dumps(report.to_json())))


LACKING = {
    "Dynapse2Synapse.weight": ("SNN-4304", "chips[].cores[].neurons[].synapses[].weight"),
    "Dynapse2Destination.tag": ("SNN-4304", "chips[].cores[].neurons[].destinations[].tag"),
    "Dynapse2Destination": ("SNN-4304", "chips[].cores[].neurons[].destinations[]"),
    "Dynapse2Neuron.synapses": ("SNN-4304", "chips[].cores[].neurons[].synapses[]"),
    "Dynapse2Neuron.latch_so_dc": ("SNN-4304", "chips[].cores[].neurons[].latch_so_dc"),
    "Dynapse2Parameter.fine_value": ("SNN-4304", "chips[].cores[].parameters[SYAM_W0_P]"),
    "SOIF_LEAK_N": ("SNN-4304", "chips[].cores[].parameters[SOIF_LEAK_N]"),
    "Dynapse2Chip.cores": ("SNN-4304", "chips[].cores[]"),
    "Dynapse2Configuration.chips": ("SNN-4304", "chips[]"),
}


@pytest.mark.parametrize("name", LACKING)
def test_what_a_samna_lacks_is_an_error_if_the_network_needs_it(name: str) -> None:
    held, module = everything(), se2_double(without=[name], chips=1).dynapse2
    report = apply(module.Dynapse2Configuration(), held, module)
    assert not report.complete
    found = {(item.code, item.place) for item in report.findings() if item.severity is Severity.ERROR}
    assert (LACKING[name][0], f"samna/{LACKING[name][1]}") in found
    with pytest.raises(UnsupportedError, match="cannot be put into samna's configuration"):
        report.ensure_complete()


def test_what_it_lacks_and_nobody_needs_is_only_said() -> None:
    held = configure(map_network(network(np.ones((1, 2)), np.zeros((2, 2)))))
    lacking = ["Dynapse2Synapse.stp", "Dynapse2Neuron.latch_ho_active", "Dynapse2Core.enable_syaw_stdbuf_an"]
    module = se2_double(without=lacking, extra=["Dynapse2Neuron.colour"], chips=1).dynapse2
    report = apply(module.Dynapse2Configuration(), held, module)
    assert report.complete
    assert {entry.path.rpartition(".")[2] for entry in report.missing} == {"stp", "latch_ho_active"}
    assert [entry.path for entry in report.unknown] == ["chips[].cores[].neurons[].colour"]
    assert any("not there" in entry.value for entry in report.left)


def test_values_that_are_not_taken_are_named_with_their_place() -> None:
    module = se2_double(chips=1).dynapse2
    held = configure(map_network(network(np.ones((1, 3)), np.zeros((3, 3)))))

    class Stubborn(module.Dynapse2Neuron):  # type: ignore[misc, name-defined]
        def __setattr__(self, key: str, value: Any) -> None:
            """Takes switches, and keeps them off; has no room for more than 63 synapses."""
            if key == "synapses":
                raise TypeError("too many")
            if not key.startswith("latch_"):
                super().__setattr__(key, value)

    config = module.Dynapse2Configuration()
    core = config.chips[0].cores[0]
    core._held[list(classes()["Dynapse2Core"]).index("neurons")] = [Stubborn() for _ in range(256)]
    report = apply(config, held, module)
    words = {entry.path.rpartition(".")[2]: entry.words for entry in report.refused}
    assert words["synapses[]"] == "chip 0 core 0 neuron 0: TypeError: too many"
    assert words["latch_so_dc"] == "chip 0 core 0 neuron 0 reads back as False"
    assert {item.code for item in report.findings() if item.severity is Severity.ERROR} == {"SNN-4305"}


def test_a_board_with_fewer_chips() -> None:
    held, module = everything(), se2_double(chips=1).dynapse2
    held = replace(held, chips=(replace(held.chips[0], id=1),))
    report = apply(module.Dynapse2Configuration(), held, module)
    assert not report.complete
    assert "there are 1" in next(entry.words for entry in report.refused if entry.path == "chips[]")


def test_the_double_is_strict() -> None:
    module = se2_double(chips=1).dynapse2
    synapse, neuron = module.Dynapse2Synapse(), module.Dynapse2Neuron()
    bad = [
        (synapse, "tag", 2048), (synapse, "tag", True), (synapse, "dendrite", 1024), (synapse, "stp", 1),
        (synapse, "weight", [1, 0, 0, 0]), (synapse, "weight", [True] * 3), (neuron, "synapses", [synapse] * 63),
        (neuron, "synapses", [module.Dynapse2Destination()] * 64), (neuron, "destinations", [None] * 4),
        (module.Dynapse2Destination(), "x_hop", 8), (module.Dynapse2Parameter(), "coarse_value", 6),
        (module.Dynapse2Parameter(), "fine_value", 256),
    ]  # fmt: skip
    for item, name, value in bad:
        with pytest.raises(TypeError):
            setattr(item, name, value)
    with pytest.raises(AttributeError):
        synapse.colour = 1
    neuron.synapses = [synapse] * CAM
    synapse.tag = 5
    neuron.synapses[0].tag = 6
    assert neuron.synapses[0].tag == 0  # values are copied in and out
    with pytest.raises(KeyError):
        _ = module.Dynapse2Configuration().chips[0].cores[0].parameters["SYPD_DYL0_P"]  # Rockpool's spelling


def test_every_attribute_has_a_source() -> None:
    for attributes in classes().values():
        for attribute in attributes.values():
            assert set(attribute.sources) <= set(sources())
            assert attribute.sources
    paths = dict(leaves())
    assert {name for name in paths if ".latch_" in name} == {
        f"chips[].cores[].neurons[].latch_{name}" for name in LATCHES
    }
    pairs = zip(parameters("delays"), parameters("delays_in_rockpool"), strict=True)
    assert all(ours.replace("DLY", "DYL") == theirs for ours, theirs in pairs)
