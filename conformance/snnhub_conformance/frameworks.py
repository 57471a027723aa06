"""Frameworks themselves under test: each is given the NIR files of its profile's family, and must give the output,
or the refusal, that was recorded of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType

import numpy as np
from snnhub.api.agree_live import protocol
from snnhub.errors import MissingPeerError, UsageError
from snnhub.ir.tensor import Array
from snnhub.peers.env import interpreter, worker_command
from snnhub.peers.protocol import Worker
from snnhub.peers.recipe import read_recipe

from snnhub_conformance.artefacts import PROFILE, STEP
from snnhub_conformance.case import Case
from snnhub_conformance.judge import judge
from snnhub_conformance.outcome import Outcome, Status
from snnhub_conformance.subjects import machine

Progress = Callable[[int, int], None]
NENGO = {"nengo-4": "nengo"}
"""Without an importer, so that the protocol of agreement has no row for it; its neuron is asked."""


@dataclass
class Frameworks:
    """The worker of the environment that the protocol of agreement is for. Use as a context manager; it starts
    with the first file, and raises ``MissingPeerError`` then where the environment is not there.
    """

    worker: Worker | None = None
    stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Frameworks:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stack.close()

    def output(self, framework: str, data: bytes, x: Array, dt: float) -> Array | str:
        """The output (time, features…) over ``x``, or the words of the refusal."""
        worker = self._started()
        model, given = worker.folder / "model.nir", worker.folder / "x.npy"
        model.write_bytes(data)
        np.save(given, x.astype(np.float32))
        asked = {"framework": framework, "model": str(model), "input": str(given), "dt": dt}
        answer = worker.call("run", {**asked, "folder": str(worker.folder), "name": framework})
        if "refused" in answer:
            return str(answer["refused"])
        found: Array = np.load(answer["output"], allow_pickle=False)
        return found

    def versions(self) -> dict[str, str]:
        """What is installed there."""
        told = self._started().identity.get("environment") or {}
        return {str(name): str(number) for name, number in dict(told).items()}

    def _started(self) -> Worker:
        if self.worker is None:
            environment = protocol().environment
            recipe = read_recipe(environment.path())
            command = worker_command(interpreter(recipe), environment.worker)
            self.worker = self.stack.enter_context(Worker(recipe.name, command))
        return self.worker


def profiles() -> Mapping[str, str]:
    """Framework by profile."""
    return {**protocol().profiles, **NENGO}


@dataclass
class FrameworkSubject:
    """One framework. ``level`` is ``R3``: outputs are what it shows."""

    name: str
    live: Frameworks
    told: dict[str, str] = field(default_factory=dict)

    @classmethod
    def named(cls, name: str, live: Frameworks) -> FrameworkSubject:
        """Raises ``UsageError`` for a name that no profile is of."""
        known = sorted(profiles().values())
        if name not in known:
            raise UsageError("no framework of this name", found=name, allowed=", ".join(known))
        return cls(name, live)

    def run_cases(self, cases: Iterable[Case], progress: Progress | None = None) -> list[Outcome]:
        """An outcome per case that gives its profile a file: those with records, and those to be refused, the
        latter of what has an importer.
        """
        profile = next(name for name, framework in profiles().items() if framework == self.name)
        own = [case for case in cases if case.options.get(PROFILE) == profile and "nir" in case.subject]
        reads = profile not in NENGO
        asked = [case for case in own if case.kind == "runner" or (reads and case.expect.result == "invalid")]
        outcomes = []
        for done, case in enumerate(asked):
            start = time.perf_counter()
            outcomes.append(replace(self.run(case), seconds=time.perf_counter() - start))
            if progress is not None:
                progress(done + 1, len(asked))
        return outcomes

    def run(self, case: Case) -> Outcome:
        """One case. Never raises for what the framework does."""
        recorded = case.kind == "runner"
        path: Path = case.path(case.subject["nir"])
        x = next(iter(case.stimulus().values())) if recorded else _something(path)
        try:
            found = self.live.output(self.name, path.read_bytes(), x, float(case.options[STEP]))
        except MissingPeerError as problem:
            return _plain(case, Status.UNAVAILABLE, str(problem))
        self.told = self.told or self.live.versions()
        if not recorded:
            refused = isinstance(found, str)
            words = str(found) if refused else "answered, and its profile refuses the file"
            return _plain(case, Status.PASS if refused else Status.FAIL, words)
        if isinstance(found, str):
            return _plain(case, Status.FAIL, f"refused, and gave an output when it was recorded: {found}")
        key, expected = next(iter(case.records().items()))
        shaped = found.reshape(expected.shape) if found.size == expected.size else found
        return judge(case, {key: shaped}, (key,), "R3", frozenset())

    def environment(self) -> dict[str, str]:
        return {**machine(), **self.told}


def _something(path: Path) -> Array:
    """Ones over a few steps, in the shape that the file's input has: for files that must be refused."""
    from snnhub.api.load import load_graph

    graph = load_graph(path, importer="nir", continuous=True).graph
    return np.ones((8, *graph.inputs[0].shape), np.float32)


def _plain(case: Case, status: Status, detail: str) -> Outcome:
    return Outcome(case.id, case.family, status, "R3", "", detail, None, case.flags)
