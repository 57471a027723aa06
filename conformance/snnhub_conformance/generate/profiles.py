"""``profile.*``: NIR files with the output that each framework gave, and what it refused.

Needs torch and the environment nir-frameworks. A network becomes a case only if the profile and its framework take
it, or refuse it, both; if the run is order-robust; and if the engine finds every bin. Where no framework stands
behind a profile, the second interpreter must find every bin.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
from snnhub.api.agree_live import protocol
from snnhub.api.discretise import discretise
from snnhub.api.load import load_graph
from snnhub.engine.reference import prepare
from snnhub.engine.robust.certify import certify
from snnhub.errors import UnsupportedError
from snnhub.findings import Severity
from snnhub.ir.digest import network_digest
from snnhub.ir.graph import Graph
from snnhub.ir.tensor import Array

from snnhub_conformance.frameworks import Frameworks
from snnhub_conformance.generate.entry import Answer, Family, Refusal
from snnhub_conformance.generate.nir_parts import FILE, Node, nir
from snnhub_conformance.generate.profile_nets import DT, networks, shape_of, stimulus
from snnhub_conformance.generate.write import Writer, file, runner_case
from snnhub_conformance.second import check_graph

PROFILES: Mapping[str, str] = {
    "exponential": "",
    "nengo-4": "nengo",
    "nir-euler": "",
    "norse-1": "norse",
    "rockpool-3": "rockpool",
    "sinabs-3": "sinabs",
    "snntorch-1": "snntorch",
    "spikingjelly-2": "spikingjelly",
    "spyx-1": "spyx",
}
"""The framework behind each profile; nothing behind NIR's own equations."""
NEURON_ONLY = "nengo"
"""Without an importer: what its worker cannot put before one of its neurons is no refusal of Nengo's."""
SINGLE = 4
"""Nodes of a graph with one layer: the whole, Input, Output, the neurons."""
LOOPS = "SNN-2604"
MOST_TAKEN, MOST_REFUSED = 15, 6
"""Networks of one profile, and refusals, each for another reason: the first ones."""


@dataclass(frozen=True)
class _Net:
    """A file, the graph in it, and the input."""

    title: str
    data: bytes
    graph: Graph
    x: Array


def add(writer: Writer) -> None:
    """A runner case and an importer case of what is taken, an importer case of what is refused."""
    nets = [_net(title, graph) for title, graph in networks().items()]
    with ExitStack() as stack:
        frameworks = stack.enter_context(Frameworks())
        for profile, framework in PROFILES.items():
            taken, reasons = 0, set[str]()
            for net in nets:
                taken += taken < MOST_TAKEN and _one(writer, profile, framework, net, frameworks, reasons)


def _net(title: str, graph: Node) -> _Net:
    data = nir(graph)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILE
        path.write_bytes(data)
        return _Net(title, data, load_graph(path, continuous=True).graph, stimulus(shape_of(graph)))


def _one(writer: Writer, profile: str, framework: str, net: _Net, live: Frameworks, reasons: set[str]) -> bool:
    """The cases of one file under one profile; none where they would show nothing, which is said. Whether it is
    one that runs.
    """
    theirs = live.output(framework, net.data, net.x, DT) if framework else None
    try:
        made = discretise(net.graph, DT, profile)
    except UnsupportedError as problem:
        if framework in ("", NEURON_ONLY) or isinstance(theirs, str):
            _refused(writer, profile, net, problem, theirs, reasons)
        else:
            _passed_over(profile, net.title, "the profile does not cover it")
        return False
    if framework == NEURON_ONLY and (isinstance(theirs, str) or len(net.graph.nodes) > SINGLE):
        return False
    if isinstance(theirs, str):
        raise RuntimeError(  # noqa: TRY004  a refusal that must not be, no wrong type
            f"{profile} takes {net.title}, its framework does not: {theirs}"
        )
    made = replace(made, provenance=type(made.provenance)())  # no path of this run
    if words := _useless(made, net.x):
        _passed_over(profile, net.title, words)
        return False
    _taken(writer, profile, framework, net, made, theirs)
    return True


def _passed_over(profile: str, title: str, words: str) -> None:
    print(f"{profile}: {title}: {words}", file=sys.stderr, flush=True)


