"""Every way a plugin can be broken, all of them installed at once: contained, and named by doctor."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snnhub_formats.container import save

from tests.build import mlp, spikes
from tests.plugins.broken import FAULTS, IMPORTER, install

GOOD = IMPORTER.format(name="good", entry="json:loads")
FAKE_TORCH = "__version__ = '0'\n"
"""Stands for a framework: what counts is its name, and a real one takes seconds per test."""


class Site:
    """A folder of installed plugins, and the command line that sees them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
        self.environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path), "SNNHUB_ENVS": str(folder / "envs")}

    def snnhub(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "snnhub", *arguments]
        done = subprocess.run(
            command, env=self.environment, cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def json(self, *arguments: str, code: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.snnhub(*arguments, "--json", code=code).stdout)
        return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("site")
    (folder / "torch.py").write_text(FAKE_TORCH)
    (folder / "leaver_entry.py").write_text("raise SystemExit(1)")
    install(folder, "good", GOOD)
    for name, fault in FAULTS.items():
        install(folder, name, fault.text, fault.point, "netx" if name == "takes_point_name" else name)
    return Site(folder)


@pytest.fixture(scope="module")
def doctor(site: Site) -> Mapping[str, list[dict[str, str]]]:
    """What doctor says, by distribution."""
    document = site.json("plugins", "doctor", code=1)
    assert document["healthy"] is False
    found: dict[str, list[dict[str, str]]] = {}
    for line in document["lines"]:
        found.setdefault(line["distribution"], []).append(line)
    return found


@pytest.fixture(scope="module")
def listed(site: Site) -> dict[str, Any]:
    return site.json("plugins", "list")


@pytest.mark.parametrize("name", FAULTS)
def test_doctor_names_what_is_broken(name: str, doctor: Mapping[str, list[dict[str, str]]]) -> None:
    fault = FAULTS[name]
    lines = [line for line in doctor[f"dist-{name.replace('_', '-')}"] if line["state"] != "ok"]
    assert len(lines) == 1, lines
    assert fault.words in lines[0]["detail"]
    assert fault.remedy in lines[0]["remedy"]
    assert lines[0]["state"] == fault.state
    assert lines[0]["name"] == ("netx" if name == "takes_point_name" else name)


def test_there_are_many_ways(doctor: Mapping[str, list[dict[str, str]]]) -> None:
    assert len(FAULTS) >= 18
    assert {line["state"] for line in doctor["snnhub"]} == {"ok"}
    assert [line["state"] for line in doctor["dist-good"]] == ["ok"]


def test_the_others_are_as_ever(listed: dict[str, Any], tmp_path: Path) -> None:
    """Nothing of ours is missing or replaced, the good plugin works, and a broken one brings nothing in half."""
    (tmp_path / "torch.py").write_text(FAKE_TORCH)
    alone = Site(tmp_path).json("plugins", "list")["objects"]
    ours = {row["plugin"] for row in alone}
    assert [row for row in listed["objects"] if row["plugin"] in ours] == alone
    names = {row["name"] for row in listed["objects"]}
    working = {fault.registers for fault in FAULTS.values()} - {"", "acme-env", "acme-env2"}
    assert working | {"good"} <= names
    assert not {"half", "a", "gone"} & names


def test_a_network_is_converted_among_them(site: Site) -> None:
    save(mlp(), site.folder / "a.snn")
    np.save(site.folder / "x.npy", spikes((5, 2, 6)))
    done = site.snnhub("run", "a.snn", "--input", "x.npy", "--json")
    assert json.loads(done.stdout)["runner"] == "engine"
    assert done.stderr.count("\n") == 1
    assert "snnhub plugins doctor says why" in done.stderr
    assert "syntax" in done.stderr
    site.snnhub("env", "list")
    assert "broken" in site.snnhub("doctor", code=1).stdout


def test_what_is_not_there_is_said_where_it_is_used(site: Site) -> None:
    (site.folder / "x.txt").write_text("text")
    for name, words in (("entry_not_there", "json:nothing"), ("availability_raises", "raised ZeroDivisionError")):
        only = Site(site.folder)
        only.environment["SNNHUB_PLUGINS"] = name
        kind = (
            ("inspect", "x.txt", "--from", name)
            if name.startswith("entry")
            else (
                "run",
                "a.snn",
                "--input",
                "x.npy",
                "--runner",
                name,
            )
        )
        problem = only.json(*kind, code=1 if name.startswith("entry") else 5)
        assert words in json.dumps(problem)
        assert "snnhub plugins doctor" in problem["remedy"]


def test_metadata_that_cannot_be_read_stop_nobody(tmp_path: Path) -> None:
    install(tmp_path, "good", GOOD)
    install(tmp_path, "torn", "")
    (tmp_path / "dist_torn-1.0.dist-info" / "entry_points.txt").write_text("[snnhub]\nno equals sign here\n")
    site = Site(tmp_path)
    assert "good" in {row["name"] for row in site.json("plugins", "list")["objects"]}
    lines = [line for line in site.json("plugins", "doctor", code=1)["lines"] if line["state"] == "broken"]
    assert [(line["distribution"], "cannot be read" in line["detail"]) for line in lines] == [("dist-torn", True)]


def test_two_distributions_that_want_one_name(tmp_path: Path) -> None:
    install(tmp_path, "first", GOOD, point_name="good")
    install(tmp_path, "second", IMPORTER.format(name="other", entry="json:loads"), point_name="good")
    (line,) = [line for line in Site(tmp_path).json("plugins", "doctor", code=1)["lines"] if line["state"] != "ok"]
    assert (line["name"], line["distribution"]) == ("good", "dist-second")
    assert "name is taken by dist-first" in line["detail"]
    assert "dist-first" in line["remedy"]
