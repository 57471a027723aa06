"""Runs a function of a test module in a process of its own, with bounded memory and time.

What an attack may not do is measured there: exhaust memory, hang, or end in anything but an error of ours.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

MEMORY = 3 * 2**30
SECONDS = 60
OURS, FINE = 10, 0


def limited(memory: int) -> None:
    """Bound the address space of this process."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def attempt(reference: str, *arguments: str | Path, memory: int = MEMORY, seconds: float = SECONDS) -> str:
    """Run ``module:function`` on text arguments. Returns what it printed; an error of ours begins with its class.

    Fails the test for a traceback, a crash, a run over ``seconds``, or memory beyond ``memory`` bytes.
    """
    words = [sys.executable, "-m", "tests.hostile.sandbox", reference, str(memory), *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(words, capture_output=True, text=True, timeout=seconds, env=environment, check=False)
    assert done.returncode in (OURS, FINE), f"exit {done.returncode}\n{done.stdout}\n{done.stderr[-3000:]}"
    return done.stdout


def main(reference: str, memory: str, *arguments: str) -> int:
    """The process itself."""
    import importlib

    from snnhub.errors import SnnhubError

    module, _, name = reference.partition(":")
    function = getattr(importlib.import_module(module), name)
    limited(int(memory))
    try:
        function(*arguments)
    except SnnhubError as problem:
        sys.stdout.write(f"{type(problem).__name__}: {problem}")
        return OURS
    return FINE


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
