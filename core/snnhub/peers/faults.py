"""Errors through the pipe: what a worker reports becomes the error that it raised, with findings and exit code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from snnhub.errors import RunError, SnnhubError
from snnhub.findings import Finding, Severity

TEXTS = ("message", "where", "found", "allowed", "remedy")


def revive(report: Mapping[str, Any], worker: str) -> SnnhubError:
    """The error whose ``to_json`` is ``report``. A class that is not known here becomes one with the same exit
    code. Returns a ``RunError`` that says so if the report is not one.
    """
    try:
        kind, message, details = _parts(report)
        findings = tuple(finding_from(item) for item in report.get("findings", ()))
    except (KeyError, TypeError, ValueError) as problem:
        return RunError("the worker's error report cannot be read", where=worker, found=repr(problem))
    return kind.revived(report, message, findings=findings, **details)


def _parts(report: Mapping[str, Any]) -> tuple[type[SnnhubError], str, dict[str, str]]:
    texts = {name: report.get(name, "") for name in TEXTS}
    if not all(isinstance(text, str) for text in texts.values()):
        raise TypeError("a text is not a text")
    kinds = {kind.__name__: kind for kind in _kinds(SnnhubError)}
    same = (kind for kind in kinds.values() if kind.exit_code == report.get("exit_code"))
    kind = kinds.get(str(report["error"])) or next(same, SnnhubError)
    return kind, texts.pop("message"), texts


def _kinds(base: type[SnnhubError]) -> Iterator[type[SnnhubError]]:
    yield base
    for kind in base.__subclasses__():
        yield from _kinds(kind)


def finding_from(item: Mapping[str, str]) -> Finding:
    """The finding whose ``to_json`` is ``item``. Raises ``KeyError`` or ``ValueError`` for anything else."""
    names = ("place", "message", "old", "new", "bound", "remedy")
    return Finding(item["code"], Severity(item["severity"]), *(str(item.get(name, "")) for name in names))