def _useless(made: Graph, x: Array) -> str:
    """Why a run shows nothing; empty if it does."""
    output = np.asarray(prepare(made).run(x, record=["output"])[0]["output"])
    if not output.any() or (output == output.ravel()[0]).all():
        return "nothing happens"
    return "not order-robust" if _robust(made, x) is False else ""


def _robust(made: Graph, x: Array) -> bool | None:
    """Whether every order of sums gives the same; None where an op has no rule for it."""
    try:
        return certify(made, x).robust
    except UnsupportedError:
        return None


def _taken(writer: Writer, profile: str, framework: str, net: _Net, made: Graph, theirs: Array | None) -> None:
    ours = np.asarray(prepare(made).run(net.x, record=["output"])[0]["output"])
    if theirs is None:
        check_graph(made, {made.inputs[0].id: net.x}, {"output": ours}, len(net.x))
    elif (ours != theirs.reshape(ours.shape)).any():
        raise ValueError(f"{net.title}: {framework} gives another output than {profile}")
    options = {"profile": profile, "dt": repr(DT)}
    about = f"As {framework} ran the file." if framework else "By the equations; a second interpreter agrees."
    about += " Every order of its sums gives the same." if _robust(made, net.x) else ""
    case, files = runner_case(
        f"profile.{profile}", net.title, about,
        replace(made, findings=(), name=net.title), {made.inputs[0].id: net.x}, {"output": _small(ours)},
        level="R3", rung="spikes", source=_source(framework), options=options,
    )  # fmt: skip
    del files["model.json"]
    subject = {"snn": case.subject["snn"], "nir": file(FILE, net.data)}
    writer.add(replace(case, subject=subject), {**files, FILE: net.data})
    told = [item for item in made.findings if item.severity is Severity.LOSS or item.code == LOOPS]
    findings = tuple(sorted({f"{item.code} {item.place}" for item in told}))
    digest = network_digest(made) if _everywhere(made) else ""
    about = "Read with this profile it is the network of the runner case of the same name, with what it loses."
    answer = Answer(None, findings, digest)
    _family(writer, profile, framework).add(
        f"import: {net.title}", about, {"nir": (FILE, net.data)}, answer, options=options
    )


def _refused(
    writer: Writer,
    profile: str,
    net: _Net,
    problem: UnsupportedError,
    theirs: Array | str | None,
    reasons: set[str],
) -> None:
    """One case for each reason, at most ``MOST_REFUSED``."""
    first = problem.findings[0]
    words = first.message.partition(":")[0]
    if words in reasons or len(reasons) >= MOST_REFUSED:
        return
    reasons.add(words)
    wanted = Refusal(UnsupportedError, first.code, first.place)
    live = isinstance(theirs, str) and PROFILES[profile] != NEURON_ONLY
    also = " Its framework refuses the file, too." if live else ""
    family = _family(writer, profile, PROFILES[profile])
    options = {"profile": profile, "dt": repr(DT)}
    family.add(
        f"refused: {net.title}", f"{first.message}.{also}", {"nir": (FILE, net.data)}, wanted, options=options
    )


def _family(writer: Writer, profile: str, framework: str) -> Family:
    return Family(writer, f"profile.{profile}", "importer", ("importer", "nir"), _source(framework))


def _source(framework: str) -> dict[str, str]:
    """Where an expectation comes from: the framework with its versions, and how it was called."""
    if not framework:
        return {"kind": "equation", "ref": "docs/profiles.md"}
    told = protocol()
    pins = told.content["frameworks"].get(framework, {}).get("versions", {})
    said = ", ".join(f"{name} {number}" for name, number in pins.items()) or "nengo 4.1.0"
    return {"kind": "peer", "peer": framework, "version": said, "protocol": told.digest}


def _small(array: Array) -> Array:
    """Spikes and counts in the smallest type that holds them; values as they are."""
    if (array == np.rint(array)).all() and array.min() >= 0:
        return array.astype(np.uint8 if array.max() < 256 else np.uint32)
    return array


def _everywhere(made: Graph) -> bool:
    """Whether the network is the same on every machine: no coefficient by torch's exp, whose bits are its own."""
    recipes = json.dumps([tensor.recipe for node in made.nodes for _, tensor in node.params], default=str)
    return f"by torch {version('torch')}" not in recipes
