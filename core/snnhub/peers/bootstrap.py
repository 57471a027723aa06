"""Starts a worker module in another interpreter: ``bootstrap.py module:function name=folder … -- arguments``.

Makes exactly the named packages importable from the given folders, and nothing else of the environment
that snnhub itself runs in: its NumPy must not meet the framework's. Standard library only.
"""

import importlib
import importlib.util
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


class OnlyThese(MetaPathFinder):
    """Finds the given top-level packages in their folders; everything else is left to the interpreter."""

    def __init__(self, folders: dict[str, str]) -> None:
        self.folders = folders

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        folder = self.folders.get(fullname)
        if folder is None:
            return None
        return importlib.util.spec_from_file_location(
            fullname, os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
        )


def leave_with(parent: int) -> None:
    """End this process with the one that started it: a framework that never returns reads no closed pipe.

    With it go the processes that the framework forked (Lava does), where all are a group of their own.
    """
    while os.getppid() == parent:
        time.sleep(0.5)
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(1)


def main() -> None:
    """Install the finder and call the worker's entry point."""
    threading.Thread(target=leave_with, args=(os.getppid(),), daemon=True).start()
    entry, *arguments = sys.argv[1:]
    end = arguments.index("--")
    packages, sys.argv[1:] = arguments[:end], arguments[end + 1 :]
    folders = dict(item.split("=", 1) for item in packages)
    sys.meta_path.insert(0, OnlyThese(folders))
    # This script's own folder holds modules of snnhub.peers, which must not become top-level names.
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") != here]
    module, _, function = entry.partition(":")
    getattr(importlib.import_module(module), function)()


if __name__ == "__main__":
    main()
