"""``importer.rockpool``: networks as Rockpool itself runs them, and what its importer must refuse.

Needs Rockpool's environment. A network becomes a case only if the engine finds every spike that Rockpool found.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import snnhub
from snnhub.compare.align import spike_keys
from snnhub.engine.reference import prepare
from snnhub.errors import UnsupportedError
from snnhub.ir.digest import network_digest
from snnhub.ir.graph import Graph
from snnhub.ir.tensor import Array

from snnhub_conformance.generate.entry import Answer, Family, Refusal
from snnhub_conformance.generate.rockpool_sources import NETWORKS, REFUSED, Source
from snnhub_conformance.generate.write import Writer, file, runner_case

FAMILY, FILE, STEPS, SAMPLES, INPUTS = "importer.rockpool", "network.py", 20, 2, 4
RULE = {"kind": "rule", "ref": "plugins/snnhub_rockpool, docs/findings.md"}


def add(writer: Writer) -> None:
    """Runner cases, importer cases of the same sources, refusals."""
    family = Family(writer, FAMILY, "importer", ("importer", "rockpool"), RULE)
    for title, source in NETWORKS.items():
        text = source.text(title).encode()
        graph = _run(writer, title, source, text)
        digest = network_digest(graph) if source.stored else ""
        about = "Imported, it is the network that the runner case of the same name runs."
        if not digest:
            about = "Imported; its decays may end in another bit on another machine, so no network is expected."
        answer = Answer(None, ("SNN-3001", *source.findings), digest)
        family.add(f"import: {title}", about, {"factory": (FILE, text)}, answer)
    for title, source in REFUSED.items():
        about = "What the neutral graph does not hold is refused where it stands."
        wanted = Refusal(UnsupportedError, *source.refused)
        family.add(f"refused: {title}", about, {"factory": (FILE, source.text(title).encode())}, wanted)


def stimulus() -> Array:
    """0 to 3 by a formula: (time, batch, inputs)."""
    size = STEPS * SAMPLES * INPUTS
    values: Array = (np.arange(size) ** 2 % 11 % 4).astype(np.float32)
    return values.reshape(STEPS, SAMPLES, INPUTS)


def _run(writer: Writer, title: str, source: Source, text: bytes) -> Graph:
    """Record Rockpool, compare the engine, add the case. Raises ``ValueError`` where they differ."""
    x = stimulus()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILE
        path.write_bytes(text)
        graph = snnhub.import_model(f"{path}:network", "rockpool")
        keys = sorted(key for key in spike_keys(graph) if "/" in key)
        found = snnhub.run(f"{path}:network", x, runner="rockpool", from_="rockpool", record=keys).recording
    ours, _ = prepare(graph).run(x, record=keys)
    spikes = {key: np.asarray(found[key]) for key in keys}
    for key in keys:
        if (spikes[key] != ours[key]).any():
            raise ValueError(f"{title}: {key} differs from Rockpool")
        if not 0 < spikes[key].mean() < spikes[key].max():
            raise ValueError(f"{title}: {key} says nothing: {spikes[key].mean()}")
    version = next(node.origin.version for node in graph.nodes if node.origin.version)
    graph = replace(graph, name=title, findings=(), provenance=type(graph.provenance)())  # no path of this run
    peer = {"kind": "peer", "peer": "rockpool", "version": version}
    case, files = runner_case(
        FAMILY, title, "As Rockpool ran it; every sum of currents is exact in any order.", graph,
        {graph.inputs[0].id: x.astype(np.uint8)}, spikes,
        level="R3", rung="spikes", batched=True, source=peer,
    )  # fmt: skip
    del files["model.json"]
    subject = {"snn": case.subject["snn"], "factory": file(FILE, text)}
    writer.add(replace(case, subject=subject), {**files, FILE: text})
    return graph
