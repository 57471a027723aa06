"""Finds the factory of a network and calls it with the user's settings, for importers.

This runs the user's code.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from traceback import extract_tb
from types import ModuleType
from typing import Any

from snnhub.errors import UsageError

Remedy = Callable[[Exception], str]
"""What to do about an exception of the user's code; empty where there is nothing to say."""
ALLOWED = "path/file.py:factory or package.module:factory"
ON_PATH = "Give a path that ends in .py, or a module on the Python path."


def made(reference: str, settings: Mapping[str, str], remedy: Remedy = lambda _: "") -> Any:
    """What ``path/file.py:factory`` or ``package.module:factory`` returns for ``settings``, arguments as text.

    Raises ``UsageError`` if there is no such file or factory, if the settings do not fit its arguments, or if it
    fails, with the line of the user's file and what ``remedy`` says.
    """
    place, _, name = reference.rpartition(":")
    if not place or not name:
        raise UsageError("a network is named by its factory", found=reference, allowed=ALLOWED)
    factory = _find(_module(place, remedy), name, place)
    arguments = {key: _literal(text) for key, text in settings.items()}
    _ensure_fit(factory, arguments, reference)
    try:
        return factory(**arguments)
    except Exception as problem:
        found = _said(problem, place)
        raise UsageError("the factory failed", where=reference, found=found, remedy=remedy(problem)) from problem


def _said(problem: Exception, place: str) -> str:
    """What an exception of the user's code says, and the deepest line of that file that it went through."""
    lines = [frame.lineno for frame in extract_tb(problem.__traceback__) if _same(frame.filename, place)]
    at = f" (line {lines[-1]})" if lines else ""
    return f"{type(problem).__name__}: {problem}{at}"


def _same(file: str, place: str) -> bool:
    path = getattr(sys.modules.get(place), "__file__", None) or place
    return Path(file).resolve() == Path(path).resolve()


def _module(place: str, remedy: Remedy) -> ModuleType:
    path = Path(place)
    if place.endswith(".py") and not path.is_file():
        raise UsageError("no such file", where=place)
    try:
        return _executed(path) if place.endswith(".py") else importlib.import_module(place)
    except Exception as problem:
        missing = isinstance(problem, ImportError) and not place.endswith(".py")
        words = "cannot be imported" if missing else "the file fails when it is imported"
        found = str(problem) if missing else _said(problem, place)
        advice = remedy(problem) or (ON_PATH if missing else "")
        raise UsageError(words, where=place, found=found, remedy=advice) from problem


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


def _find(module: ModuleType, name: str, place: str) -> Callable[..., Any]:
    factory = getattr(module, name, None)
    if not callable(factory):
        public = sorted(
            key
            for key, value in vars(module).items()
            if callable(value) and getattr(value, "__module__", "") == module.__name__
        )
        raise UsageError("no such factory", where=place, found=name, allowed=", ".join(public) or "none found")
    found: Callable[..., Any] = factory
    return found


def _literal(text: str) -> Any:
    """A Python literal where the text is one (``16``, ``True``, ``[60, 20]``), else the text itself."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _ensure_fit(factory: Callable[..., Any], arguments: Mapping[str, Any], reference: str) -> None:
    try:
        signature = inspect.signature(factory)
    except ValueError:
        return  # a callable without a signature: let it decide
    try:
        signature.bind(**arguments)
    except TypeError as problem:
        raise UsageError(
            "settings do not fit the factory",
            where=reference,
            found=str(problem),
            allowed=str(signature),
            remedy="Give its arguments with --set name=value.",
        ) from None
