"""What every framework makes of a NIR file, as registered discretisation rules, and the frameworks to judge them by."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from snnhub.hub import Environment, hookimpl

if TYPE_CHECKING:
    from snnhub.ir.op import OpSchema

ENVIRONMENT = Environment(
    "nir-frameworks",
    "snnTorch, norse, SpikingJelly, sinabs, spyx, Rockpool and Nengo beside nir 1.0.8",
    "snnhub_profiles:nir-frameworks.toml",
    worker="snnhub_profiles.worker:main",
)


@hookimpl
def snnhub_register_environments() -> Iterable[Environment]:
    return (ENVIRONMENT,)


@hookimpl
def snnhub_register_ops() -> Iterable[OpSchema]:
    from snnhub_profiles.ops import OPS

    return OPS
