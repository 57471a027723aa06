"""Whether what a plugin registers is what its hook asks for; and an ``availability`` that cannot raise."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from snnhub.hub.contain import attempt, reason
from snnhub.hub.objects import (
    CALIBRATIONS,
    PLUGIN_API,
    Approximation,
    Availability,
    Environment,
    Exporter,
    FormatGuess,
    Method,
    Option,
    Profile,
    Registered,
    Target,
)

REFERENCE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*\Z")
RECIPE = re.compile(r"[A-Za-z_][\w.]*:[^/:]+\.toml\Z")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")


@dataclass
class Guarded:
    """An ``availability`` of a plugin: says no where the plugin's own raises or returns something else."""

    own: Callable[[], Availability]
    fault: str = field(default="", compare=False)

    def __call__(self) -> Availability:
        found, problem = attempt(self.own)
        if problem is None and isinstance(found, Availability):
            self.fault = ""
            return found
        self.fault = (
            f"availability() raised {reason(problem)}"
            if problem is not None
            else f"availability() returned {type(found).__name__}, not Availability"
        )
        return Availability(False, self.fault, "Run: snnhub plugins doctor")


def object_problem(item: Any, kind: type[Registered]) -> str:
    """Why an object that a hook returned cannot be used, or nothing."""
    if not isinstance(item, kind):
        return f"registered {type(item).__name__} as {kind.__name__}"
    if item.api != PLUGIN_API:
        return f"{kind.kind} {item.name} is for plugin interface {item.api}; this is {PLUGIN_API}"
    if not isinstance(item.name, str) or not NAME.match(item.name):
        return f"{kind.kind} has no usable name: {item.name!r}"
    label = f"{kind.kind} {item.name}"
    required = ("entry", "describe") if isinstance(item, Profile) else ("entry",)
    references = {name: getattr(item, name, "") for name in ("entry", "passes", "lowering", "describe")}
    for name, value in references.items():
        if (value or name in required) and not (isinstance(value, str) and REFERENCE.match(value)):
            return f"{label}: {name} is {value!r}; it must be module:function"
    if not callable(item.availability):
        return f"{label}: availability is {item.availability!r}; it must be a function"
    if not isinstance(item.options, tuple) or not all(isinstance(option, Option) for option in item.options):
        return f"{label}: options must be a tuple of Option"
    for name in ("summary", "level"):
        if not isinstance(getattr(item, name), str):
            return f"{label}: {name} must be text"
    formats = getattr(item, "formats", ())
    if not isinstance(formats, tuple) or not all(isinstance(suffix, str) for suffix in formats):
        return f"{label}: formats must be a tuple of texts, found {formats!r}"
    if not isinstance(getattr(item, "capabilities", None), Mapping | None):
        return f"{label}: capabilities must be an object, as in docs/worker-protocol.md"
    if isinstance(item, Exporter) and not formats:
        return f"{label}: formats must name the suffix that it writes"
    words = (_methods_problem(item) or _approximations_problem(item)) if isinstance(item, Target) else ""
    return f"{label}: {words}" if words else ""


def _methods_problem(target: Target) -> str:
    """Why the methods of a target cannot be used, or nothing."""
    if not isinstance(target.methods, tuple) or not all(isinstance(method, Method) for method in target.methods):
        return "methods must be a tuple of Method"
    known = {option.name: option.allowed for option in target.options}
    names = [method.name for method in target.methods]
    for method in target.methods:
        if not isinstance(method.name, str) or not NAME.match(method.name) or names.count(method.name) > 1:
            return f"a method has no usable name of its own: {method.name!r}"
        if method.calibration not in CALIBRATIONS:
            allowed = ", ".join(CALIBRATIONS)
            return f"method {method.name}: calibration is {method.calibration!r}; allowed {allowed}"
        if not isinstance(method.chosen, Mapping):
            return f"method {method.name}: chosen must be a mapping of options"
        for name, value in method.chosen.items():
            if name not in known or (known[name] and value not in known[name]):
                return f"method {method.name}: the target has no option {name}={value}"
    return ""


def _approximations_problem(target: Target) -> str:
    """Why the approximations of a target cannot be used, or nothing."""
    items = target.approximations
    if not isinstance(items, tuple) or not all(isinstance(item, Approximation) for item in items):
        return "approximations must be a tuple of Approximation"
    known = {option.name: option.allowed for option in target.options}
    names = [item.name for item in items]
    for item in items:
        if not isinstance(item.name, str) or not NAME.match(item.name) or names.count(item.name) > 1:
            return f"an approximation has no usable name of its own: {item.name!r}"
        if not isinstance(item.concerns, str) or not REFERENCE.match(item.concerns):
            return f"approximation {item.name}: concerns is {item.concerns!r}; it must be module:function"
        if not isinstance(item.chosen, Mapping) or not item.chosen:
            return f"approximation {item.name}: chosen must be a mapping of options, at least one"
        for name, value in item.chosen.items():
            if name not in known or (known[name] and value not in known[name]):
                return f"approximation {item.name}: the target has no option {name}={value}"
    return ""


def environment_problem(item: Any) -> str:
    """Why an environment cannot be used, or nothing. Whether its recipe is there is seen when it is read."""
    if not isinstance(item, Environment):
        return f"registered {type(item).__name__} as Environment"
    if not isinstance(item.name, str) or not NAME.match(item.name):
        return f"environment has no usable name: {item.name!r}"
    if not isinstance(item.recipe, str) or not RECIPE.match(item.recipe):
        return f"environment {item.name}: recipe is {item.recipe!r}; it must be package:file.toml"
    if item.worker and not (isinstance(item.worker, str) and REFERENCE.match(item.worker)):
        return f"environment {item.name}: worker is {item.worker!r}; it must be module:function"
    return ""


def guess_problem(guess: Any, importers: Any) -> str:
    """Why a plugin's opinion of a file does not count, or nothing."""
    if not isinstance(guess, FormatGuess):
        return f"snnhub_detect_format returned {type(guess).__name__}, not FormatGuess or None"
    if isinstance(guess.score, bool) or not isinstance(guess.score, int) or not 0 <= guess.score <= 100:
        return f"snnhub_detect_format gave the score {guess.score!r}; allowed 0 .. 100"
    if guess.importer not in importers:
        return f"snnhub_detect_format named the importer {guess.importer!r}, which is not registered"
    return ""
