"""``snnhub plugins new``: what it writes is clean, installs, and passes its own tests at once."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest
from snnhub.api.new_plugin import KINDS, new_plugin
from snnhub.cli.main import invoke
from snnhub.errors import UsageError

from tests.conftest import ROOT
from tests.plugins.installed import environment, install, own_tests, run


@pytest.mark.parametrize(
    ("kind", "name", "least"), [("importer", "acme", 18), ("exporter", "a-c-m-e", 30), ("runner", "acme2", 20)]
)
def test_it_passes_its_own_tests_at_once(kind: str, name: str, least: int, tmp_path: Path) -> None:
    made = new_plugin(name, kind, tmp_path)
    project, target = made.folder, tmp_path / "site"
    install(project, target)
    found = re.search(r"(\d+) passed", own_tests(project, target))
    assert found
    assert int(found[1]) >= least
    done = run([sys.executable, "-m", "snnhub", "plugins", "doctor", "--json"], tmp_path, environment(target))
    lines = [line for line in json.loads(done.stdout)["lines"] if line["name"] == name]
    assert [(line["state"], line["distribution"]) for line in lines] == [("ok", f"snnhub-{name}")]


@pytest.mark.parametrize("kind", KINDS)
def test_its_code_is_clean(kind: str, tmp_path: Path) -> None:
    folder = new_plugin("acme", kind, tmp_path).folder
    config = str(ROOT / "pyproject.toml")
    tools = (
        ["ruff", "check", "--config", config, "--ignore", "S101,I001", "."],
        ["ruff", "format", "--check", "--line-length", "115", "."],
        ["mypy", "--strict", "--config-file", "", "--follow-imports", "silent", "."],
    )
    ours = [str(ROOT / name) for name in ("core", "formats", "conformance")]
    for tool in tools:
        where = {**environment(folder), "MYPYPATH": os.pathsep.join([str(folder), *ours])}
        done = run([sys.executable, "-m", *tool], folder, where)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "cannot be used"),
        ("Acme", "cannot be used"),
        ("9acme", "cannot be used"),
        ("a b", "cannot be used"),
        ("../acme", "cannot be used"),
        ("acme-", "cannot be used"),
        ("class", "cannot be used"),
        ("a" * 31, "cannot be used"),
        ("netx", "is taken"),
        ("engine", "is taken"),
        ("loihi2", "is taken"),
        ("loihi", "is taken"),
        ("core", "is taken"),
        ("formats", "the package snnhub_formats"),
    ],
)
def test_names_that_cannot_be_used(name: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=words):
        new_plugin(name, "importer", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "snnhub-acme").mkdir()
    with pytest.raises(UsageError, match="exists already"):
        new_plugin("acme", "importer", tmp_path)
    with pytest.raises(UsageError, match="does not exist"):
        new_plugin("acme", "importer", tmp_path / "nowhere")
    with pytest.raises(UsageError, match="no such kind"):
        new_plugin("acme", "target", tmp_path)
    assert list((tmp_path / "snnhub-acme").iterdir()) == []


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["plugins", "new", "acme", "--kind", "runner", "--path", str(tmp_path)]
    assert invoke([*command, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["name"], document["kind"]) == ("acme", "runner")
    assert all((Path(document["folder"]) / file).is_file() for file in document["files"])
    assert invoke([*command, "--json"]) == 2
    assert "exists already" in capsys.readouterr().out
    assert invoke(["plugins", "new", "acme", "--kind", "teapot"]) == 2
    assert invoke([*command[:2], "acme3", *command[3:]]) == 0
    assert "pip install -e" in capsys.readouterr().out
