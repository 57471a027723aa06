"""Importer families whose networks ran in the framework itself: the case of a run, that of its import, refusals.

A network becomes a case only if the engine finds every spike that the framework found.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

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
from snnhub_conformance.generate.write import Writer, file, runner_case

FILE = "network.py"


class Source(Protocol):
    """A network as text. ``stored``: whether its numbers are the same on every machine; ``findings``: what its
    import says; ``refused``: code and place of the refusal, for those that are.
    """

    @property
    def findings(self) -> tuple[str, ...]: ...
    @property
    def refused(self) -> tuple[str, str]: ...
    @property
    def stored(self) -> bool: ...
    def text(self, title: str) -> str: ...


@dataclass(frozen=True)
class Live:
    """A framework with an importer and a runner. ``stimulus``: (time, batch, inputs…), integers 0 to 255 as f32.

    ``ran``, ``imported``, ``unstored``: what the cases say of the run, of an import with a known result, and of
    one without. ``exact``: options under which an import is the same on every machine. ``shape``: of the input,
    where the importer must be told.
    """

    importer: str
    runner: str
    package: str
    stimulus: Array
    ran: str
    imported: str
    unstored: str
    exact: Mapping[str, Any] = field(default_factory=dict)
    shape: tuple[int, ...] | None = None

    def add(self, writer: Writer, networks: Mapping[str, Source], refused: Mapping[str, Source]) -> None:
        """Runner cases, importer cases of the same sources, refusals."""
        name = f"importer.{self.importer}"
        rule = {"kind": "rule", "ref": f"plugins/snnhub_{self.importer}, docs/findings.md"}
        family = Family(writer, name, "importer", ("importer", self.importer), rule)
        for title, source in networks.items():
            text = source.text(title).encode()
            digest = self._run(writer, name, title, text)
            known = digest if source.stored else ""
            answer = Answer(None, ("SNN-3001", *source.findings), known)
            about = self.imported if known else self.unstored
            family.add(f"import: {title}", about, {"factory": (FILE, text)}, answer, options=self._options)
        for title, source in refused.items():
            about = "What the neutral graph does not hold is refused where it stands."
            wanted = Refusal(UnsupportedError, *source.refused)
            files = {"factory": (FILE, source.text(title).encode())}
            family.add(f"refused: {title}", about, files, wanted, options=self._options)

    @property
    def _options(self) -> dict[str, str]:
        told = {} if self.shape is None else {"input_shape": ",".join(str(size) for size in self.shape)}
        return {**self.exact, **told}

    def _run(self, writer: Writer, family: str, title: str, text: bytes) -> str:
        """Record the framework, compare the engine, add the case; the digest of the network with exact options.

        Raises ``ValueError`` where they differ.
        """
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / FILE
            path.write_bytes(text)
            graph = snnhub.import_model(f"{path}:network", self.importer, input_shape=self.shape)
            exact = snnhub.import_model(f"{path}:network", self.importer, **self.exact) if self.exact else graph
            spikes = self._spikes(f"{path}:network", title, graph)
        version = self._version(graph)
        graph = replace(graph, name=title, findings=(), provenance=type(graph.provenance)())  # no path of this run
        case, files = runner_case(
            family, title, self.ran, graph, {graph.inputs[0].id: self.stimulus.astype(np.uint8)}, spikes,
            level="R3", rung="spikes", batched=True,
            source={"kind": "peer", "peer": self.package, "version": version},
        )  # fmt: skip
        del files["model.json"]
        subject = {"snn": case.subject["snn"], "factory": file(FILE, text)}
        writer.add(replace(case, subject=subject), {**files, FILE: text})
        return network_digest(exact)

    def _version(self, graph: Graph) -> str:
        """Of the framework: beside a node, or in the words of the stage that imported it."""
        beside = [node.origin.version for node in graph.nodes if node.origin.version]
        told = re.search(rf"{self.package} ([\w.+]+)", graph.provenance.stages[0].version)
        return beside[0] if beside else told[1] if told else ""

    def _spikes(self, reference: str, title: str, graph: Graph) -> dict[str, Array]:
        """Spikes of all neurons. Raises ``ValueError`` where the engine's differ, or say nothing."""
        keys = sorted(key for key in spike_keys(graph) if "/" in key)
        found = snnhub.run(
            reference,
            self.stimulus,
            runner=self.runner,
            from_=self.importer,
            record=keys,
            options=ImportOptions(input_shape=self.shape),
        ).recording
        ours, _ = prepare(graph).run(self.stimulus, record=keys)
        spikes = {key: np.asarray(found[key]) for key in keys}
        for key in keys:
            if (spikes[key] != ours[key]).any():
                raise ValueError(f"{title}: {key} differs from {self.runner}")
            if not 0 < spikes[key].mean() < spikes[key].max():
                raise ValueError(f"{title}: {key} says nothing: {spikes[key].mean()}")
        return spikes
