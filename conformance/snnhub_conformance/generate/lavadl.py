"""``importer.lava-dl``: networks as slayer itself runs them, word for word, and what its importer must refuse.

Needs the environment of Lava. A network becomes a case only if the engine finds every word that slayer found.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from snnhub.api.options import ImportOptions
from snnhub.api.remote import import_with, open_worker, run_with
from snnhub.api.request import RunRequest
from snnhub.compare.align import spike_keys
from snnhub.compare.verdict import differing
from snnhub.engine.reference import prepare
from snnhub.engine.stimulus import read_stimulus
from snnhub.errors import UnsupportedError
from snnhub.ir.digest import network_digest
from snnhub.ir.graph import Graph, Provenance
from snnhub.ir.tensor import Array
from snnhub.peers.protocol import Worker

from snnhub_conformance.execute import unreported
from snnhub_conformance.generate.entry import Answer, Family, Refusal
from snnhub_conformance.generate.lavadl_nets import BLOCKS, IMPORTED, NEURONS, REFUSED
from snnhub_conformance.generate.lavadl_sources import Source
from snnhub_conformance.generate.write import Writer, file, runner_case

FAMILY, FILE, STEPS, SAMPLES, ENVIRONMENT = "importer.lava-dl", "network.py", 20, 2, "lava"
IMPORT, RUN = "snnhub_lavadl.importer:import_here", "snnhub_lavadl.runner:run_here"
RULE = {"kind": "rule", "ref": "plugins/snnhub_lavadl, docs/findings.md"}


def add(writer: Writer) -> None:
    """Runner cases, importer cases of the same sources, refusals."""
    family = Family(writer, FAMILY, "importer", ("importer", "lava-dl"), RULE)
    with open_worker(ENVIRONMENT) as worker:
        for title, source in {**BLOCKS, **NEURONS}.items():
            graph = _run(writer, worker, title, source)
            _imported(family, title, source, graph, "Imported, it is what the runner case of the same name runs.")
        for title, source in IMPORTED.items():
            with _written(source.text(title)) as reference:
                graph = import_with(worker, IMPORT, reference, ImportOptions(input_shape=source.shape))
            _ensure_said(title, source, graph)
            about = "Imported and not run: torch adds in an order of its own, the last bits are not claimed."
            _imported(family, title, source, graph, about)
    for title, source in REFUSED.items():
        about = "What the neutral graph does not hold is refused where it stands."
        wanted = Refusal(UnsupportedError, *source.refused, also=source.findings)
        files = {"factory": (FILE, source.text(title).encode())}
        family.add(f"refused: {title}", about, files, wanted, options=_options(source), landmine=source.landmine)


def _imported(family: Family, title: str, source: Source, graph: Graph, about: str) -> None:
    answer = Answer(None, ("SNN-3001", *source.findings), network_digest(graph))
    files = {"factory": (FILE, source.text(title).encode())}
    family.add(f"import: {title}", about, files, answer, options=_options(source))


@contextmanager
def _written(text: str) -> Iterator[str]:
    """The reference of the factory in a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILE
        path.write_text(text)
        yield f"{path}:network"


def _options(source: Source) -> dict[str, str]:
    return {"input_shape": ",".join(str(size) for size in source.shape), **source.options}


def stimulus(source: Source) -> Array:
    """0 and 1 by a formula, or eighths from -3/8 on: (time, batch, features…)."""
    size = STEPS * SAMPLES * int(np.prod(source.shape))
    values = np.arange(size) ** 2 % 11
    wave: Array = (values - 3) / 8 if source.analog else values % 3 != 1
    return wave.astype(np.float32).reshape(STEPS, SAMPLES, *source.shape)


def _run(writer: Writer, worker: Worker, title: str, source: Source) -> Graph:
    """Record slayer, compare the engine, add the case. Raises ``ValueError`` where they differ."""
    x = stimulus(source)
    text = source.text(title)
    options = ImportOptions(input_shape=source.shape)
    with _written(text) as reference:
        graph = import_with(worker, IMPORT, reference, options)
        request = RunRequest(graph, read_stimulus(x, graph.inputs[0]), ("*",), reference, options)
        found = run_with(worker, RUN, request)
    words = {key: np.asarray(found[key]) for key in sorted(found)}
    _ensure_said(title, source, graph)
    _ensure_equal(title, graph, x, words)
    version = next(node.origin.version for node in graph.nodes if node.origin.version)
    graph = replace(graph, name=title, findings=(), provenance=Provenance())  # no path of this run
    peer = {"kind": "peer", "peer": "lava-dl", "version": version}
    case, files = runner_case(
        FAMILY, title, "As slayer ran it, every word; every sum is exact in any order.", graph,
        {graph.inputs[0].id: x if source.analog else x.astype(np.uint8)}, words,
        batched=True, source=peer, landmine=source.landmine,
    )  # fmt: skip
    del files["model.json"]
    subject = {"snn": case.subject["snn"], "factory": file(FILE, text.encode())}
    writer.add(replace(case, subject=subject), {**files, FILE: text.encode()})
    return graph


def _ensure_said(title: str, source: Source, graph: Graph) -> None:
    if missing := unreported(source.findings, graph.findings):
        raise ValueError(f"{title}: not said: {', '.join(missing)}")


def _ensure_equal(title: str, graph: Graph, x: Array, words: dict[str, Array]) -> None:
    """Equal in every word, and every layer says something."""
    ours, _ = prepare(graph).run(x, record=list(words))
    for key, array in words.items():
        if different := int(differing(ours[key], array).sum()):
            raise ValueError(f"{title}: {key} differs from slayer in {different} words")
        if (key in spike_keys(graph) or key == "output") and len(np.unique(array)) < 2:
            raise ValueError(f"{title}: {key} says nothing: {np.unique(array)}")
