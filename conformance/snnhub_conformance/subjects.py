"""What can be put to the test as a runner: one that is registered, a worker in any language, or any function."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from snnhub.api.load import Loaded
from snnhub.api.options import ImportOptions
from snnhub.api.run import run_loaded
from snnhub.api.source import Source
from snnhub.engine.stimulus import Stimulus, read_stimulus
from snnhub.errors import UnsupportedError, UsageError
from snnhub.hub.catalogue import find
from snnhub.hub.loader import load
from snnhub.hub.objects import Availability, Runner, always
from snnhub.ir.graph import Graph
from snnhub.ir.tensor import Array
from snnhub.ir.verify import ensure
from snnhub.ops.registry import REGISTRY
from snnhub.peers.capabilities import Capabilities
from snnhub.peers.graph_worker import GraphWorker
from snnhub.peers.protocol import WorkerGoneError
from snnhub_formats import container

from snnhub_conformance.case import Case

Arrays = Mapping[str, Array]
MODELS = {"snn/1": "snn", "graph-json/1": "json"}
"""Which file of a case a form of a graph is."""


class Subject(Protocol):
    """What the suite asks of a runner under test."""

    @property
    def name(self) -> str: ...

    @property
    def reports(self) -> bool:
        """Whether its refusals have our kinds, codes and places. In other languages they need not."""
        ...

    def availability(self) -> Availability:
        """Whether there is anything here to ask."""
        ...

    def lacks(self, case: Case, graph: Graph) -> str:
        """Why the case lies outside the declared capabilities; empty if it does not."""
        ...

    def run(self, case: Case, graph: Graph, keys: tuple[str, ...]) -> Arrays:
        """The records of the case. Raises whatever goes wrong; a refusal is a ``SnnhubError``."""
        ...

    def cannot_take(self, case: Case) -> str:
        """Why the files of a case that must be refused cannot even be given to it; empty if they can."""
        ...

    def attempt(self, case: Case) -> None:
        """Load and run the files of a case that must be refused. Raises the refusal."""
        ...

    def environment(self) -> dict[str, str]:
        """Versions that a result depends on."""
        ...


def machine(*packages: str) -> dict[str, str]:
    """Where this runs."""
    found = {"python": platform.python_version(), "system": f"{platform.system()} {platform.machine()}"}
    for package in ("snnhub", "numpy", *packages):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "missing"
    return found


@dataclass(frozen=True)
class HubRunner:
    """A registered runner. One that takes another format gets the network exported to it."""

    runner: Runner
    options: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def named(cls, name: str, options: Mapping[str, str] = MappingProxyType({})) -> HubRunner:
        """Raises ``UsageError`` for a name that nobody registered, and an option that it does not have."""
        runner = find(load().runners, name, "runner")
        known = {option.name for option in runner.options}
        if unknown := sorted(set(options) - known):
            allowed = ", ".join(sorted(known)) or "none"
            raise UsageError(f"runner {name} has no such option", found=", ".join(unknown), allowed=allowed)
        return cls(runner, options)

    @property
    def name(self) -> str:
        return self.runner.name

    @property
    def reports(self) -> bool:
        return True

    @property
    def live(self) -> bool:
        """Whether it runs networks of its framework and no files."""
        importer = load().importers.get(self.runner.takes)
        return importer is not None and importer.live

    def availability(self) -> Availability:
        return self.runner.availability()

    def lacks(self, case: Case, graph: Graph) -> str:
        foreign = case.family.startswith("importer.") and case.family != f"importer.{self.runner.takes}"
        if self.live and (foreign or "factory" not in case.subject):
            return f"runs {self.runner.takes} networks themselves, and the case has none"
        if self.runner.capabilities is None:
            return ""
        declared = Capabilities.read({"models": [], **self.runner.capabilities}, self.name)
        return "; ".join(f"{finding.message} {finding.old}" for finding in declared.missing(graph, REGISTRY))

    def run(self, case: Case, graph: Graph, keys: tuple[str, ...]) -> Arrays:
        stimulus = stimulus_of(case, graph)
        loaded = self._loaded(case, graph)
        given = {name: value for name, value in case.options.items() if name not in ("profile", "dt")}
        return run_loaded(loaded, self.runner, stimulus, keys, {**given, **self.options}, steps=case.expect.steps)

    def cannot_take(self, case: Case) -> str:
        return "" if self.runner.takes in ("graph", "snn") else f"runs {self.runner.takes} networks only"

    def attempt(self, case: Case) -> None:
        graph = container.load(case.path(case.subject["snn"]))
        self.run(case, graph, ends(graph))

    def _loaded(self, case: Case, graph: Graph) -> Loaded:
        kind = "factory" if self.live else "snn"
        if kind not in case.subject:
            raise UnsupportedError(f"the case has no network for {self.name} itself", where=case.id)
        importer = find(load().importers, self.runner.takes if self.live else "snn", "importer")
        path = case.path(case.subject[kind])
        value: Any = f"{path}:network" if kind == "factory" else path
        shape = graph.inputs[0].shape if graph.inputs else None
        return Loaded(graph, Source(importer, value), ImportOptions(input_shape=shape))

    def environment(self) -> dict[str, str]:
        return machine("torch", "spikingjelly") if self.runner.name in ("torch", "spikingjelly") else machine()


def stimulus_of(case: Case, graph: Graph) -> Stimulus:
    """The input of the case, as runners get it."""
    arrays = case.stimulus()
    if len(graph.inputs) != 1:
        ensure(graph, REGISTRY)  # a graph without inputs is broken; one with several is beyond a runner
        raise UnsupportedError("a runner is given one input", found=", ".join(graph.input), allowed="one input")
    (item,) = graph.inputs
    return read_stimulus(arrays[item.id], item)


def ends(graph: Graph) -> tuple[str, ...]:
    """What a run that must stop is asked to record: the outputs, as far as there are any."""
    return tuple(dict.fromkeys(output.id for output in graph.outputs))


@dataclass
class WorkerRunner:
    """A worker process that takes graphs: see ``docs/worker-protocol.md``. Use as a context manager."""

    command: Sequence[str]
    worker: GraphWorker = field(init=False)

    def __post_init__(self) -> None:
        self.worker = GraphWorker(self.command)

    def __enter__(self) -> WorkerRunner:
        return self

    def __exit__(self, *_: object) -> None:
        self.worker.close()

    @property
    def reports(self) -> bool:
        return False

    @property
    def name(self) -> str:
        return str(self.worker.identity.get("name", "worker"))

    def availability(self) -> Availability:
        return always()

    def lacks(self, case: Case, graph: Graph) -> str:
        return "; ".join(f"{finding.message} {finding.old}" for finding in self.worker.missing(graph))

    def run(self, case: Case, graph: Graph, keys: tuple[str, ...]) -> Arrays:
        (array,) = case.stimulus().values()
        return self.worker.run(graph, array, keys, case.expect.steps)

    def cannot_take(self, case: Case) -> str:
        if case.expect.error == UsageError.__name__:
            return "what a network does not take is refused before anything is sent to a worker"
        forms = ", ".join(self.worker.capabilities().models)
        return "" if self._model(case) else f"reads {forms}, of which the case has none"

    def attempt(self, case: Case) -> None:
        (array,) = case.stimulus().values()
        model = self._model(case)
        if model is None:
            raise UnsupportedError("the case has no file that the worker reads", where=case.id)
        try:
            self.worker.attempt(model, array, ("output",), case.expect.steps)
        except WorkerGoneError as problem:
            raise RuntimeError(str(problem)) from problem  # which is no refusal

    def _model(self, case: Case) -> Path | None:
        """The file of the case in a form that the worker reads."""
        kinds = (MODELS.get(form, "") for form in self.worker.capabilities().models)
        return next((case.path(case.subject[kind]) for kind in kinds if kind in case.subject), None)

    def environment(self) -> dict[str, str]:
        return {
            **machine(),
            **{key: str(value) for key, value in dict(self.worker.identity.get("environment", {})).items()},
        }


@dataclass(frozen=True)
class FunctionRunner:
    """A function as a runner: (graph, inputs, keys, steps) to records. For tests, and for engines under change."""

    name: str
    function: Callable[[Graph, Arrays, tuple[str, ...], int], Arrays]
    reports: bool = True

    def availability(self) -> Availability:
        return always()

    def lacks(self, case: Case, graph: Graph) -> str:
        return ""

    def run(self, case: Case, graph: Graph, keys: tuple[str, ...]) -> Arrays:
        return self.function(graph, case.stimulus(), keys, case.expect.steps)

    def cannot_take(self, case: Case) -> str:
        return ""

    def attempt(self, case: Case) -> None:
        graph = container.load(case.path(case.subject["snn"]))
        self.run(case, graph, ends(graph))

    def environment(self) -> dict[str, str]:
        return machine()
