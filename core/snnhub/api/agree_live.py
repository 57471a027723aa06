"""One file in the frameworks themselves, called as the protocol says, each against its profile, bin by bin."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from snnhub.api.agree_runs import CALL_SHAPE, ProfileRun, call_shape_output, finite_sum
from snnhub.errors import SnnhubError
from snnhub.findings import Finding, error, note
from snnhub.hub.loader import load
from snnhub.hub.objects import Environment
from snnhub.ir.graph import TERMINAL_PORT, Port
from snnhub.ir.tensor import Array
from snnhub.peers.env import interpreter, status, worker_command
from snnhub.peers.protocol import Worker
from snnhub.peers.recipe import read_recipe

PLACE = Path("agreement") / "protocol.json"
"""Beside the recipe of the environment that the protocol is for, in the plugin's package."""
EQUAL, TIE, DIFFERS, SILENT = "equal", "differs, order of sums", "differs", "silent"
BOTH_REFUSE = "both refuse"
UNDETERMINED = "undetermined"
PROFILE_REFUSES, FRAMEWORK_REFUSES = "only the profile refuses", "only the framework refuses"
WRONG = (DIFFERS, PROFILE_REFUSES, FRAMEWORK_REFUSES)
"""Verdicts under which a profile is not what its framework does."""


@dataclass(frozen=True)
class Protocol:
    """How every framework is called, as data; ``digest`` is that of its canonical JSON."""

    environment: Environment
    content: Mapping[str, Any]
    digest: str

    @property
    def profiles(self) -> Mapping[str, str]:
        """Framework by profile."""
        return {item["profile"]: name for name, item in self.content["frameworks"].items()}

    @property
    def ready(self) -> bool:
        """Whether the environment is there, made from the recipe as it is now."""
        return status(read_recipe(self.environment.path())).state == "ready"


def protocol() -> Protocol:
    """The protocol of the environment that has one. Raises ``SnnhubError`` where no plugin brings one."""
    for environment in load().environments.values():
        path = environment.path().parent / PLACE
        if not path.is_file():
            continue
        content = json.loads(path.read_text())
        if content["environment"] == environment.name:
            canonical = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
            return Protocol(environment, content, f"sha256:{hashlib.sha256(canonical).hexdigest()}")
    raise SnnhubError("no plugin brings a protocol of agreement", remedy="Run: snnhub plugins doctor")


@dataclass(frozen=True)
class Conformity:
    """A framework beside its profile. ``verdict``: one of the words above. ``bins`` that were compared,
    ``different`` of them; ``spikes`` of the framework's output (None of values); ``first``: (step, index,
    framework's, ours).
    """

    framework: str
    profile: str
    verdict: str
    version: str = ""
    refused: str = ""
    bins: int = 0
    different: int = 0
    spikes: int | None = None
    first: tuple[int, tuple[int, ...], float, float] | None = None
    engine: str = ""
    output: Array | None = field(default=None, repr=False, compare=False)

    def to_json(self) -> dict[str, Any]:
        names = ("framework", "version", "profile", "verdict", "bins", "different", "spikes")
        first = None
        if self.first is not None:
            step, index, theirs, ours = self.first
            first = {"step": step, "index": list(index), "framework": _said(theirs), "profile": _said(ours)}
        told = {name: getattr(self, name) for name in names}
        return {**told, "refused": self.refused or None, "first_divergence": first, "engine": self.engine or None}

    def findings(self) -> list[Finding]:
        """What a reader has to know of a verdict that is no agreement."""
        place = f"{self.framework} and {self.profile}"
        if self.verdict in (PROFILE_REFUSES, FRAMEWORK_REFUSES):
            return [error("SNN-5421", place, f"{self.verdict}: {self.refused}")]
        if self.verdict == UNDETERMINED:
            return [note("SNN-2616", place, f"what the framework does is not determined: {self.refused}")]
        if self.verdict == SILENT:
            return [note("SNN-5424", place, "nothing came out, so that nothing is shown")]
        if self.verdict == DIFFERS and self.first is None:
            return [error("SNN-5422", place, f"{self.bins} bins, and another number under the profile")]
        if self.first is None:
            return []
        step, index, theirs, ours = self.first
        words = f"{self.different} of {self.bins} bins differ, first at step {step}, neuron {list(index)}"
        if self.verdict == TIE:
            return [note("SNN-5423", place, f"{words}; the order of a sum may decide it, and was not the same")]
        return [error("SNN-5422", place, words, old=f"{theirs:g}", new=f"{ours:g}")]


