"""Networks of DynapSim to graphs: factories in their environment, live modules where they are, ``.npz`` here."""

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

from snnhub_dynapse2 import ENVIRONMENT
from snnhub_dynapse2.build import Build

HERE = "snnhub_dynapse2.importer:import_here"
VERSION = "1"


def import_model(source: Any, options: ImportOptions) -> Graph:
    """The graph of an ``.npz`` file (``Path``), of a factory (text) or of a live module.

    Raises ``FormatError`` for a file that is not one, ``UnsupportedError`` with everything that cannot be held,
    ``MissingPeerError`` without Rockpool's environment.
    """
    if OPTION in options.given:
        find(load().environments, options.given[OPTION], OPTION)
    if isinstance(source, str) and not Path(source).is_file() and wanted(options) is not None:
        return import_in(str(wanted(options)), HERE, source, options)
    return import_here(source, options)


def wanted(options: ImportOptions) -> str | None:
    """The environment where factories run; None for this interpreter, if that has jax and Rockpool."""
    name = options.given.get(OPTION)
    here = find_spec("rockpool") is not None and find_spec("jax") is not None
    return name or (None if here else ENVIRONMENT.name)


def import_here(source: Any, options: ImportOptions) -> Graph:
    """As ``import_model``, in this interpreter."""
    from snnhub_dynapse2.live import FACTORS

    factors = options.given.get("factors", FACTORS[0])
    if factors not in FACTORS:
        raise UsageError("unknown factors", found=factors, allowed=", ".join(FACTORS))
    if isinstance(source, str | Path) and Path(source).is_file():
        return _mapped(Path(source), options) or _file(Path(source), options)
    if isinstance(source, Path):
        raise UsageError("no such file", where=str(source))
    return _live(source, options)


def _mapped(path: Path, options: ImportOptions) -> Graph | None:
    """The network of a ``dynapse2.json``; None for another file."""
    from snnhub_dynapse2.lowered.file import import_dynapse2_json
    from snnhub_dynapse2.runner import is_mapped

    return import_dynapse2_json(path, options) if is_mapped(path) else None


def _file(path: Path, options: ImportOptions) -> Graph:
    from snnhub_dynapse2.archive import read_archive

    if options.given.get("factors") is not None:
        found = f"--option factors={options.given['factors']}"
        raise UsageError("a file holds its factors", where=str(path), found=found)
    archive = read_archive(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    stage = Stage("import dynapse2", f"{VERSION} (npz)", tuple(sorted(options.given.items())))
    build = Build(path.stem, ("dynapse2.npz", ""), options.lookup, archive.findings)
    return build.run(archive.layers, Provenance((stage,), str(path), digest))


def _live(source: Any, options: ImportOptions) -> Graph:
    from snnhub.api.factory import made

    from snnhub_dynapse2.live import FACTORS, layers, versions

    factors = options.given.get("factors", FACTORS[0])
    if options.weights is not None:
        raise UsageError("weights of Rockpool networks come with the factory", found=str(options.weights))
    net, findings, name = source, [], type(source).__name__
    if isinstance(source, str):
        net, name = made(source, options.settings), source
        words = "the factory was run: importing a network by factory runs its author's code"
        findings.append(info("SNN-3001", source, words))
    found, noticed = layers(net, factors)
    chosen = {**options.settings, **({"factors": factors} if "factors" in options.given else {})}
    stage = Stage("import dynapse2", f"{VERSION} ({versions()})", tuple(sorted(chosen.items())))
    build = Build(name, ("rockpool", versions()), options.lookup, [*findings, *noticed])
    return build.run(found, Provenance((stage,), name))
