"""Contract classes for pytest: subclass one, set its one attribute, and inherit the tests.

::

    from snnhub_conformance.contracts import RunnerContract

    class TestMine(RunnerContract):
        runner = "mine"

Hook methods (``sources``, ``graphs``, ``stimulus`` …) have defaults; override what does not fit. Needs pytest.
"""

from snnhub_conformance.contracts.exporter import ExporterContract
from snnhub_conformance.contracts.importer import ImporterContract
from snnhub_conformance.contracts.runner import RunnerContract
from snnhub_conformance.contracts.target import TargetContract

__all__ = ["ExporterContract", "ImporterContract", "RunnerContract", "TargetContract"]
