"""A conversion in a process of its own, under another hash seed: what depends on the order of a set differs."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

SEEDS = ("0", "4242")


def imported(importer: str, source: str | Path, options: Mapping[str, object], seed: str) -> str:
    """Digest of the network that an importer makes of a source, in another process."""
    return _ask(["import", importer, str(source), json.dumps(options)], seed)


def exported(exporter: str, graph: Path, output: Path, seed: str) -> str:
    """SHA-256 of the file that an exporter writes of a ``.snn`` file, in another process."""
    return _ask(["export", exporter, str(graph), str(output)], seed)


def _ask(arguments: list[str], seed: str) -> str:
    command = [sys.executable, "-m", "snnhub_conformance.contracts.again", *arguments]
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise AssertionError(done.stderr)
    return done.stdout.strip().splitlines()[-1]


def main(job: str, name: str, source: str, last: str) -> None:
    """The process itself."""
    if job == "import":
        from snnhub.api.load import load_graph
        from snnhub.api.options import ImportOptions
        from snnhub.ir.digest import network_digest

        given = json.loads(last)
        shape = given.pop("input_shape", None)
        weights = given.pop("weights", None)
        options = ImportOptions(
            input_shape=None if shape is None else tuple(shape),
            weights=Path(weights) if weights else None,
            **given,
        )
        words = network_digest(load_graph(source, importer=name, options=options, continuous=True).graph)
    else:
        from snnhub.api.convert import convert

        convert(source, last, to=name)
        words = hashlib.sha256(Path(last).read_bytes()).hexdigest()
    sys.stdout.write(f"\n{words}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
