"""The worker protocol, client side: one JSON object a line over the worker's standard input and output.

Requests ``{"id", "method", "params"}``; answers ``{"id", "result"}`` or ``{"id", "error"}``; in between any
number of ``{"id", "progress": [done, all]}``. Methods: ``hello``, ``capabilities``, ``import``, ``run``,
``bye``. Arrays travel as ``.npy`` files named in the messages. ``docs/worker-protocol.md`` specifies it.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from snnhub.errors import MissingPeerError, RunError, SnnhubError, UnsupportedError
from snnhub.findings import error
from snnhub.peers.faults import revive

PROTOCOL = 1
LINE_LIMIT = 2**24
Progress = Callable[[int, int], None]


class WorkerGoneError(RunError):
    """The worker's process ended, or was ended because it did not answer (exit 1)."""


class Worker:
    """A running worker. Use as a context manager; ``folder`` is a private place for exchanged files."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self.name = name
        self._folder = tempfile.TemporaryDirectory(prefix=f"snnhub-{name}-")
        self.folder = Path(self._folder.name)
        self._errors = (self.folder / "stderr.log").open("w+b")
        self._number = 0
        self._buffer = b""
        try:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        except OSError as problem:
            self._clear()
            raise MissingPeerError("worker does not start", where=name, found=str(problem)) from None
        try:
            self.identity = self._hello()
        except BaseException:
            self._kill()
            self._clear()
            raise

    def _hello(self) -> dict[str, Any]:
        identity = self.call("hello", {"protocol": PROTOCOL, "folder": str(self.folder)})
        if identity.get("protocol") != PROTOCOL:
            raise MissingPeerError(
                "worker speaks another protocol",
                where=self.name,
                found=str(identity.get("protocol")),
                allowed=str(PROTOCOL),
            )
        return identity

    def _clear(self) -> None:
        self._errors.close()
        self._folder.cleanup()

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def call(
        self, method: str, params: Mapping[str, Any], *, timeout: float = 600.0, progress: Progress | None = None
    ) -> dict[str, Any]:
        """Send a request and wait for its answer. ``timeout``: seconds without any message from the worker.

        Raises the error that the worker reported, with its findings and its exit code; ``RunError`` with the
        worker's own words if it failed otherwise, died or fell silent.
        """
        self._number += 1
        line = json.dumps({"id": self._number, "method": method, "params": dict(params)}) + "\n"
        assert self._process.stdin is not None  # noqa: S101  a pipe was asked for
        with contextlib.suppress(OSError):  # a worker that has ended: what it said before tells more
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()
        while True:
            message = self._message(method, timeout)
            if message.get("id") != self._number:
                continue
            if "progress" in message:
                if progress is not None:
                    progress(*message["progress"])
            elif "error" in message:
                raise self._failed(method, message["error"])
            else:
                result: dict[str, Any] = message.get("result") or {}
                return result

    def close(self) -> None:
        """Say ``bye``, wait a moment, and end the process with everything it started."""
        if self._process.poll() is None:
            try:
                self.call("bye", {}, timeout=5.0)
                self._process.wait(5.0)
                self._end_group()
            except (RunError, subprocess.TimeoutExpired):
                self._kill()
        self._close_pipes()
        self._clear()

    def _close_pipes(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _end_group(self) -> None:
        """End what the worker has left running: a framework may have forked."""
        with contextlib.suppress(OSError):  # nobody is left in the group
            os.killpg(self._process.pid, signal.SIGKILL)

    def _kill(self) -> None:
        self._end_group()
        self._process.kill()
        self._process.wait()
        self._close_pipes()

    def _message(self, method: str, timeout: float) -> dict[str, Any]:
        assert self._process.stdout is not None  # noqa: S101  a pipe was asked for
        descriptor = self._process.stdout.fileno()
        deadline = time.monotonic() + timeout
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                self._kill()
                raise WorkerGoneError(f"{method}: no word from the worker for {timeout:.0f} s", where=self.name)
            data = os.read(descriptor, 65536)
            if not data or len(self._buffer) > LINE_LIMIT:
                raise self._gone(method)
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        try:
            message = json.loads(line)
        except ValueError:
            raise RunError(
                f"{method}: worker does not speak the protocol", where=self.name, found=repr(line[:80])
            ) from None
        if not isinstance(message, dict):
            raise RunError(f"{method}: worker does not speak the protocol", where=self.name, found=repr(line[:80]))
        return message

    def _gone(self, method: str) -> RunError:
        self._process.poll()
        return WorkerGoneError(
            f"{method}: worker ended (exit code {self._process.returncode})",
            where=self.name,
            found=self.last_words(),
        )

    def _failed(self, method: str, problem: Mapping[str, Any]) -> SnnhubError:
        if isinstance(report := problem.get("report"), dict):
            return revive(report, self.name)
        if problem.get("unsupported") is True:
            return self._refused(problem)
        return RunError(
            f"{method}: {problem.get('message', 'failed')}", where=self.name, found=str(problem.get("detail", ""))
        )

    def _refused(self, problem: Mapping[str, Any]) -> UnsupportedError:
        """What a worker without reports of its own refuses; ``detail`` is the place, if it knows one."""
        message, place = str(problem.get("message", "refused")), str(problem.get("detail") or self.name)
        finding = error("SNN-4203", place, message)
        return UnsupportedError(
            f"the worker refuses: {message}", where=f"{self.name}: {place}", findings=[finding]
        )

    def last_words(self, lines: int = 6) -> str:
        """The end of what the worker wrote to its standard error."""
        self._errors.flush()
        self._errors.seek(0)
        return " | ".join(self._errors.read().decode(errors="replace").strip().splitlines()[-lines:])
