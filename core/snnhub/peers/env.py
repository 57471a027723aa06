"""Peer environments: made from pinned recipes, found again by name, never shared with snnhub's own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import snnhub
from snnhub.errors import MissingPeerError, SnnhubError
from snnhub.peers.recipe import Recipe

ROOT_VARIABLE = "SNNHUB_ENVS"
MARKER = ".snnhub-env.json"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class EnvStatus:
    """``state``: ready, missing, incomplete (its making was interrupted) or outdated (the recipe changed)."""

    name: str
    state: str
    folder: Path
    python: str = ""


def root() -> Path:
    """Where environments live: ``SNNHUB_ENVS``, else the user's data folder."""
    chosen = os.environ.get(ROOT_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().resolve()
    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(data).expanduser() / "snnhub" / "envs"


def status(recipe: Recipe) -> EnvStatus:
    """Whether the environment of a recipe is there, complete, and made from the recipe as it is now."""
    folder = root() / recipe.name
    marker = folder / MARKER
    if not folder.exists():
        return EnvStatus(recipe.name, "missing", folder)
    if not marker.exists():
        return EnvStatus(recipe.name, "incomplete", folder)
    made = json.loads(marker.read_text())
    state = "ready" if made.get("recipe") == recipe.digest else "outdated"
    return EnvStatus(recipe.name, state, folder, made.get("python", ""))


def interpreter(recipe: Recipe) -> Path:
    """The interpreter of a ready environment. Raises ``MissingPeerError`` with the command that makes it."""
    found = status(recipe)
    if found.state != "ready":
        raise MissingPeerError(
            f"environment {recipe.name} is {found.state}",
            where=str(found.folder),
            remedy=f"Run: snnhub env create {recipe.name}",
        )
    return found.folder / "bin" / "python"


def find_python(versions: Sequence[str]) -> Path:
    """An interpreter of one of the versions (``3.11``): this one, on the PATH, or under pyenv.

    Raises ``MissingPeerError`` saying what to install.
    """
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    for version in versions:
        if version == own:
            return Path(sys.executable)
        candidates = [shutil.which(f"python{version}")]
        pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
        candidates += [str(path / "bin" / "python") for path in sorted(pyenv.glob(f"{version}.*"), reverse=True)]
        for candidate in candidates:
            if candidate and _runs(candidate, version):
                return Path(candidate)
    raise MissingPeerError(
        "no suitable Python interpreter",
        found=f"Python {own}",
        allowed=" or ".join(versions),
        remedy=f"Install Python {versions[0]} (your system's package manager, or pyenv install {versions[0]})",
    )


def _runs(candidate: str, version: str) -> bool:
    line = "import sys, venv; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([candidate, "-c", line], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.stdout.strip() == version


def create(recipe: Recipe, say: Say, pip_args: Sequence[str] = ()) -> EnvStatus:
    """Make the environment if it is not ready yet; an incomplete or outdated one is made anew.

    Raises ``MissingPeerError`` if no interpreter fits, ``SnnhubError`` with pip's own words if a step fails.
    """
    found = status(recipe)
    if found.state == "ready":
        return found
    python = find_python(recipe.python)
    folder = root() / recipe.name
    if folder.exists():
        say(f"removing the {found.state} environment")
        shutil.rmtree(folder)
    say(f"making {folder} with {python}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    _do([str(python), "-m", "venv", str(folder)], recipe)
    own = folder / "bin" / "python"
    for number, step in enumerate(recipe.steps):
        say(f"pip {number + 1} of {len(recipe.steps)}: {' '.join(step)}")
        _do([str(own), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *pip_args, *step], recipe)
    say("checking")
    _do([str(own), *_bootstrap("snnhub.peers.env_check:main"), recipe.check], recipe)
    version = subprocess.run([str(own), "--version"], capture_output=True, text=True, check=False).stdout.split()[
        -1
    ]
    (folder / MARKER).write_text(
        json.dumps({"recipe": recipe.digest, "python": version, "snnhub": snnhub.__version__})
    )
    return status(recipe)


def _do(command: list[str], recipe: Recipe) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        words = [line for line in (done.stderr or done.stdout).strip().splitlines() if line][-8:]
        raise SnnhubError(
            f"environment {recipe.name} could not be made",
            where=" ".join(command[1:5]),
            found="\n  ".join(["", *words]),
            remedy=f"Run again: snnhub env create {recipe.name}",
        )


def _bootstrap(entry: str) -> list[str]:
    """Arguments after the interpreter that start ``entry`` with its own package and snnhub's importable."""
    here = Path(__file__).resolve().parent
    packages = {**package_of(entry), **own_packages()}
    return [str(here / "bootstrap.py"), entry, *(f"{name}={folder}" for name, folder in packages.items()), "--"]


def worker_command(python: Path, entry: str) -> list[str]:
    """The command that starts a worker, ours or a plugin's, in another interpreter."""
    return [str(python), *_bootstrap(entry)]


def package_of(entry: str) -> dict[str, str]:
    """Folder of the package that ``module:function`` is in. Finds it without importing it."""
    from importlib.util import find_spec

    name = entry.partition(":")[0].partition(".")[0]
    spec = find_spec(name)
    return {name: str(Path(spec.origin).parent)} if spec is not None and spec.origin else {}


def own_packages() -> dict[str, str]:
    """Folders of snnhub's packages: the core, the formats and the built-in plugins."""
    from importlib.util import find_spec

    names = ["snnhub", "snnhub_formats", "snnhub_spikingjelly", "snnhub_loihi", "snnhub_netx"]
    names += ["snnhub_lava", "snnhub_lavadl", "snnhub_xylo", "snnhub_rockpool", "snnhub_dynapse2"]
    names += ["snnhub_profiles", "snnhub_snntorch", "snnhub_norse", "snnhub_sinabs"]
    specs = {name: find_spec(name) for name in names}
    return {
        name: str(Path(spec.origin).parent) for name, spec in specs.items() if spec is not None and spec.origin
    }
