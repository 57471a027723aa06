"""What is taken for the real samna, and that looking never imports: folders that look installed, on a path of
their own.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from snnhub.errors import MissingPeerError
from snnhub.hub.loader import load
from snnhub.peers import samna_guard as guard
from snnhub.peers.samna_guard import LEAST_BYTES, problem

from tests.networks.samna_installed import EXTENSION, INSTALLER, PLATFORM, PURE, compiled, installed, record


def found(folder: Path, thorough: bool = True) -> str:
    words = problem([str(folder)], thorough)
    assert "samna" not in sys.modules
    return words


def test_a_wheel_of_the_vendor_is_taken(tmp_path: Path) -> None:
    folder = installed(tmp_path / "good", more={"samna/graph.py": "import enum\n"})
    assert found(folder) == ""
    assert problem([str(folder), str(folder)]) == ""  # a folder may be on the path twice


def test_nothing_installed(tmp_path: Path) -> None:
    assert found(tmp_path) == "samna is not installed"
    other = installed(tmp_path / "other", name="samnagui", extension=b"")
    assert found(other) == "samna is not installed"


STUBS: dict[str, tuple[dict[str, Any], str]] = {
    "the index's own": ({"init": INSTALLER, "wheel": PURE, "extension": b""}, "purely Python"),
    "one that calls itself a platform's": (
        {"init": INSTALLER, "wheel": PLATFORM, "extension": b""},
        "no compiled module",
    ),
    "an installer with a compiled module": ({"init": INSTALLER}, "imports subprocess"),
    "a tag for any machine": ({"wheel": ("false", "cp311-none-any")}, "purely Python"),
    "not from a wheel": ({"wheel": None}, "not installed from a wheel"),
    "a small compiled module": (
        {"extension": b"\x7fELF" + bytes(LEAST_BYTES - 5)},
        "its largest compiled module has",
    ),
    "no compiled module by its bytes": ({"extension": b"#!/bin/sh" * LEAST_BYTES}, "is no compiled module"),
    "a hook in another file": ({"more": {"samna/_setup.py": "from pip import main\n"}}, "imports pip"),
    "a download": ({"more": {"samna/util/get.py": "import urllib.request as r\n"}}, "imports urllib.request"),
    "a shell": ({"more": {"samna/_ci.py": "import os\nos.system('true')\n"}}, "calls os.system"),
    "code in a text": ({"more": {"samna/_x.py": "exec('import x')\n"}}, "calls exec"),
    "a file that is no Python": ({"more": {"samna/_x.py": "def (\n"}}, "cannot be read"),
    "a file of the start": ({"more": {"samna.pth": "import samna\n"}}, "when the interpreter starts"),
}


@pytest.mark.parametrize("name", STUBS)
def test_everything_else_is_refused(name: str, tmp_path: Path) -> None:
    given, words = STUBS[name]
    assert words in found(installed(tmp_path / "it", **given))


def test_two_of_them_are_refused(tmp_path: Path) -> None:
    folders = [installed(tmp_path / name) for name in ("a", "b")]
    assert problem([str(folder) for folder in folders]).startswith("2 distributions are called samna")


def test_a_module_before_it_on_the_path_is_refused(tmp_path: Path) -> None:
    folder = installed(tmp_path / "good")
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "samna.py").write_text("")
    words = problem([str(tmp_path / "first"), str(folder)])
    assert "is not one of its files" in words


def test_changed_files_are_refused(tmp_path: Path) -> None:
    folder = installed(tmp_path / "good")
    init = folder / "samna" / "__init__.py"
    text = init.read_text()
    init.write_text(text + "\n")
    assert "not as it was installed" in found(folder)
    init.write_text(text)
    assert found(folder) == ""
    data = bytearray((folder / EXTENSION).read_bytes())
    data[-1] ^= 1
    (folder / EXTENSION).write_bytes(data)
    assert found(folder, thorough=False) == ""  # size and first bytes are right
    assert "not as it was installed" in found(folder)
    (folder / EXTENSION).write_bytes(data[:-1])
    assert "installed were" in found(folder, thorough=False)
    (folder / EXTENSION).unlink()
    assert "not there" in found(folder)


def test_a_file_without_a_hash_is_refused(tmp_path: Path) -> None:
    folder = installed(tmp_path / "good")
    (folder / "samna" / "late.py").write_text("")
    (info,) = folder.glob("*.dist-info")
    with (info / "RECORD").open("a") as file:
        file.write("samna/late.py,,\n")
    assert "late.py is not as it was installed" in found(folder)
    record(folder)
    assert found(folder) == ""


def test_a_module_that_is_not_there_is_refused(tmp_path: Path) -> None:
    folder = installed(tmp_path / "good")
    (folder / "samna" / "__init__.py").unlink()
    assert found(folder)


def test_the_compiled_module_of_the_double_is_real() -> None:
    assert compiled().stat().st_size > LEAST_BYTES


def test_here_it_is_not_and_the_runner_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "distributions", lambda **given: [])
    availability = load().runners["samna"].availability()
    assert not availability.ok
    assert availability.reason == "samna is not installed"
    assert "vendor's wheel" in availability.hint
    with pytest.raises(MissingPeerError, match="samna is not installed"):
        guard.ensure_real()


def test_two_versions_in_one_folder_are_refused(tmp_path: Path) -> None:
    """What an interrupted change of versions leaves behind."""
    folder = installed(tmp_path / "good")
    old = folder / "samna-0.1.dist-info"
    old.mkdir()
    (old / "METADATA").write_text("Metadata-Version: 2.1\nName: samna\nVersion: 0.1\n")
    assert "2 distributions are called samna" in found(folder)
