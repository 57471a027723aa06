"""Writes a new plugin: a project that is ready to be installed, and passes its own tests as it is."""

from __future__ import annotations

import keyword
import re
import shutil
import sys
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import Any

from snnhub.errors import UsageError
from snnhub.hub.loader import Hub, load

KINDS = ("importer", "exporter", "runner")
NAME = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*\Z")
MAX_NAME = 30
"""Letters of a name. Longer ones make lines of the new code longer than its own rules allow."""
SUMMARIES = {
    "importer": "An importer for snnhub: it reads NAME files.",
    "exporter": "An exporter for snnhub: it writes NAME files, and reads them back.",
    "runner": "A runner for snnhub: it runs networks in NAME.",
}
NEXT = {
    "importer": "`PACKAGE/reader.py` reads a small JSON format. Put your own there.",
    "exporter": "`PACKAGE/writer.py` writes a small JSON format, `PACKAGE/reader.py` reads it. Put yours there.",
    "runner": "`PACKAGE/runner.py` runs dense layers of spiking neurons. Call your framework or chip there.",
}


@dataclass(frozen=True)
class NewPlugin:
    """A project that was written. ``files``: paths inside ``folder``."""

    name: str
    kind: str
    folder: Path
    files: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "kind": self.kind, "folder": str(self.folder), "files": list(self.files)}


def new_plugin(name: str, kind: str, path: str | Path = ".", hub: Hub | None = None) -> NewPlugin:
    """Write the project ``snnhub-NAME`` into the folder ``path``, which must exist.

    Raises ``UsageError`` for a kind that there is not, a name that cannot be used or is taken, and a folder that
    exists already. Writes nothing then.
    """
    if kind not in KINDS:
        raise UsageError("no such kind of plugin", found=kind, allowed=", ".join(KINDS))
    _check_name(name, hub or load())
    distribution, package = f"snnhub-{name.replace('_', '-')}", f"snnhub_{name.replace('-', '_')}"
    folder = Path(path) / distribution
    if not Path(path).is_dir():
        raise UsageError("folder does not exist", where=str(path), remedy=f"Make it: mkdir -p {path}")
    if folder.exists():
        raise UsageError("folder exists already", where=str(folder), remedy="Choose another name, or remove it.")
    words = {"name": name, "kind": kind, "distribution": distribution, "package": package}
    words["summary"] = SUMMARIES[kind].replace("NAME", name)
    words["next"] = NEXT[kind].replace("PACKAGE", package)
    texts = {place: _filled(template, words) for place, template in _plan(kind, package).items()}
    try:
        for place, text in texts.items():
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            (folder / place).write_text(text, encoding="utf-8")
    except OSError as problem:
        shutil.rmtree(folder, ignore_errors=True)
        raise UsageError("cannot be written", where=str(folder), found=problem.strerror or str(problem)) from None
    return NewPlugin(name, kind, folder, tuple(texts))


def _plan(kind: str, package: str) -> dict[str, tuple[str, ...]]:
    """Files of the project, each with the templates that it is put together from."""
    modules: dict[str, dict[str, tuple[str, ...]]] = {
        "importer": {"reader.py": ("reader.py",)},
        "exporter": {"reader.py": ("reader.py",), "writer.py": ("writer.py", "chain")},
        "runner": {"runner.py": ("runner.py", "chain"), "conformance_xfail.toml": ("conformance_xfail.toml",)},
    }
    return {
        "pyproject.toml": ("pyproject.toml",),
        "README.md": ("README.md",),
        f"{package}/__init__.py": (f"{kind}.init",),
        f"{package}/py.typed": (),
        **{f"{package}/{name}": parts for name, parts in modules[kind].items()},
        "tests/test_contract.py": (f"{kind}.test",),
    }


def _filled(parts: tuple[str, ...], words: dict[str, str]) -> str:
    folder = files("snnhub.hub") / "templates"
    text = "".join((folder / f"{part}.txt").read_text(encoding="utf-8") for part in parts)
    return Template(text).substitute(words)


def _check_name(name: str, hub: Hub) -> None:
    """Raise ``UsageError`` for a name that cannot be used, or that anybody here has."""
    if not NAME.match(name) or len(name) > MAX_NAME or keyword.iskeyword(name):
        raise UsageError(
            "name cannot be used",
            found=name,
            allowed=f"small letters and digits, words joined by - or _, at most {MAX_NAME}",
        )
    owners = [f"the {item.kind} of plugin {hub.owner(item)}" for item in hub.objects() if item.name == name]
    owners += [f"a plugin of {item.distribution}" for item in hub.plugins if item.name == name]
    owners += [f"an op domain of {owner}" for domain, owner in hub.domains.items() if domain == name]
    package = f"snnhub_{name.replace('-', '_')}"
    if package in sys.modules or find_spec(package) is not None:
        owners.append(f"the package {package}")
    if owners:
        raise UsageError("name is taken", found=name, where=owners[0], remedy="Choose another name.")
