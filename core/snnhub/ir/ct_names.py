"""Ids of nodes in continuous time: the path of names in the source, so written that the names can be read back.

Node ``lif`` of subgraph ``sub`` is ``sub/lif``. ``/``, ``%`` and characters that cannot be printed are
percent-encoded (UTF-8) within a name; on the top level, ``input`` and ``output``, which belong to terminals,
become ``input~`` and ``output~``, and these ``input~~`` and so on. ``%`` alone is the graph itself: no name is
written so.
"""

from __future__ import annotations

from urllib.parse import quote, unquote

from snnhub.errors import GraphError

ROOT = "%"
RESERVED = ("input", "output")
MARK = "~"


def node_id(path: tuple[str, ...]) -> str:
    """The id of the node that is found by these names, from the top. No names: the graph itself."""
    if not path:
        return ROOT
    first, *rest = (_encode(name) for name in path)
    if first.rstrip(MARK) in RESERVED:
        first += MARK
    return "/".join((first, *rest))


def node_path(identifier: str) -> tuple[str, ...]:
    """The names that lead to a node. Raises ``GraphError`` for an id that ``node_id`` does not write."""
    if identifier == ROOT:
        return ()
    first, *rest = identifier.split("/")
    if first.endswith(MARK) and first.rstrip(MARK) in RESERVED:
        first = first.removesuffix(MARK)
    try:
        path = tuple(unquote(part, errors="strict") for part in (first, *rest))
    except UnicodeDecodeError:
        path = ("",)
    if not all(path) or node_id(path) != identifier:
        raise GraphError(
            "id is no path of names", where=identifier, allowed="names joined by /, odd characters as %XX"
        )
    return path


def parent_of(identifier: str) -> str:
    """The id of the graph that a node lies in; empty on the top level."""
    return identifier.rpartition("/")[0]


def _encode(name: str) -> str:
    return "".join(char if char.isprintable() and char not in "/%" else quote(char, safe="") for char in name)
