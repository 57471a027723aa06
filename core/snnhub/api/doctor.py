"""Doctor: what works on this machine, what does not, and what to do about it."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import snnhub
from snnhub.hub.loader import Hub, load

CORE = ("numpy", "h5py", "protobuf", "safetensors", "pluggy", "click", "rich")
FRAMEWORKS = ("torch", "spikingjelly")


@dataclass(frozen=True)
class Line:
    """One thing looked at. ``state``: ok, missing or broken."""

    topic: str
    name: str
    state: str
    detail: str
    remedy: str = ""

    def to_json(self) -> dict[str, str]:
        return {
            "topic": self.topic,
            "name": self.name,
            "state": self.state,
            "detail": self.detail,
            "remedy": self.remedy,
        }


@dataclass(frozen=True)
class Diagnosis:
    """``healthy``: nothing is broken. A missing peer is not broken: it can be made."""

    lines: tuple[Line, ...]

    @property
    def healthy(self) -> bool:
        return not any(line.state == "broken" for line in self.lines)

    def to_json(self) -> dict[str, Any]:
        return {"healthy": self.healthy, "lines": [line.to_json() for line in self.lines]}


def doctor(hub: Hub | None = None) -> Diagnosis:
    """Look at the installation, the plugins, the frameworks in this interpreter and the peer environments."""
    hub = hub or load()
    return Diagnosis((*_core(), *_frameworks(), *plugin_lines(hub), *_environments(hub)))


def _core() -> list[Line]:
    lines = [
        Line(
            "core",
            "snnhub",
            "ok",
            f"{snnhub.__version__}, Python {platform.python_version()}, {platform.machine()}",
        )
    ]
    for name in CORE:
        try:
            lines.append(Line("core", name, "ok", version(name)))
        except PackageNotFoundError:
            lines.append(
                Line("core", name, "broken", "not installed", "Run: pip install --force-reinstall snnhub")
            )
    return lines


def _frameworks() -> list[Line]:
    lines = []
    for name in FRAMEWORKS:
        try:
            lines.append(Line("framework", name, "ok", version(name)))
        except PackageNotFoundError:
            lines.append(
                Line(
                    "framework",
                    name,
                    "missing",
                    "not in this interpreter",
                    "Run: pip install 'snnhub[spikingjelly]'",
                )
            )
    return lines


def plugin_lines(hub: Hub) -> list[Line]:
    """Loaded plugins, and every problem met while loading them. Ops are loaded to find theirs."""
    from snnhub.hub.catalogue import register_ops

    register_ops(hub)
    lines = [Line("plugin", item.name, "ok", f"{item.distribution} {item.version}") for item in hub.plugins]
    lines += [
        Line(
            "plugin",
            problem.plugin,
            "broken",
            problem.message,
            f"Ask the authors of {problem.distribution}, or uninstall it.",
        )
        for problem in hub.problems
    ]
    return lines


def _environments(hub: Hub) -> list[Line]:
    from snnhub.peers.env import status
    from snnhub.peers.recipe import read_recipe

    lines = []
    for environment in hub.environments.values():
        found = status(read_recipe(environment.path()))
        state = "ok" if found.state == "ready" else "missing"
        detail = f"Python {found.python}, {found.folder}" if found.state == "ready" else found.state
        remedy = "" if state == "ok" else f"Run: snnhub env create {environment.name}"
        lines.append(Line("environment", environment.name, state, detail, remedy))
    return lines
