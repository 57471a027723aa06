"""The worker protocol, worker side, for workers written in Python. Standard library only.

Frameworks print to standard output when they are imported, so ``serve`` moves that aside first: the
protocol keeps the pipe to itself, and whatever is printed goes to standard error. Errors that are meant for
the user travel whole, as ``report``; others as their words.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from snnhub.errors import SnnhubError

PROTOCOL = 1
Report = Callable[[int, int], None]
Handler = Callable[[Mapping[str, Any], Report], dict[str, Any]]


def private_pipe() -> BinaryIO:
    """Take standard output for the protocol and send everything that is printed to standard error."""
    sys.stdout.flush()
    pipe = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return pipe


def serve(handlers: Mapping[str, Handler], pipe: BinaryIO | None = None) -> None:
    """Answer requests from standard input until ``bye`` or its end. ``handlers``: by method name."""
    out = pipe or private_pipe()
    for line in sys.stdin.buffer:
        request = json.loads(line)
        number, method = request.get("id"), request.get("method")

        def report(done: int, total: int, number: int = number) -> None:
            _send(out, {"id": number, "progress": [done, total]})

        if method == "bye":
            _send(out, {"id": number, "result": {}})
            return
        handler = handlers.get(str(method))
        if handler is None:
            _send(out, {"id": number, "error": {"message": f"unknown method {method}", "detail": ""}})
            continue
        try:
            _send(out, {"id": number, "result": handler(request.get("params") or {}, report)})
        except SnnhubError as problem:
            _send(
                out, {"id": number, "error": {"message": str(problem), "detail": "", "report": problem.to_json()}}
            )
        except Exception as problem:  # noqa: BLE001  whatever goes wrong is the answer
            traceback.print_exc()
            words = {"message": f"{type(problem).__name__}: {problem}", "detail": _place(problem)}
            _send(out, {"id": number, "error": words})


def _send(out: BinaryIO, message: dict[str, Any]) -> None:
    out.write(json.dumps(message).encode() + b"\n")


def _place(problem: BaseException) -> str:
    frames = traceback.extract_tb(problem.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""


def versions(*packages: str) -> dict[str, str]:
    """Installed versions, for ``hello``."""
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": sys.version.split()[0]}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "missing"
    return found
