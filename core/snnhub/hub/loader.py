"""Loads plugins one by one: built-ins first, and a broken one is reported, never fatal.

pluggy's own loader lets a third party replace a built-in without a word, and one bad import stop
everything; so each entry point is loaded by itself here.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points

import pluggy

from snnhub.hub.objects import PLUGIN_API, Environment, Exporter, Importer, Registered, Runner, Target
from snnhub.hub.spec import PROJECT, Hooks

GROUP = "snnhub"
OWN_DISTRIBUTION = "snnhub"
ALLOW_VARIABLE = "SNNHUB_PLUGINS"


@dataclass(frozen=True, slots=True)
class PluginProblem:
    """Why a plugin, or one of its objects, is not used."""

    plugin: str
    distribution: str
    message: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """A loaded plugin: entry-point name and the distribution (with version) that brought it."""

    name: str
    distribution: str
    version: str


@dataclass
class Hub:
    """Everything that loaded plugins registered, by kind and name, and the problems met."""

    manager: pluggy.PluginManager
    plugins: list[Loaded] = field(default_factory=list)
    problems: list[PluginProblem] = field(default_factory=list)
    importers: dict[str, Importer] = field(default_factory=dict)
    exporters: dict[str, Exporter] = field(default_factory=dict)
    runners: dict[str, Runner] = field(default_factory=dict)
    targets: dict[str, Target] = field(default_factory=dict)
    environments: dict[str, Environment] = field(default_factory=dict)
    owners: dict[int, str] = field(default_factory=dict)

    def objects(self) -> Iterable[Registered]:
        """Every registered object, by kind, then by name."""
        for table in (self.importers, self.exporters, self.runners, self.targets):
            yield from (item for _, item in sorted(table.items()))

    def owner(self, item: Registered) -> str:
        """The plugin that registered an object."""
        return self.owners.get(id(item), "")


@lru_cache(maxsize=1)
def load() -> Hub:
    """The hub of this process, loaded once. Never raises for a broken plugin."""
    return load_from(entry_points(group=GROUP))


def load_from(points: Iterable[EntryPoint]) -> Hub:
    """Load the given entry points. ``SNNHUB_PLUGINS`` (names, comma-separated) limits third parties; empty
    means built-ins only.
    """
    hub = Hub(pluggy.PluginManager(PROJECT))
    hub.manager.add_hookspecs(Hooks)
    taken: dict[str, str] = {}
    for point in sorted(
        set(points), key=lambda p: (_distribution(p) != OWN_DISTRIBUTION, p.name, _distribution(p))
    ):
        distribution = _distribution(point)
        if not _allowed(point, distribution):
            continue
        if point.name in taken:
            message = f"name is taken by {taken[point.name]}"
            hub.problems.append(PluginProblem(point.name, distribution, message))
            continue
        taken[point.name] = distribution
        _load_one(hub, point, distribution)
    return hub


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "?"


def _allowed(point: EntryPoint, distribution: str) -> bool:
    chosen = os.environ.get(ALLOW_VARIABLE)
    return distribution == OWN_DISTRIBUTION or chosen is None or point.name in chosen.split(",")


def _load_one(hub: Hub, point: EntryPoint, distribution: str) -> None:
    module = None
    try:
        module = point.load()
        hub.manager.register(module, name=point.name)
        hub.manager.check_pending()
        _register_objects(hub, point.name, distribution)
    except Exception as problem:  # noqa: BLE001  whatever a plugin does, the others must work
        if module is not None and hub.manager.get_plugin(point.name) is not None:
            hub.manager.unregister(name=point.name)
        hub.problems.append(PluginProblem(point.name, distribution, f"{type(problem).__name__}: {problem}"))
        return
    version = point.dist.version if point.dist is not None else "?"
    hub.plugins.append(Loaded(point.name, distribution, version))


def _register_objects(hub: Hub, plugin: str, distribution: str) -> None:
    others = [other for name, other in hub.manager.list_name_plugin() if name != plugin and other is not None]
    tables: list[tuple[str, type[Registered], dict[str, Registered]]] = [
        ("snnhub_register_importers", Importer, hub.importers),  # type: ignore[list-item]
        ("snnhub_register_exporters", Exporter, hub.exporters),  # type: ignore[list-item]
        ("snnhub_register_runners", Runner, hub.runners),  # type: ignore[list-item]
        ("snnhub_register_targets", Target, hub.targets),  # type: ignore[list-item]
    ]
    accepted: list[tuple[dict[str, Registered], Registered]] = []
    for hook, kind, table in tables:
        for items in hub.manager.subset_hook_caller(hook, others)():
            for item in items:
                if message := _problem(item, kind, table, hub):
                    hub.problems.append(PluginProblem(plugin, distribution, message))
                else:
                    accepted.append((table, item))
    for environments in hub.manager.subset_hook_caller("snnhub_register_environments", others)():
        for environment in environments:
            if environment.name in hub.environments:
                message = f"environment {environment.name} is already registered"
                hub.problems.append(PluginProblem(plugin, distribution, message))
            else:
                hub.environments[environment.name] = environment
    for table, item in accepted:
        table[item.name] = item
        hub.owners[id(item)] = plugin


def _problem(item: object, kind: type[Registered], table: dict[str, Registered], hub: Hub) -> str:
    if not isinstance(item, kind):
        return f"registered {type(item).__name__} as {kind.__name__}"
    if item.api != PLUGIN_API:
        return f"{kind.kind} {item.name} is for plugin interface {item.api}; this is {PLUGIN_API}"
    if item.name in table:
        return f"{kind.kind} {item.name} is already registered by plugin {hub.owner(table[item.name])}"
    return ""
