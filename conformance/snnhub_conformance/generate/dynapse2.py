"""``importer.dynapse2``: networks as Rockpool's DynapSim itself runs them, and what its importer must refuse.

Needs the environment dynapse2. A network becomes a case only if the engine finds every spike that DynapSim found.
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
from snnhub.ir.tensor import Array

from snnhub_conformance.generate.dynapse2_sources import NETWORKS, REFUSED, Source
from snnhub_conformance.generate.entry import Answer, Family, Refusal
from snnhub_conformance.generate.write import Writer, file, runner_case

FAMILY, FILE, STEPS, SAMPLES, INPUTS = "importer.dynapse2", "network.py", 60, 2, 4
RULE = {"kind": "rule", "ref": "plugins/snnhub_dynapse2, docs/findings.md"}
EXACT = {"factors": "exact"}


def add(writer: Writer) -> None:
    """Runner cases, importer cases of the same sources, refusals."""
    family = Family(writer, FAMILY, "importer", ("importer", "dynapse2"), RULE)
    for title, source in NETWORKS.items():
        text = source.text(title).encode()
        digest = _run(writer, title, source, text)
        about = "Imported with factors=exact, every number of it is the same on every machine."
        if not digest:
            about = "Imported; its draws may end in another bit on another machine, so no network is expected."
        answer = Answer(None, ("SNN-3001", *source.findings), digest)
        family.add(f"import: {title}", about, {"factory": (FILE, text)}, answer, options=EXACT)
    for title, source in REFUSED.items():
        about = "What the neutral graph does not hold is refused where it stands."
        wanted = Refusal(UnsupportedError, *source.refused)
        family.add(f"refused: {title}", about, {"factory": (FILE, source.text(title).encode())}, wanted)


def stimulus() -> Array:
    """0 to 2 by a formula: (time, batch, inputs)."""
    size = STEPS * SAMPLES * INPUTS
    values: Array = np.maximum((np.arange(size) ** 2 + np.arange(size) // 3) % 13 - 10, 0).astype(np.float32)
    return values.reshape(STEPS, SAMPLES, INPUTS)


def _run(writer: Writer, title: str, source: Source, text: bytes) -> str:
    """Record DynapSim, compare the engine, add the case; the digest of the network with exact factors, or nothing.

    Raises ``ValueError`` where they differ.
    """
    x = stimulus()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILE
        path.write_bytes(text)
        graph = snnhub.import_model(f"{path}:network", "dynapse2")
        exact = snnhub.import_model(f"{path}:network", "dynapse2", factors=EXACT["factors"])
        keys = sorted(key for key in spike_keys(graph) if "/" in key)
        found = snnhub.run(f"{path}:network", x, runner="dynapsim", from_="dynapse2", record=keys).recording
    ours, _ = prepare(graph).run(x, record=keys)
    spikes = {key: np.asarray(found[key]) for key in keys}
    for key in keys:
        if (spikes[key] != ours[key]).any():
            raise ValueError(f"{title}: {key} differs from DynapSim")
        if not 0 < spikes[key].mean() < spikes[key].max():
            raise ValueError(f"{title}: {key} says nothing: {spikes[key].mean()}")
    version = next(node.origin.version for node in graph.nodes if node.origin.version)
    graph = replace(graph, name=title, findings=(), provenance=type(graph.provenance)())  # no path of this run
    case, files = runner_case(
        FAMILY, title, "As DynapSim ran it, with the factors that Rockpool computed.", graph,
        {graph.inputs[0].id: x.astype(np.uint8)}, spikes,
        level="R3", rung="spikes", batched=True, source={"kind": "peer", "peer": "rockpool", "version": version},
    )  # fmt: skip
    del files["model.json"]
    subject = {"snn": case.subject["snn"], "factory": file(FILE, text)}
    writer.add(replace(case, subject=subject), {**files, FILE: text})
    return network_digest(exact) if source.stored else ""
