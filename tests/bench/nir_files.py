"""Our reader and writer of NIR files, timed in a process of their own, as ``nir_official.py`` times NIR's package.

``read FILE`` or ``write FILE COMPRESSION``: prints seconds, and memory before and at most (bytes), as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from snnhub.api.options import ImportOptions
from snnhub_nir.reader import import_nir
from snnhub_nir.writer import export_nir


def most() -> int:
    """Memory of this process at most so far, in bytes. Unlike ``ru_maxrss`` it does not count the parent's."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024


def main(what: str, path: str, compression: str = "gzip") -> None:
    """One call. What it imports when it is first called is imported before, as NIR's package has done."""
    import h5py  # noqa: F401

    graph = import_nir(Path(path), ImportOptions()) if what == "write" else None
    before = most()
    start = time.perf_counter()
    if graph is None:
        import_nir(Path(path), ImportOptions())
    else:
        export_nir(graph, Path(f"{path}.ours"), {"compression": compression})
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "before": before, "peak": most()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
