"""Finds the factory of a network and calls it with the user's settings. This runs the user's code."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from traceback import extract_tb
from types import ModuleType
from typing import Any

from snnhub.errors import UsageError

SEED = 0
"""What is drawn while a network is built and run for the first time is drawn from this seed, so that an import and
a run of the same factory see one network."""


def made(reference: str, settings: Mapping[str, str]) -> Any:
    """What ``path/file.py:factory`` or ``package.module:factory`` returns.

    Raises ``UsageError`` if there is no such file or factory, if the settings do not fit, or if it fails.
    """
    place, _, name = reference.rpartition(":")
    if not place or not name:
        allowed = "path/file.py:factory or package.module:factory"
        raise UsageError("a network is named by its factory", found=reference, allowed=allowed)
    factory = getattr(_module(place), name, None)
    if not callable(factory):
        raise UsageError("no such factory", where=place, found=name)
    arguments = {key: _literal(text) for key, text in settings.items()}
    _ensure_fit(factory, arguments, reference)
    try:
        return factory(**arguments)
    except Exception as problem:
        found = _said(problem, place)
        raise UsageError("the factory failed", where=reference, found=found) from problem


def _said(problem: Exception, place: str) -> str:
    """What an exception of the user's code says, and the deepest line of that file that it went through."""
    lines = [frame.lineno for frame in extract_tb(problem.__traceback__) if _same(frame.filename, place)]
    at = f" (line {lines[-1]})" if lines else ""
    return f"{type(problem).__name__}: {problem}{at}"


def _same(file: str, place: str) -> bool:
    module = sys.modules.get(place)
    path = getattr(module, "__file__", None) or place
    return Path(file).resolve() == Path(path).resolve()


@contextmanager
def seeded() -> Iterator[None]:
    """Draw from ``SEED`` inside; outside, torch's generator goes on as if nothing had been drawn."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        yield


def _module(place: str) -> ModuleType:
    path = Path(place)
    if place.endswith(".py") and not path.is_file():
        raise UsageError("no such file", where=place)
    try:
        return _executed(path) if place.endswith(".py") else importlib.import_module(place)
    except Exception as problem:
        found = _said(problem, place)
        raise UsageError("the file fails when it is imported", where=place, found=found) from problem


def _executed(path: Path) -> ModuleType:
    """Run a file as a module; it can import its neighbours, as when it is run as a script."""
    spec = importlib.util.spec_from_file_location(f"snnhub_user_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError("not a Python file")
    module = importlib.util.module_from_spec(spec)
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    try:
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(folder)
    return module


def _literal(text: str) -> Any:
    """A Python literal where the text is one (``16``, ``True``, ``[60, 20]``), else the text itself."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _ensure_fit(factory: Callable[..., Any], arguments: Mapping[str, Any], reference: str) -> None:
    try:
        inspect.signature(factory).bind(**arguments)
    except TypeError as problem:
        allowed, remedy = str(inspect.signature(factory)), "Give its arguments with --set name=value."
        raise UsageError(
            "settings do not fit the factory", where=reference, found=str(problem), allowed=allowed, remedy=remedy
        ) from None
    except ValueError:
        return  # a callable without a signature: let it decide
