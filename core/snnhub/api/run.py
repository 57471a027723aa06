"""Run: a network over an input, in the engine or in a peer, into a recording."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from snnhub.api.load import Loaded, load_graph
from snnhub.api.lower import choose_exporter, ensure_known_programs, passes_for
from snnhub.api.options import ImportOptions
from snnhub.api.request import RunRequest
from snnhub.api.robustness import certificate, robust_findings
from snnhub.compare.align import spike_keys
from snnhub.compare.decide import Decisions, decide
from snnhub.compare.verdict import spike_counts
from snnhub.engine.reference import check
from snnhub.engine.robust.certificate import Robustness
from snnhub.engine.stimulus import Stimulus, read_stimulus
from snnhub.errors import UnsupportedError, UsageError
from snnhub.files import check_writable
from snnhub.findings import Finding, info, ordered
from snnhub.hub.catalogue import find, require
from snnhub.hub.loader import load
from snnhub.hub.objects import Runner
from snnhub.ir.graph import Graph
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import Array
from snnhub.ir.timing import lag_to_output
from snnhub.ir.verify import verify
from snnhub.ops.registry import REGISTRY
from snnhub.passes.base import PassContext, run_passes

OUTPUTS, ALL = "outputs", "all"
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class RunResult:
    """A recording with how the input was read and what a person wants to know at once."""

    source: str
    runner: str
    reading: str
    recording: Recording
    spikes: Mapping[str, int]
    decisions: Decisions | None
    output: Path | None
    findings: tuple[Finding, ...]
    robust: Robustness | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "runner": self.runner,
            "input": self.reading,
            "steps": self.recording.steps,
            "batched": self.recording.batched,
            "recorded": {key: [str(array.dtype), list(array.shape)] for key, array in self.recording.items()},
            "spikes": dict(self.spikes),
            "decisions": None if self.decisions is None else [int(d) for d in self.decisions.winners],
            "ties": None if self.decisions is None else self.decisions.ties,
            "output": None if self.output is None else str(self.output),
            "robust": None if self.robust is None else self.robust.to_json(),
            "findings": [finding.to_json() for finding in self.findings],
        }


def run(
    source: Any,
    stimulus: Array,
    *,
    runner: str = "engine",
    record: str | Iterable[str] = OUTPUTS,
    output: str | Path | None = None,
    from_: str | None = None,
    options: ImportOptions | None = None,
    runner_options: Mapping[str, str] | None = None,
    steps: int | None = None,
    progress: Progress | None = None,
    robust: bool = False,
) -> RunResult:
    """Run ``source`` over ``stimulus`` (time, batch, features…) or (time, features…).

    ``steps``: how long to run; beyond the stimulus, the input is zero. ``robust``: also tell whether every order
    of float sums gives the same spikes (``docs/order-robust.md``), whatever ``runner`` is.

    ``record``: ``outputs`` (with what the decoder reads), ``all``, or record keys. Options that both importer and
    runner know (such as ``reset_interval``) go to both. Raises ``UsageError`` for input, keys or options that do
    not fit.
    """
    if output is not None:
        check_writable(Path(output))
    chosen = find(load().runners, runner, "runner")
    require(chosen)
    given = dict(runner_options or {})
    options = options or ImportOptions()
    for_import, for_runner = split_options(source, from_, chosen, given)
    loaded = load_graph(
        source, importer=from_, options=replace(options, given={**options.given, **for_import}), stimulus=stimulus
    )
    prepared = read_stimulus(stimulus, loaded.graph.inputs[0])
    read = loaded.graph.decoder.quantity if loaded.graph.decoder is not None else "output"
    keys = tuple(dict.fromkeys((*record_keys(record), *([read] if record == OUTPUTS else []))))
    recording = run_loaded(loaded, chosen, prepared, keys, for_runner, steps=steps, progress=progress)
    if output is not None:
        from snnhub_formats.recording import save_recording

        save_recording(recording, Path(output))
    spiking = spike_keys(loaded.graph)
    spikes = {key: int(spike_counts(array).sum()) for key, array in recording.items() if key in spiking}
    decisions = decide(recording.with_batch(read), loaded.graph.decoder) if read in recording else None
    late = _late(loaded.graph, recording.steps - prepared.values.shape[0])
    odd = (finding for finding in verify(loaded.graph, REGISTRY) if finding.code == "SNN-1014")
    order = certificate(loaded, prepared, steps) if robust else None
    told = [] if order is None else robust_findings(loaded.graph, None, order, None)
    findings = ordered((*loaded.graph.findings, *odd, *prepared.findings, *recording.findings, *late, *told))
    return RunResult(
        loaded.source.name,
        chosen.name,
        prepared.reading,
        recording,
        spikes,
        decisions,
        Path(output) if output is not None else None,
        findings,
        order,
    )


def _late(graph: Graph, spare: int) -> list[Finding]:
    """A word on outputs that come later than the run: the end of the input has not reached them."""
    lag = lag_to_output(graph, REGISTRY)
    if lag <= spare:
        return []
    words = f"outputs are {lag} step{'s' if lag > 1 else ''} behind the input, whose end has not reached them"
    return [info("SNN-5007", "output", words, remedy=f"Run {lag} steps longer: --steps.")]


def record_keys(record: str | Iterable[str]) -> tuple[str, ...]:
    """Record keys for ``outputs``, ``all`` (``*``), one key, or several."""
    if isinstance(record, str):
        return {OUTPUTS: ("output",), ALL: ("*",)}.get(record, (record,))
    return tuple(record)


def split_options(
    source: Any, from_: str | None, runner: Runner, given: Mapping[str, str], *others: Runner
) -> tuple[dict[str, str], dict[str, str]]:
    """Options by who knows them: importer, runner, or both. Raises ``UsageError`` for one that neither they nor
    ``others`` know.
    """
    from snnhub.api.source import resolve

    importer = resolve(source, from_).importer
    by_importer = {option.name for option in importer.options}
    by_runner = {option.name for option in runner.options}
    known = by_importer | by_runner | {option.name for other in others for option in other.options}
    unknown = [name for name in given if name not in known]
    if unknown:
        raise UsageError(
            "unknown option",
            found=", ".join(unknown),
            allowed=", ".join(sorted(known)) or "none for this source and runner",
        )
    return (
        {name: value for name, value in given.items() if name in by_importer},
        {name: value for name, value in given.items() if name in by_runner},
    )


def run_loaded(
    loaded: Loaded,
    runner: Runner,
    stimulus: Stimulus,
    record: tuple[str, ...],
    options: Mapping[str, str],
    *,
    steps: int | None = None,
    progress: Progress | None = None,
) -> Recording:
    """Run a loaded network. A runner of another format gets the network exported to a temporary file.

    Raises ``UnsupportedError`` if the runner cannot run this network, ``UsageError`` for an option that it does
    not have, ``GraphError`` or ``FormatError`` for a broken network, which no runner gets to see.
    """
    known = [option.name for option in runner.options]
    if unknown := [name for name in options if name not in known]:
        raise UsageError(
            f"runner {runner.name} has no such option",
            found=", ".join(unknown),
            allowed=", ".join(sorted(known)) or "none",
        )
    check(loaded.graph, loaded.options.lookup)
    source: Any = loaded.source.value
    request = RunRequest(loaded.graph, stimulus, record, source, loaded.options, options, steps, progress)
    entry = runner.resolve()
    if runner.takes in ("graph", loaded.source.importer.name):
        recording: Recording = entry(request)
        return recording
    if runner.takes not in load().exporters:
        raise UnsupportedError(
            f"runner {runner.name} runs {runner.takes} networks",
            found=loaded.source.importer.name,
            remedy=f"Give the {runner.takes} network itself.",
        )
    with tempfile.TemporaryDirectory(prefix="snnhub-run-") as folder:
        exporter = choose_exporter(None, runner.takes)
        path = Path(folder) / f"network{exporter.formats[0]}"
        ensure_known_programs(loaded.graph)
        own = passes_for(replace(exporter, target=""))
        graph = run_passes(loaded.graph, own, PassContext())
        if graph.network() != loaded.graph.network():
            raise UnsupportedError(
                f"runner {runner.name} needs the network as {runner.takes} arranges it",
                remedy=f"Convert it with --to {runner.takes} and run the result.",
            )
        exporter.write(graph, path)
        return entry(replace(request, source=path))  # type: ignore[no-any-return]
