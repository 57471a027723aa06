"""Workers in any language that take a graph as a file and run it. ``docs/worker-protocol.md`` specifies them.

``GraphWorker`` sends the graph in the form that the worker reads, brings the recording back, and says
beforehand what the worker's declared capabilities leave out.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from snnhub_formats import container, graph_json
from snnhub_formats.recording import load_array

from snnhub.engine.reference import prepare
from snnhub.engine.stimulus import Stimulus, read_stimulus
from snnhub.errors import FormatError, RunError, UnsupportedError, UsageError
from snnhub.findings import Finding
from snnhub.ir.graph import Graph
from snnhub.ir.op import OpLookup
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY
from snnhub.peers.capabilities import Capabilities
from snnhub.peers.protocol import Progress, Worker

WRITERS = {"graph-json/1": (graph_json.save, ".json"), "snn/1": (container.save, ".snn")}
"""Forms of a graph that can be sent."""


class GraphWorker:
    """A running worker. Use as a context manager. ``command``: how it is started, arguments as a list.

    Raises ``MissingPeerError`` if it does not start or speaks another protocol.
    """

    def __init__(self, command: Sequence[str], name: str = "worker", lookup: OpLookup = REGISTRY) -> None:
        self._worker = Worker(name, command)
        self._lookup = lookup
        self._capabilities: Capabilities | None = None

    def __enter__(self) -> GraphWorker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the worker."""
        self._worker.close()

    @property
    def identity(self) -> dict[str, Any]:
        """What the worker said of itself: ``name``, and ``environment``: versions by package."""
        return self._worker.identity

    def capabilities(self) -> Capabilities:
        """What the worker declares. Asked once. Raises ``RunError`` if the answer is not a declaration."""
        if self._capabilities is None:
            self._capabilities = Capabilities.read(self._worker.call("capabilities", {}), self._worker.name)
        return self._capabilities

    def missing(self, graph: Graph) -> tuple[Finding, ...]:
        """An error for everything in the graph that the worker does not declare to run."""
        return self.capabilities().missing(graph, self._lookup)

    def run(
        self,
        graph: Graph,
        stimulus: Array,
        record: Sequence[str] = ("output",),
        steps: int | None = None,
        *,
        progress: Progress | None = None,
    ) -> Recording:
        """Run the graph over ``stimulus`` (time, batch, features…) or (time, features…) and record the keys.

        The graph is sent whatever the worker declares: refusing is its own duty. Integers come back in the
        dtypes of the engine where they fit; a value beyond its type stays as it is, for comparisons to find.
        Raises ``UnsupportedError`` if the worker refuses, ``UsageError`` for input that does not fit and
        unknown keys, ``RunError`` if the worker fails or its answer is not what was asked for.
        """
        if len(graph.inputs) != 1:
            raise UsageError("a worker is given one input", found=", ".join(graph.input), allowed="one input")
        shapes = prepare(graph, self._lookup).record_shapes(tuple(record))
        given = read_stimulus(stimulus, graph.inputs[0])
        length = steps if steps is not None else given.values.shape[0]
        with tempfile.TemporaryDirectory(dir=self._worker.folder) as made:
            folder = Path(made)
            model = self._send(graph, folder)
            parts = self._parts(given, model, folder, list(record), length, progress)
            samples = given.values.shape[1]
            arrays = {key: self._checked(key, parts, shapes[key], (length, samples)) for key in record}
        if not given.batched:
            arrays = {key: array[:, 0] for key, array in arrays.items()}
        return Recording(arrays, given.batched, self._worker.name, given.findings)

    def attempt(self, model: Path, stimulus: Array, record: Sequence[str], steps: int) -> None:
        """Let the worker run a model file as it is, whatever is wrong with it, and throw the answer away.

        Raises what the worker reports. ``stimulus``: (time, features…) or (time, batch, features…), not checked.
        """
        with tempfile.TemporaryDirectory(dir=self._worker.folder) as made:
            folder = Path(made)
            np.save(folder / "input.npy", np.ascontiguousarray(stimulus), allow_pickle=False)
            params = {
                "model": str(model.resolve()),
                "input": str(folder / "input.npy"),
                "batched": False,
                "record": list(record),
                "steps": steps,
                "folder": str(folder),
                "options": {},
            }
            self._worker.call("run", params)

    def _send(self, graph: Graph, folder: Path) -> Path:
        models = self.capabilities().models
        form = next((model for model in models if model in WRITERS), None)
        if form is None:
            raise UnsupportedError(
                "the worker reads no form of a graph that can be sent",
                where=self._worker.name,
                found=", ".join(models) or "none",
                allowed=", ".join(WRITERS),
            )
        write, suffix = WRITERS[form]
        path = folder / f"model{suffix}"
        write(graph, path)
        return path

    def _parts(
        self, given: Stimulus, model: Path, folder: Path, record: list[str], length: int, progress: Progress | None
    ) -> list[dict[str, Array]]:
        """Answers by record key, (time, samples, features…): one, or one per sample without batches."""
        samples = given.values.shape[1]
        batched = given.batched and self.capabilities().batch
        groups = [slice(0, samples)] if batched or samples == 1 else [slice(n, n + 1) for n in range(samples)]
        parts = []
        for number, group in enumerate(groups):
            values = given.values[:, group] if batched else given.values[:, group.start]
            here = folder / str(number)
            here.mkdir()
            np.save(here / "input.npy", np.ascontiguousarray(values), allow_pickle=False)
            params = {
                "model": str(model),
                "input": str(here / "input.npy"),
                "batched": batched,
                "record": record,
                "steps": length,
                "folder": str(here),
                "options": {},
            }
            answer = self._worker.call("run", params, progress=progress)
            parts.append(self._answered(answer, record, batched))
        return parts

    def _answered(self, answer: dict[str, Any], record: list[str], batched: bool) -> dict[str, Array]:
        paths = answer.get("arrays")
        if not isinstance(paths, dict) or set(paths) != set(record):
            found = ", ".join(paths) if isinstance(paths, dict) else str(paths)[:80]
            raise RunError("the worker did not record what was asked for", where=self._worker.name, found=found)
        arrays = {}
        for key, path in paths.items():
            try:
                array = np.array(load_array(Path(path)))
            except (FormatError, UsageError, TypeError) as problem:
                where = f"{self._worker.name}: {key}"
                raise RunError("the worker left no array", where=where, found=str(problem)) from None
            arrays[key] = array if batched else array[:, None] if array.ndim else array
        return arrays

    def _checked(
        self,
        key: str,
        parts: list[dict[str, Array]],
        wanted: tuple[tuple[int, ...], np.dtype[Any]],
        axes: tuple[int, int],
    ) -> Array:
        """The parts as one array (time, samples, features…), integers in their dtype."""
        shape, dtype = wanted
        expected = (axes[0], axes[1] if len(parts) == 1 else 1, *shape)
        for part in parts:
            found = part[key]
            if found.shape != expected or found.dtype.kind not in "biuf":
                raise RunError(
                    "the worker's array has another form",
                    where=f"{self._worker.name}: {key}",
                    found=f"{list(found.shape)} {found.dtype}",
                    allowed=str(list(expected)),
                )
        whole = np.concatenate([part[key] for part in parts], axis=1)
        exact = dtype.kind in "iu" and whole.dtype.kind in "biu"
        return whole.astype(dtype) if exact and np.array_equal(whole.astype(dtype), whole) else whole
