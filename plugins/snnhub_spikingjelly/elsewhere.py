"""Which interpreter a network is imported and run in: this one, or an environment that has what it needs."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from snnhub.api.options import ImportOptions
from snnhub.api.remote import OPTION, import_in, run_in
from snnhub.api.request import RunRequest
from snnhub.errors import MissingPeerError
from snnhub.ir.graph import Graph
from snnhub.ir.recording import Recording

from snnhub_spikingjelly import HINT, LAVA, OLD, missing

IMPORTER = "snnhub_spikingjelly.importer:import_spikingjelly"
RUNNER = "snnhub_spikingjelly.runner:run_spikingjelly"
NEEDS_LAVA = ("BlockContainer", "SumPool2d", "TNX_to_NXT", "NXT_to_TNX", "to_lava", "'lava'", "lava.lib", "slayer")
NEEDS_OLD = ("clock_driven", "event_driven", "set_backend", "'backend'")
"""Names in the words of an error: what exists only beside lava-dl, and what SpikingJelly 2.0 dropped."""


def import_model(source: Any, options: ImportOptions) -> Graph:
    """Import here, or in the environment of the option ``environment``. Raises what the importer raises."""
    from snnhub_spikingjelly.importer import import_spikingjelly

    name = options.given.get(OPTION)
    if name is not None:
        return import_in(name, IMPORTER, source, options)
    ensure_here()
    return import_spikingjelly(source, options)


def run_model(request: RunRequest) -> Recording:
    """Run here, or in the environment of the option ``environment``. Raises what the runner raises."""
    from snnhub_spikingjelly.runner import run_spikingjelly

    name = request.options.get(OPTION)
    if name is not None:
        return run_in(name, RUNNER, request)
    ensure_here()
    return run_spikingjelly(request)


def ensure_here() -> None:
    """Raise ``MissingPeerError`` if SpikingJelly is only in other environments."""
    if absent := missing():
        raise MissingPeerError(
            f"{' and '.join(absent)} not installed here",
            allowed=f"--option {OPTION}={LAVA} or {OLD} where that environment exists",
            remedy=HINT,
        )


def remedy(problem: BaseException) -> str:
    """What to do about a factory that fails with ``problem``: the environment that has what it asks for."""
    words = f"{type(problem).__name__}: {problem}"
    if not isinstance(problem, AttributeError | ImportError | TypeError | NameError):
        return ""
    if any(name in words for name in NEEDS_LAVA) and find_spec("lava") is None:
        words = _pass(LAVA, "lava-dl is not in this interpreter")
        return f"{words} A network of slayer or bootstrap is imported with --from lava-dl."
    if any(name in words for name in NEEDS_OLD):
        return _pass(OLD, "SpikingJelly 2.0 no longer has this")
    return ""


def _pass(environment: str, why: str) -> str:
    return f"{why}: pass --option {OPTION}={environment} (made by: snnhub env create {environment})."
