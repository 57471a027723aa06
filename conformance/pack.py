"""Build hook: a wheel has the cases as one archive (see ``snnhub_conformance.packed``). Same cases, same bytes."""

from __future__ import annotations

import io
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = "conformance/snnhub_conformance/vectors"
TARGET = "snnhub_conformance/vectors.tar.xz"


class Pack(BuildHookInterface[Any]):
    """Used for wheels only; an editable install points at the folder."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name != "wheel" or version == "editable":
            return
        path = Path(tempfile.mkdtemp()) / "vectors.tar.xz"
        path.write_bytes(packed(Path(self.root) / FOLDER))
        build_data["force_include"][str(path)] = TARGET


def packed(folder: Path) -> bytes:
    """The archive: files in order of their names, without dates and owners."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:xz", format=tarfile.PAX_FORMAT) as archive:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            member = tarfile.TarInfo(file.relative_to(folder).as_posix())
            data = file.read_bytes()
            member.size, member.mode = len(data), 0o644
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()
