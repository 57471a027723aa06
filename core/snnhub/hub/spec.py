"""The hooks. Each returns objects; none does work. Names and arguments are the plugin interface."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pluggy

from snnhub.hub.objects import Environment, Exporter, FormatGuess, Importer, Profile, Runner, Target

if TYPE_CHECKING:
    from snnhub.ir.op import OpSchema

PROJECT = "snnhub"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class Hooks:
    """The hook specifications. A plugin module implements any of them with ``@snnhub.hub.hookimpl``."""

    @hookspec
    def snnhub_register_importers(self) -> Iterable[Importer]:  # type: ignore[empty-body]
        """Importers: from a file, a factory or a live object to a graph."""

    @hookspec
    def snnhub_register_exporters(self) -> Iterable[Exporter]:  # type: ignore[empty-body]
        """Exporters: from a lowered graph to a file."""

    @hookspec
    def snnhub_register_runners(self) -> Iterable[Runner]:  # type: ignore[empty-body]
        """Runners: frameworks, simulators and chips that turn a stimulus into a recording."""

    @hookspec
    def snnhub_register_targets(self) -> Iterable[Target]:  # type: ignore[empty-body]
        """Targets: chips as data, with the passes that lower a graph to them."""

    @hookspec
    def snnhub_register_profiles(self) -> Iterable[Profile]:  # type: ignore[empty-body]
        """Profiles: rules that turn graphs in continuous time into steps."""

    @hookspec
    def snnhub_register_environments(self) -> Iterable[Environment]:  # type: ignore[empty-body]
        """Environments of peers, as pinned recipes that ``snnhub env create`` makes."""

    @hookspec
    def snnhub_register_ops(self) -> Iterable[OpSchema]:  # type: ignore[empty-body]
        """Op schemas under the plugin's own domain. May import NumPy; called when ops are first needed."""

    @hookspec
    def snnhub_detect_format(self, path: Path, head: bytes) -> FormatGuess | None:
        """Opinion of a file by its first 4096 bytes (and, if need be, by opening it)."""
