"""Measures a conversion: the import, every pass, and the written file read back, each by its own contract."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from snnhub.api.digests import ensure_digests
from snnhub.api.load import Loaded, load_graph
from snnhub.api.options import ImportOptions
from snnhub.api.run import run_loaded
from snnhub.compare.proof import Proof, Prover, comparable
from snnhub.engine.stimulus import Stimulus
from snnhub.errors import CheckFailedError
from snnhub.findings import Finding
from snnhub.hub.loader import load
from snnhub.hub.objects import Exporter, Runner
from snnhub.ir.correspondence import identity
from snnhub.ir.graph import Graph, Match
from snnhub.ir.recording import Recording
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array
from snnhub.passes.base import Applied, PassContext, Promise

WRITTEN = "written file"
IMPORT = Promise(Rung.SPIKES)
"""What every importer of a live network promises."""
Progress = Callable[[str, int, int], None]


class BrokenPromiseError(CheckFailedError):
    """A step of a conversion broke its contract; ``proof`` has every step, ``findings`` the reason (exit 1)."""

    def __init__(self, proof: Proof, findings: Sequence[Finding]) -> None:
        first = next(finding for finding in findings if finding.severity.value == "error")
        super().__init__(first.message, where=first.place, remedy=first.remedy, findings=findings)
        self.proof = proof

    def to_json(self) -> dict[str, Any]:
        return {**super().to_json(), "proof": self.proof.to_json()}


def prove(
    loaded: Loaded,
    graph: Graph,
    context: PassContext,
    exporter: Exporter,
    written: Path,
    stimulus: Array,
    progress: Progress | None = None,
) -> Proof:
    """Measure each step from the source to ``written``, the file that ``exporter`` made of ``graph``.

    Raises ``UsageError`` for an input that one of the networks does not take.
    """
    items = [*context.applied]
    last = _read_back(graph, exporter, written, loaded)
    if last is not None:
        items.append(last)
    prover = Prover(stimulus, context.lookup, progress)
    prepared = prover.start(loaded.graph, (item.after.inputs[0] for item in items))
    ahead: list[list[Match]] = [comparable(item) for item in items]
    _import(prover, loaded, prepared, ahead[0] if ahead else [], progress)
    for item, following in zip(items, [*ahead[1:], []] if items else [], strict=True):
        prover.apply(item, following)
    if last is None:
        prover.skip(WRITTEN, f"nothing here reads {exporter.name} files back")
    return Proof(prepared.reading, tuple(prover.steps))


def _read_back(graph: Graph, exporter: Exporter, written: Path, loaded: Loaded) -> Applied | None:
    """The written file as a step of its own; None if nobody reads it."""
    importer = load().importers.get(exporter.reader or exporter.name)
    if importer is None or importer.live or not importer.availability().ok:
        return None
    options = ImportOptions(input_shape=graph.inputs[0].shape, lookup=loaded.options.lookup)
    found = load_graph(written, importer=importer.name, options=options).graph
    ensure_digests(found, str(written))
    there = {*found.node, *(output.id for output in found.outputs)}
    rows = tuple(match for match in identity(graph, loaded.options.lookup) if match.new.node in there)
    return Applied(WRITTEN, graph, found, rows, Promise(Rung.BITS))


def _import(
    prover: Prover, loaded: Loaded, prepared: Stimulus, following: Sequence[Match], progress: Progress | None
) -> None:
    """The import against the framework that the network came from, where that is here."""
    importer = loaded.source.importer
    if not importer.live:
        return prover.skip("import", "the network was read from a file")
    runner = next((item for item in load().runners.values() if item.takes == importer.name), None)
    if runner is None:
        return prover.skip("import", f"no runner takes {importer.name} networks")
    availability = runner.availability()
    if not availability.ok:
        return prover.skip("import", f"runner {runner.name} cannot be used here: {availability.reason}", IMPORT)
    theirs = _framework(loaded, runner, prepared, progress)
    return prover.imported(loaded.graph, theirs, IMPORT, following)


def _framework(loaded: Loaded, runner: Runner, prepared: Stimulus, progress: Progress | None) -> Recording:
    def report(done: int, total: int) -> None:
        if progress is not None:
            progress(f"running {runner.name}", done, total)

    recording = run_loaded(loaded, runner, prepared, ("*",), {}, progress=report)
    return replace(recording, batched=prepared.batched)
