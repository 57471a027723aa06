"""lava-dl's own reader and export, timed where they are: answers lines of standard input, for ``netx``.

``read FILE`` builds ``netx.hdf5.Network``, ``write FILE`` exports the network of ``slayer_detector``, which is
built once. Each answer is a line with seconds.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from snnhub.peers.worker import private_pipe

from tests.networks import slayer_detector


def seconds(word: str, path: str, made: list[Any]) -> float:
    """One reading or writing."""
    from lava.lib.dl.netx.hdf5 import Network

    start = time.perf_counter()
    if word == "read":
        net = Network(path)
        taken = time.perf_counter() - start
        net.net_config.f.close()  # Lava leaves it open
        return taken
    slayer_detector.export(made, path)
    return time.perf_counter() - start


def main() -> None:
    """Until the input ends."""
    answers = private_pipe()
    from snnhub_lava import patches

    patches.apply()
    made = slayer_detector.prepared()
    for line in sys.stdin:
        word, _, path = line.rstrip("\n").partition(" ")
        answers.write(f"{seconds(word, path, made)}\n".encode())
        answers.flush()


if __name__ == "__main__":
    main()
