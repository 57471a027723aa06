"""The contracts notice: each wrong plugin fails the test that is there for its fault."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from snnhub.hub import Availability, Exporter, Importer, Option, Runner
from snnhub.hub.loader import load
from snnhub.hub.objects import Registered
from snnhub_conformance.contracts import ExporterContract, ImporterContract, RunnerContract
from snnhub_conformance.contracts.plugin import PluginContract

from tests.plugins import wrong
from tests.plugins.broken import install
from tests.plugins.installed import environment, run


class WrongRunner(RunnerContract):
    runner = "wrong"


class WrongImporter(ImporterContract):
    importer = "wrong"

    def sources(self, folder: Path) -> list[Any]:
        from snnhub_formats import container

        container.save(self.sample(), folder / "a.snn")
        return [folder / "a.snn"]


class WrongExporter(ExporterContract):
    exporter = "wrong"
    reader = "snn"


def register(monkeypatch: pytest.MonkeyPatch, table: str, item: Registered, entry: Callable[..., Any]) -> None:
    """An object as if a plugin had registered it, with a function as its entry."""
    resolve = Registered.resolve
    monkeypatch.setitem(getattr(load(), table), "wrong", item)
    monkeypatch.setattr(type(item), "resolve", lambda self: entry if self is item else resolve(self))


def verdict(contract: PluginContract, test: str, folder: Path) -> None:
    """Run one test of a contract as pytest would, with the fixtures that it asks for."""
    (name,) = {name for name, _ in inspect.getmembers(contract) if name.startswith("test_") and test in name}
    method = getattr(contract, name)
    given: dict[str, Any] = {"tmp_path": folder}
    for fixture in inspect.signature(method).parameters:
        if fixture not in given:
            given[fixture] = fixture_of(contract, fixture, folder)
    method(**{name: given[name] for name in inspect.signature(method).parameters})


def fixture_of(contract: PluginContract, name: str, folder: Path) -> Any:
    function = inspect.getattr_static(contract, name)
    function = getattr(function, "_get_wrapped_function", lambda: function)()
    (argument,) = list(inspect.signature(function).parameters)[1:]
    value = folder if argument == "tmp_path" else fixture_of(contract, argument, folder)
    return function(contract, value)


@pytest.mark.parametrize("fault", wrong.RUNNERS)
def test_wrong_runners_fail_the_test_for_it(fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch, "runners", Runner("wrong", "test", "a:b", level="R4"), wrong.wrong_runner(fault))
    with pytest.raises((AssertionError, pytest.fail.Exception, KeyError, ValueError)):
        verdict(WrongRunner(), wrong.RUNNERS[fault], tmp_path)


@pytest.mark.parametrize("test", sorted(set(wrong.RUNNERS.values())))
def test_a_right_runner_passes_them(test: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(wrong.CHANGES, "none", (lambda request, found: found, ""))
    register(monkeypatch, "runners", Runner("wrong", "test", "a:b", level="R4"), wrong.wrong_runner("none"))
    verdict(WrongRunner(), test, tmp_path)


@pytest.mark.parametrize("fault", wrong.IMPORTERS)
def test_wrong_importers_fail_the_test_for_it(fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry, test = wrong.IMPORTERS[fault]
    register(monkeypatch, "importers", Importer("wrong", "test", "a:b"), entry)
    with pytest.raises((AssertionError, RuntimeError, pytest.fail.Exception)):
        verdict(WrongImporter(), test, tmp_path)


@pytest.mark.parametrize("fault", wrong.EXPORTERS)
def test_wrong_exporters_fail_the_test_for_it(fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry, test = wrong.EXPORTERS[fault]
    register(monkeypatch, "exporters", Exporter("wrong", "test", "a:b", formats=(".wrong",)), entry)
    with pytest.raises((AssertionError, TypeError, pytest.fail.Exception)):
        verdict(WrongExporter(), test, tmp_path)


@pytest.mark.parametrize(
    ("changes", "test"),
    [
        ({"summary": " "}, "registered_and_says"),
        ({"level": "F1"}, "registered_and_says"),
        ({"availability": lambda: Availability(False, "no")}, "availability_is_cheap"),
        ({"options": (Option("a", ""),)}, "options_are_documented"),
        ({"options": (Option("a", "x"), Option("a", "y"))}, "options_are_documented"),
        ({"options": (Option("a", "x"),)}, "values_that_options"),
    ],
)
def test_careless_objects_fail(
    changes: dict[str, Any], test: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = Runner(**{"name": "wrong", "summary": "test", "entry": "a:b", "level": "R4", **changes})
    monkeypatch.setitem(wrong.CHANGES, "none", (lambda request, found: found, ""))
    register(monkeypatch, "runners", item, wrong.wrong_runner("none"))
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        verdict(WrongRunner(), test, tmp_path)


HASHED = """
from dataclasses import replace
from snnhub.hub import Importer, hookimpl

@hookimpl
def snnhub_register_importers():
    return [Importer("hashed", "delays from the hash of a text", entry="hashed:read")]

def read(path, options):
    from snnhub.api.neutral import import_snn
    graph = import_snn(path, options)
    return replace(graph, edges=(replace(graph.edges[0], delay=hash("snnhub") % 1000), *graph.edges[1:]))
"""
HASHED_TEST = """
from snnhub_formats import container
from snnhub_conformance.contracts import ImporterContract

class TestHashed(ImporterContract):
    importer = "hashed"
    def sources(self, folder):
        container.save(self.sample(), folder / "a.snn")
        return [folder / "a.snn"]
"""


def test_what_depends_on_the_hash_seed_is_noticed(tmp_path: Path) -> None:
    install(tmp_path, "hashed", HASHED)
    (tmp_path / "test_hashed.py").write_text(HASHED_TEST)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "same_twice or whole", "."]
    done = run(command, tmp_path, {**environment(tmp_path), "PYTHONHASHSEED": "1"})
    assert "1 failed, 1 passed" in done.stdout, done.stdout
    assert "test_the_same_twice" in done.stdout
