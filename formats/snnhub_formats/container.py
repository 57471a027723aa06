"""``.snn`` files: an uncompressed zip of ``manifest.json``, ``graph.binpb`` and ``weights.safetensors``.

Same graph, same bytes: member order, dates, attributes and flags are fixed, and the numbers begin at a
multiple of 64 bytes so that they can be memory-mapped. ``spec/snn.md`` is the specification.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

from snnhub.errors import FormatError, UsageError
from snnhub.files import replacing
from snnhub.ir.graph import Graph

from snnhub_formats import FEATURES, FORMAT_MAJOR, FORMAT_MINOR, serde
from snnhub_formats.tensors import Payload, data_offset, encode
from snnhub_formats.zipread import ALIGNMENT_ID, read_member, read_members

MANIFEST, GRAPH, WEIGHTS = "manifest.json", "graph.binpb", "weights.safetensors"
MEMBERS = (MANIFEST, GRAPH, WEIGHTS)
MANIFEST_LIMIT = 2**16
GRAPH_LIMIT = 2**26
ALIGNMENT = 64
ZIP64_LIMIT = 2**31 - 1


def to_bytes(graph: Graph) -> bytes:
    """The file as bytes. Raises ``FormatError`` if the graph without its numbers exceeds 64 MiB."""
    buffer = io.BytesIO()
    _write(graph, buffer)
    return buffer.getvalue()


def save(graph: Graph, path: Path) -> None:
    """Write a ``.snn`` file. The old file, if any, stays until the new one is complete."""
    with replacing(path) as file:
        _write(graph, file)


def load(path: Path) -> Graph:
    """Read a ``.snn`` file. Numbers stay on disk until they are used.

    Raises ``UsageError`` if there is no such file, ``FormatError`` for anything that is not a well-formed
    ``.snn`` file of a version and with features known here.
    """
    try:
        file = path.open("rb")
    except OSError as problem:
        raise UsageError("cannot be read", where=str(path), found=problem.strerror or str(problem)) from None
    with file:
        return _read(file, str(path))


def is_snn(head: bytes) -> bool:
    """Whether a file that begins with ``head`` (64 bytes or more) is meant to be a ``.snn`` file."""
    return head[:4] == b"PK\3\4" and head[30 : 30 + len(MANIFEST)] == MANIFEST.encode()


def _write(graph: Graph, file: BinaryIO) -> None:
    message, arrays = serde.encode(graph)
    if len(message) > GRAPH_LIMIT:
        raise FormatError("graph is too large", found=f"{len(message)} bytes", allowed=f"{GRAPH_LIMIT} bytes")
    payload = encode(arrays)
    manifest = {
        "format": "snn",
        "version": [FORMAT_MAJOR, FORMAT_MINOR],
        "requires": [],
        "graph_sha256": hashlib.sha256(message).hexdigest(),
    }
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        _member(archive, MANIFEST, json.dumps(manifest, indent=1).encode() + b"\n")
        _member(archive, GRAPH, message)
        _member(archive, WEIGHTS, payload, data_offset(payload))
    written = read_members(file, MEMBERS, "the file just written")  # ZIP64 fields move the payload
    if (written[WEIGHTS].offset + data_offset(payload)) % ALIGNMENT:
        raise AssertionError("payload is not aligned")


def _member(archive: zipfile.ZipFile, name: str, data: bytes, align: int | None = None) -> None:
    """Add a member. ``align``: its data are placed so that this many bytes in, the offset is aligned."""
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.create_system, info.external_attr = 3, 0o644 << 16
    zip64 = len(data) > ZIP64_LIMIT
    start = archive.fp.tell() + 30 + len(name) + (20 if zip64 else 0)  # type: ignore[union-attr]
    if align is not None:
        padding = -(start + 4 + align) % ALIGNMENT
        info.extra = struct.pack("<HH", ALIGNMENT_ID, padding) + bytes(padding)
    with archive.open(info, "w", force_zip64=zip64) as member:
        member.write(data)


def _read(file: BinaryIO, where: str) -> Graph:
    members = read_members(file, MEMBERS, where)
    manifest = _manifest(read_member(file, members[MANIFEST], MANIFEST_LIMIT, where), where)
    message = read_member(file, members[GRAPH], GRAPH_LIMIT, where)
    if hashlib.sha256(message).hexdigest() != manifest["graph_sha256"]:
        raise FormatError("graph does not have the digest that the manifest states", where=f"{where}:{GRAPH}")
    return serde.decode(message, Payload(file, members[WEIGHTS], where), where)


def _manifest(data: bytes, where: str) -> dict[str, Any]:
    place = f"{where}:{MANIFEST}"
    try:
        manifest = json.loads(data)
    except (ValueError, RecursionError):
        raise FormatError("manifest is not JSON", where=place) from None
    keys = {"format", "version", "requires", "graph_sha256"}
    if not isinstance(manifest, dict) or set(manifest) != keys or manifest["format"] != "snn":
        raise FormatError("not the manifest of a .snn file", where=place, allowed=", ".join(sorted(keys)))
    version, requires = manifest["version"], manifest["requires"]
    if not (isinstance(version, list) and len(version) == 2 and all(isinstance(n, int) for n in version)):
        raise FormatError("broken version", where=place, found=str(version))
    if version[0] != FORMAT_MAJOR:
        raise FormatError(
            "format version is not known here",
            where=place,
            found=f"{version[0]}.{version[1]}",
            allowed=f"{FORMAT_MAJOR}.x",
            remedy="Read it with a newer snnhub",
        )
    unknown = (
        sorted(str(name) for name in requires if not isinstance(name, str) or name not in FEATURES)
        if isinstance(requires, list)
        else ["?"]
    )
    if unknown:
        raise FormatError(
            "file needs features that are not known here",
            where=place,
            found=", ".join(unknown),
            remedy="Read it with a newer snnhub",
        )
    return manifest
