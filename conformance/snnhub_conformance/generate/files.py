"""Everything that is about files, chips and importers: which module makes which family."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from snnhub_conformance.generate import (
    differences,
    exporters,
    json_files,
    netx_accepted,
    netx_refused,
    nir_accepted,
    nir_refused,
    refuse_graphs,
    snn_accepted,
    snn_refused,
    targets,
)
from snnhub_conformance.generate.write import Writer


def snn(writer: Writer, table: dict[str, Any]) -> None:
    """``file.snn``."""
    snn_accepted.add(writer)
    snn_refused.add(writer)
    table["cases"] = len(writer.cases)


def as_json(writer: Writer, table: dict[str, Any]) -> None:
    """``file.json``."""
    json_files.add(writer)
    table["cases"] = len(writer.cases)


def netx(writer: Writer, table: dict[str, Any]) -> None:
    """``file.netx``."""
    netx_accepted.add(writer)
    netx_refused.add(writer)
    table["cases"] = len(writer.cases)


def nir(writer: Writer, table: dict[str, Any]) -> None:
    """``importer.nir``."""
    nir_accepted.add(writer)
    nir_refused.add(writer)
    table["cases"] = len(writer.cases)


def profiles(writer: Writer, table: dict[str, Any]) -> None:
    """``profile.*``. Needs the environment nir-frameworks, and torch."""
    from snnhub_conformance.generate import profiles as families

    families.add(writer)
    table["cases"] = len(writer.cases)


def chip(writer: Writer, table: dict[str, Any]) -> None:
    """``target.loihi2`` and ``lowering.loihi2``."""
    targets.targets(writer)
    targets.lowerings(writer)
    table["cases"] = len(writer.cases)


def written(writer: Writer, table: dict[str, Any]) -> None:
    """``exporter.*``."""
    exporters.add(writer)
    table["cases"] = len(writer.cases)


def refused(writer: Writer, table: dict[str, Any]) -> None:
    """``graph.refuse``."""
    refuse_graphs.add(writer)
    table["cases"] = len(writer.cases)


def rockpool(writer: Writer, table: dict[str, Any]) -> None:
    """``importer.rockpool``. Needs Rockpool's environment."""
    from snnhub_conformance.generate import rockpool as family

    family.add(writer)
    table["cases"] = len(writer.cases)


def dynapse2(writer: Writer, table: dict[str, Any]) -> None:
    """``importer.dynapse2``. Needs the environment dynapse2."""
    from snnhub_conformance.generate import dynapse2 as family

    family.add(writer)
    table["cases"] = len(writer.cases)


def torch_network(framework: str) -> Callable[[Writer, dict[str, Any]], None]:
    """``importer.snntorch``, ``importer.norse``, ``importer.sinabs``. Needs the environment nir-frameworks."""

    def make(writer: Writer, table: dict[str, Any]) -> None:
        from snnhub_conformance.generate import torch_live

        torch_live.of(framework)(writer)
        table["cases"] = len(writer.cases)

    return make


def lavadl(writer: Writer, table: dict[str, Any]) -> None:
    """``importer.lava-dl``. Needs the environment of Lava."""
    from snnhub_conformance.generate import lavadl as family

    family.add(writer)
    table["cases"] = len(writer.cases)


def different(writer: Writer, table: dict[str, Any]) -> None:
    """``difference.slayer``: slayer and Loihi on one network."""
    differences.add(writer)
    table["cases"] = len(writer.cases)


def xylo(writer: Writer, table: dict[str, Any]) -> None:
    """``xylo``. Needs xylosim's environment."""
    from snnhub_conformance.generate import xylo as family

    family.add(writer)
    table["cases"] = len(writer.cases)


def spikingjelly(writer: Writer, table: dict[str, Any]) -> None:
    """``importer.spikingjelly``. Needs torch and SpikingJelly."""
    from snnhub_conformance.generate import jelly

    jelly.add(writer)
    table["cases"] = len(writer.cases)
