"""Plugins that are wrong in one way each, around snnhub's own: what the contracts must notice."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from snnhub.api.neutral import export_snn, import_snn, run_engine
from snnhub.api.options import ImportOptions
from snnhub.api.request import RunRequest
from snnhub.errors import SnnhubError
from snnhub.findings import Finding
from snnhub.ir.graph import Edge, Graph, Origin, Port
from snnhub.ir.recording import Recording

Change = Callable[[RunRequest, Recording], Recording]
_COUNT = itertools.count(1)


def _each(change: Callable[[str, Any], Any]) -> Change:
    def changed(request: RunRequest, found: Recording) -> Recording:
        return replace(found, arrays={key: change(key, array) for key, array in found.items()})

    return changed


def _writes(request: RunRequest, found: Recording) -> Recording:
    request.stimulus.values[:1] = 1
    return found


def _unbatched(request: RunRequest, found: Recording) -> Recording:
    arrays = found.arrays if found.batched else {key: array[:, None] for key, array in found.items()}
    return replace(found, arrays=arrays, batched=True)


def _mixed(request: RunRequest, found: Recording) -> Recording:
    arrays = {key: array.copy() for key, array in found.items()}
    if found.batched and "output" in arrays:
        arrays["output"][:, 0] = arrays["output"].max(axis=1)
    return replace(found, arrays=arrays)


def _shorter(request: RunRequest, found: Recording) -> Recording:
    steps = request.stimulus.values.shape[0]
    return replace(found, arrays={key: array[:steps] for key, array in found.items()})


def _longer(request: RunRequest, found: Recording) -> Recording:
    steps = max(request.stimulus.values.shape[0], request.length)
    return run_engine(replace(request, steps=steps)) if steps != found.steps else found


def _noisy(request: RunRequest, found: Recording) -> Recording:
    turn = next(_COUNT)
    return replace(found, arrays={k: a + turn if a.dtype.kind == "f" else a for k, a in found.items()})


def _named(request: RunRequest, found: Recording) -> Recording:
    return replace(found, source="somebody else")


CHANGES: dict[str, tuple[Change, str]] = {
    "bool_spikes": (_each(lambda key, a: a.astype(bool) if a.dtype.kind == "u" else a), "spikes_are_unsigned"),
    "float_spikes": (_each(lambda key, a: a.astype(np.float32)), "spikes_are_unsigned"),
    "axes_swapped": (_each(lambda key, a: a.swapaxes(0, 1)), "axes_are_time"),
    "always_batched": (_unbatched, "no_batch_axis"),
    "samples_mixed": (_mixed, "no_batch_axis"),
    "one_step_late": (_each(lambda key, a: np.concatenate([np.zeros_like(a[:1]), a[:-1]])), "agrees_with"),
    "last_bit": (_each(lambda key, a: np.nextafter(a, a + 1) if a.dtype.kind == "f" else a), "agrees_with"),
    "ends_with_input": (_shorter, "beyond_the_input"),
    "never_stops_early": (_longer, "shorter_than"),
    "noisy": (_noisy, "the_same_twice"),
    "writes_input": (_writes, "nothing_that_it_is_given"),
    "writes_read_only": (_writes, "read_only_input"),
    "other_name": (_named, "records_what"),
    "invented_keys": (lambda r, f: replace(f, arrays={**f.arrays, "mine/x": f["output"]}), "keys_are_those"),
    "silent": (_each(lambda key, a: np.zeros_like(a)), "spikes_are_unsigned"),
}
REQUESTS: dict[str, tuple[Callable[[RunRequest], Recording], str]] = {}
"""Runners that are wrong in how they read the request."""


def _request(test: str) -> Callable[[Callable[[RunRequest], Recording]], Callable[[RunRequest], Recording]]:
    def keep(function: Callable[[RunRequest], Recording]) -> Callable[[RunRequest], Recording]:
        REQUESTS[function.__name__] = (function, test)
        return function

    return keep


@_request("unknown_keys")
def answers_any_key(request: RunRequest) -> Recording:
    known = tuple(key for key in request.record if not key.startswith("no/"))
    found = run_engine(replace(request, record=known))
    return replace(found, arrays={**found.arrays, **dict.fromkeys(request.record, found["output"])})


@_request("unknown_keys")
def crashes_at_a_key(request: RunRequest) -> Recording:
    if any(key.startswith("no/") for key in request.record):
        raise KeyError(request.record)
    return run_engine(request)


@_request("unknown_keys")
def refuses_without_a_place(request: RunRequest) -> Recording:
    try:
        return run_engine(request)
    except SnnhubError:
        raise SnnhubError("it does not work") from None


@_request("no_wrong_answers")
def goes_by_names(request: RunRequest) -> Recording:
    found = run_engine(request)
    strange = any(node.op == "unheard.Of" for node in request.graph.nodes)
    return replace(found, arrays={k: a * 0 for k, a in found.items()}) if strange else found


def wrong_runner(name: str) -> Callable[[RunRequest], Recording]:
    """A runner by its fault; everything else is as it should be."""
    if name in REQUESTS:
        return REQUESTS[name][0]
    change = CHANGES[name][0]

    def run(request: RunRequest) -> Recording:
        found = run_engine(replace(request, options={}))
        return change(request, replace(found, source="wrong"))

    return run


def _import(change: Callable[[Path, Graph], Graph]) -> Callable[[Path, ImportOptions], Graph]:
    def read(path: Path, options: ImportOptions) -> Graph:
        return change(path, import_snn(path, options))

    return read


def _touched(path: Path, graph: Graph) -> Graph:
    path.write_bytes(path.read_bytes() + b"\0")
    return graph


def _cut(path: Path, graph: Graph) -> Graph:
    return replace(graph, edges=(*graph.edges[:-1], Edge(Port("nowhere", "s"), graph.edges[-1].dst)))


def _lost(path: Path, graph: Graph) -> Graph:
    return replace(graph, nodes=tuple(replace(node, origin=Origin()) for node in graph.nodes))


def crashes_at_damage(path: Path, options: ImportOptions) -> Graph:
    try:
        return import_snn(path, options)
    except SnnhubError as problem:
        raise RuntimeError(str(problem)) from None


RUNNERS = {
    **{name: test for name, (_, test) in CHANGES.items()},
    **{name: test for name, (_, test) in REQUESTS.items()},
}
"""Each fault with the test of the contract that it must fail."""
IMPORTERS: dict[str, tuple[Callable[[Path, ImportOptions], Graph], str]] = {
    "touches_its_source": (_import(_touched), "sources_are_left_alone"),
    "broken_graph": (_import(_cut), "graphs_are_whole"),
    "no_origins": (_import(_lost), "nodes_know"),
    "crashes_at_damage": (crashes_at_damage, "damaged_files"),
    "crashes_at_noise": (crashes_at_damage, "noise_is_refused"),
    "crashes_without_file": (crashes_at_damage, "what_is_no_file"),
}


def _numbered(graph: Graph, path: Path) -> Sequence[Finding]:
    return export_snn(replace(graph, name=f"network {next(_COUNT)}"), path)


def _loses(graph: Graph, path: Path) -> Sequence[Finding]:
    return export_snn(replace(graph, decoder=None), path)


def _swallows(graph: Graph, path: Path) -> Sequence[Finding]:
    return export_snn(graph, path) if path.parent.is_dir() else ()


def _says_nothing(graph: Graph, path: Path) -> Any:
    export_snn(graph, path)


EXPORTERS: dict[str, tuple[Callable[[Graph, Path], Any], str]] = {
    "other_bytes": (_numbered, "the_same_bytes"),
    "loses_the_decoder": (_loses, "read_back"),
    "swallows_errors": (_swallows, "where_nothing_can"),
    "says_nothing": (_says_nothing, "findings_are_known"),
    "takes_any_op": (export_snn, "ops_that_it_does_not_have"),
}
