"""NetX: the HDF5 exchange format of Lava-DL (``.net``). A frozen format; no Lava is needed to read or write it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from snnhub.hub import Exporter, FormatGuess, Importer, Option, hookimpl

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


@hookimpl
def snnhub_register_importers() -> Iterable[Importer]:
    return (
        Importer(
            "netx",
            "NetX files of Lava-DL, with the meaning that Lava's own reader gives them",
            entry="snnhub_netx.reader:import_netx",
            formats=(".net",),
            level="F1",
            options=(
                Option(
                    "reset_interval", "reset all neurons every so many steps, as Lava's netx reader can", "never"
                ),
                Option("reset_offset", "phase of the reset, as in Lava's netx reader", "0"),
                Option("num_layers", "read only the first so many layers, as Lava's netx reader can", "all"),
                Option("decoder", "what decisions are made of: mean, sum or last of u or v, as in last:u", "auto"),
            ),
        ),
    )


@hookimpl
def snnhub_register_exporters() -> Iterable[Exporter]:
    return (
        Exporter(
            "netx",
            "NetX files that Lava-DL's own reader loads",
            entry="snnhub_netx.writer:export_netx",
            formats=(".net",),
            target="loihi2",
            passes="snnhub_netx.arrange:passes",
            level="F1",
        ),
    )


@hookimpl
def snnhub_detect_format(path: Path, head: bytes) -> FormatGuess | None:
    if not head.startswith(HDF5_SIGNATURE):
        return None
    from snnhub_netx.hdf5 import looks_like_netx

    return FormatGuess("netx", 90, "HDF5 with /layer/0/type") if looks_like_netx(path) else None
