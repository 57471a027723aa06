"""Finds a factory, calls it with the user's settings, and loads weights into what it returns."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from snnhub.errors import UsageError

from snnhub_spikingjelly.elsewhere import remedy

if TYPE_CHECKING:
    import torch


def build(reference: str, settings: Mapping[str, str]) -> torch.nn.Module:
    """Call ``path/file.py:factory`` or ``package.module:factory`` with ``settings`` and return the network.

    This runs the user's code. Raises ``UsageError`` if there is no such file or factory, if the settings do
    not fit its arguments, if it fails, or if it returns something else than a module.
    """
    import torch

    place, _, name = reference.rpartition(":")
    if not place or not name:
        raise UsageError(
            "a network is named by its factory",
            found=reference,
            allowed="path/file.py:factory or package.module:factory",
        )
    factory = _find(_module(place), name, place)
    arguments = {key: _value(text) for key, text in settings.items()}
    _check_arguments(factory, arguments, reference)
    try:
        net = factory(**arguments)
    except Exception as problem:
        found = f"{type(problem).__name__}: {problem}"
        raise UsageError("the factory failed", where=reference, found=found, remedy=remedy(problem)) from problem
    if not isinstance(net, torch.nn.Module):
        raise UsageError("the factory must return a torch.nn.Module", where=reference, found=type(net).__name__)
    return net


def _module(place: str) -> ModuleType:
    if not place.endswith(".py"):
        try:
            return importlib.import_module(place)
        except ImportError as problem:
            raise UsageError(
                "cannot be imported",
                where=place,
                found=str(problem),
                remedy=remedy(problem) or "Give a path that ends in .py, or a module on the Python path.",
            ) from None
    path = Path(place)
    if not path.is_file():
        raise UsageError("no such file", where=place)
    folder = str(path.resolve().parent)
    added = folder not in sys.path
    if added:
        sys.path.insert(0, folder)  # so that the file can import its neighbours, as when run as a script
    try:
        return _execute(path)
    except Exception as problem:
        found = f"{type(problem).__name__}: {problem}"
        raise UsageError(
            "the file fails when it is imported", where=place, found=found, remedy=remedy(problem)
        ) from problem
    finally:
        if added:
            sys.path.remove(folder)


def _execute(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"snnhub_user_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError("not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _find(module: ModuleType, name: str, place: str) -> Callable[..., Any]:
    factory = getattr(module, name, None)
    if not callable(factory):
        public = [
            key
            for key, value in vars(module).items()
            if callable(value) and getattr(value, "__module__", "") == module.__name__
        ]
        raise UsageError(
            "no such factory", where=place, found=name, allowed=", ".join(sorted(public)) or "none found"
        )
    found: Callable[..., Any] = factory
    return found


def _value(text: str) -> Any:
    """A Python literal where the text is one (``16``, ``True``, ``(3, 3)``), else the text itself."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _check_arguments(factory: Callable[..., Any], arguments: Mapping[str, Any], reference: str) -> None:
    try:
        signature = inspect.signature(factory)
        signature.bind(**arguments)
    except TypeError as problem:
        raise UsageError(
            "settings do not fit the factory",
            where=reference,
            found=str(problem),
            allowed=str(signature),
            remedy="Give its arguments with --set name=value.",
        ) from None
    except ValueError:
        return  # a callable without a signature: let it decide
