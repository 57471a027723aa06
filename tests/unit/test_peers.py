"""The worker protocol with workers that behave and workers that do not; recipes and interpreters."""

from __future__ import annotations

import os
import sys
import textwrap
from pathlib import Path

import pytest
from snnhub.errors import FormatError, MissingPeerError, RunError, SnnhubError
from snnhub.peers import env
from snnhub.peers.env import create, find_python, interpreter, own_packages, status, worker_command
from snnhub.peers.protocol import Worker
from snnhub.peers.recipe import Recipe, read_recipe


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


def test_the_shipped_recipe_is_pinned() -> None:
    from snnhub_lava import ENVIRONMENT

    found = read_recipe(ENVIRONMENT.path())
    packages = [word for step in found.steps for word in step if not word.startswith("-")]
    assert {"lava-nc==0.10.0", "lava-dl==0.6.0", "numpy==1.26.4"} <= set(packages)
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
