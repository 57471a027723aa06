"""Rockpool networks to graphs: saved files here, factories in its environment, live modules where they are."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from snnhub.api.options import ImportOptions
from snnhub.api.remote import OPTION, import_in
from snnhub.errors import UsageError
from snnhub.findings import info
from snnhub.hub.catalogue import find
from snnhub.hub.loader import load
from snnhub.ir.graph import Graph, Provenance, Stage

from snnhub_rockpool import ENVIRONMENT
from snnhub_rockpool.build import Build
from snnhub_rockpool.document import read_saved
from snnhub_rockpool.structure import Structure

HERE = "snnhub_rockpool.importer:import_here"
VERSION = "1"
OUTPUTS = ("spikes", "vmem")


def import_model(source: Any, options: ImportOptions) -> Graph:
    """The graph of a saved file (``Path``), of a factory (text) or of a live module.

    Raises ``FormatError`` for a file that is not one, ``UnsupportedError`` with every layer that cannot be held
    and everything that the file leaves open, ``MissingPeerError`` without Rockpool's environment.
    """
    if OPTION in options.given:
        find(load().environments, options.given[OPTION], OPTION)
    if isinstance(source, str) and not Path(source).is_file() and wanted(options) is not None:
        return import_in(str(wanted(options)), HERE, source, options)
    return import_here(source, options)


def wanted(options: ImportOptions) -> str | None:
    """The environment where factories run; None for this interpreter, if that has Rockpool and none is named."""
    name = options.given.get(OPTION)
    return name or (None if find_spec("rockpool") is not None else ENVIRONMENT.name)


def import_here(source: Any, options: ImportOptions) -> Graph:
    """As ``import_model``, in this interpreter."""
    output = options.given.get("output")
    if output is not None and output not in OUTPUTS:
        raise UsageError("unknown output", found=output, allowed=", ".join(OUTPUTS))
    if isinstance(source, str | Path) and Path(source).is_file():
        return _file(Path(source), options)
    if isinstance(source, Path):
        raise UsageError("no such file", where=str(source))
    return _live(source, options)


def structure_path(options: ImportOptions) -> Path | None:
    """The structure file that the options name."""
    given = options.given.get("structure")
    return None if given is None else Path(given)


def _file(path: Path, options: ImportOptions) -> Graph:
    structure = Structure(read_saved(path), str(path), structure_path(options))
    build = Build(path.stem, "saved", options.lookup, structure.findings)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    stage = Stage("import rockpool", f"{VERSION} (saved file)", tuple(sorted(options.given.items())))
    output = options.given.get("output") or structure.output
    return build.run(structure.root, output, Provenance((stage,), str(path), digest))


def _live(source: Any, options: ImportOptions) -> Graph:
    from snnhub.api.factory import made

    from snnhub_rockpool.live import tree, versions

    if structure_path(options) is not None:
        raise UsageError("a structure file is for saved files", found=str(structure_path(options)))
    net, findings, name = source, [], type(source).__name__
    if isinstance(source, str):
        net, name = made(source, options.settings), source
        words = "the factory was run: importing a network by factory runs its author's code"
        findings.append(info("SNN-3001", source, words))
        if options.weights is not None:
            raise UsageError("weights of Rockpool networks come with the factory", found=str(options.weights))
    root, output, problems = tree(net)
    build = Build(name, versions(), options.lookup, [*findings, *problems])
    stage = Stage("import rockpool", f"{VERSION} ({versions()})", tuple(sorted(options.settings.items())))
    return build.run(root, options.given.get("output") or output, Provenance((stage,), name))
