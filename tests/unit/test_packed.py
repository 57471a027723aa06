"""The cases of a wheel: packed when it is built, unpacked once where it is used."""

from __future__ import annotations

import importlib.util
import io
import lzma
import tarfile
from pathlib import Path
from types import ModuleType

import pytest
from snnhub.errors import FormatError
from snnhub_conformance import packed, suite

ROOT = Path(__file__).resolve().parents[2]
FAMILY = "xylo"


def hook() -> ModuleType:
    """The build hook, which is no part of any package."""
    spec = importlib.util.spec_from_file_location("pack", ROOT / "conformance" / "pack.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As from a wheel: no folder, an archive; a cache of our own. The folder of the archive."""
    source = tmp_path / "source"
    for path in (suite.VECTORS / FAMILY).rglob("*"):
        if path.is_file():
            copy = source / path.relative_to(suite.VECTORS)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    (tmp_path / "vectors.tar.xz").write_bytes(hook().packed(source))
    monkeypatch.setattr(packed, "FOLDER", tmp_path / "vectors")
    monkeypatch.setattr(packed, "ARCHIVE", tmp_path / "vectors.tar.xz")
    monkeypatch.setenv(packed.CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_wheel_has_the_same_cases(installed: Path) -> None:
    folder = packed.vectors()
    assert folder.parent == installed / "cache"
    assert files(folder) == files(installed / "source")
    cases = suite.load().cases
    assert [case.id for case in cases] == [
        case.id for case in suite.load(suite.VECTORS).select(families=[FAMILY]).cases
    ]


def test_same_cases_same_bytes(installed: Path) -> None:
    assert hook().packed(installed / "source") == (installed / "vectors.tar.xz").read_bytes()


def test_unpacked_once(installed: Path) -> None:
    first = packed.vectors()
    marked = first / "mark"
    marked.touch()
    assert packed.vectors() == first
    assert marked.exists()
    assert [path.name for path in (installed / "cache").iterdir()] == [first.name], "nothing half unpacked is left"


def test_a_cache_that_cannot_be_written_is_passed_over(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (installed / "file").touch()
    monkeypatch.setenv(packed.CACHE_VARIABLE, str(installed / "file" / "below"))
    monkeypatch.setattr("tempfile.tempdir", str(installed / "temporary"))
    (installed / "temporary").mkdir()
    assert files(packed.vectors()) == files(installed / "source")


@pytest.mark.parametrize("data", [b"", b"no archive", lzma.compress(b"no tar")[:-9]])
def test_a_damaged_archive_is_named(installed: Path, data: bytes) -> None:
    (installed / "vectors.tar.xz").write_bytes(data)
    with pytest.raises(FormatError, match="archive"):
        packed.vectors()
    assert list((installed / "cache").iterdir()) == []


@pytest.mark.parametrize(
    "member",
    [
        {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"},
        {"type": tarfile.DIRTYPE},
        {"type": tarfile.CHRTYPE},
    ],
)
def test_only_files_come_out(installed: Path, member: dict[str, object]) -> None:
    info = tarfile.TarInfo("case.json")
    for name, value in member.items():
        setattr(info, name, value)
    with tarfile.open(installed / "vectors.tar.xz", "w:xz") as archive:
        archive.addfile(info)
    with pytest.raises(FormatError, match="not an archive of cases"):
        packed.vectors()


def test_nothing_leaves_the_folder(installed: Path) -> None:
    info = tarfile.TarInfo("../outside")
    info.size = 3
    with tarfile.open(installed / "vectors.tar.xz", "w:xz") as archive:
        archive.addfile(info, io.BytesIO(b"abc"))
    with pytest.raises(FormatError):
        packed.vectors()
    assert not (installed / "outside").exists()
