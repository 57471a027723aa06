"""Folders that look as if a samna were installed in them: the index's installer, the vendor's, and broken ones.

Nothing in them is samna. The vendor's is a double (``tests.networks.samna_double``) with a compiled module of
numpy's beside it, which is never loaded.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
from collections.abc import Mapping
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import numpy.linalg

VERSION = "0.99.0"
EXTENSION = f"samna/samna{EXTENSION_SUFFIXES[0]}"
DOUBLE = """\
import sys
from tests.networks.samna_double import samna_double

globals().update(vars(samna_double(name="samna")))
"""
INSTALLER = """\
import subprocess
import sys

subprocess.check_call([sys.executable, "-c", "raise SystemExit('ran the installer')"])
"""
PLATFORM = ("false", "cp311-cp311-manylinux_2_28_x86_64")
PURE = ("true", "py3-none-any")


def installed(
    folder: Path,
    init: str = DOUBLE,
    wheel: tuple[str, str] | None = PLATFORM,
    extension: bytes | None = None,
    more: Mapping[str, str] | None = None,
    name: str = "samna",
) -> Path:
    """Make ``folder`` one in which a wheel was installed. ``extension``: its bytes, None for a compiled module
    that is one, empty for none. ``wheel``: Root-Is-Purelib and tag.
    """
    files = {f"{name}/__init__.py": init, **(more or {})}
    info = folder / f"{name}-{VERSION}.dist-info"
    info.mkdir(parents=True)
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    if extension is None:
        shutil.copy(compiled(), folder / EXTENSION)
    elif extension:
        (folder / EXTENSION).write_bytes(extension)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {VERSION}\n")
    if wheel is not None:
        (info / "WHEEL").write_text(f"Wheel-Version: 1.0\nRoot-Is-Purelib: {wheel[0]}\nTag: {wheel[1]}\n")
    record(folder)
    return folder


def record(folder: Path) -> None:
    """Write RECORD for the files as they are now."""
    (info,) = folder.glob("*.dist-info")
    lines = []
    for path in sorted(item for item in folder.rglob("*") if item.is_file() and item.name != "RECORD"):
        data = path.read_bytes()
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.append(f"{path.relative_to(folder)},sha256={digest},{len(data)}")
    (info / "RECORD").write_text("\n".join([*lines, f"{info.name}/RECORD,,", ""]))


def compiled() -> Path:
    """The largest compiled module of numpy: a real one, of more than a megabyte."""
    root = Path(numpy.linalg.__file__).parent.parent
    return max(root.rglob(f"*{EXTENSION_SUFFIXES[0]}"), key=lambda path: path.stat().st_size)
