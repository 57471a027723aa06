"""Broken and hostile samna JSON: each refused by a FormatError that names the place, whatever was done to it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snnhub
from hypothesis import given
from hypothesis import strategies as st
from snnhub.errors import FormatError
from snnhub_xylo.core import Core
from snnhub_xylo.document import graph_of
from snnhub_xylo.samna.cereal import document, write
from snnhub_xylo.samna.cereal_reader import MAX_BYTES, read

from tests.networks.xylo_cores import largest
from tests.unit.test_samna_loader import everything
from tests.unit.test_xylo_targets import made

CORE = everything("xylo-a2")
GOOD = write(CORE)


def changed(change: Callable[[Any], object]) -> bytes:
    value = document(CORE)
    change(value["value0"])
    return json.dumps(value).encode()


def put(*path: Any) -> Callable[[Any], object]:
    """Sets the last of ``path`` at the place that the others lead to."""

    def change(value: Any) -> None:
        for key in path[:-2]:
            value = value[key]
        value[path[-2]] = path[-1]

    return change


def test_the_good_one_is_good() -> None:
    assert read(GOOD).network() == graph_of(CORE).network()
    assert read(changed(lambda value: None)).network() == read(GOOD).network()


WEIGHTS = ("reservoir", "weights")
CHANGES: dict[str, tuple[Callable[[Any], object], str]] = {
    "an unknown key": (put("more", 1), "keys"),
    "an unknown key of a neuron": (put("reservoir", "neurons", 3, "more", 1), "reservoir.neurons[3]"),
    "a field less": (lambda v: v["debug"].pop("keepInterrupt"), "debug"),
    "the other spelling": (lambda v: v["input"].update(syn2Weights=v["input"].pop("syn2_weights")), "input"),
    "a flag as a number": (put("biasEnable", 1), "bias_enable"),
    "a shift of 16": (put("input", "weightBitShift", 16), "input.weight_bit_shift"),
    "a shift below 0": (put("readout", "weightBitShift", -1), "readout.weight_bit_shift"),
    "a decay of 16": (put("reservoir", "neurons", 2, "vMemDecay", 16), "reservoir.neurons[2].v_mem_decay"),
    "a threshold beyond 16 bits": (
        put("readout", "neurons", 0, "threshold", 40000),
        "readout.neurons[0].threshold",
    ),
    "a fraction": (put("reservoir", "neurons", 0, "vMemBias", 0.5), "v_mem_bias"),
    "true for 1": (put("reservoir", "neurons", 0, "threshold", True), "threshold"),
    "a text for a number": (put("timeResolutionWrap", "0"), "time_resolution_wrap"),
    "a wide weight": (put(*WEIGHTS, "values", 5, 128), "weight is out of range"),
    "a huge weight": (put(*WEIGHTS, "values", 5, 10**11), "weight is out of range"),
    "a weight that is true": (put(*WEIGHTS, "values", 5, True), "weights are not whole"),
    "a weight that is a list": (put(*WEIGHTS, "values", 5, [1]), "weights are not whole"),
    "a weight less": (lambda v: v["readout"]["weights"]["values"].pop(), "readout.weights values"),
    "a weight more": (lambda v: v["readout"]["weights"]["values"].append(1), "readout.weights values"),
    "huge dimensions": (put(*WEIGHTS, "dimensions", "value0", 10**9), "reservoir.weights dimensions"),
    "a dimension below 0": (put(*WEIGHTS, "dimensions", "value1", -12), "reservoir.weights dimensions"),
    "column after column": (put(*WEIGHTS, "offsets", {"value0": 1, "value1": 12}), "not row after row"),
    "transposed": (
        put("input", "weights", "dimensions", {"value0": 12, "value1": 4}),
        "not row after row",
    ),
    "a neuron less": (lambda v: v["reservoir"]["neurons"].pop(), "sizes do not fit"),
    "no neurons": (put("readout", "neurons", []), "readout.neurons"),
    "an alias too far": (
        put("reservoir", "neurons", 0, "aliasTarget", {"nullopt": False, "data": 12}),
        "alias to neuron 12 of 12",
    ),
    "an alias below 0": (
        put("reservoir", "neurons", 0, "aliasTarget", {"nullopt": False, "data": -1}),
        "alias_target",
    ),
    "an alias back": (
        put("reservoir", "neurons", 5, "aliasTarget", {"nullopt": False, "data": 2}),
        "aliases lead to a neuron with no higher number",
    ),
    "an option that is neither": (put("reservoir", "neurons", 0, "aliasTarget", {"nullopt": None}), "nullopt"),
    "an option with more": (
        put("reservoir", "neurons", 0, "aliasTarget", {"nullopt": True, "data": 3}),
        "alias_target",
    ),
    "a range that is a number": (
        put("debug", "monitorNeuronSpike", {"nullopt": False, "data": 3}),
        "monitor_neuron_spike",
    ),
    "an option that is a number": (put("reservoir", "neurons", 0, "aliasTarget", 3), "alias_target"),
    "a threshold below 0": (put("reservoir", "neurons", 0, "threshold", -1), "xylo/threshold"),
    "three monitors": (lambda v: v["debug"]["monitors"].pop("value3"), "debug.monitors"),
    "a part that is a list": (put("readout", []), "readout"),
    "neurons that are no list": (put("reservoir", "neurons", {}), "reservoir.neurons"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_wrong_part_is_named(name: str) -> None:
    change, words = CHANGES[name]
    with pytest.raises(FormatError) as caught:
        read(changed(change))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"value0":{}}',
        b'{"value0":[]}',
        GOOD[:-3],
        GOOD + b"x",
        GOOD.replace(b'"operationMode": 0', b'"operationMode": 0, "operationMode": 0'),
        GOOD.replace(b'"operationMode": 0', b'"operationMode": NaN'),
        GOOD.replace(b'"operationMode": 0', b'"operationMode": ' + b"1" * 5000),
        GOOD.replace(b'"operationMode": 0', b'"operationMode": ' + b"[" * 200_000),
        GOOD.replace(b"operationMode", b"operation\xff"),
        GOOD.replace(b'"value0": {', b'"value1": 1, "value0": {', 1),
    ],
)
def test_no_strict_json(data: bytes) -> None:
    with pytest.raises(FormatError):
        read(data)


def test_every_limit_that_is_exceeded_is_said() -> None:
    core = made(17, 80, 9)
    recurrent = core.weights_rec.copy()
    recurrent[3, :65] = 1
    changes = {"weights_rec": recurrent, "threshold": np.full(80, -1), "alias": np.full(80, 2)}
    with pytest.raises(FormatError) as caught:
        read(write(Core.made("v2", core.arrays | changes)))
    found = {(item.code, item.old) for item in caught.value.findings}
    assert found >= {("SNN-2201", "17"), ("SNN-2201", "9"), ("SNN-2201", "65"), ("SNN-2402", "2 -> 2")}


def test_the_largest_network_is_read_and_written_in_time(tmp_path: Path) -> None:
    core = largest((16, 1000, 8), 300)
    start = time.perf_counter()
    data = write(core)
    assert len(data) < MAX_BYTES / 2
    graph = read(data)
    assert time.perf_counter() - start < 60
    assert graph.network() == graph_of(core).network()


def test_a_file_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.write(GOOD)
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(FormatError, match="too large"):
        snnhub.load(path)


@given(st.integers(0, len(GOOD) - 1), st.binary(max_size=3), st.integers(0, 4))
def test_any_damage_is_refused_or_read_as_what_is_there(place: int, new: bytes, cut: int) -> None:
    """There is no digest in this format: what is read must then be what the damaged file says, field by field."""
    data = GOOD[:place] + new + GOOD[place + cut :]
    try:
        graph = read(data)
    except FormatError:
        return  # and no other error
    again = json.loads(write(Core.of(graph.nodes[0])))
    if again != json.loads(data):
        assert {item.code for item in graph.findings} & {"SNN-4310", "SNN-4311"}
