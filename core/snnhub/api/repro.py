"""Repro: the smallest failing piece of a comparison, in one archive that anybody can run again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from snnhub_formats.bundle import Bundle, open_bundle, save_bundle

from snnhub.api.failing import Case, network_case, peer_case
from snnhub.api.options import ImportOptions
from snnhub.api.repro_peer import live_peer
from snnhub.api.repro_text import facts_of, piece_of, readme, versions
from snnhub.api.sides import run_against, run_networks
from snnhub.compare.piece import Outcome, Peer, Piece, outcome, record, record_other, sizes
from snnhub.compare.shrink import Shrinker
from snnhub.compare.verdict import Divergence
from snnhub.engine.reference import prepare
from snnhub.errors import CheckFailedError, SnnhubError, UsageError
from snnhub.files import check_writable
from snnhub.findings import Finding, info, ordered
from snnhub.ir.op import OpLookup
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array

Progress = Callable[[str, int, int], None]
NETWORK, RUNNER, RECORDING = "network", "runner", "recording"
"""What stands on the other side of a piece when it is run again."""


@dataclass(frozen=True)
class ReproResult:
    """``found``: the first divergence of the whole comparison; ``fails``: that of the piece. ``other``: what the
    piece is compared with: the second ``network``, the ``runner`` itself, or its ``recording``.
    """

    a: str
    b: str
    found: Divergence
    fails: Divergence
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    other: str
    log: tuple[str, ...]
    tries: int
    output: Path
    findings: tuple[Finding, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "a": self.a,
            "b": self.b,
            "found": self.found.to_json(),
            "fails": self.fails.to_json(),
            "before": dict(self.before),
            "after": dict(self.after),
            "other": self.other,
            "log": list(self.log),
            "tries": self.tries,
            "output": str(self.output),
            "findings": [finding.to_json() for finding in self.findings],
        }


@dataclass(frozen=True)
class AgainResult:
    """``fails``: the two sides still differ; ``same``: at the same place and with the same values as before."""

    archive: str
    a: str
    b: str
    other: str
    fails: bool
    same: bool
    was: Mapping[str, Any]
    first: Divergence | None
    findings: tuple[Finding, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "archive": self.archive,
            "a": self.a,
            "b": self.b,
            "other": self.other,
            "fails": self.fails,
            "same": self.same,
            "was": dict(self.was),
            "first_divergence": None if self.first is None else self.first.to_json(),
            "findings": [finding.to_json() for finding in self.findings],
        }


def repro(
    a: Any,
    b: Any = None,
    *,
    stimulus: Array,
    output: str | Path,
    against: str | None = None,
    expect: str | Rung | None = None,
    from_: str | None = None,
    options: ImportOptions | None = None,
    runner_options: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> ReproResult:
    """Compare as ``verify`` does, and cut the smallest piece that still fails into the archive ``output``.

    The sample, steps, layer, neuron and inputs that are not needed are left out, one after the other, and the
    piece is run again after each. ``stimulus``: (time, batch, features…) or (time, features…). ``expect``: under
    ``bits`` any value that differs is a failure, under ``spikes`` only spikes; by default as in ``verify``.

    Raises ``CheckFailedError`` if nothing differs, ``UsageError`` unless exactly one of ``b`` and ``against`` is
    given.
    """
    if (b is None) == (against is None):
        raise UsageError(
            "compare with a second network or with a runner", allowed="repro A B, or repro A --against RUNNER"
        )
    path, rung = Path(output), _rung(expect)
    check_writable(path)
    given, options = dict(runner_options or {}), options or ImportOptions()
    steps = None if progress is None else (lambda done, total: progress("comparing", done, total))
    if against is not None:
        case = peer_case(run_against(a, against, stimulus, from_, options, given, steps), rung)
    else:
        case = network_case(run_networks(a, b, stimulus, from_, options, given, steps), rung)
    result, piece, final = _cut(case, path, progress)
    _save(result, piece, final, case)
    return result


def _rung(expect: str | Rung | None) -> Rung | None:
    allowed = (Rung.BITS.value, Rung.SPIKES.value)
    value = expect.value if isinstance(expect, Rung) else expect
    if value is not None and value not in allowed:
        raise UsageError("pieces fail in bits or in spikes", found=value, allowed=", ".join(allowed))
    return None if value is None else Rung(value)


def _cut(case: Case, path: Path, progress: Progress | None) -> tuple[ReproResult, Piece, Outcome]:
    """The smallest piece of a case that fails, and how it fails when it is run once more."""
    peer = None if case.run is None else live_peer(case.run.runner, case.run.loaded, case.run.given, first=True)
    shrinker = Shrinker(case.piece, case.lookup, peer, progress)
    shrinker.start()
    before = {**sizes(case.piece), "samples": case.samples, "steps": case.steps}
    shrinker.shrink(case.sources, case.matches)
    piece, findings = shrinker.piece, list[Finding]()
    other = NETWORK if piece.b is not None else RUNNER
    if case.run is not None and peer is None:
        peer = live_peer(case.run.runner, case.run.loaded, case.run.given)
        other, finding = _try_live(piece, case.lookup, peer, case.run.runner.name)
        findings.append(finding)
        peer = None if other == RECORDING else peer
    final = outcome(piece, case.lookup, peer)
    if final.first is None:
        raise CheckFailedError("the piece does not fail when it is run once more: a side is not deterministic")
    log, after = tuple(shrinker.log), sizes(piece)
    result = ReproResult(
        *case.names, case.first, final.first, before, after, other, log, shrinker.tries, path, ordered(findings)
    )
    return result, piece, final


def _save(result: ReproResult, piece: Piece, final: Outcome, case: Case) -> None:
    """Both graphs, the input, what both sides recorded, the facts, and a README with the command."""
    left = record(piece, case.lookup, prepare(piece.a, case.lookup).record_keys())
    right: Mapping[str, Array]
    if piece.b is not None:
        right = record_other(piece, case.lookup, prepare(piece.b, case.lookup).record_keys())
    else:
        whole = np.zeros((piece.lag, *final.b.shape[1:]), final.b.dtype)
        right = {piece.b_key: np.concatenate([whole, final.b]) if piece.lag else final.b}
    graphs = {"a": piece.a, **({} if piece.b is None else {"b": piece.b})}
    runner = None if case.run is None else (case.run.runner.name, dict(case.run.given))
    facts = facts_of(piece, result.to_json(), runner, versions())
    bundle = Bundle(facts, graphs, list(piece.inputs.values()), {"a": left, "b": right})
    save_bundle(bundle, readme(facts, result.output.name), result.output)


def repro_again(archive: str | Path) -> AgainResult:
    """Run the piece of an archive again and say whether it still fails.

    A runner that is not here is replaced by what it recorded, which a finding says. Raises ``FormatError`` for
    anything but an archive of ``repro``.
    """
    from snnhub.hub.catalogue import register_ops
    from snnhub.ops.registry import REGISTRY

    register_ops()
    with open_bundle(Path(archive)) as bundle:
        piece = piece_of(bundle, str(archive))
        facts, findings = bundle.facts, list[Finding]()
        peer: Peer | None = None
        other = str(facts["other"])
        if other == RUNNER:
            peer, finding = _named_peer(str(facts["runner"]), facts["runner_options"])
            other = RECORDING if peer is None else RUNNER
            findings += [] if finding is None else [finding]
        first = outcome(piece, REGISTRY, peer).first
        same = first is not None and replace(first, alone=None).to_json() == facts["fails"]
        names = str(facts["a"]), str(facts["b"])
        return AgainResult(
            str(archive), *names, other, first is not None, same, facts["fails"], first, ordered(findings)
        )


def _named_peer(name: str, given: Any) -> tuple[Peer | None, Finding | None]:
    """A runner by name, where it is here."""
    from snnhub.hub.catalogue import find, require
    from snnhub.hub.loader import load

    try:
        runner = find(load().runners, name, "runner")
        require(runner)
    except SnnhubError as problem:
        words = f"runner {name} is not here ({problem.message}): compared with what it recorded"
        return None, info("SNN-5112", name, words, remedy=problem.remedy)
    return live_peer(runner, None, {str(key): str(value) for key, value in dict(given).items()}), None


def _try_live(piece: Piece, lookup: OpLookup, peer: Peer | None, name: str) -> tuple[str, Finding]:
    """Whether the piece also fails in the runner itself; otherwise its recording is the other side."""
    words = "it does not run parts of a network"
    if peer is not None:
        try:
            if outcome(replace(piece, expected=None), lookup, peer).first is not None:
                return RUNNER, info("SNN-5112", name, "the piece was run in the runner itself, and fails there")
            words = "there the piece alone does not fail"
        except (SnnhubError, ValueError, TypeError) as problem:
            words = f"the piece does not run there: {str(problem)[:200]}"
    return RECORDING, info(
        "SNN-5112", name, f"compared with what the runner recorded in the whole network; {words}"
    )
