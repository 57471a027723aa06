"""The plugin hub: every way a plugin can be broken is contained and named; built-ins cannot be hijacked."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import pytest
from snnhub.errors import UnsupportedError, UsageError
from snnhub.hub import PLUGIN_API, Availability, FormatGuess, Importer, Runner, hookimpl
from snnhub.hub.catalogue import detect, find
from snnhub.hub.loader import Hub, load, load_from


class Distribution:
    """Just enough of a distribution for an entry point."""

    def __init__(self, name: str) -> None:
        self.name, self.version = name, "9.9"


def point(name: str, module: str, distribution: str = "acme") -> EntryPoint:
    found = EntryPoint(name, module, "snnhub")
    object.__setattr__(found, "dist", Distribution(distribution))
    return found


@pytest.fixture
def module() -> Iterator[types.ModuleType]:
    made = types.ModuleType("acme_plugin")
    sys.modules[made.__name__] = made
    yield made
    del sys.modules[made.__name__]


def implement(module: types.ModuleType, name: str, result: Any) -> None:
    def hook() -> Any:
        return result() if callable(result) else result

    hook.__name__ = name
    setattr(module, name, hookimpl(hook))


def loaded(*extra: EntryPoint) -> Hub:
    return load_from([*entry_points(group="snnhub"), *extra])


def importer(name: str, **changes: Any) -> Importer:
    return Importer(name, "test", "acme_plugin:run", **changes)


def test_built_ins_load_through_the_same_entry_points() -> None:
    hub = load()
    names = {"snn", "spikingjelly", "loihi", "netx", "lava", "lava-dl", "xylo", "rockpool", "dynapse2"}
    names |= {"nir", "profiles", "snntorch", "norse", "sinabs"}
    assert {plugin.name for plugin in hub.plugins} == names
    assert hub.problems == []
    assert {"engine", "lava", "spikingjelly"} <= set(hub.runners)


def test_a_good_third_party_is_loaded(module: types.ModuleType) -> None:
    implement(module, "snnhub_register_importers", [importer("acme")])
    hub = loaded(point("acme", "acme_plugin"))
    assert "acme" in hub.importers
    assert hub.owner(hub.importers["acme"]) == "acme"
    assert hub.problems == []


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("missing", "ModuleNotFoundError"),
        ("misspelt", "snnhub_register_importer"),
        ("raises", "boom"),
        ("wrong type", "as Importer"),
        ("wrong api", "plugin interface"),
        ("hijack object", "already registered by plugin netx"),
        ("hijack name", "name is taken by snnhub"),
    ],
)
def test_every_broken_plugin_is_contained(fault: str, words: str, module: types.ModuleType) -> None:
    def explode() -> Any:
        raise RuntimeError("boom")

    name, place = "acme", "acme_plugin"
    if fault == "missing":
        place = "no_such_module"
    elif fault == "misspelt":
        implement(module, "snnhub_register_importer", [])
    elif fault == "raises":
        implement(module, "snnhub_register_importers", explode)
    elif fault == "wrong type":
        implement(module, "snnhub_register_importers", ["me"])
    elif fault == "wrong api":
        implement(module, "snnhub_register_importers", [importer("acme", api=PLUGIN_API + 1)])
    elif fault == "hijack object":
        implement(module, "snnhub_register_importers", [importer("netx")])
    else:
        name = "netx"
    hub = loaded(point(name, place))
    assert [words in problem.message for problem in hub.problems] == [True], hub.problems
    assert hub.problems[0].distribution == "acme"
    assert hub.importers["netx"].entry == "snnhub_netx.reader:import_netx"
    assert len(hub.plugins) >= 5


def test_third_parties_can_be_switched_off(module: types.ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    implement(module, "snnhub_register_runners", [Runner("acme", "", "x:y")])
    monkeypatch.setenv("SNNHUB_PLUGINS", "")
    assert "acme" not in loaded(point("acme", "acme_plugin")).runners
    monkeypatch.setenv("SNNHUB_PLUGINS", "acme")
    assert "acme" in loaded(point("acme", "acme_plugin")).runners


def test_unknown_names_suggest_the_nearest() -> None:
    with pytest.raises(UsageError, match="Did you mean lava"):
        find(load().runners, "laav", "runner")


def test_a_tie_between_importers_names_both(module: types.ModuleType, tmp_path: Path) -> None:
    @hookimpl
    def snnhub_detect_format(path: Path, head: bytes) -> FormatGuess:
        return FormatGuess("acme", 100, "I want it")

    module.snnhub_detect_format = snnhub_detect_format  # type: ignore[attr-defined]
    implement(module, "snnhub_register_importers", [importer("acme")])
    from snnhub_formats.container import save

    from tests.build import mlp

    save(mlp(), tmp_path / "a.snn")
    with pytest.raises(UsageError, match=r"I want it.*manifest|manifest.*I want it"):
        detect(tmp_path / "a.snn", loaded(point("acme", "acme_plugin")))


@pytest.mark.parametrize(
    ("content", "error"),
    [(b"", UnsupportedError), (b"\x89PNG\r\n\x1a\n123", UnsupportedError), (b"PK\3\4", UnsupportedError)],
)
def test_unknown_files_are_refused(content: bytes, error: type[Exception], tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(error):
        detect(tmp_path / "x")


def test_missing_files_are_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        detect(tmp_path / "x")


def test_availability_says_what_to_do() -> None:
    assert Availability(False, "not here", "Run: make it").hint == "Run: make it"
