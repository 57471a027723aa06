"""Where networks of a torch framework are imported and run: here, or where the framework is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snnhub.api import remote
from snnhub.api.options import ImportOptions
from snnhub.api.request import RunRequest
from snnhub.engine.stimulus import read_stimulus
from snnhub.errors import MissingPeerError, UsageError
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph
from snnhub.ir.numtype import F32
from snnhub.ir.recording import Recording
from snnhub.ops.registry import REGISTRY
from snnhub.peers import env
from snnhub.torchnet import elsewhere
from snnhub.torchnet.elsewhere import Elsewhere

HERE = "tests.unit.test_torchnet_elsewhere"
PLACE = Elsewhere("leakynet", "nir-frameworks", f"{HERE}:read", f"{HERE}:run", "Install it.")


def network() -> Graph:
    builder = GraphBuilder("net", REGISTRY)
    builder.output(builder.input((2,), F32))
    return builder.graph()


def read(source: Any, options: ImportOptions) -> Graph:
    return network()


def run(request: RunRequest) -> Recording:
    return Recording({"output": np.zeros((1, 2))}, False, "here")


def request(source: Any, **options: str) -> RunRequest:
    graph = network()
    return RunRequest(
        graph, read_stimulus(np.zeros((1, 2), "f4"), graph.inputs[0]), source=source, options=options
    )


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which environments were asked, instead of starting one."""
    names: list[str] = []

    def import_in(name: str, importer: str, source: Any, options: ImportOptions) -> Graph:
        names.append(f"{name} {importer}")
        return network()

    def run_in(name: str, runner: str, request: RunRequest) -> Recording:
        names.append(f"{name} {runner}")
        return Recording({}, False, name)

    monkeypatch.setattr(remote, "import_in", import_in)
    monkeypatch.setattr(remote, "run_in", run_in)
    return names


def installed(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(elsewhere, "find_spec", lambda name: object() if name in names else None)


def ready(monkeypatch: pytest.MonkeyPatch, folder: Path, state: str) -> None:
    """Environments in ``folder``, all of them in ``state``."""
    monkeypatch.setattr(env, "status", lambda recipe: env.EnvStatus(recipe.name, state, folder))


def test_here_where_the_framework_is(monkeypatch: pytest.MonkeyPatch, asked: list[str]) -> None:
    installed(monkeypatch, "torch", "leakynet")
    assert PLACE.availability().ok
    assert PLACE.import_model("net.py:net", ImportOptions()).name == "net"
    assert PLACE.run_model(request("net.py:net")).source == "here"
    assert asked == []


def test_there_where_the_user_says_so(monkeypatch: pytest.MonkeyPatch, asked: list[str]) -> None:
    installed(monkeypatch, "torch", "leakynet")
    PLACE.import_model("net.py:net", ImportOptions(given={"environment": "mine"}))
    PLACE.run_model(request("net.py:net", environment="mine"))
    assert asked == [f"mine {HERE}:read", f"mine {HERE}:run"]


def test_there_without_being_told_if_it_is_ready(
    monkeypatch: pytest.MonkeyPatch, asked: list[str], tmp_path: Path
) -> None:
    installed(monkeypatch, "torch")
    ready(monkeypatch, tmp_path, "ready")
    assert PLACE.availability().ok
    PLACE.import_model("net.py:net", ImportOptions())
    PLACE.run_model(request("net.py:net"))
    assert asked == [f"nir-frameworks {HERE}:read", f"nir-frameworks {HERE}:run"]
    with pytest.raises(MissingPeerError, match="leakynet not installed here"):
        PLACE.import_model(object(), ImportOptions())  # a live object cannot be sent there


def test_nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    installed(monkeypatch)
    ready(monkeypatch, tmp_path, "missing")
    availability = PLACE.availability()
    assert (availability.ok, availability.reason) == (False, "torch and leakynet not installed")
    assert "snnhub env create nir-frameworks" in availability.hint
    with pytest.raises(MissingPeerError, match="torch and leakynet not installed here"):
        PLACE.run_model(request("net.py:net"))


def test_live_objects_are_not_sent_elsewhere() -> None:
    with pytest.raises(UsageError, match="live object"):
        PLACE.import_model(object(), ImportOptions(given={"environment": "nir-frameworks"}))


def test_the_worker_of_the_environment_imports_and_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that names a runner goes to it; others run a file, as before."""
    from snnhub.api import hosted
    from snnhub_profiles import worker

    monkeypatch.setattr(hosted, "run", lambda params, report: {"went": params["runner"]})
    assert worker.run({"runner": f"{HERE}:run"}, lambda *_: None) == {"went": f"{HERE}:run"}
    assert worker.capabilities({}, lambda *_: None)["imports"] == ["snntorch", "norse", "sinabs"]
    with pytest.raises(KeyError, match="input"):
        worker.run({}, lambda *_: None)
