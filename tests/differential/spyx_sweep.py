"""spyx beside its profile on random files, by hand: ``python -m tests.differential.spyx_sweep FIRST COUNT``;
a third word names a family.

Every file that runs is compared bin by bin in both engines, also where it gives values; refusals are to be the
same.
Prints what differs, and the sums.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from snnhub.engine.reference import prepare
from snnhub.errors import SnnhubError
from snnhub.ir.graph import Graph, Node
from snnhub.ir.tensor import Array
from snnhub.peers.protocol import Worker

from tests.differential.nir_peer import in_their_call_shape, open_frameworks, theirs
from tests.networks.nir_nets import Net
from tests.networks.spyx_files import file

STEPS = 40
LENGTHS = (1e-4, 1e-4, 1e-3, 1e-5, 1.0)


def ours(path: Path, dt: float) -> Graph | str:
    """The file in steps, or why it is refused, by the reader, too."""
    from snnhub.api.load import load_graph
    from snnhub.api.options import ImportOptions

    try:
        return load_graph(path, options=ImportOptions(profile="spyx-1", dt=dt)).graph
    except SnnhubError as problem:
        return f"{type(problem).__name__}: {problem}"


def given(net: Net, made: Graph | str, seed: int) -> Array:
    """Input as the profile takes it; where it refuses the file, for the node ``input`` or the first Input."""
    shapes = {
        name: fields["shape"]
        for name, (kind, fields) in net.nodes.items()
        if kind == "Input" and "shape" in fields
    }
    shape = shapes.get("input", next((shapes[name] for name in sorted(shapes)), np.array([1])))
    shape = made.inputs[0].shape if isinstance(made, Graph) else shape
    random = np.random.default_rng(seed)
    if random.random() < 0.5:
        return (random.random((STEPS, *np.ravel(shape).astype(int))) < 0.4).astype("f4")
    return random.normal(0.4, 1.5, (STEPS, *np.ravel(shape).astype(int))).astype("f4")


def compared(worker: Worker, seed: int, tally: Counter[str], family: str = "") -> str:
    """What differs for one file; nothing if all is equal."""
    net, dt = file(seed, family), LENGTHS[seed % len(LENGTHS)]
    path = net.write(Path(worker.folder) / f"{seed}.nir")
    made = ours(path, dt)
    x = given(net, made, seed)
    found = theirs(worker, "spyx", path, x, dt)
    if isinstance(found, str) or isinstance(made, str):
        both = isinstance(found, str) and isinstance(made, str)
        tally["refused by both" if both else "refused by one"] += 1
        told = [item if isinstance(item, str) else "ran" for item in (found, made)]
        return "" if both else f"spyx: {told[0][:300]} | profile: {told[1][:300]}"
    tally["ran"] += 1
    tally.update(set(_classes(made)))
    tally["bins"] += found.size
    tally["spikes or values"] += int(np.count_nonzero(found))
    words = []
    for name in ("reference", "torch"):
        y = (
            in_their_call_shape(made, x)
            if name == "torch"
            else prepare(made).run(x, record=["output"])[0]["output"]
        )
        if np.asarray(y).size != found.size:
            return f"{name}: {np.shape(y)} for {found.shape}"
        off = int(
            (
                ~np.equal(y.reshape(found.shape), found) & ~(np.isnan(found) & np.isnan(y.reshape(found.shape)))
            ).sum()
        )
        tally[f"differ, {name}"] += off
        kinds = {node.op for node in made.nodes if node.op.endswith("Conv") or _same(node)}
        if off and kinds and not np.array_equal(found, np.trunc(found)):
            tally[f"values behind windows, other last bits, {name}"] += off
            off = int((~np.isclose(y.reshape(found.shape), found, rtol=1e-4, atol=1e-5)).sum())
        words += [f"{name}: {off} of {found.size}, {sorted(kinds)}"] if off else []
    return "; ".join(words)


def _same(node: Node) -> bool:
    """Sums over windows with zeros around, whose order hangs on their number."""
    return node.op == "spyx.SumPool" and any(node.integers("before") + node.integers("after"))


def _classes(made: Graph) -> Iterator[str]:
    for node in made.nodes:
        if node.op == "spyx.Conv" and min((*node.integers("before"), *node.integers("after"))) < 0:
            yield "ran, padding below 0"
        if node.op == "spyx.Conv" and "over the channels" in node.param["weight"].recipe:
            yield "ran, dense over channels"


def main() -> None:
    """Seeds FIRST to FIRST + COUNT."""
    first, count = (int(word) for word in sys.argv[1:3])
    tally: Counter[str] = Counter()
    with open_frameworks() as worker:
        for seed in range(first, first + count):
            if words := compared(worker, seed, tally, *sys.argv[3:]):
                print(seed, words, flush=True)
    print(dict(tally))


if __name__ == "__main__":
    main()
