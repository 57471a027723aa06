"""The worker protocol with workers that behave and workers that do not; recipes and interpreters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import snnhub_lava
import snnhub_spikingjelly
import snnhub_xylo
from snnhub.api.options import ImportOptions, InputShapeMissingError
from snnhub.api.remote import import_in, import_with, run_with
from snnhub.api.request import RunRequest
from snnhub.engine.stimulus import read_stimulus
from snnhub.errors import FormatError, MissingPeerError, RunError, SnnhubError, UnsupportedError, UsageError
from snnhub.hub import Environment
from snnhub.hub.loader import load
from snnhub.peers import env
from snnhub.peers.env import create, find_python, interpreter, own_packages, status, worker_command
from snnhub.peers.faults import revive
from snnhub.peers.protocol import PROTOCOL, Worker
from snnhub.peers.recipe import Recipe, read_recipe
from snnhub_spikingjelly.elsewhere import remedy


def script(tmp_path: Path, body: str) -> list[str]:
    """A worker written in Python, as a command."""
    path = tmp_path / "worker.py"
    path.write_text(textwrap.dedent(body))
    return [sys.executable, str(path)]


GOOD = """
    import sys, time
    sys.path.insert(0, {core!r})
    from snnhub.peers.worker import private_pipe, serve
    pipe = private_pipe()
    print("frameworks print when they are imported")
    def add(params, report):
        report(1, 2)
        print("and while they run")
        return {{"sum": params["a"] + params["b"]}}
    def fail(params, report):
        raise ValueError("no such layer")
    def sleep(params, report):
        time.sleep(60)
    hello = lambda p, r: {{"protocol": 1, "name": "test"}}
    serve({{"hello": hello, "add": add, "fail": fail, "sleep": sleep}}, pipe)
"""


def good(tmp_path: Path) -> list[str]:
    return script(tmp_path, GOOD.format(core=str(Path(own_packages()["snnhub"]).parent)))


def test_requests_answers_progress_and_errors(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    with Worker("test", good(tmp_path)) as worker:
        assert worker.identity["name"] == "test"
        assert worker.folder.is_dir()
        assert worker.call("add", {"a": 2, "b": 3}, progress=lambda a, b: seen.append((a, b))) == {"sum": 5}
        assert seen == [(1, 2)]
        with pytest.raises(RunError, match="no such layer") as caught:
            worker.call("fail", {})
        assert "worker.py" in caught.value.found
        with pytest.raises(RunError, match="unknown method"):
            worker.call("dance", {})
        assert worker.call("add", {"a": 1, "b": 1}) == {"sum": 2}
    assert not worker.folder.exists()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("import sys; sys.exit(3)", "worker ended"),
        ("print('hello world', flush=True)", "does not speak the protocol"),
        ("print('[1]', flush=True)", "does not speak the protocol"),
        ("import sys; print('my last words', file=sys.stderr); sys.exit(1)", "my last words"),
    ],
)
def test_workers_that_do_not_speak(body: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(RunError) as caught:
        Worker("bad", script(tmp_path, body))
    assert words in str(caught.value)


def test_a_worker_of_another_protocol_is_refused(tmp_path: Path) -> None:
    body = """
        import json, sys
        for line in sys.stdin:
            print(json.dumps({"id": json.loads(line)["id"], "result": {"protocol": 99}}), flush=True)
    """
    with pytest.raises(MissingPeerError, match="another protocol"):
        Worker("old", script(tmp_path, body))


IMPORTING = """
    import sys
    sys.path[:0] = {folders!r}
    from snnhub.api import hosted
    from snnhub.peers.worker import private_pipe, serve
    hello = lambda p, r: {{"protocol": 1, "name": "test", "environment": {{"framework": "1.2"}}}}
    serve({{"hello": hello, **hosted.HANDLERS}}, private_pipe())
