"""snnhub: moves spiking neural networks between frameworks and chips, with a proof of what stayed the same.

The functions behind the commands, imported when first used: ``agree``, ``import_model``, ``load``, ``save``,
``convert``, ``inspect``, ``check``, ``run``, ``verify``, ``diff``, ``distribution``, ``quant``,
``compare_recordings``, ``repro``, ``repro_again``, ``doctor``, ``plot_raster``, ``plot_vmem``, ``plot_weights``,
``plot_utilisation``, ``plot_ratios``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from snnhub.api.agree import agree
    from snnhub.api.check import check
    from snnhub.api.compare import compare_recordings
    from snnhub.api.convert import convert
    from snnhub.api.diff import diff
    from snnhub.api.distribution import distribution
    from snnhub.api.doctor import doctor
    from snnhub.api.inspect import inspect
    from snnhub.api.load import import_model, load
    from snnhub.api.plot_raster import plot_raster
    from snnhub.api.plot_ratios import plot_ratios
    from snnhub.api.plot_utilisation import plot_utilisation
    from snnhub.api.plot_vmem import plot_vmem
    from snnhub.api.plot_weights import plot_weights
    from snnhub.api.quant import quant
    from snnhub.api.repro import repro, repro_again
    from snnhub.api.run import run
    from snnhub.api.save import save
    from snnhub.api.verify import verify

__version__ = "0.1.0"
__all__ = [
    "agree",
    "check",
    "compare_recordings",
    "convert",
    "diff",
    "distribution",
    "doctor",
    "import_model",
    "inspect",
    "load",
    "plot_raster",
    "plot_ratios",
    "plot_utilisation",
    "plot_vmem",
    "plot_weights",
    "quant",
    "repro",
    "repro_again",
    "run",
    "save",
    "verify",
]

_HOMES = {"import_model": "load", "compare_recordings": "compare", "repro_again": "repro"}


def __getattr__(name: str) -> Any:
    """Import a public function on first use, so that ``import snnhub`` costs nothing."""
    if name not in __all__:
        raise AttributeError(f"module 'snnhub' has no attribute {name!r}")
    return getattr(importlib.import_module(f"snnhub.api.{_HOMES.get(name, name)}"), name)
