"""Attacks on NIR files, and odd ones that are sound: a clear error or a correct load, in bounded time."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import h5py
import pytest
from snnhub import inspect, load
from snnhub.api.options import ImportOptions
from snnhub.errors import FormatError, SnnhubError, UsageError
from snnhub_nir.reader import import_nir
from snnhub_nir.writer import export_nir

from tests.hostile.mutation import fuzz
from tests.hostile.sandbox import attempt
from tests.networks.hostile_nir import CASES, SECRET, SOUND, Write, plain
from tests.networks.nir_files import chain, neuron, write_nir

MOST_BYTES = 700 * 2**20
"""Of the process that reads all of them, NumPy and HDF5 included."""
MOST_SECONDS = 40


def read_all(folder: str) -> None:
    """Read every case. Runs in a process of its own: what it prints is compared there."""
    slowest = 0.0
    for number, (_, _, write, _) in enumerate(CASES):
        path = Path(folder) / f"{number}.nir"
        write(path)
        start = time.process_time()
        with suppress(SnnhubError):
            import_nir(path, ImportOptions())
        slowest = max(slowest, time.process_time() - start)
        path.unlink()
    assert slowest < MOST_SECONDS / 4
    assert peak() < MOST_BYTES


def peak() -> int:
    """Bytes that this process had at most: unlike ``ru_maxrss`` not those of the one that it was forked from."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024


def test_there_are_enough_of_each_class() -> None:
    counts = Counter(kind for kind, *_ in CASES)
    assert len(CASES) >= 52
    assert min(counts.values()) >= 3
    assert len({(kind, name) for kind, name, *_ in CASES}) == len(CASES)


@pytest.mark.parametrize(
    ("write", "words"), [case[2:] for case in CASES], ids=[f"{kind}-{name}" for kind, name, *_ in CASES]
)
def test_a_clear_error_or_a_correct_load(write: Write, words: str, tmp_path: Path) -> None:
    path = tmp_path / "a.nir"
    write(path)
    if words == SOUND:
        graph = load(path)
        inspect(path).to_json()
        export_nir(graph, tmp_path / "b.nir")
        assert import_nir(tmp_path / "b.nir", ImportOptions()).network() == graph.network()
        return
    with pytest.raises(FormatError, match=words) as caught:
        import_nir(path, ImportOptions())
    assert path.name in str(caught.value)
    assert SECRET.decode()[:16] not in str(caught.value)


def test_all_of_them_in_bounded_time_and_memory(tmp_path: Path) -> None:
    assert attempt("tests.hostile.test_nir:read_all", tmp_path, seconds=MOST_SECONDS) == ""


def test_every_problem_is_in_one_report(tmp_path: Path) -> None:
    spec = chain(("a", {"type": "Foo"}), ("b", neuron("LIF", tau=None)), ("c", {**neuron("I"), "x": "y"}))
    path = write_nir(tmp_path / "a.nir", spec)
    with pytest.raises(FormatError, match="has 5 problems") as caught:
        import_nir(path, ImportOptions())
    assert [f"{finding.code} {finding.place}" for finding in caught.value.findings] == [
        "SNN-3502 a",
        "SNN-3503 c",
        "SNN-3504 %",
        "SNN-3504 %",
        "SNN-1005 b/tau",
    ]


def test_a_file_that_is_vouched_for_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.nir"
    next(write for kind, name, write, _ in CASES if (kind, name) == ("bomb", "one array under many names"))(path)
    with pytest.raises(FormatError, match=r"more than the file can mean.*allowed"):
        import_nir(path, ImportOptions(given={"max_bytes": "1000000"}))
    with pytest.raises(UsageError, match="non-negative integer"):
        import_nir(path, ImportOptions(given={"max_bytes": "-1"}))


def test_a_missing_file_and_a_data_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        import_nir(tmp_path / "a.nir", ImportOptions())
    with h5py.File(tmp_path / "data.nir", "w") as file:
        file.attrs["__type__"] = "NIRGraphData"
        file.create_group("nodes/lif/observables")
    with pytest.raises(FormatError, match="nothing is at /node"):
        import_nir(tmp_path / "data.nir", ImportOptions())


def test_a_user_block_does_no_harm(tmp_path: Path) -> None:
    path = write_nir(tmp_path / "a.nir", plain())
    with h5py.File(tmp_path / "b.nir", "w", userblock_size=512) as file, h5py.File(path, "r") as other:
        for name in other:
            other.copy(name, file)
    with (tmp_path / "b.nir").open("r+b") as block:
        block.write(b"#!/bin/sh\n")
    assert load(tmp_path / "b.nir").network() == load(path).network()


def read_mutated(source: str) -> None:
    """Three hundred files with random damage, in a process of its own."""
    whole, path = Path(source).read_bytes(), Path(source).with_suffix(".changed")

    def use(data: bytes) -> None:
        path.write_bytes(data)
        import_nir(path, ImportOptions())

    fuzz(whole, 300, use)


def test_mutated_files_never_crash(tmp_path: Path) -> None:
    path = write_nir(tmp_path / "a.nir", plain(), compression="gzip")
    assert 0 < int(attempt("tests.hostile.test_nir:read_mutated", path)) < 300