"""
FRAMEWORK = """
    import numpy as np
    from snnhub.api.options import InputShapeMissingError
    from snnhub.api.request import RunRequest
    from snnhub.errors import UnsupportedError
    from snnhub.findings import error, note
    from snnhub.ir.builder import GraphBuilder
    from snnhub.ir.graph import Origin
    from snnhub.ir.numtype import F32
    from snnhub.ir.recording import Recording
    from snnhub.ir.tensor import tensor

    def read(source, options):
        if options.input_shape is None:
            raise InputShapeMissingError("how large?", rank=3, where=source, remedy="Say it.")
        if source == "refused":
            words = {"old": "a", "new": "b", "remedy": "Do."}
            found = [error("SNN-3002", f"layer{n}", "cannot be held", **words) for n in (0, 1)]
            raise UnsupportedError("no", where="layer0", found="x", allowed="y", remedy="Do.", findings=found)
        builder = GraphBuilder(options.settings["name"], options.lookup)
        port = builder.input(options.input_shape, F32)
        weight = {"weight": tensor(np.load(options.weights))}
        port = builder.node("fc", "core.Dense", port, params=weight, bias=False, accumulate="exact", shift=0)
        params = {key: tensor(value, "float32") for key, value in (("v_threshold", 1.0), ("v_reset", 0.0))}
        port = builder.node("n", "core.IF", port, params=params, reset="value", compare="ge")
        builder.output(port)
        assert options.lookup("loihi.CubaLIF", 1), "ops of plugins are known"
        builder.findings.append(note("SNN-3109", "n", "threshold", new=options.given["threshold"], bound="none"))
        return builder.graph()

    def run(request: RunRequest):
        assert request.source == "net" and request.length == 5 and request.options == {"batch": "2"}
        assert request.import_options.settings == {"name": "far"}
        request.progress(1, 1)
        return Recording({key: request.stimulus.values for key in request.record}, request.stimulus.batched)
