"""Where a framework's networks are imported and run: in this interpreter, or in an environment that has it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from snnhub.errors import MissingPeerError
from snnhub.hub.objects import Availability, Option, resolve

if TYPE_CHECKING:
    from snnhub.api.options import ImportOptions
    from snnhub.api.request import RunRequest
    from snnhub.ir.graph import Graph
    from snnhub.ir.recording import Recording

OPTION = "environment"
"""As in ``snnhub.api.remote``, which is not imported before it is needed: plugins register this."""


@dataclass(frozen=True)
class Elsewhere:
    """``package``: of the framework; ``environment``: that has it; ``importer``, ``runner``: ``module:function``
    of what works in either place; ``hint``: how to install the framework here.

    Where nobody says it, networks are imported here if the framework is here, else in the environment if that
    is ready. A finding (SNN-6005) says so.
    """

    package: str
    environment: str
    importer: str
    runner: str
    hint: str

    @property
    def option(self) -> Option:
        """The option of importer and runner that says where."""
        return Option(OPTION, f"where to import and run: {self.environment}", "this interpreter, if it can")

    def availability(self) -> Availability:
        """Whether networks can be imported at all."""
        absent = self._absent()
        if not absent or self._ready():
            return Availability(True)
        return Availability(False, f"{' and '.join(absent)} not installed", self._hint())

    def import_model(self, source: Any, options: ImportOptions) -> Graph:
        """Import here or there. Raises what the importer raises, and ``MissingPeerError`` where neither can."""
        name = self._where(options.given.get(OPTION), isinstance(source, str))
        if name is not None:
            from snnhub.api.remote import import_in

            return import_in(name, self.importer, source, options)
        graph: Graph = resolve(self.importer)(source, options)
        return graph

    def run_model(self, request: RunRequest) -> Recording:
        """Run here or there. Raises what the runner raises, and ``MissingPeerError`` where neither can."""
        given = request.options.get(OPTION) or request.import_options.given.get(OPTION)
        name = self._where(given, isinstance(request.source, str))
        if name is not None:
            from snnhub.api.remote import run_in

            return run_in(name, self.runner, request)
        recording: Recording = resolve(self.runner)(request)
        return recording

    def _where(self, given: str | None, movable: bool) -> str | None:
        """The environment to use, None for this interpreter."""
        if given is not None:
            return given
        absent = self._absent()
        if not absent:
            return None
        if movable and self._ready():
            return self.environment
        raise MissingPeerError(f"{' and '.join(absent)} not installed here", remedy=self._hint())

    def _absent(self) -> list[str]:
        return [name for name in ("torch", self.package) if find_spec(name) is None]

    def _ready(self) -> bool:
        from snnhub.hub.loader import load
        from snnhub.peers.env import status
        from snnhub.peers.recipe import read_recipe

        found = load().environments.get(self.environment)
        return found is not None and status(read_recipe(found.path())).state == "ready"

    def _hint(self) -> str:
        return f"{self.hint} Or: snnhub env create {self.environment}, which is then used."
