"""The cases of an installed wheel: one archive, unpacked once for each machine.

A wheel with forty thousand small files would be ten times as large, and slow to install. A checkout has the folder
itself, and needs none of this.
"""

from __future__ import annotations

import hashlib
import lzma
import os
import shutil
import tarfile
import tempfile
from pathlib import Path

from snnhub.errors import FormatError

FOLDER = Path(__file__).parent / "vectors"
ARCHIVE = Path(__file__).parent / "vectors.tar.xz"
"""Made by ``conformance/pack.py`` when a wheel is built."""
CACHE_VARIABLE = "SNNHUB_CACHE"
MAX_FILES, MAX_BYTES = 200_000, 1 << 30


def vectors() -> Path:
    """The folder of all cases. Where only the archive is installed it is unpacked first: into ``SNNHUB_CACHE``,
    else the user's cache folder; if that cannot be written, into a temporary folder.

    Raises ``FormatError`` if neither folder nor archive is there, or the archive is damaged.
    """
    if FOLDER.is_dir() or not ARCHIVE.is_file():
        return FOLDER
    digest = hashlib.sha256(ARCHIVE.read_bytes()).hexdigest()[:16]
    for root in (_cache(), Path(tempfile.gettempdir()) / f"snnhub-{os.getuid()}"):
        wanted = root / f"conformance-{digest}"
        if wanted.is_dir():
            return wanted
        try:
            root.mkdir(parents=True, exist_ok=True, mode=0o700)
            return _unpacked(root, wanted)
        except OSError:
            continue  # the next place
    raise FormatError(
        "the cases cannot be unpacked", where=str(ARCHIVE), remedy=f"Set {CACHE_VARIABLE} to a folder."
    )


def _cache() -> Path:
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().resolve()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "snnhub"


def _unpacked(root: Path, wanted: Path) -> Path:
    """Unpack beside ``wanted`` and rename, so that what is there is whole; another process may be first."""
    working = Path(tempfile.mkdtemp(prefix="unpacking-", dir=root))
    try:
        _extract(working)
        try:
            working.rename(wanted)
        except OSError:
            if not wanted.is_dir():
                raise
        return wanted
    finally:
        shutil.rmtree(working, ignore_errors=True)


def _extract(folder: Path) -> None:
    count = size = 0
    try:
        with tarfile.open(ARCHIVE, "r:xz") as archive:
            for member in archive:
                count, size = count + 1, size + member.size
                if not member.isfile() or count > MAX_FILES or size > MAX_BYTES:
                    raise FormatError("not an archive of cases", where=str(ARCHIVE), found=member.name)
                archive.extract(member, folder, filter="data")
    except (tarfile.TarError, lzma.LZMAError, EOFError) as problem:
        raise FormatError("damaged archive of cases", where=str(ARCHIVE), found=str(problem)) from None