"""


@pytest.fixture
def importing(tmp_path: Path) -> Iterator[Worker]:
    """A worker that imports with a framework of its own, which is only there."""
    (tmp_path / "framework.py").write_text(textwrap.dedent(FRAMEWORK))
    folders = [str(tmp_path), *{str(Path(folder).parent) for folder in own_packages().values()}]
    with Worker("far", script(tmp_path, IMPORTING.format(folders=folders))) as worker:
        yield worker


def options(tmp_path: Path, shape: tuple[int, ...] | None = (3,)) -> ImportOptions:
    np.save(tmp_path / "w.npy", np.eye(2, 3, dtype=np.float32))
    given = {"threshold": "1", "environment": "far"}
    return ImportOptions(tmp_path / "w.npy", {"name": "far"}, shape, given)


def test_a_graph_comes_back_with_its_findings(importing: Worker, tmp_path: Path) -> None:
    graph = import_with(importing, "framework:read", "net", options(tmp_path))
    assert (graph.name, [node.id for node in graph.nodes]) == ("far", ["fc", "n"])
    np.testing.assert_array_equal(graph.node["fc"].param["weight"].array, np.eye(2, 3, dtype=np.float32))
    found = {finding.code: finding for finding in graph.findings}
    assert (found["SNN-3109"].new, found["SNN-3109"].bound) == ("1", "none")
    assert "environment far: framework 1.2" in found["SNN-6005"].message
    x = np.arange(15, dtype=np.float32).reshape(5, 1, 3)
    seen: list[tuple[int, int]] = []
    request = RunRequest(
        graph,
        read_stimulus(x, graph.inputs[0]),
        ("n/v", "output"),
        "net",
        options(tmp_path),
        {"batch": "2", "environment": "far"},
        5,
        lambda done, total: seen.append((done, total)),
    )
    recording = run_with(importing, "framework:run", request)
    assert seen == [(1, 1)]
    assert recording.batched
    np.testing.assert_array_equal(recording["n/v"], x)


def test_a_refusal_comes_back_whole(importing: Worker, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError) as caught:
        import_with(importing, "framework:read", "refused", options(tmp_path))
    assert caught.value.exit_code == 4
    assert str(caught.value) == "layer0: no (found x, allowed y). Do."
    assert [(f.code, f.place, f.old, f.new, f.remedy) for f in caught.value.findings] == [
        ("SNN-3002", f"layer{number}", "a", "b", "Do.") for number in (0, 1)
    ]
    with pytest.raises(InputShapeMissingError) as missing:
        import_with(importing, "framework:read", "net", options(tmp_path, None))
    assert (missing.value.rank, missing.value.where, missing.value.remedy) == (3, "net", "Say it.")
    with pytest.raises(SnnhubError, match="no_such_module"):
        import_with(importing, "no_such_module:read", "net", options(tmp_path))


def test_reports_of_other_workers() -> None:
    """A kind that is not known keeps its exit code; what is no report is an error of the worker."""
    report = UnsupportedError("no").to_json() | {"error": "AcmeError"}
    assert revive(report, "w").exit_code == 4
    assert revive(report | {"exit_code": 99}, "w").exit_code == 1
    finding = {"code": "SNN-9999", "severity": "error", "place": "p", "message": "m"}
    for broken in ({}, report | {"message": 3}, report | {"findings": [finding]}, report | {"findings": 3}):
        assert isinstance(revive(broken, "w"), RunError)
        assert "cannot be read" in str(revive(broken, "w"))


def test_what_cannot_be_sent_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNNHUB_ENVS", str(tmp_path))
    with pytest.raises(UsageError, match="live object"):
        import_in("lava", "x:y", object(), ImportOptions())
    with pytest.raises(UsageError, match="no environment of this name"):
        import_in("lavva", "x:y", "m:f", ImportOptions())
    with pytest.raises(MissingPeerError, match="snnhub env create lava"):
        import_in("lava", "x:y", "m:f", ImportOptions())
    idle = Environment("idle", "imports nothing", "snnhub_lava:lava.toml")
    monkeypatch.setitem(load().environments, "idle", idle)
    with pytest.raises(UsageError, match="nothing is imported") as caught:
        import_in("idle", "x:y", "m:f", ImportOptions())
    assert "lava" in caught.value.allowed


@pytest.mark.parametrize(
    ("problem", "environment"),
    [
        (AttributeError("module 'lava_exchange' has no attribute 'BlockContainer'"), "lava"),
        (ModuleNotFoundError("No module named 'lava'"), "lava"),
        (TypeError("IFNode.__init__() got an unexpected keyword argument 'backend'"), "spikingjelly-0.0.0.0.14"),
        (ImportError("cannot import name 'clock_driven' from 'spikingjelly'"), "spikingjelly-0.0.0.0.14"),
        (AttributeError("module 'mine' has no attribute 'layers'"), ""),
        (ValueError("lava only supports for v_reset == 0!"), ""),
    ],
)
def test_the_remedy_names_the_environment(problem: Exception, environment: str) -> None:
    words = remedy(problem)
    assert f"--option environment={environment} " in words if environment else not words


def test_a_silent_worker_is_ended(tmp_path: Path) -> None:
    worker = Worker("slow", good(tmp_path))
    with pytest.raises(RunError, match="no word"):
        worker.call("sleep", {}, timeout=0.3)
    worker.close()


def test_a_missing_interpreter_is_a_missing_peer() -> None:
    with pytest.raises(MissingPeerError, match="does not start"):
        Worker("none", ["/no/such/python"])


def test_our_packages_and_nothing_else_reach_a_worker(tmp_path: Path) -> None:
    """The environment of snnhub itself must not leak into the peer's interpreter."""
    (tmp_path / "probe_entry").mkdir()
    command = worker_command(Path(sys.executable), "snnhub.peers.env_check:main")
    import subprocess

    line = "import snnhub, snnhub_netx.packing, sys; assert 'rich' not in sys.modules; print(snnhub.__file__)"
    done = subprocess.run([*command, line], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(Path(own_packages()["snnhub"]) / "__init__.py")


def recipe(*steps: tuple[str, ...], python: str = "", check: str = "pass") -> Recipe:
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    return Recipe("tiny", "nothing", (python or own,), steps, check, "small")


def test_environments_are_made_found_and_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNNHUB_ENVS", str(tmp_path))
    first = recipe(check="import sys")
    assert status(first).state == "missing"
    with pytest.raises(MissingPeerError, match="snnhub env create tiny"):
        interpreter(first)
    said: list[str] = []
    assert create(first, said.append).state == "ready"
    assert interpreter(first).exists()
    assert create(first, said.append).state == "ready"
    assert status(recipe(check="import os")).state == "outdated"
    (tmp_path / "tiny" / env.MARKER).unlink()
    assert status(first).state == "incomplete"


def test_a_failing_check_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNNHUB_ENVS", str(tmp_path))
    with pytest.raises(SnnhubError, match="could not be made") as caught:
        create(recipe(check="raise SystemExit('the roof is on fire')"), lambda words: None)
    assert "the roof is on fire" in str(caught.value)
    assert status(recipe(check="raise SystemExit('the roof is on fire')")).state == "incomplete"


def test_no_interpreter_says_what_to_install() -> None:
    with pytest.raises(MissingPeerError, match=r"Install Python 2\.6"):
        find_python(["2.6"])


@pytest.mark.parametrize(
    ("environment", "needed"),
    [
        (snnhub_lava.ENVIRONMENT, {"lava-nc==0.10.0", "lava-dl==0.6.0", "numpy==1.26.4", "spikingjelly==2.0.0"}),
        (snnhub_spikingjelly.ENVIRONMENT, {"spikingjelly==0.0.0.0.14", "torch==2.13.0"}),
        (snnhub_xylo.ENVIRONMENT, {"xylosim==0.1.3", "numpy==2.4.6", "pybind11==3.1.0"}),
    ],
)
def test_the_shipped_recipes_are_pinned(environment: Environment, needed: set[str]) -> None:
    found = read_recipe(environment.path())
    assert found.name == environment.name
    packages = [word for step in found.steps for word in step if not word.startswith("-")]
    assert needed <= set(packages)
    assert all("==" in word or word.startswith("pluggy") for word in packages)


def test_a_recipe_without_a_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text('name = "x"\n')
    with pytest.raises(FormatError, match="lacks a key"):
        read_recipe(tmp_path / "x.toml")


def test_the_root_is_configurable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SNNHUB_ENVS", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert env.root() == tmp_path / "snnhub" / "envs"
    assert os.path.isabs(env.root())


FORKING = """
    import os, pathlib, sys, time
    def main():
        child = os.fork()
        if child == 0:
            time.sleep(300)
        pathlib.Path(os.environ["PIDS"]).write_text("%d %d" % (os.getpid(), child))
        {then}
"""


def forking(tmp_path: Path, then: str) -> tuple[list[str], Path]:
    """The command of a worker that forks a child and then does ``then``, and the file with both process ids."""
    (tmp_path / "forking").mkdir()
    (tmp_path / "forking" / "__init__.py").write_text(textwrap.dedent(FORKING).format(then=then))
    script = Path(env.__file__).with_name("bootstrap.py")
    return [
        sys.executable, str(script), "forking:main", f"forking={tmp_path / 'forking'}", "--",
    ], tmp_path / "pids"  # fmt: skip


def test_a_worker_that_never_returns_ends_with_the_one_that_started_it(tmp_path: Path) -> None:
    """As an importer of snnTorch does on some graphs: nobody reads the closed pipe. Its child goes, too."""
    words, pids = forking(tmp_path, "while True: pass")
    starter = f"import subprocess; subprocess.run({words!r}, start_new_session=True)"
    parent = subprocess.Popen([sys.executable, "-c", starter], env={**os.environ, "PIDS": str(pids)})
    worker, child = wait_for(lambda: pids.read_text() if pids.exists() else "").split()
    parent.kill()
    parent.wait()
    assert wait_for(lambda: "gone" if ended(int(worker)) and ended(int(child)) else "")


def test_a_worker_leaves_no_child_behind(tmp_path: Path) -> None:
    """Lava forks a process for each core; one that stays would hold its memory for ever."""
    answers = [{"id": number, "result": {"protocol": PROTOCOL, "environment": {}}} for number in (1, 2)]
    talk = "; ".join(f"sys.stdin.readline(); print({json.dumps(answer)!r}, flush=True)" for answer in answers)
    words, pids = forking(tmp_path, talk)
    Worker("forking", words, {"PIDS": str(pids)}).close()
    assert wait_for(lambda: "gone" if ended(int(pids.read_text().split()[1])) else "")


def ended(process: int) -> bool:
    """Whether a process is no more, or waits for somebody to ask how it ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def wait_for(look: Callable[[], str]) -> str:
    """What ``look`` finds, within a minute."""
    for _ in range(600):
        if found := look():
            return found
        time.sleep(0.1)
    pytest.fail("nothing happened")
