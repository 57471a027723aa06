"""Input arrays that are wrong, truncated, or want to be unpickled."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from snnhub.errors import FormatError, UsageError
from snnhub_formats.recording import load_array, load_arrays


def npy(shape: str, dtype: str = "<f4", data: bytes = b"\0" * 64) -> bytes:
    head = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    head += " " * (-(len(head) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + data


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"\x93NUMPY",
        b"\x93NUMPY\x01\x00\xff\xff{",
        npy("(1000000, 1000000)"),
        npy("(4,)", "|O"),
        npy("(-1,)"),
        npy("(4,", "<f4"),
        npy("__import__('os').system('true')"),
        b"PK\3\4",
        b"PK\3\4" + b"\0" * 100,
    ],
)
def test_files_that_are_no_arrays(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.npy").write_bytes(content)
    with pytest.raises(FormatError):
        load_array(tmp_path / "x.npy")


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([{"a": 1}], dtype=object))
    with pytest.raises(FormatError):
        load_array(tmp_path / "x.npy")
    np.savez(tmp_path / "x.npz", a=np.array([{"a": 1}], dtype=object))
    with pytest.raises(FormatError, match="unpickling"):
        load_array(tmp_path / "x.npz")


def test_archives_with_false_sizes(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("a.npy", npy("(1000000000, 1000000)"))
    with pytest.raises(FormatError, match="beyond the file"):
        load_arrays(tmp_path / "x.npz")


def test_a_bomb_is_read_only_as_far_as_its_array(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", npy("(4,)", data=b"\0" * 2**24))
    assert load_array(tmp_path / "x.npz").shape == (4,)


def test_archives_need_one_array(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", a=np.zeros(2), b=np.zeros(2))
    with pytest.raises(UsageError, match="one array"):
        load_array(tmp_path / "x.npz")
    np.savez(tmp_path / "y.npz", a=np.arange(4))
    assert load_array(tmp_path / "y.npz").tolist() == [0, 1, 2, 3]
    with pytest.raises(UsageError, match="no such file"):
        load_array(tmp_path / "z.npy")


def zipped(path: Path, members: list[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def test_a_bomb_of_honest_sizes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deflate makes a thousand zeros of one byte: what it may unpack to is bounded for the whole file."""
    monkeypatch.setattr("snnhub_formats.recording.INFLATED_BYTES", 2**24)
    data = npy("(2097152,)", data=b"\0" * 2**23)
    path = zipped(tmp_path / "x.npz", [(f"{i}.npy", data) for i in range(3)], zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 2**16
    with pytest.raises(FormatError, match="unpack to too much"):
        load_arrays(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_that_repeat_or_overlap(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.npz", [("a.npy", npy("(16,)")), ("a.npy", npy("(16,)"))])
    with pytest.raises(FormatError, match="repeat"):
        load_arrays(path)
    path = zipped(tmp_path / "y.npz", [(f"{i}.npy", npy("(16,)")) for i in range(8)])
    data = bytearray(path.read_bytes())
    position = data.index(b"PK\1\2")
    while data[position : position + 4] == b"PK\1\2":  # every entry points at the first member
        struct.pack_into("<I", data, position + 42, 0)
        position += 46 + sum(struct.unpack_from("<HH", data, position + 28))
    path.write_bytes(bytes(data))
    with pytest.raises(FormatError):
        load_arrays(path)


def test_members_that_are_encrypted(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.npz", [("a.npy", npy("(16,)"))])
    data = bytearray(path.read_bytes())
    for magic, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(magic) + offset] |= 1
    path.write_bytes(bytes(data))
    with pytest.raises(FormatError):
        load_arrays(path)


def test_names_that_lead_elsewhere_are_only_names(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.npz", [("../../evil.npy", npy("(16,)"))])
    assert list(load_arrays(path)) == ["../../evil"]
    assert [item.name for item in tmp_path.iterdir()] == ["x.npz"]


@pytest.mark.parametrize("dtype", ["<U8", "|S4", "<c8", "<M8[s]", "|V8"])
def test_arrays_without_numbers_are_no_input(dtype: str, tmp_path: Path) -> None:
    import snnhub
    from snnhub_formats.container import save

    from tests.build import mlp

    save(mlp((2, 2)), tmp_path / "a.snn")
    (tmp_path / "x.npy").write_bytes(npy("(1, 2)", dtype))
    with pytest.raises((UsageError, FormatError)):
        snnhub.run(tmp_path / "a.snn", load_array(tmp_path / "x.npy"))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_inputs_that_are_not_finite(value: float, tmp_path: Path) -> None:
    import snnhub
    from snnhub_formats.container import save

    from tests.build import mlp

    save(mlp((2, 2)), tmp_path / "a.snn")
    with pytest.raises(UsageError, match="NaN or infinity"):
        snnhub.run(tmp_path / "a.snn", np.full((3, 2), value, np.float32))
