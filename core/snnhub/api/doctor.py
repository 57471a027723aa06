"""Doctor: what works on this machine, what does not, and what to do about it."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import snnhub
from snnhub.api.doctor_plugins import Line, plugin_lines
from snnhub.errors import SnnhubError
from snnhub.hub.loader import Hub, load

CORE = ("numpy", "h5py", "protobuf", "safetensors", "pluggy", "click", "rich")
FRAMEWORKS = ("torch", "spikingjelly")


@dataclass(frozen=True)
class Diagnosis:
    """``healthy``: nothing is broken. A missing peer is not broken: it can be made; nor is what is merely odd."""

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


def _environments(hub: Hub) -> list[Line]:
    from snnhub.peers.env import status
    from snnhub.peers.recipe import read_recipe

    lines = []
    for environment in hub.environments.values():
        try:
            found = status(read_recipe(environment.path()))
        except SnnhubError as problem:
            remedy = f"Ask the authors of plugin {hub.owner(environment)}."
            lines.append(Line("environment", environment.name, "broken", str(problem), remedy))
            continue
        state = "ok" if found.state == "ready" else "missing"
        detail = f"Python {found.python}, {found.folder}" if found.state == "ready" else found.state
        remedy = "" if state == "ok" else f"Run: snnhub env create {environment.name}"
        lines.append(Line("environment", environment.name, state, detail, remedy))
    return lines
