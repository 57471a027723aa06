"""The table of sources and targets with live peers: networks in their frameworks, files in what runs them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cells import record
from tests.cells.live import OF_SOURCE, PEERS, of_source
from tests.cells.networks import TARGETS, Net, networks
from tests.conftest import need_peer

pytestmark = pytest.mark.peer


@pytest.mark.parametrize("net", networks(), ids=lambda net: net.key)
def test_live_cells_are_as_recorded(net: Net, tmp_path: Path) -> None:
    """The stored file in its framework, then every cell of it."""
    for peer in {OF_SOURCE[net.source], *PEERS.values()}:
        need_peer(peer)
    found = {"sources": {net.key: of_source(net)}, "cells": {}}
    found["cells"] = {record.key_of(net, target): record.cell(net, target, tmp_path) for target in TARGETS}
    wanted = record.stored()
    again = record.timeless(found)
    wanted = record.timeless({part: {key: wanted[part][key] for key in found[part]} for part in found})
    assert again == wanted, "run make cells"
