"""Broken and hostile dynapse2.json files: each refused by a FormatError, quickly, whatever was done to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from snnhub.errors import FormatError, SnnhubError
from snnhub_dynapse2.configure import configure
from snnhub_dynapse2.decode import decode
from snnhub_dynapse2.document import write
from snnhub_dynapse2.mapping.mapped import map_network
from snnhub_dynapse2.reader import MAX_BYTES, read

from tests.hostile.mutation import SEED, mutated
from tests.networks.dynapse2_nets import fixed_fan_in

GOOD = write(configure(map_network(fixed_fan_in(4, 12, 5, 2, monitored=3))))
CASES = 600
CORE = ("chips", 0, "cores", 0)
NEURON = (*CORE, "neurons", 0)
CAM = (*NEURON, "cam", 0)


def changed(change: Callable[[Any], object]) -> bytes:
    document = json.loads(GOOD)
    change(document)
    return json.dumps(document).encode()


def at(document: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        document = document[key]
    return document


def put(path: tuple[Any, ...], value: Any) -> Callable[[Any], object]:
    """Sets the value at a place."""
    return lambda document: at(document, path[:-1]).__setitem__(path[-1], value)


def test_the_good_one_is_good() -> None:
    assert write(read(GOOD)) == GOOD
    assert read(changed(lambda document: None)) == read(GOOD)


CHANGES: dict[str, tuple[Callable[[Any], object], str]] = {
    "an unknown key": (put(("more",), 1), "keys"),
    "a key less": (lambda d: d.pop("monitors"), "keys"),
    "another format": (put(("format",), "snnhub-xylo"), "format"),
    "version true": (put(("version",), True), "version"),
    "another bias model": (put(("model", "bias_table"), "dac-v2"), "bias model"),
    "dt 0": (put(("model", "dt_s"), 0.0), "dt_s"),
    "a layout below 0": (put(("model", "layout", "Vth"), -0.7), "Vth"),
    "five chips": (lambda d: d["board"]["positions"].append([5, 0]), "too many"),
    "a chip beside the board": (put(("chips", 0, "id"), 4), "id of a chip"),
    "a chip that the board does not have": (lambda d: d["board"].update(positions=[]), "too many"),
    "chips at one place": (put(("board", "positions", 1), [1, 0]), "one place"),
    "a board too wide": (put(("board", "positions", 1), [20, 0]), "too far"),
    "a core twice": (lambda d: d["chips"][0]["cores"].append(d["chips"][0]["cores"][0]), "twice"),
    "core 4": (put((*CORE, "id"), 4), "id of a core"),
    "iscale 0": (put((*CORE, "iscale_A"), 0.0), "iscale_A"),
    "iscale whole": (put((*CORE, "iscale_A"), 1), "iscale_A"),
    "an unknown parameter": (lambda d: at(d, CORE)["parameters"].update(SOIF_X_P={}), "not known"),
    "coarse 6": (put((*CORE, "parameters", "SOIF_DC_P", "coarse"), 6), "coarse"),
    "fine 256": (put((*CORE, "parameters", "SOIF_DC_P", "fine"), 256), "fine"),
    "amps that are not the code's": (put((*CORE, "parameters", "SOIF_DC_P", "amps"), 1e-6), "amps"),
    "no base weight": (lambda d: [at(d, CORE)["parameters"].pop(f"SYAM_W{n}_P") for n in range(4)], "base"),
    "neuron 256": (put((*NEURON, "id"), 256), "id of a neuron"),
    "neurons out of order": (lambda d: at(d, CORE)["neurons"].reverse(), "in order"),
    "an unknown latch": (put((*NEURON, "latches"), {"more": True}), "latch"),
    "a latch that is off": (put((*NEURON, "latches"), {"so_dc": False}), "latch"),
    "65 synapses": (lambda d: at(d, NEURON)["cam"].extend([at(d, CAM)] * 65), "too many"),
    "five destinations": (lambda d: at(d, NEURON).update(sram=[{}] * 5), "too many"),
    "synapses out of order": (lambda d: at(d, NEURON)["cam"].reverse(), "in order"),
    "tag 2048": (put((*CAM, "tag"), 2048), "tag"),
    "mask 0": (put((*CAM, "mask"), 0), "mask"),
    "mask 16": (put((*CAM, "mask"), 16), "mask"),
    "mask true": (put((*CAM, "mask"), True), "mask"),
    "dendrite none": (put((*CAM, "dendrite"), "none"), "dendrite"),
    "stp 0": (put((*CAM, "stp"), 0), "stp"),
    "hop 8": (put(("inputs", 0, "destinations", 0, "x_hop"), 8), "x_hop"),
    "hop off the board": (put(("inputs", 0, "destinations", 0, "x_hop"), 7), "off the board"),
    "an input to the monitor": (lambda d: d["inputs"][0]["destinations"][0].update(x_hop=-7, y_hop=-7), "off the"),
    "no core": (put(("inputs", 0, "destinations", 0, "cores"), 0), "cores"),
    "channels out of order": (put(("inputs", 0, "channel"), 1), "channel"),
    "a monitor less": (lambda d: d["monitors"].pop(), "monitors"),
    "another monitor": (put(("monitors", 0, "tag"), 99), "monitors"),
    "a neuron mapped twice": (put(("map", 0, "neuron"), 1), "twice"),
    "a neuron that is not there": (put(("map", 0, "neuron"), 200), "map"),
    "the map out of order": (lambda d: d["map"].reverse(), "map"),
    "a report that counts wrong": (put(("report", "cam", "chip 0 core 0"), 63), "report"),
    "a core that is not there": (put(("report", "tags", "chip 3 core 0"), 0), "report"),
    "an unknown finding": (put(("findings", 0, "code"), "SNN-0000"), "finding"),
    "a finding as severe as nothing": (put(("findings", 0, "severity"), "awful"), "finding"),
    "a surrogate": (put(("provenance", "source"), "\ud800"), "text"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_wrong_is_refused(name: str) -> None:
    change, words = CHANGES[name]
    with pytest.raises(FormatError, match=words):
        read(changed(change))


def test_bytes_that_are_no_such_file() -> None:
    for data in (b"", b"{}", b"[" * 100000, b"\xff", b'{"format":NaN}', GOOD[:-20], b" " * (MAX_BYTES + 1)):
        with pytest.raises(FormatError):
            read(data)


def test_monitored_neurons_with_one_tag() -> None:
    """Events of two neurons could not be told apart."""

    def change(document: Any) -> None:
        for row in document["monitors"]:
            row["tag"] = 0
        for neuron in at(document, CORE)["neurons"]:
            for entry in neuron["sram"]:
                entry["tag"] = 0 if entry["x_hop"] == -7 else entry["tag"]

    with pytest.raises(FormatError, match="share a tag"):
        read(changed(change))


def test_a_spike_that_leaves_the_board_is_an_error_of_the_decoder_too() -> None:
    with pytest.raises(FormatError, match="off the board"):
        decode(changed(put(("inputs", 0, "destinations", 0, "x_hop"), 6)))
    with pytest.raises(FormatError, match="leads to the monitor"):
        decode(changed(lambda d: d["inputs"][0]["destinations"][0].update(x_hop=-7, y_hop=-7)))


def test_damaged_files_are_refused_or_read() -> None:
    refused = 0
    for case in range(CASES):
        try:
            read(mutated(GOOD, case))
        except SnnhubError:
            refused += 1
        except Exception:
            print(f"seed {(SEED, case)}")
            raise
    assert refused > CASES * 0.9
