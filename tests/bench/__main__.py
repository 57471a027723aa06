"""``make bench``: speed as ratios against peers, all from this run on this machine. ``--json FILE`` writes them.

A ratio above 1 means that snnhub is faster. Each is the median of five pairs taken in turn.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
from dataclasses import asdict
from pathlib import Path

from tests.bench import dynapse2, engine, files, forward, mapping, netx, nir, xylo, zoo
from tests.bench.timing import HEADER


def main() -> None:
    """Measure and print, line by line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    arguments = parser.parse_args()
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n{HEADER}", flush=True
    )
    found = []
    for part in (files, engine, netx, nir, forward, zoo, xylo, mapping, dynapse2):
        with tempfile.TemporaryDirectory() as folder:
            for ratio in part.measure(Path(folder)):
                print(ratio, flush=True)
                found.append(asdict(ratio))
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
