"""The neutral file: round trip, same bytes, lazy numbers, atomic writing, strict reading."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from snnhub.errors import FormatError, UsageError
from snnhub.ir.graph import Graph
from snnhub.ir.tensor import tensor
from snnhub_conformance.generate.build import every_field
from snnhub_formats import container, serde
from snnhub_formats.container import load, save, to_bytes
from snnhub_formats.tensors import Payload
from snnhub_formats.zipread import read_members

from tests.build import loihi_mlp, mlp


def everything() -> Graph:
    """A graph that uses every field of the format."""
    return every_field(loihi_mlp(reset=(16, 3)))


@pytest.mark.parametrize("graph", [mlp(), loihi_mlp(), everything()], ids=["float", "integer", "everything"])
def test_round_trip_is_equal_and_bytes_are_the_same(graph: Graph, tmp_path: Path) -> None:
    save(graph, tmp_path / "a.snn")
    found = load(tmp_path / "a.snn")
    assert found == graph
    assert to_bytes(found) == (tmp_path / "a.snn").read_bytes()


def test_bytes_do_not_depend_on_the_hash_seed(tmp_path: Path) -> None:
    """Landmine 30."""
    line = (
        "from tests.build import mlp; from snnhub_formats.container import to_bytes; import hashlib;"
        "print(hashlib.sha256(to_bytes(mlp())).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", line],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "77")
    }
    assert len(digests) == 1


def test_numbers_stay_on_disk_until_used(tmp_path: Path) -> None:
    save(mlp((300, 400, 10)), tmp_path / "a.snn")
    weight = load(tmp_path / "a.snn").node["fc0"].param["weight"]
    assert "array" not in vars(weight)
    assert weight.statistics.levels > 1000
    assert "array" not in vars(weight)
    assert not weight.array.flags.writeable
    assert weight.array.ctypes.data % 4 == 0


def test_payload_is_aligned_and_other_tools_read_the_file(tmp_path: Path) -> None:
    save(mlp(), tmp_path / "a.snn")
    with zipfile.ZipFile(tmp_path / "a.snn") as archive:
        assert archive.namelist() == list(container.MEMBERS)
        assert archive.testzip() is None
        from safetensors.numpy import load as load_safetensors

        arrays = load_safetensors(archive.read("weights.safetensors"))
        assert arrays["fc0/weight"].dtype == np.float32
    with (tmp_path / "a.snn").open("rb") as file:
        members = read_members(file, container.MEMBERS, "a")
        file.seek(members["weights.safetensors"].offset)
        header = int.from_bytes(file.read(8), "little")
        assert (members["weights.safetensors"].offset + 8 + header) % 64 == 0


def test_tensors_are_shared_by_content(tmp_path: Path) -> None:
    graph = mlp((4, 4, 4))
    same = graph.node["fc0"].param["weight"]
    graph = replace(
        graph,
        nodes=(
            graph.nodes[0],
            graph.nodes[1],
            graph.nodes[2].with_params(weight=tensor(same.array)),
            graph.nodes[3],
        ),
    )
    message, arrays = serde.encode(graph)
    assert [name for name in arrays if "weight" in name] == ["fc0/weight"]
    assert len(message) < container.GRAPH_LIMIT


def test_graph_without_parameters(tmp_path: Path) -> None:
    from snnhub.ir.builder import GraphBuilder
    from snnhub.ir.numtype import SPIKE
    from snnhub.ops.registry import REGISTRY

    builder = GraphBuilder("wire", REGISTRY)
    builder.output(builder.input((3,), SPIKE))
    save(builder.graph(), tmp_path / "a.snn")
    assert load(tmp_path / "a.snn") == builder.graph()


def test_writing_is_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.snn"
    save(mlp(seed=1), path)
    before = path.read_bytes()

    def explode(graph: Graph) -> object:
        raise RuntimeError("disk on fire")

    monkeypatch.setattr("snnhub_formats.serde.encode", explode)
    with pytest.raises(RuntimeError):
        save(mlp(seed=2), path)
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["a.snn"]


def test_a_missing_folder_or_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        save(mlp(), tmp_path / "nowhere" / "a.snn")
    with pytest.raises(UsageError):
        load(tmp_path / "nothing.snn")


def rebuilt(path: Path, members: dict[str, bytes], **changes: object) -> Path:
    """A zip of the given members, written by Python's own writer."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
    return path


def members_of(graph: Graph, folder: Path) -> dict[str, bytes]:
    save(graph, folder / "base.snn")
    with zipfile.ZipFile(folder / "base.snn") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": [2, 0]}, "version is not known"),
        ({"version": "1"}, "broken version"),
        ({"requires": ["time-travel"]}, "features"),
        ({"format": "nns"}, "not the manifest"),
        ({"graph_sha256": "0" * 64}, "digest"),
        ({"extra": 1}, "not the manifest"),
    ],
)
def test_manifests_are_checked(change: dict[str, object], words: str, tmp_path: Path) -> None:
    members = members_of(mlp(), tmp_path)
    manifest = {**json.loads(members["manifest.json"]), **change}
    members["manifest.json"] = json.dumps(manifest).encode()
    with pytest.raises(FormatError, match=words):
        load(rebuilt(tmp_path / "x.snn", members))


def test_numbers_that_do_not_have_their_digest_are_found_by_check(tmp_path: Path) -> None:
    from snnhub.api.check import check

    members = members_of(mlp(), tmp_path)
    payload = bytearray(members["weights.safetensors"])
    payload[-1] ^= 1
    members["weights.safetensors"] = bytes(payload)
    result = check(rebuilt(tmp_path / "x.snn", members))
    assert not result.passed
    assert "SNN-4106" in {finding.code for finding in result.findings}
    assert check(tmp_path / "base.snn").passed


def test_empty_payload_entries(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    from snnhub_formats.zipread import Member

    with path.open("rb") as file:
        assert Payload(file, Member("w", 0, 10, 0), "x").names == ()
