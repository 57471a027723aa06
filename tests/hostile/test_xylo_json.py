"""Broken and hostile xylo.json files: each refused by a FormatError, quickly, whatever was done to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snnhub
from hypothesis import given
from hypothesis import strategies as st
from snnhub.errors import FormatError
from snnhub_xylo.document import graph_of, write
from snnhub_xylo.families import A2, A3
from snnhub_xylo.reader import MAX_BYTES, read

from tests.unit.test_xylo_targets import made

GOOD = write(graph_of(made(synapses=2), dt=0.01), made(synapses=2), A3)


def changed(change: Callable[[Any], object]) -> bytes:
    document = json.loads(GOOD)
    change(document)
    return json.dumps(document).encode()


def put(*path: Any) -> Callable[[Any], object]:
    """Sets the last of ``path`` at the place that the others lead to."""

    def change(document: Any) -> None:
        for key in path[:-2]:
            document = document[key]
        document[path[-2]] = path[-1]

    return change


def test_the_good_one_is_good() -> None:
    assert read(GOOD).network() == graph_of(made(synapses=2), dt=0.01).network()
    assert read(changed(lambda document: None)).network() == read(GOOD).network()


CHANGES: dict[str, tuple[Callable[[Any], object], str]] = {
    "an unknown key": (put("more", 1), "keys"),
    "a key less": (lambda d: d.pop("caps"), "keys"),
    "another format": (put("format", "snnhub-xyl"), "format"),
    "version 2": (put("version", 2), "version"),
    "version true": (put("version", True), "version"),
    "wrong family": (put("target", "xylo-a4"), "target"),
    "core v1": (put("core", "v1"), "core"),
    "output of potentials": (put("output_mode", "vmem"), "output_mode"),
    "another cap": (put("caps", "hidden", 15), "caps hidden"),
    "dt 0": (put("dt_s", 0.0), "dt_s"),
    "dt whole": (put("dt_s", 1), "dt_s"),
    "a huge shape": (put("shape", "hidden", 10**9), "shape hidden"),
    "a negative shape": (put("shape", "inputs", -1), "shape inputs"),
    "three synapses": (put("shape", "synapses", 3), "shape synapses"),
    "another ien": (put("shape", "ien", 3), "ien"),
    "a text for a size": (put("shape", "outputs", "3"), "shape outputs"),
    "weights of another shape": (put("weights_in", "shape", [4, 10, 1]), "shape"),
    "weights beyond 8 bits": (put("weights_in", "coo", 0, 3, 128), "weight"),
    "a weight of 0": (put("weights_in", "coo", 0, 3, 0), "weight 0"),
    "an entry twice": (lambda d: d["weights_in"]["coo"].insert(0, d["weights_in"]["coo"][0]), "in order"),
    "entries out of order": (lambda d: d["weights_rec"]["coo"].reverse(), "in order"),
    "a target that is not there": (put("weights_rec", "coo", 0, 1, 10), "place"),
    "an entry too short": (lambda d: d["weights_out"]["coo"][0].pop(), "entry"),
    "a shift of 16": (put("weight_shift", "rec", 16), "weight_shift rec"),
    "a dash of 16": (put("hidden", "dash_mem", 0, 16), "dash_mem"),
    "a dash below 0": (put("hidden", "dash_syn", 0, [-1, 2]), "dash_syn"),
    "one dash for two synapses": (put("hidden", "dash_syn", 0, [2]), "dash_syn"),
    "a threshold beyond 16 bits": (put("output", "threshold", 0, 40000), "threshold"),
    "a fraction": (put("hidden", "bias", 0, 0.5), "bias"),
    "true for 1": (put("hidden", "bias", 0, True), "bias"),
    "too few neurons": (lambda d: d["hidden"]["threshold"].pop(), "threshold"),
    "an alias too far": (put("hidden", "alias", 0, 10), "alias"),
    "another decoder": (put("decoder", {"kind": "argmax_vmem"}), "decoder"),
    "a finding without a code": (put("findings", [{"code": "SNN-0000"}]), "finding"),
    "another digest": (put("provenance", "graph_digest", "sha256:00"), "network that it says"),
    "other weights than the digest's": (put("weights_in", "coo", 0, 3, 6), "network that it says"),
    "ids beyond the neurons": (
        put(
            "maps", "hidden", [{"ids": [0, 11], "node": "n", "port": "s", "kind": "spikes", "lag": 0, "scale": []}]
        ),
        "ids",
    ),
    "a relay": (
        put("maps", "hidden", [{"ids": [0, 1], "node": "n", "port": "s", "kind": "relay", "lag": 0, "scale": []}]),
        "kind",
    ),
    "scales that differ": (
        put(
            "maps",
            "hidden",
            [{"ids": [0, 2], "node": "n", "port": "s", "kind": "spikes", "lag": 0, "scale": [1.0, 2.0]}],
        ),
        "scale",
    ),
    "channels out of order": (
        put("maps", "inputs", [{"channel": 1, "port": "x", "index": 1}]),
        "channels in order",
    ),
    "an output that follows nothing": (
        put("maps", "outputs", [{"channel": 0, "node": "n", "index": 1, "lag": 0, "scale": 1.0}]),
        "follow",
    ),
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
        b'{"format":"snnhub-xylo"',
        GOOD[:-3],
        GOOD + b"x",
        GOOD.replace(b'"version":1', b'"version":1,"version":1'),
        GOOD.replace(b'"dt_s":0.01', b'"dt_s":NaN'),
        GOOD.replace(b'"dt_s":0.01', b'"dt_s":-Infinity'),
        GOOD.replace(b'"dt_s":0.01', b'"dt_s":1e999'),
        GOOD.replace(b'"dt_s":0.01', b'"dt_s":0.01' + b"0" * 40),
        GOOD.replace(b'"version":1', b'"version":-0'),
        GOOD.replace(b'"dt_s":0.01', b'"dt_s":' + b"1" * 5000),
        GOOD.replace(b'"findings":[]', b'"findings":' + b"[" * 200_000),
        GOOD.replace(b"xylo-a3", b"xylo-\xff"),
    ],
)
def test_no_strict_json(data: bytes) -> None:
    with pytest.raises(FormatError):
        read(data)


def test_every_limit_that_is_exceeded_is_said() -> None:
    """17 inputs, a negative threshold, an alias back and a fan-out of 65, in one report."""
    core = made(17, 80)
    recurrent = core.weights_rec.copy()
    recurrent[3, :65] = 1
    changes = {"weights_rec": recurrent, "threshold": np.full(80, -1), "alias": np.full(80, 2)}
    core = type(core).made("v2", core.arrays | changes)
    with pytest.raises(FormatError) as caught:
        read(write(graph_of(core), core, A2))
    found = {(item.code, item.old) for item in caught.value.findings}
    assert found >= {("SNN-2201", "17"), ("SNN-2201", "65"), ("SNN-2201", "-1 .. -1"), ("SNN-2402", "2 -> 2")}


def test_a_file_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.write(GOOD)
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(FormatError, match="too large"):
        snnhub.load(path)


@given(st.integers(0, len(GOOD) - 1), st.binary(max_size=3), st.integers(0, 4))
def test_any_damage_is_refused_or_harmless(place: int, new: bytes, cut: int) -> None:
    """Whatever is read computes what was written: the digest says so."""
    data = GOOD[:place] + new + GOOD[place + cut :]
    try:
        graph = read(data)
    except FormatError:
        return  # and no other error
    assert graph.network() == graph_of(made(synapses=2), dt=graph.dt, decoder=graph.decoder).network()
