"""NIR's own package, asked from outside: run in an environment that has it, without snnhub.

``again A B``: reads A and writes B. ``make FOLDER COUNT``: random networks by its own classes, ``<number>.nir``.
``time read|write FILE``: seconds and peak memory (bytes) of its reader or writer, as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any


def again(source: str, target: str) -> None:
    """Read and write."""
    import nir

    nir.write(target, nir.read(source))


def make(folder: str, count: str) -> None:
    """Networks of random layers, as its users build them."""
    import nir

    for number in range(int(count)):
        nir.write(Path(folder) / f"{number}.nir", network(number))


def network(seed: int) -> Any:
    """Affine, Linear and neurons of all kinds in a line, with a loop; or convolutions, pooling and Flatten."""
    import nir
    import numpy as np

    random = np.random.default_rng(seed)

    def values(*shape: int) -> Any:
        return random.random(shape).astype(random.choice(["float16", "float32", "float64"]))

    if seed % 4 == 3:
        space = (12, 12)
        layers = [
            nir.Input(np.array([2, *space])),
            nir.Conv2d(space, values(4, 2, 3, 3), 1, (1, 1), 1, 1, values(4)),
            nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
            nir.Conv2d((6, 6), values(4, 4, 3, 3), (1, 1), "same", (1, 1), 1, values(4)),
            nir.Flatten(np.array([4, 6, 6]), 0, -1),
            nir.Output(np.array([144])),
        ]
        return nir.NIRGraph.from_list(*layers)
    n = int(random.integers(1, 6))
    kinds = [
        nir.LIF(values(n), values(n), values(n), values(n), values(n)),
        nir.IF(values(n), values(n)),
        nir.CubaLIF(values(n), values(n), values(n), values(n), values(n), w_in=values(n)),
        nir.LI(values(n), values(n), values(n)),
        nir.CubaLI(values(n), values(n), values(n), values(n)),
        nir.I(values(n)),
        nir.Delay(values(n)),
        nir.Threshold(values(n)),
        nir.Scale(values(n)),
    ]
    picked = [kinds[int(index)] for index in random.integers(0, len(kinds), 3)]
    picked[0].metadata = {"dt": 1e-4, "deep": {"name": "é", "ok": True, "list": np.arange(3)}}
    nodes = {"input": nir.Input(np.array([3])), "fc.0": nir.Affine(values(n, 3), values(n)), "n": picked[0]}
    nodes |= {"w_rec": nir.Linear(values(n, n)), "m": picked[1], "output": nir.Output(np.array([n]))}
    edges = [("w_rec", "n"), ("input", "fc.0"), ("n", "w_rec"), ("fc.0", "n"), ("n", "m"), ("m", "output")]
    return nir.NIRGraph(nodes, edges, metadata={"seed": seed})


def most() -> int:
    """Memory of this process at most so far, in bytes. Unlike ``ru_maxrss`` it does not count the parent's."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024


def timed(what: str, path: str) -> None:
    """Seconds of one call, and the memory that it adds to what is there before it."""
    import nir

    graph = None if what == "read" else nir.read(path, type_check=False)
    before = most()
    start = time.perf_counter()
    if graph is None:
        nir.read(path, type_check=False)
    else:
        nir.write(f"{path}.out", graph)
    seconds = time.perf_counter() - start
    sys.stdout.write(json.dumps({"seconds": seconds, "before": before, "peak": most()}))


if __name__ == "__main__":
    {"again": again, "make": make, "time": timed}[sys.argv[1]](*sys.argv[2:])
