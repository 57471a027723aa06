"""Installs a project folder as pip does, beside the snnhub under test, and runs its own tests there."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def can_build_here() -> bool:
    """Whether this interpreter has a setuptools that builds wheels by itself, so that pip need not fetch one."""
    try:
        return int(version("setuptools").partition(".")[0]) >= 77
    except PackageNotFoundError:
        return False


def install(project: Path, target: Path) -> None:
    """``pip install --no-deps --target``: a real wheel is built."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += [] if not can_build_here() else ["--no-build-isolation"]
    done = run([*command, "--target", str(target), str(project)], project.parent)
    assert done.returncode == 0, done.stdout + done.stderr


def environment(target: Path) -> dict[str, str]:
    """Where the installed project is found."""
    path = [str(target), *filter(None, [os.environ.get("PYTHONPATH")])]
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    return {**kept, "PYTHONPATH": os.pathsep.join(path), "PYTHONDONTWRITEBYTECODE": "1"}


def run(command: list[str], folder: Path, where: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, env=where, capture_output=True, text=True, check=False)


def own_tests(project: Path, target: Path) -> str:
    """What pytest says of the project's own tests, with the installed package. Fails if one of them does."""
    done = run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], project, environment(target))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
