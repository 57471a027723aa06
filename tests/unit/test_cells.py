"""The table of sources and targets: the record is what the engine computes today, and the page shows it."""

from __future__ import annotations

from pathlib import Path

import pytest
from snnhub.ir.rung import Rung

from tests.cells import page, record
from tests.cells.compute import computed
from tests.cells.live import OF_SOURCE, PEERS
from tests.cells.networks import ALL, TARGETS, Net, networks

RECORD = record.stored()
XYLO = ("xylo-a2", "xylo-imu", "xylo-a3")
MUST = {
    ("spikingjelly", "hard"): ("snn", "netx"),
    ("spikingjelly", "soft"): ("snn", "xylo-a2", "xylo-a3"),
    ("rockpool", "soft"): ("snn", *XYLO),
    ("netx", "hard"): ("snn", "netx"),
    ("lava-dl", "hard"): ("snn", "netx"),
}
"""What has to convert, by source and reset."""


@pytest.mark.parametrize("net", networks(), ids=lambda net: net.key)
def test_the_record_is_what_the_engine_computes(net: Net, tmp_path: Path) -> None:
    """Converted again, every step measured; the digest ties what a peer said to this very network."""
    for target in TARGETS:
        entry = RECORD["cells"][record.key_of(net, target)]
        assert computed(net, target, tmp_path) == record.without_live(entry), f"{target}: run make cells"


def test_every_network_with_an_importer_is_in_the_table() -> None:
    assert set(RECORD["sources"]) == {net.key for net in networks()}
    assert set(RECORD["cells"]) == {record.key_of(net, target) for net in networks() for target in TARGETS}
    for net in ALL:
        assert [other.source for other in ALL].count(net.source) == 2


def test_what_has_to_convert_does() -> None:
    for net in networks():
        for target in MUST[net.source, net.reset]:
            entry = RECORD["cells"][record.key_of(net, target)]
            assert entry["outcome"] == "converted"
            assert entry["proof"]
            assert entry["equal"] or target != "snn"
            if target in PEERS:
                assert entry["live"]["passed"]
                assert entry["live"]["reached"] == Rung.BITS.value
                assert entry["live"]["peer"] == PEERS[target]
                assert entry["live"]["spikes"] > 100
                assert entry["live"]["different"] == 0


def test_netx_files_come_back_as_equal_graphs() -> None:
    for net in (net for net in networks() if net.source == "netx"):
        assert RECORD["cells"][record.key_of(net, "netx")]["equal"]


def test_stored_networks_are_those_of_their_frameworks() -> None:
    for net in networks():
        found = RECORD["sources"][net.key]
        assert found["passed"]
        assert found["peer"] == OF_SOURCE[net.source]
        assert found["spikes"] > 100
        assert "imported" not in found or found["imported"] == "equal to the stored network"


def test_the_rest_refuses_with_reasons() -> None:
    """Each with its place; and where a reset alone stands in the way, the nearest rewrite with its cost."""
    refused = {name: entry for name, entry in RECORD["cells"].items() if entry["outcome"] == "refused"}
    for name, entry in refused.items():
        assert entry["reasons"], name
        assert all(item["place"] and item["message"] for item in entry["reasons"])
        resets = all("reset" in item["message"] or "subtract" in item["message"] for item in entry["reasons"])
        assert bool(entry["rewrites"]) == bool(entry["offered"]) == resets, name
        for item in entry["rewrites"]:
            assert 0 < item["overlap"] == min(item["layers"].values()) < 1
    assert {name.split()[0] for name in refused} >= {"spikingjelly", "rockpool", "netx"}
    assert {entry["outcome"] for entry in RECORD["cells"].values()} == {"converted", "refused"}


def test_the_page_is_written_from_the_record() -> None:
    text = page.PAGE.read_text()
    assert page.written(text, RECORD) == text, "run python -m tests.cells --page"
    for net in networks():
        assert f"| {net.source} | {net.name} ({net.reset}) |" in text
    assert "FAILS" not in text
