"""Takes ``.snn`` files apart and puts them together again, with whatever was changed in between."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping

from snnhub.ir.graph import Graph
from snnhub_formats._gen import snnhub_v1_graph_pb2 as pb
from snnhub_formats.container import to_bytes

MANIFEST, GRAPH, WEIGHTS = "manifest.json", "graph.binpb", "weights.safetensors"
Members = dict[str, bytes]
Message = pb.Graph
FLOORDIV = pb.OP_FLOORDIV


def members(graph: Graph) -> Members:
    """The three members of the file of a graph."""
    with zipfile.ZipFile(io.BytesIO(to_bytes(graph))) as archive:
        return {name: archive.read(name) for name in (MANIFEST, GRAPH, WEIGHTS)}


def packed(parts: Mapping[str, bytes] | Iterable[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip of these members by Python's own writer."""
    stream = io.BytesIO()
    listed = parts.items() if isinstance(parts, Mapping) else parts
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in listed:
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, method)
    return stream.getvalue()


def signed(parts: Members, data: bytes) -> bytes:
    """A file with these bytes as its graph, and a manifest that fits."""
    manifest = {**json.loads(parts[MANIFEST]), "graph_sha256": hashlib.sha256(data).hexdigest()}
    return packed({MANIFEST: json.dumps(manifest).encode(), GRAPH: data, WEIGHTS: parts[WEIGHTS]})


def with_manifest(parts: Members, **changes: object) -> bytes:
    """A file with another manifest."""
    manifest = {**json.loads(parts[MANIFEST]), **changes}
    return packed({**parts, MANIFEST: json.dumps(manifest).encode()})


def with_message(parts: Members, change: Callable[[pb.Graph], object]) -> bytes:
    """A file whose graph was changed, with a manifest that fits."""
    message = pb.Graph()
    message.ParseFromString(parts[GRAPH])
    change(message)
    return signed(parts, message.SerializeToString(deterministic=True))


def assign(path: str, value: object) -> Callable[[pb.Graph], None]:
    """A change: puts ``value`` at a path such as ``programs/0/code/3/op``."""
    *keys, last = path.split("/")

    def change(message: pb.Graph) -> None:
        place: object = message
        for key in keys:
            place = place[int(key)] if key.isdigit() else getattr(place, key)  # type: ignore[index]
        if last.isdigit():
            place[int(last)] = value  # type: ignore[index]
        else:
            setattr(place, last, value)

    return change
