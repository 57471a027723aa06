"""Attacks on HDF5 files: links and storage elsewhere, false sizes, cycles; and mutated files."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from snnhub.api.options import ImportOptions
from snnhub.errors import FormatError, SnnhubError
from snnhub_netx.reader import import_netx
from snnhub_netx.writer import export_netx

from tests.build import loihi_mlp
from tests.networks.netx_files import dense_layer, write
from tests.unit.test_netx import arranged
from tests.unit.test_resonate import resonating

SEED = 20261121


def refused(path: Path, words: str) -> None:
    with pytest.raises(FormatError, match=words):
        import_netx(path, ImportOptions())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "a.net", [dense_layer(np.full((3, 2), 4))])


def test_external_links_are_never_followed(path: Path, tmp_path: Path) -> None:
    secret = write(tmp_path / "secret.net", [dense_layer(np.full((3, 2), 6))])
    with h5py.File(path, "r+") as file:
        del file["layer/0/weight"]
        file["layer/0/weight"] = h5py.ExternalLink(str(secret), "/layer/0/weight")
    refused(path, "links are never followed")


def test_soft_links_are_refused(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["layer/0/copy"] = h5py.SoftLink("/layer/0/weight")
    refused(path, "links are never followed")


def test_external_storage_is_never_read(path: Path, tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes(b"\0" * 24)
    with h5py.File(path, "r+") as file:
        del file["layer/0/weight"]
        file["layer/0"].create_dataset("weight", (3, 2), "f4", external=[(str(tmp_path / "raw"), 0, 24)])
    refused(path, "external storage")


def test_virtual_datasets_are_refused(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file["layer/0/weight"]
        layout = h5py.VirtualLayout((3, 2), "f4")
        layout[:] = h5py.VirtualSource("elsewhere.h5", "data", (3, 2))
        file["layer/0"].create_virtual_dataset("weight", layout)
    refused(path, "virtual dataset")


@pytest.mark.parametrize(
    "options", [{}, {"chunks": (1024, 1024)}, {"chunks": (1024, 1024), "compression": "gzip"}]
)
def test_declared_sizes_beyond_the_file(options: dict[str, object], path: Path) -> None:
    """40 GB of zeros in a few bytes: refused before anything is allocated."""
    with h5py.File(path, "r+") as file:
        del file["layer/0/weight"]
        file["layer/0"].create_dataset("weight", (100_000, 100_000), "f4", fillvalue=0.0, **options)
    refused(path, "far beyond what is stored")


def test_groups_that_contain_themselves(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["layer/0/again"] = file["layer"]
    refused(path, "linked twice")


def test_deep_nesting(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.create_group("/".join(["layer/0/x", *["y"] * 200]))
    refused(path, "too deep")


def test_named_types_have_no_place(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["layer/0/sort"] = np.dtype("f8")
    refused(path, "named HDF5 types")


def test_strings_where_numbers_belong(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file["layer/0/weight"]
        file["layer/0/weight"] = "os.system('rm -rf /')"
    with pytest.raises(SnnhubError, match="needs numbers"):
        import_netx(path, ImportOptions())


@pytest.mark.parametrize("size", [0, 3, 100])
def test_truncated_files(size: int, path: Path) -> None:
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(SnnhubError):
        import_netx(path, ImportOptions())


@pytest.mark.parametrize("case", range(150))
def test_mutated_files_never_crash(case: int, tmp_path: Path) -> None:
    """Flip bytes of a valid file: it loads, or it is an error of ours."""
    path = tmp_path / "a.net"
    export_netx(arranged(loihi_mlp((4, 3, 2))), path)
    data = bytearray(path.read_bytes())
    random = np.random.default_rng((SEED, case))
    for _ in range(int(random.integers(1, 6))):
        data[int(random.integers(0, len(data)))] ^= int(random.integers(1, 256))
    path.write_bytes(bytes(data))
    try:
        import_netx(path, ImportOptions())
    except SnnhubError:
        return


def replaced(path: Path, **options: object) -> None:
    """Another dataset in the place of the weights."""
    with h5py.File(path, "r+") as file:
        del file["layer/0/weight"]
        file["layer/0"].create_dataset("weight", **options)


def test_a_terabyte_of_compressed_zeros(path: Path) -> None:
    """Chunked and gzip: 1 TB declared, a few chunks stored, 10 kB on the disk."""
    shape, chunks = (2**19, 2**19), (2**10, 2**10)
    replaced(path, shape=shape, dtype="f4", chunks=chunks, compression="gzip")
    with h5py.File(path, "r+") as file:
        file["layer/0/weight"][0, 0] = 1
    assert path.stat().st_size < 100_000
    refused(path, "far beyond what is stored")


def test_an_honest_ratio_of_too_much(path: Path) -> None:
    """One dataset under many names is read under each of them."""
    with h5py.File(path, "r+") as file:
        block = np.zeros((2**10, 2**14), np.float32)
        file["layer/0"].create_dataset("zeros", data=block, chunks=block.shape, compression="gzip")
        for number in range(100):
            file[f"layer/0/zeros{number}"] = file["layer/0/zeros"]
    refused(path, "too large")


def test_too_many_links_in_one_group(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snnhub_netx.hdf5.MAX_OBJECTS", 50)
    with h5py.File(path, "r+") as file:
        for number in range(60):
            file[f"layer/0/w{number}"] = file["layer/0/weight"]
    refused(path, "too large")


@pytest.mark.parametrize(
    "dtype",
    [
        h5py.vlen_dtype(np.float32),
        h5py.string_dtype(),
        np.dtype([("a", "f4"), ("b", "i8")]),
        h5py.ref_dtype,
        np.dtype("c8"),
        np.dtype("V16"),
        np.dtype("S8"),
    ],
)
def test_types_that_are_no_numbers(dtype: object, path: Path) -> None:
    replaced(path, shape=(3, 2), dtype=dtype)
    with pytest.raises(SnnhubError, match=r"needs numbers|broken HDF5"):
        import_netx(path, ImportOptions())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.5, 1e30])
def test_numbers_that_are_not_whole(value: float, path: Path) -> None:
    replaced(path, data=np.full((3, 2), value, np.float32))
    with pytest.raises(SnnhubError) as caught:
        import_netx(path, ImportOptions())
    assert "SNN-3104" in {finding.code for finding in caught.value.findings} or "whole" in str(caught.value)


def test_strings_of_many(path: Path) -> None:
    """A type given eight thousand times, each as long as the file likes: its size is looked at, not its text."""
    with h5py.File(path, "r+") as file:
        del file["layer/0/type"]
        file["layer/0"].create_dataset("type", data=np.array([b"dense"] * 8000, dtype="S5"))
    with pytest.raises(SnnhubError, match="one string"):
        import_netx(path, ImportOptions())


def test_groups_where_datasets_are_expected_and_the_reverse(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file["layer/0/weight"]
        file.create_group("layer/0/weight/1")
    with pytest.raises(SnnhubError):
        import_netx(path, ImportOptions())
    with h5py.File(path, "w") as file:
        file["layer"] = 3.0
    with pytest.raises(SnnhubError):
        import_netx(
            path,
            ImportOptions(),
        )


@pytest.mark.parametrize(
    "record", [b"", b"[]", b"[" * 100_000, b'{"schema": "snnhub-netx/1"}', b'{"hold":[1e999]}', b"null", b"\xff"]
)
def test_embedded_records_that_are_broken(record: bytes, path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["snnhub/record"] = np.array(record, dtype=f"S{max(1, len(record))}")
    try:
        graph = import_netx(path, ImportOptions())
    except FormatError:
        return
    assert "SNN-3113" in {finding.code for finding in graph.findings}


@pytest.fixture
def ringing(tmp_path: Path) -> Path:
    """A file of resonators, with complex weights."""
    return write(tmp_path / "rf.net", [dense_layer(np.full((4, 2), 4)), resonating()])


def test_complex_weights_that_lie_elsewhere(ringing: Path) -> None:
    for link in (h5py.SoftLink("/layer/1/weight/imag"), h5py.ExternalLink(str(ringing), "/layer/1/weight/imag")):
        with h5py.File(ringing, "r+") as file:
            del file["layer/1/weight/real"]
            file["layer/1/weight/real"] = link
        refused(ringing, "links are never followed")


@pytest.mark.parametrize("part", ["real", "imag"])
def test_complex_weights_beyond_the_file(part: str, ringing: Path) -> None:
    with h5py.File(ringing, "r+") as file:
        del file[f"layer/1/weight/{part}"]
        file[f"layer/1/weight/{part}"] = file.create_dataset("x", (100_000, 100_000), "f4")
    refused(ringing, "far beyond what is stored")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300, "sin", np.complex64(1)])
@pytest.mark.parametrize("key", ["sinDecay", "cosDecay", "vThMant"])
def test_numbers_of_resonators_that_are_none(key: str, value: object, ringing: Path) -> None:
    with h5py.File(ringing, "r+") as file:
        del file[f"layer/1/neuron/{key}"]
        file[f"layer/1/neuron/{key}"] = value
    with pytest.raises(SnnhubError) as caught:
        import_netx(ringing, ImportOptions())
    assert key in str(caught.value) or any(key in finding.place for finding in caught.value.findings)


@pytest.mark.parametrize("shape", [(), (0,), (0, 4), (3,), (3, 4, 1), (4, 3), (2, 2, 3)])
def test_complex_weights_of_strange_shapes(shape: tuple[int, ...], ringing: Path) -> None:
    """Refused, or read where both parts have it and it can be meant."""
    with h5py.File(ringing, "r+") as file:
        for part in ("real", "imag"):
            del file[f"layer/1/weight/{part}"]
            file[f"layer/1/weight/{part}"] = np.full(shape, 4, np.float32)
    with pytest.raises(SnnhubError):
        import_netx(ringing, ImportOptions())


@pytest.mark.parametrize("case", range(150))
def test_mutated_files_of_resonators_never_crash(case: int, ringing: Path) -> None:
    data = bytearray(ringing.read_bytes())
    random = np.random.default_rng((SEED, 7, case))
    for _ in range(int(random.integers(1, 6))):
        data[int(random.integers(0, len(data)))] ^= int(random.integers(1, 256))
    ringing.write_bytes(bytes(data))
    try:
        import_netx(ringing, ImportOptions())
    except SnnhubError:
        return
