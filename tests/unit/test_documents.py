"""Documents that repeat what the code says: generated parts are compared with the code, examples are run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snnhub.engine.reference import prepare
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.microop import MEANING
from snnhub.ir.numtype import F32
from snnhub.ir.op import OpKind, OpSchema
from snnhub.ir.tensor import tensor
from snnhub.ops.registry import CORE, Registry

from tests.conftest import ROOT

PLUGINS = ROOT / "docs" / "plugins.md"
ADAPTIVE_VALUES = {"decay": 1.0, "v_threshold": 1.0, "rho": 0.5, "beta": 0.5}
SPEC = ROOT / "formats" / "snnhub_formats" / "spec" / "snn.md"
GRAPH_JSON = SPEC.with_name("graph-json.md")


def part(path: Path, name: str) -> str:
    """What stands between the marks ``<!-- name -->`` and ``<!-- /name -->``."""
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", path.read_text(), re.DOTALL)
    assert found, f"{path} has no part {name}"
    return found[1]


def instructions() -> str:
    return "".join(f"| `{op.value}` | {text.replace('|', chr(92) + '|')} |\n" for op, text in MEANING.items())


def attributes(op: OpSchema) -> str:
    return "; ".join(f"`{a.name}` {a.doc} ({a.describe()})" for a in op.attributes)


def transforms(ops: Iterable[OpSchema]) -> str:
    rows = [op for op in ops if op.kind is OpKind.TRANSFORM]
    return "".join(f"| `{op.name}/{op.version}` | {op.doc} | {attributes(op)} |\n" for op in rows)


def test_the_specification_lists_every_instruction_and_transform() -> None:
    assert part(SPEC, "instructions") == instructions()
    assert part(SPEC, "transforms") == transforms(CORE)
    assert part(GRAPH_JSON, "instructions") == instructions()


def code_of(path: Path) -> list[tuple[str, str]]:
    """Code blocks with their languages, in order."""
    return re.findall(r"```(\w+)\n(.*?)```", path.read_text(), re.DOTALL)


@pytest.fixture
def plugin(tmp_path: Path) -> dict[str, str]:
    """The importer of docs/plugins.md, installed as its text says; the environment in which it is found."""
    metadata, init, reader = (text for _, text in code_of(PLUGINS)[:3])
    project = tomllib.loads(metadata)["project"]
    folder = tmp_path / "site"
    (folder / "npzmlp").mkdir(parents=True)
    (folder / "npzmlp" / "__init__.py").write_text(init)
    (folder / "npzmlp" / "reader.py").write_text(reader)
    info = folder / f"snnhub_npzmlp-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    ((name, value),) = project["entry-points"]["snnhub"].items()
    (info / "entry_points.txt").write_text(f"[snnhub]\n{name} = {value}\n")
    return {**os.environ, "PYTHONPATH": str(folder)}


def test_the_plugin_of_the_document_converts_its_files(plugin: dict[str, str], tmp_path: Path) -> None:
    def snnhub(*arguments: str) -> dict[str, Any]:
        command = [sys.executable, "-m", "snnhub", *arguments, "--json"]
        done = subprocess.run(command, env=plugin, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    random = np.random.default_rng(0)
    np.savez(tmp_path / "net.npz", w0=random.normal(0.3, 1, (12, 8)), w1=random.normal(0.3, 1, (4, 12)))
    np.save(tmp_path / "x.npy", (random.random((20, 3, 8)) < 0.4).astype(np.uint8))
    assert "npzmlp" in json.dumps(snnhub("plugins", "list"))
    assert snnhub("inspect", "net.npz")["importer"] == "npzmlp"
    converted = snnhub("convert", "net.npz", "-o", "net.net", "--calibrate", "x.npy")
    assert "SNN-3109" in json.dumps(converted["findings"])
    verdict = snnhub("verify", "net.npz", "net.net", "--input", "x.npy")["verdict"]
    assert verdict["lag"] == 2
    assert verdict["rows"][0]["a_spikes"] > 0


def test_the_op_of_the_document_traces_and_runs() -> None:
    scope: dict[str, Any] = {}
    exec(code_of(PLUGINS)[3][1], scope)  # noqa: S102  our own document
    op = scope["ADAPTIVE"]
    builder = GraphBuilder("adaptive", Registry([*CORE, op]))
    params = {key: tensor(value, "float32") for key, value in ADAPTIVE_VALUES.items()}
    builder.output(builder.node("n", "acme.Adaptive", builder.input((2,), F32), params=params, reset="subtract"))
    found, _ = prepare(builder.graph(), builder.lookup).run(np.ones((6, 2), np.float32), record=["n/s", "n/b"])
    v, b = 0.0, 0.0
    for step in range(6):
        v += 1
        spike = v >= 1 + b
        v, b = (v - 1 if spike else v), b / 2 + spike / 2
        assert (bool(found["n/s"][step, 0]), found["n/b"][step, 0]) == (spike, b)
    assert not found["n/s"].all()
