"""Runs code of plugins so that nothing it does reaches anybody else: errors, exits, prints, changed settings.

In one process not everything can be contained: ``os._exit``, a crash in C and a call that never returns end
or stop the process. Calls are not timed out, since no thread of Python can be stopped from outside.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")
HEAVY = (
    *("numpy", "torch", "jax", "tensorflow", "numba", "scipy", "pandas", "matplotlib", "h5py"),
    *("lava", "samna", "rockpool", "spikingjelly", "snntorch", "norse", "sinabs", "nengo", "brian2"),
)
"""Packages that take long to import; a plugin imports them when it works, not when it registers."""
SLOW_SECONDS = 1.0


@dataclass
class Seen:
    """What plugin code did beside its work. ``undone``: settings that it changed, since put back."""

    printed: str = ""
    undone: list[str] = field(default_factory=list)
    heavy: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def remarks(self) -> list[tuple[str, str]]:
        """Each thing that is wrong, with what to do."""
        found = []
        if self.printed:
            words = self.printed.splitlines()[0][:60]
            found.append(
                (f"prints when it is imported: {words!r}", "Print nothing: --json must stay one document.")
            )
        if self.undone:
            changed = ", ".join(self.undone)
            remedy = "Change settings where the work is done, not at import. They were put back."
            found.append((f"changes the process when it is imported: {changed}", remedy))
        if self.heavy:
            names = ", ".join(self.heavy)
            found.append((f"imports {names} when it is imported: {self.seconds:.1f} s", LATER))
        elif self.seconds > SLOW_SECONDS:
            found.append((f"takes {self.seconds:.1f} s to import", LATER))
        return found


LATER = "Import frameworks in the functions behind the entries."


def reason(problem: BaseException) -> str:
    """An error in one line, with its place where Python knows it."""
    text = " ".join(str(problem).split())
    return f"{type(problem).__name__}: {text}" if text else type(problem).__name__


def attempt(function: Callable[..., T], *arguments: Any, **named: Any) -> tuple[T | None, BaseException | None]:
    """Result and error of a call, one of them None. Catches all but Ctrl-C; what is printed goes nowhere."""
    with silenced():
        try:
            return function(*arguments, **named), None
        except KeyboardInterrupt:
            raise
        except BaseException as problem:  # noqa: BLE001  SystemExit too: whatever a plugin does, the others must work
            return None, problem


@contextlib.contextmanager
def watched() -> Iterator[Seen]:
    """See what the block prints, changes and imports; settings of the process are put back after it.

    Environment variables and warnings filters stay where a framework was imported: it set what it needs.
    """
    seen = Seen()
    environment, folder, path = dict(os.environ), _folder(), list(sys.path)
    before, start = set(sys.modules), time.perf_counter()
    filters = list(warnings.filters)
    with silenced() as said:
        try:
            yield seen
        finally:
            seen.seconds = time.perf_counter() - start
            seen.heavy = [name for name in HEAVY if name in sys.modules and name not in before]
            if os.environ != environment and not seen.heavy:
                names = {key for key, _ in os.environ.items() ^ environment.items()}
                seen.undone.append(f"environment variables {', '.join(sorted(names))}")
                os.environ.clear()
                os.environ.update(environment)
            if list(warnings.filters) != filters and not seen.heavy:
                seen.undone.append("warnings filters")
                warnings.filters[:] = filters  # type: ignore[index]
                with warnings.catch_warnings():  # which tells the module that its filters have changed
                    pass
            if _folder() != folder:
                seen.undone.append("working folder")
                os.chdir(folder)
            if sys.path != path:
                seen.undone.append("sys.path")
                sys.path[:] = path
    seen.printed = "".join(said).strip()


@contextlib.contextmanager
def silenced() -> Iterator[list[str]]:
    """Nothing of the block reaches standard output, neither from Python nor from C. What it said, afterwards."""
    said: list[str] = []
    with contextlib.suppress(Exception):  # a closed stream has nothing to flush
        sys.stdout.flush()
    with tempfile.TemporaryFile() as file:
        try:
            kept = os.dup(1)
        except OSError:  # no standard output at all
            yield said
            return
        os.dup2(file.fileno(), 1)
        try:
            with contextlib.redirect_stdout(io.StringIO()) as text:
                yield said
        finally:
            os.dup2(kept, 1)
            os.close(kept)
            file.seek(0)
            said += [text.getvalue(), file.read(2**16).decode(errors="replace")]


def _folder() -> str:
    try:
        return os.getcwd()
    except OSError:  # removed behind our back
        return "/"
