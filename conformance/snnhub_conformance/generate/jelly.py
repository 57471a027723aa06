"""``importer.spikingjelly``: networks as SpikingJelly itself runs them, and what its importer must refuse.

Needs torch and SpikingJelly. A network becomes a case only if the engine finds every spike that they found.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import snnhub
from snnhub.api.options import ImportOptions
from snnhub.compare.align import spike_keys
from snnhub.engine.reference import prepare
from snnhub.errors import UnsupportedError
from snnhub.ir.digest import network_digest
from snnhub.ir.graph import Graph
from snnhub.ir.tensor import Array

from snnhub_conformance.generate.entry import Answer, Family, Refusal
from snnhub_conformance.generate.jelly_sources import FORWARDS, LAYERS, NEURONS, REFUSED, Source
from snnhub_conformance.generate.write import Writer, file, runner_case

FAMILY, FILE, STEPS, SAMPLES = "importer.spikingjelly", "network.py", 12, 2
RULE = {"kind": "rule", "ref": "plugins/snnhub_spikingjelly, docs/findings.md"}


def add(writer: Writer) -> None:
    """Runner cases, importer cases of the same sources, refusals."""
    family = Family(writer, FAMILY, "importer", ("importer", "spikingjelly"), RULE)
    for title, source in {**NEURONS, **LAYERS, **FORWARDS}.items():
        text = source.text(title).encode()
        graph = _run(writer, title, source, text)
        about = "Imported, it is the network that the runner case of the same name runs."
        answer = Answer(None, ("SNN-3001", *source.findings), network_digest(graph))
        family.add(f"import: {title}", about, {"factory": (FILE, text)}, answer, options=_shape(source))
    for title, source in REFUSED.items():
        about = "What the neutral graph does not hold is refused where it stands."
        wanted = Refusal(UnsupportedError, *source.refused)
        files = {"factory": (FILE, source.text(title).encode())}
        family.add(f"refused: {title}", about, files, wanted, options=_shape(source), landmine=source.landmine)


def _shape(source: Source) -> dict[str, str]:
    return {"input_shape": ",".join(str(size) for size in source.shape)}


def stimulus(shape: tuple[int, ...]) -> Array:
    """0 and 1 by a formula: (time, batch, features…)."""
    size = STEPS * SAMPLES * int(np.prod(shape))
    values: Array = (np.arange(size) ** 2 % 11 % 3 != 1).astype(np.float32)
    return values.reshape(STEPS, SAMPLES, *shape)


def _run(writer: Writer, title: str, source: Source, text: bytes) -> Graph:
    """Record SpikingJelly, compare the engine, add the case. Raises ``ValueError`` where they differ."""
    x = stimulus(source.shape)
    options = ImportOptions(input_shape=source.shape)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILE
        path.write_bytes(text)
        reference = f"{path}:network"
        graph = snnhub.import_model(reference, "spikingjelly", source.shape)
        keys = sorted(key for key in spike_keys(graph) if "/" in key)
        found = snnhub.run(reference, x, runner="spikingjelly", record=keys, options=options).recording
    ours, _ = prepare(graph).run(x, record=keys)
    spikes = {key: np.asarray(found[key]).astype(np.uint8) for key in keys}
    for key in keys:
        if (spikes[key] != ours[key]).any():
            raise ValueError(f"{title}: {key} differs from SpikingJelly")
        if not 0 < spikes[key].mean() < 1:
            raise ValueError(f"{title}: {key} says nothing: {spikes[key].mean()}")
    graph = replace(graph, findings=(), provenance=type(graph.provenance)())
    peer = {
        "kind": "peer",
        "peer": "spikingjelly",
        "version": version("spikingjelly"),
        "ref": f"torch {version('torch')}",
    }
    case, files = runner_case(
        FAMILY, title, "As SpikingJelly ran it; every sum of currents is exact in any order.", graph,
        {graph.inputs[0].id: x.astype(np.uint8)}, spikes,
        level="R3", rung="spikes", batched=True, source=peer, landmine=source.landmine,
    )  # fmt: skip
    del files["model.json"]
    subject = {"snn": case.subject["snn"], "factory": file(FILE, text)}
    writer.add(replace(case, subject=subject), {**files, FILE: text})
    return graph
