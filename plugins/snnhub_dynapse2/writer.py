"""Writes a network as ``dynapse2.json``, if it fits on a board; else nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from snnhub.files import replacing
from snnhub.findings import Finding

from snnhub_dynapse2.board import Board
from snnhub_dynapse2.configure import configure
from snnhub_dynapse2.document import write
from snnhub_dynapse2.mapping.mapped import map_network
from snnhub_dynapse2.mapping.options import Options
from snnhub_dynapse2.network import Network


def export(
    network: Network, path: Path, board: Board | None = None, options: Options | None = None, source: str = ""
) -> Sequence[Finding]:
    """Map ``network`` and write it. Raises ``UnsupportedError`` with every reason why it does not fit."""
    configuration = configure(map_network(network, board, options), source)
    with replacing(path) as file:
        file.write(write(configuration))
    return configuration.findings
