"""Loads plugins one by one: built-ins first, and a broken one is reported, never fatal.

pluggy's own loader lets a third party replace a built-in without a word, and one bad import stop
everything; so each entry point is loaded by itself here, and each hook is called by itself.
"""

from __future__ import annotations

import difflib
import inspect
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.metadata import EntryPoint, distributions, entry_points
from typing import Any

import pluggy

from snnhub.hub.contain import attempt, reason, watched
from snnhub.hub.objects import Environment, Exporter, Importer, Profile, Registered, Runner, Target
from snnhub.hub.objects_check import Guarded, environment_problem, object_problem
from snnhub.hub.problem import ODD, PluginProblem
from snnhub.hub.spec import PROJECT, Hooks

GROUP = "snnhub"
OWN_DISTRIBUTION = "snnhub"
ALLOW_VARIABLE = "SNNHUB_PLUGINS"
HOOKS = tuple(name for name in vars(Hooks) if name.startswith("snnhub_"))

__all__ = ["Hub", "Loaded", "PluginProblem", "call", "load", "load_from"]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A loaded plugin: entry-point name and the distribution (with version) that brought it."""

    name: str
    distribution: str
    version: str


@dataclass
class Hub:
    """Everything that loaded plugins registered, by kind and name, and the problems met.

    ``domains``: op domains with the plugin that owns them.
    """

    manager: pluggy.PluginManager
    plugins: list[Loaded] = field(default_factory=list)
    problems: list[PluginProblem] = field(default_factory=list)
    importers: dict[str, Importer] = field(default_factory=dict)
    exporters: dict[str, Exporter] = field(default_factory=dict)
    runners: dict[str, Runner] = field(default_factory=dict)
    targets: dict[str, Target] = field(default_factory=dict)
    profiles: dict[str, Profile] = field(default_factory=dict)
    environments: dict[str, Environment] = field(default_factory=dict)
    owners: dict[int, str] = field(default_factory=dict)
    domains: dict[str, str] = field(default_factory=lambda: {"core": OWN_DISTRIBUTION, "ct": OWN_DISTRIBUTION})
    ops_loaded: bool = False

    def objects(self) -> Iterable[Registered]:
        """Every registered object, by kind, then by name."""
        for table in (self.importers, self.exporters, self.runners, self.targets, self.profiles):
            yield from (item for _, item in sorted(table.items()))

    def owner(self, item: Registered | Environment) -> str:
        """The plugin that registered an object."""
        return self.owners.get(id(item), "")

    def distribution(self, plugin: str) -> str:
        """The distribution that brought a loaded plugin."""
        return next((item.distribution for item in self.plugins if item.name == plugin), "?")

    def add(
        self, plugin: str, message: str, remedy: str = "", state: str = "broken", distribution: str = ""
    ) -> None:
        """Note what is wrong with a plugin, once."""
        problem = PluginProblem(plugin, distribution or self.distribution(plugin), message, remedy, state)
        if problem not in self.problems:
            self.problems.append(problem)


@lru_cache(maxsize=1)
def load() -> Hub:
    """The hub of this process, loaded once. Never raises for a broken plugin."""
    try:
        return load_from(entry_points(group=GROUP))
    except Exception:  # noqa: BLE001  somebody's entry_points.txt cannot be read: all but his
        unreadable: list[PluginProblem] = []
        hub = load_from(_readable_points(unreadable))
        hub.problems += unreadable
        return hub


def _readable_points(unreadable: list[PluginProblem]) -> list[EntryPoint]:
    """Entry points of every distribution whose metadata can be read."""
    found: list[EntryPoint] = []
    for distribution in distributions():
        try:
            found += [point for point in distribution.entry_points if point.group == GROUP]
        except Exception as problem:  # noqa: BLE001  as above
            name = distribution.name or "?"
            words = f"its entry_points.txt cannot be read: {reason(problem)}"
            told = PluginProblem("?", name, words, f"Reinstall {name}, or uninstall it.")
            unreadable += [told] if told not in unreadable else []  # a folder may be on the path twice
    return found


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
            remedy = f"Uninstall one of {taken[point.name]} and {distribution}, or have the entry point renamed."
            hub.add(point.name, message, remedy, distribution=distribution)
            continue
        taken[point.name] = distribution
        _load_one(hub, point, distribution)
    return hub


def call(hub: Hub, plugin: str, hook: str, **arguments: Any) -> Iterator[Any]:
    """What one plugin's own implementations of a hook return. Raises what they raise.

    A hook that has forgotten its ``return`` is a ``TypeError``, but for ``snnhub_detect_format``.
    """
    for implementation in getattr(hub.manager.hook, hook).get_hookimpls():
        if implementation.plugin_name == plugin:
            given = {name: arguments[name] for name in implementation.argnames}
            yield implementation.function(**given)


def _distribution(point: EntryPoint) -> str:
    return (point.dist.name if point.dist is not None else "") or "?"


def _allowed(point: EntryPoint, distribution: str) -> bool:
    chosen = os.environ.get(ALLOW_VARIABLE)
    return distribution == OWN_DISTRIBUTION or chosen is None or point.name in chosen.split(",")


def _load_one(hub: Hub, point: EntryPoint, distribution: str) -> None:
    third = distribution != OWN_DISTRIBUTION
    try:
        if third:
            with watched() as seen:
                module = _imported(point)
            for words, remedy in seen.remarks():
                hub.add(point.name, words, remedy, ODD, distribution)
        else:
            module = _imported(point)
        _check_hooks(module)
        hub.manager.register(module, name=point.name)
        hub.manager.check_pending()
        _register_objects(hub, point.name, distribution)
    except KeyboardInterrupt:
        raise
    except BaseException as problem:  # noqa: BLE001  whatever a plugin does, the others must work
        if hub.manager.get_plugin(point.name) is not None:
            hub.manager.unregister(name=point.name)
        hub.add(point.name, reason(problem), _remedy(problem, point, distribution), distribution=distribution)
        return
    version = (point.dist.version if point.dist is not None else "") or "?"
    hub.plugins.append(Loaded(point.name, distribution, version))


def _imported(point: EntryPoint) -> Any:
    if point.pattern.match(point.value) is None:
        raise ValueError(f"entry point is {point.value!r}; it must be a module, or module:object")
    module = point.load()
    if module is None:
        raise ValueError(f"entry point {point.value} is None")
    return module


def _remedy(problem: BaseException, point: EntryPoint, distribution: str) -> str:
    """What to do about a plugin that could not be loaded, where that is known; else nothing."""
    if not isinstance(problem, ModuleNotFoundError) or not problem.name:
        return ""
    own = point.value.partition(":")[0].split(".")[0]
    if problem.name.split(".")[0] == own:
        return f"Its metadata are stale, or it was moved: reinstall {distribution}, or uninstall it."
    return f"Install {problem.name.split('.')[0]}, which {distribution} needs, or uninstall {distribution}."


def _check_hooks(module: Any) -> None:
    """Raise ``ValueError`` for hooks that pluggy would pass over without a word, or with few."""
    for name in (name for name in dir(module) if name.startswith("snnhub_")):
        function = inspect.getattr_static(module, name)
        options = getattr(function, f"{PROJECT}_impl", None)
        if options is None:
            if name in HOOKS and callable(function):
                raise ValueError(f"{name} is not marked with @hookimpl of snnhub.hub")
            continue
        if name not in HOOKS and not options.get("specname"):
            near = difflib.get_close_matches(name, HOOKS, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; hooks are {', '.join(HOOKS)}"
            raise ValueError(f"there is no hook {name}{hint}")
        if options.get("wrapper") or options.get("hookwrapper"):
            raise ValueError(f"{name} is a hook wrapper; a plugin speaks for itself only")


def _collected(hub: Hub, plugin: str, hook: str) -> Iterator[Any]:
    """The objects of one hook of one plugin. Raises ``TypeError`` if it returns no list of them."""
    for result in call(hub, plugin, hook):
        if result is None:
            raise TypeError(f"{hook} returned None: is a return missing?")
        if isinstance(result, str | bytes | dict | Registered | Environment) or not isinstance(result, Iterable):
            raise TypeError(f"{hook} returned {type(result).__name__}; it must return a list")
        yield from result


def _register_objects(hub: Hub, plugin: str, distribution: str) -> None:
    tables: list[tuple[str, type[Registered], dict[str, Registered]]] = [
        ("snnhub_register_importers", Importer, hub.importers),  # type: ignore[list-item]
        ("snnhub_register_exporters", Exporter, hub.exporters),  # type: ignore[list-item]
        ("snnhub_register_runners", Runner, hub.runners),  # type: ignore[list-item]
        ("snnhub_register_targets", Target, hub.targets),  # type: ignore[list-item]
        ("snnhub_register_profiles", Profile, hub.profiles),  # type: ignore[list-item]
    ]
    hooks = [hook for hook, _, _ in tables] + ["snnhub_register_environments"]
    own = distribution == OWN_DISTRIBUTION
    offered = {hook: _objects(hub, plugin, hook, own) for hook in hooks}  # all, or the plugin is left out
    for hook, kind, table in tables:
        for item in offered[hook]:
            message = object_problem(item, kind)
            if not message and item.name in table:
                message = f"{kind.kind} {item.name} is already registered by plugin {hub.owner(table[item.name])}"
            if message:
                hub.add(plugin, message, distribution=distribution)
                continue
            table[item.name] = item if own else replace(item, availability=Guarded(item.availability))
            hub.owners[id(table[item.name])] = plugin
    for item in offered["snnhub_register_environments"]:
        message = environment_problem(item)
        if not message and item.name in hub.environments:
            message = f"environment {item.name} is already registered"
        if message:
            hub.add(plugin, message, distribution=distribution)
            continue
        hub.environments[item.name] = item
        hub.owners[id(item)] = plugin


def _objects(hub: Hub, plugin: str, hook: str, own: bool) -> list[Any]:
    if own:
        return list(_collected(hub, plugin, hook))
    found, problem = attempt(lambda: list(_collected(hub, plugin, hook)))
    if problem is not None:
        raise problem
    return found or []
