"""The exporter: snnTorch code with a factory, and beside it the numbers as a state dict of torch."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from snnhub.errors import UnsupportedError, UsageError
from snnhub.files import replacing
from snnhub.findings import Finding, Severity, info, note
from snnhub.ir.graph import Graph

from snnhub_snntorch.code import Code, Coder
from snnhub_snntorch.elsewhere import FACTORY, PLACE

WRITTEN, LEFT = "SNN-4521", "SNN-4522"
SUFFIX = ".py"
WORKER = "snnhub_snntorch.states:main"


def export_snntorch(graph: Graph, path: Path) -> Sequence[Finding]:
    """Write ``path`` (``.py``) with the factory ``net``, and the state dict beside it (``.pt``).

    Raises ``UnsupportedError`` with everything that snnTorch has no form for, ``UsageError`` for another suffix,
    and ``MissingPeerError`` where neither this interpreter nor an environment has snnTorch.
    """
    if path.suffix != SUFFIX:
        raise UsageError("snnTorch code is a Python file", where=str(path), allowed=SUFFIX)
    weights = path.with_suffix(".pt")
    code = Coder(graph).code(weights.name, FACTORY)
    refuse(code.found)
    state = saved(code)
    for place, content in ((weights, state), (path, code.text.encode())):
        with replacing(place) as file:
            file.write(content)
    words = f"snnTorch code with the factory {FACTORY}, and its numbers in {weights.name}"
    found = [info(WRITTEN, f"{path.name}:{FACTORY}", words)]
    if graph.dt is not None:
        left = "the length of a step is no part of snnTorch's code"
        found.append(note(LEFT, graph.name or "network", left, old=f"dt = {graph.dt:g} s"))
    return found


def refuse(found: Sequence[Finding]) -> None:
    """Raise ``UnsupportedError`` with all errors of ``found``, if there are any."""
    errors = [item for item in found if item.severity is Severity.ERROR]
    if errors:
        count, first = len(errors), errors[0]
        words = f"snnTorch's code does not say {count} thing{'s' if count > 1 else ''}: {first.message}"
        raise UnsupportedError(words, where=first.place, remedy=first.remedy, findings=errors)


def saved(code: Code) -> bytes:
    """The state dict of the written network, made by torch: here, or in the environment."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "network.py").write_text(code.text)
        np.savez(place / "state.npz", allow_pickle=False, **code.state)
        np.savez(place / "checks.npz", allow_pickle=False, **code.checks)
        answer = _built(place)
        if problem := answer.get("problem"):
            raise UnsupportedError(str(problem), where="snnTorch")
        return (place / "state.pt").read_bytes()


def _built(place: Path) -> Mapping[str, Any]:
    from importlib.util import find_spec

    if find_spec("snntorch") is not None and find_spec("torch") is not None:
        from snnhub_snntorch.states import built

        return built({"folder": str(place)}, lambda *_: None)
    from snnhub.hub.loader import load
    from snnhub.peers.env import interpreter, worker_command
    from snnhub.peers.protocol import Worker
    from snnhub.peers.recipe import read_recipe

    recipe = read_recipe(load().environments[PLACE.environment].path())
    with Worker(PLACE.environment, worker_command(interpreter(recipe), WORKER)) as worker:
        return worker.call("built", {"folder": str(place)})
