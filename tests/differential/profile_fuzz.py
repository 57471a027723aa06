"""Random files under every profile and in its framework, by hand: ``python -m tests.differential.profile_fuzz``.

Arguments: ``COUNT FIRST_SEED FAMILIES PROFILES`` (lists with commas). For every file and framework: what it gave,
or that it refused, against the profile with the torch engine in the protocol's call shape. Prints every class of
disagreement with its files, and how many agreed.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from snnhub.api.load import load_graph
from snnhub.api.options import ImportOptions
from snnhub.engine.reference import prepare
from snnhub.errors import SnnhubError, UnsupportedError
from snnhub.ir.graph import Graph
from snnhub.ir.tensor import Array
from snnhub.peers.protocol import Worker

from tests.differential.nir_peer import FRAMEWORK, in_their_call_shape, open_frameworks, theirs
from tests.differential.nir_ties import parting
from tests.networks.nir_nets import DT, Net
from tests.networks.nir_odd_shapes import FAMILIES as ODD_FAMILIES
from tests.networks.nir_odd_shapes import FED, another_shape, odd_net
from tests.networks.nir_random import FAMILIES, random_net

STEPS = 25
PROFILES = ("norse-1", "spikingjelly-2", "snntorch-1", "sinabs-3", "rockpool-3")
CHANCE = "SNN-2616"


@dataclass(frozen=True)
class Outcome:
    """``kind``: equal, silent, refused, chance; or a disagreement, with ``words``. Of a file that ran, ``words``
    say how the reference engine, whose sums are exact, leaves it: nothing, ``tie``, ``values``, or what is wrong.
    """

    kind: str
    words: str = ""
    bins: int = 0

    @property
    def wrong(self) -> bool:
        """Whether the profile is not what the framework does."""
        kept = self.kind in ("equal", "silent", "refused", "chance")
        return not kept or self.words.startswith(("UNFLAGGED", "CRASH"))


def ours(path: Path, profile: str, x: Array) -> tuple[tuple[Graph, Array] | str, bool]:
    """The network and what it gives, or why the profile refuses; and whether that is since chance decides."""
    try:
        graph = load_graph(path, options=ImportOptions(profile=profile, dt=DT, input_shape=x.shape[1:])).graph
        return (graph, in_their_call_shape(graph, x)), False
    except SnnhubError as problem:
        chance = any(item.code == CHANCE for item in problem.findings)
        told = [f"{item.place}: {item.message}" for item in problem.findings]
        return " | ".join(told) or str(problem), chance
    except Exception as problem:  # noqa: BLE001  ours must not fail in another way
        return f"CRASH {type(problem).__name__}: {problem}", False


def compared(worker: Worker, profile: str, path: Path, net: Net, seed: int) -> Outcome:
    """One file in one framework and under its profile."""
    x = stimulus(net, seed, fed=path.stem.startswith(FED))
    found = theirs(worker, FRAMEWORK[profile], path, x, DT, limit=2)
    made, chance = ours(path, profile, x)
    if chance:
        return Outcome("chance", str(made))
    if isinstance(made, str) and made.startswith("CRASH"):
        return Outcome("crash", made)
    if isinstance(found, str):
        return Outcome("refused", found) if isinstance(made, str) else Outcome("framework refuses", found)
    if isinstance(made, str):
        return Outcome("profile refuses", made)
    graph, y = made
    if y.size != found.size:
        return Outcome("size", f"{found.shape} there, {y.shape} here")
    y = y.reshape(found.shape).astype(found.dtype)
    wrong = ~((y == found) | (np.isnan(y) & np.isnan(found)))
    if wrong.any():
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        return Outcome("differs", f"{int(wrong.sum())} of {found.size}, first {at}: {found[at]!r}, here {y[at]!r}")
    return Outcome("equal" if found.any() else "silent", exactly(graph, x, found), int(found.size))


def exactly(graph: Graph, x: Array, found: Array) -> str:
    """What the reference engine makes of it: nothing where it gives the same; else whether it flagged the first
    difference as a tie, or has no certificate for such numbers.
    """
    try:
        recording, _ = prepare(graph).run(x, record=["output"])
    except Exception as problem:  # noqa: BLE001  it must not fail where torch does not
        return f"CRASH {type(problem).__name__}: {problem}"
    y = np.asarray(recording["output"]).reshape(found.shape).astype(found.dtype)
    if bool(((y == found) | (np.isnan(y) & np.isnan(found))).all()):
        return ""
    if not np.array_equal(found[np.isfinite(found)], np.trunc(found[np.isfinite(found)])):
        return "values"
    try:
        apart = parting(graph, x)
    except UnsupportedError as problem:
        return f"no certificate: {problem}"
    if apart.flagged is None:
        return "values"
    return "tie" if apart.flagged else f"UNFLAGGED: {apart.bins} bins"


def stimulus(net: Net, seed: int, *, fed: bool = False) -> Array:
    """Signed numbers of the shape of the first Input, or else of the first neurons; ``fed``: of another shape."""
    shapes = [item["shape"] for kind, item in net.nodes.values() if kind == "Input"]
    shapes += [np.shape(item["r"]) for _, item in net.nodes.values() if "r" in item]
    shapes += [item["weight"].shape[1:] for _, item in net.nodes.values() if "weight" in item] + [(3,)]
    random = np.random.default_rng(seed)
    shape = another_shape(shapes[0], seed) if fed else tuple(int(size) for size in shapes[0])
    return random.normal(0.6, 2, (STEPS, *shape)).astype("f4")


def net_of(family: str, seed: int) -> Net:
    """A random file of a family of ``nir_random`` or of ``nir_odd_shapes``."""
    return random_net(family, seed) if family in FAMILIES else odd_net(family, seed)


def main() -> None:
    """Run the families and profiles that the command line names."""
    count, first = (int(word) for word in (*sys.argv[1:3], "20", "0")[:2])
    families = sys.argv[3].split(",") if len(sys.argv) > 3 else [*FAMILIES, *ODD_FAMILIES]
    profiles = sys.argv[4].split(",") if len(sys.argv) > 4 else list(PROFILES)
    warnings.simplefilter("ignore")
    tally: dict[str, Counter[str]] = {profile: Counter() for profile in profiles}
    classes: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    bins: Counter[str] = Counter()
    with open_frameworks() as worker:
        for family in families:
            print(f"{family} …", file=sys.stderr, flush=True)
            for seed in range(first, first + count):
                net = net_of(family, seed)
                path = net.write(Path(worker.folder) / f"{family}_{seed}.nir")
                for profile in profiles:
                    result = compared(worker, profile, path, net, seed)
                    tally[profile][result.kind] += 1
                    if result.bins and result.words:
                        tally[profile][f"reference: {result.words.partition(':')[0]}"] += 1
                    bins[profile] += result.bins
                    if result.wrong:
                        classes[profile, result.kind, result.words[:100]].append(f"{family}/{seed}")
                path.unlink()
    for (profile, kind, words), places in sorted(classes.items(), key=lambda item: (item[0][0], -len(item[1]))):
        print(f"{profile} {kind}: {len(places)} ({', '.join(places[:4])}): {words}")
    for profile in profiles:
        print(profile, dict(tally[profile]), f"{bins[profile]:,} bins equal")


if __name__ == "__main__":
    main()