def _said(value: float) -> float | str:
    """A number as JSON has it: NaN and infinities in words."""
    return value if math.isfinite(value) else str(value)


def conformities(
    told: Protocol, path: Path, values: Array, dt: float, runs: Mapping[str, ProfileRun]
) -> tuple[list[Conformity], list[Finding]]:
    """Every framework of the protocol whose profile is among ``runs``, over ``values`` (time, features…).

    Raises ``MissingPeerError`` without the environment.
    """
    recipe = read_recipe(told.environment.path())
    made: list[Conformity] = []
    exact = {name for name, item in told.content["frameworks"].items() if "torch" in item["versions"]}
    with Worker(recipe.name, worker_command(interpreter(recipe), told.environment.worker)) as worker:
        there = dict(worker.identity.get("environment") or {})
        given = worker.folder / "x.npy"
        np.save(given, values.astype(np.float32))
        for profile, framework in sorted(told.profiles.items()):
            if profile in runs:
                asked = {"framework": framework, "model": str(path.absolute()), "input": str(given), "dt": dt}
                answer = worker.call("run", {**asked, "folder": str(worker.folder), "name": framework})
                theirs = None if "refused" in answer else np.load(answer["output"], allow_pickle=False)
                base = Conformity(framework, profile, "", str(there.get(framework, "")), output=theirs)
                words = str(answer.get("refused", ""))
                made.append(_judged(base, runs[profile], words, values, framework in exact))
    return made, _other_versions(told, there)


def _judged(base: Conformity, run: ProfileRun, words: str, values: Array, torch: bool) -> Conformity:
    """The verdict on ``base.output``. ``torch``: torch sums there, so that here the same sums can be had."""
    theirs = base.output
    if run.refused:
        ours = "; ".join(f"{place}: {reason}" for place, reason in run.refused)
        if run.chance:
            return replace(base, verdict=UNDETERMINED, refused=ours)
        if theirs is None:
            return replace(base, verdict=BOTH_REFUSE, refused=f"{words} (profile: {ours})")
        return replace(base, verdict=PROFILE_REFUSES, refused=ours)
    if theirs is None:
        return replace(base, verdict=FRAMEWORK_REFUSES, refused=words)
    found, engine = call_shape_output(run, values)
    spikes = finite_sum(theirs) if run.spiking else None
    base = replace(base, bins=int(theirs.size), spikes=spikes, engine=engine)
    if found.size != theirs.size:
        return replace(base, verdict=DIFFERS, different=int(theirs.size))
    y, wanted = found.ravel().astype(theirs.dtype), theirs.ravel()
    wrong = np.flatnonzero(~((y == wanted) | (np.isnan(y) & np.isnan(wanted))))
    if not wrong.size:
        return replace(base, verdict=EQUAL if theirs.any() else SILENT)
    at = tuple(int(i) for i in np.unravel_index(wrong[0], found.shape))
    first = (at[0], at[1:], float(theirs.ravel()[wrong[0]]), float(found[at]))
    excused = not (torch and engine == CALL_SHAPE) and _flagged(run, at[0], at[1:])
    return replace(base, verdict=TIE if excused else DIFFERS, different=int(wrong.size), first=first)


def _flagged(run: ProfileRun, step: int, index: tuple[int, ...]) -> bool:
    """Whether the order of a sum may decide the first bin that differs: it is a tie, or follows one."""
    if run.graph is None or run.robust is None or run.robust.robust:
        return False
    for edge in run.graph.into[Port(run.graph.outputs[0].id, TERMINAL_PORT)]:
        if run.robust.flagged(f"{edge.src.node}/{edge.src.name}", step - edge.delay, 0, index):
            return True
    first = run.robust.first
    return first is not None and len(run.trains) > 1 and first.step <= step


def _other_versions(told: Protocol, there: Mapping[str, str]) -> list[Finding]:
    """A note for every package whose version is not the one that the protocol pins."""
    pins: dict[str, str] = {}
    for item in told.content["frameworks"].values():
        pins |= item["versions"]
    return [
        note(
            "SNN-5425", name, "another version than the protocol's", old=version, new=str(there.get(name, "none"))
        )
        for name, version in sorted(pins.items())
        if str(there.get(name, "")).partition("+")[0] != version
    ]
