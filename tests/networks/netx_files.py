"""NetX files with exactly the entries that a test asks for, of the parts that cases of the suite are made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from snnhub_conformance.generate.netx_parts import CUBA, conv_layer, dense_layer, netx

__all__ = ["CUBA", "conv_layer", "dense_layer", "write"]


def write(path: Path, layers: list[dict[str, Any]], names: list[str] | None = None) -> Path:
    """A NetX file with exactly these entries, typed as lava-dl types them."""
    path.write_bytes(netx(layers, names))
    return path
