"""The damage that the importers' contract does to files, for our own hostile tests."""

from __future__ import annotations

import sys
from collections.abc import Callable

from snnhub.errors import SnnhubError
from snnhub_conformance.damage import SEED, mutated

__all__ = ["SEED", "fuzz", "mutated"]


def fuzz(whole: bytes, cases: int, use: Callable[[bytes], object]) -> None:
    """What a sandbox runs: ``use`` on the file, damaged in so many ways. Prints how many were refused.

    Anything but an error of ours ends it with a traceback behind the seed.
    """
    refused = 0
    for case in range(cases):
        try:
            use(mutated(whole, case))
        except SnnhubError:
            refused += 1
        except Exception:
            sys.stderr.write(f"seed {(SEED, case)}\n")
            raise
    sys.stdout.write(str(refused))
