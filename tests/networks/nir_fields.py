"""NIR files whose fields are odd in shape or dtype, for readers that infer shapes: fields of a sound file are
replaced, or lost, or terminals of graphs within are renamed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator

from tests.networks import spyx_files
from tests.networks.nir_nets import Net
from tests.networks.nir_random import FAMILIES, random_net

DTYPES = ("i8", "i4", "u1", "i1", "f4", "f8", "?", "u8")
Nodes = dict[str, tuple[str, Any]]


def any_file(seed: int) -> Net:
    """A random file of any family, two times of three damaged further; the same for the same seed."""
    rng = np.random.default_rng([seed, 77])
    names = ["spyx", *FAMILIES]
    family = names[int(rng.integers(len(names)))]
    net = spyx_files.file(seed + 10**6) if family == "spyx" else random_net(family, seed)
    for _ in range(int(rng.integers(0, 3))):
        net = changed(rng, net)
    return net


def changed(rng: Generator, net: Net) -> Net:
    """One field of one node is another, or terminals are."""
    nodes: Nodes = dict(net.nodes)
    if not nodes:
        return net
    names = [name for name, (kind, _) in nodes.items() if kind == "NIRGraph"]
    chosen = names if names and rng.random() < 0.7 else list(nodes)
    name = chosen[int(rng.integers(len(chosen)))]
    kind, fields = nodes[name]
    if kind == "NIRGraph":
        nodes[name] = kind, {"graph": _within(rng, fields["graph"])}
        return Net(nodes, net.edges)
    keys = [key for key in fields if not isinstance(fields[key], str)]
    if not keys:
        return net
    small = [key for key in keys if np.size(fields[key]) <= 4]
    keys = small if small and rng.random() < 0.8 else keys
    key = keys[int(rng.integers(len(keys)))]
    nodes[name] = kind, {**fields, key: odd(rng, np.asarray(fields[key]))}
    if rng.random() < 0.1:
        nodes[name] = kind, {other: value for other, value in fields.items() if other != key}
    return Net(nodes, net.edges)


def odd(rng: Generator, values: Any) -> Any:
    """Other dtypes, axes, sizes, and numbers around 0."""
    what = int(rng.integers(8))
    flat = np.ravel(values)
    if what == 0:
        return values.astype(DTYPES[int(rng.integers(len(DTYPES)))])
    if what == 1:
        return values[None]
    if what == 2:
        return flat[0] if flat.size else np.int64(1)
    if what == 3:
        return flat[:1]
    if what == 4:
        return np.concatenate([flat, flat[:1]])
    if what == 5:
        return flat
    if what == 6:
        return values + np.asarray(rng.integers(-2, 3), values.dtype) if values.dtype != bool else values
    return np.asarray(rng.integers(-2, 3, values.shape)).astype(DTYPES[int(rng.integers(len(DTYPES)))])


def _within(rng: Generator, inner: Net) -> Net:
    """The graph within with other names of its terminals, or one that lacks something, or has a field changed."""
    what = int(rng.integers(5))
    if what == 0:
        return changed(rng, inner)
    if what == 1:
        return Net({}, []) if rng.random() < 0.2 else Net(inner.nodes, list(inner.edges)[1:])
    kind = "Input" if what in (2, 3) else "Output"
    found = [name for name, item in inner.nodes.items() if item[0] == kind]
    if not found:
        return inner
    old, new = found[0], ("input", "output", "port", "outputs")[int(rng.integers(4))]
    if new in inner.nodes:
        return inner
    nodes = {new if name == old else name: item for name, item in inner.nodes.items()}
    return Net(nodes, [(new if a == old else a, new if b == old else b) for a, b in inner.edges])
