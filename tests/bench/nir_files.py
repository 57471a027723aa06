"""Our reader and writer of NIR files, timed in a process of their own, as ``nir_official.py`` times NIR's package.

``read FILE`` or ``write FILE COMPRESSION``: prints seconds, and memory before and at most (bytes), as JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from snnhub.api.options import ImportOptions
from snnhub_nir.reader import import_nir
from snnhub_nir.writer import export_nir


def main(what: str, path: str, compression: str = "gzip") -> None:
    """One call."""
    graph = import_nir(Path(path), ImportOptions()) if what == "write" else None
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    if graph is None:
        import_nir(Path(path), ImportOptions())
    else:
        export_nir(graph, Path(f"{path}.ours"), {"compression": compression})
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": seconds, "before": before * 1024, "peak": peak * 1024}))


if __name__ == "__main__":
    main(*sys.argv[1:])
