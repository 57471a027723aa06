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
