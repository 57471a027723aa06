"""NIR, the Neuromorphic Intermediate Representation (``.nir``): read and written without NIR's own package.

NIR says what a neuron does in continuous time and leaves open what a step computes; it becomes a graph in
continuous time (``ct.*``), field by field as the file has it. A network of steps is written as one in continuous
time, with its steps in the metadata.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from snnhub.hub import Environment, Exporter, FormatGuess, Importer, Option, hookimpl

CONSUMERS = ("snntorch", "norse", "spikingjelly", "sinabs", "spyx", "rockpool")
COMPRESSIONS = ("gzip", "lzf", "none")
ENVIRONMENT = Environment("nir", "NIR 1.0.8, the reference implementation", "snnhub_nir:nir.toml")


@hookimpl
def snnhub_register_environments() -> Iterable[Environment]:
    return (ENVIRONMENT,)


@hookimpl
def snnhub_register_importers() -> Iterable[Importer]:
    return (
        Importer(
            "nir",
            "NIR files of every version, as graphs in continuous time; what snnhub wrote, as it was",
            entry="snnhub_nir.reader:import_nir",
            formats=(".nir",),
            level="F1",
            options=(
                Option(
                    "ignore_metadata",
                    "go on without snnhub's own metadata: where they do not belong to the rest of the file, and "
                    "where they hold a network of steps",
                    "false",
                    ("false", "true"),
                ),
                Option(
                    "max_bytes", "largest size of all numbers together, unpacked", "64 times the file, or 256 MiB"
                ),
            ),
        ),
    )


@hookimpl
def snnhub_register_exporters() -> Iterable[Exporter]:
    return (
        Exporter(
            "nir",
            "NIR files that NIR's own reader loads, and every framework that uses it",
            entry="snnhub_nir.writer:export_nir",
            formats=(".nir",),
            level="F1",
            continuous=True,
            options=(
                Option("for", "keep to what this framework's importer takes", "none", CONSUMERS),
                Option(
                    "lossy",
                    "also write what NIR cannot say, or the framework computes otherwise, as losses",
                    "false",
                    ("false", "true"),
                ),
                Option("compression", "of large arrays", "gzip", COMPRESSIONS),
            ),
        ),
    )


@hookimpl
def snnhub_detect_format(path: Path, head: bytes) -> FormatGuess | None:
    if b"\x89HDF\r\n\x1a\n" not in head:
        return None
    from snnhub_formats.hdf5 import begins_as_hdf5, has_hard_links

    if not begins_as_hdf5(head):
        return None
    if has_hard_links(path, "node", "type"):
        return FormatGuess("nir", 90, "HDF5 with /node/type")
    if has_hard_links(path, "nodes") and has_hard_links(path, "edges"):
        return FormatGuess("nir", 60, "HDF5 with /nodes and /edges, as NIR 0.0 wrote it")
    if path.suffix.lower() == ".nir":  # damaged, or not NIR's: the reader says what
        return FormatGuess("nir", 5, "HDF5 named .nir")
    return None
