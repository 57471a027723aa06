"""What live peers say: stored networks in their own framework, converted files in what runs such files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import snnhub
from snnhub.api.options import ImportOptions
from snnhub.api.verify import VerifyResult

from tests.cells.compute import artefact
from tests.cells.networks import Net
from tests.cells.store import imported, live

PEERS = {"netx": "lava", "xylo-a2": "xylosim", "xylo-imu": "xylosim", "xylo-a3": "xylosim"}
"""What runs the files of a target. The neutral file is held to the framework of its source."""
OF_SOURCE = {"spikingjelly": "spikingjelly", "rockpool": "rockpool", "netx": "lava", "lava-dl": "lava-dl"}
FEW = 8
"""Samples in a peer: Lava and Rockpool run them one after the other, or start anew."""
Entry = dict[str, Any]


def of_source(net: Net) -> Entry:
    """The stored file against its framework; and whether the importer reads the framework's network like that."""
    x, peer = net.stimulus()[:, :FEW], OF_SOURCE[net.source]
    if net.source in ("netx", "rockpool"):
        return _entry(snnhub.verify(net.file, stimulus=x, against=peer), peer)
    same = imported(net).network() == snnhub.load(net.file).network()
    options = ImportOptions(input_shape=net.shape)
    found = snnhub.verify(live(net), stimulus=x, from_=net.source, options=options, against=peer)
    return _entry(found, peer) | {"imported": "equal to the stored network" if same else "differs from the file"}


def of_target(net: Net, target: str, folder: Path) -> Entry | None:
    """The converted file against what runs such files; None for the neutral file."""
    if target not in PEERS:
        return None
    x = net.stimulus()[:, :FEW]
    peer = PEERS[target]
    return _entry(snnhub.verify(artefact(net, target, folder), stimulus=x, against=peer), peer)


def _entry(found: VerifyResult, peer: str) -> Entry:
    rows = found.verdict.rows
    versions = [item.message for item in found.findings if item.code == "SNN-6001"]
    return {
        "peer": peer,
        "reached": found.verdict.reached.value,
        "passed": found.passed,
        "compared": sum(row.compared for row in rows),
        "different": sum(row.different for row in rows),
        "spikes": sum(row.a_spikes or 0 for row in rows),
        "versions": versions[0] if versions else "",
    }
