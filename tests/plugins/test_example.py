"""The example plugin: built as a wheel, installed beside us, held to its own tests, seen by the command line."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from snnhub_formats.container import save

from tests.build import mlp, spikes
from tests.conftest import ROOT
from tests.plugins.installed import environment, install, own_tests, run

PROJECT = ROOT / "plugins" / "example-plugin"


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("example")
    copy = shutil.copytree(PROJECT, folder / "project", ignore=shutil.ignore_patterns("build", "*.egg-info"))
    install(copy, folder / "site")
    return folder / "site"


def test_it_passes_its_own_tests(target: Path) -> None:
    found = re.search(r"(\d+) passed", own_tests(target.parent / "project", target))
    assert found
    assert int(found[1]) >= 50


def test_the_command_line_has_it(target: Path) -> None:
    done = run([sys.executable, "-m", "snnhub", "plugins", "list", "--json"], target, environment(target))
    objects = [row for row in json.loads(done.stdout)["objects"] if row["plugin"] == "example"]
    assert {(row["kind"], row["name"]) for row in objects} == {
        *(("importer", "example"), ("exporter", "example"), ("runner", "example"))
    }
    done = run([sys.executable, "-m", "snnhub", "plugins", "doctor"], target, environment(target))
    assert done.returncode == 0, done.stdout


def test_a_network_that_its_runner_does_not_have_is_refused(target: Path) -> None:
    save(mlp(), target / "other.snn")
    np.save(target / "x.npy", spikes((4, 2, 6)))
    command = ["run", "other.snn", "--input", "x.npy", "--runner", "example", "--json"]
    done = run([sys.executable, "-m", "snnhub", *command], target, environment(target))
    assert done.returncode == 4, done.stdout + done.stderr
    findings = json.loads(done.stdout)["findings"]
    assert [(f["code"], f["place"]) for f in findings] == [("SNN-6101", "n0"), ("SNN-6101", "n1")]


def test_the_wheel_has_what_it_needs(target: Path) -> None:
    files = {path.name for path in (target / "snnhub_example").iterdir()}
    assert {"conformance_xfail.toml", "py.typed", "op.py"} <= files
