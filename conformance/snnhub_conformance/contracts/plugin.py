"""What every registered object owes, of whatever kind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, ClassVar

import pytest
from snnhub.errors import SnnhubError
from snnhub.hub import Availability
from snnhub.hub.catalogue import find, register_ops
from snnhub.hub.contain import HEAVY
from snnhub.hub.loader import load
from snnhub.hub.objects import Option, Registered

REQUIRE_VARIABLE = "SNNHUB_REQUIRE_PEERS"
"""Set to 1, a plugin that cannot be used here fails its contract; otherwise what needs it is skipped."""
_CLEAN = """
import importlib, sys
importlib.import_module({module!r})
print(" ".join(name for name in {heavy!r} if name in sys.modules))
"""


class PluginContract:
    """Tests of any registered object; the classes for each kind add theirs."""

    table: ClassVar[str]
    levels: ClassVar[tuple[str, ...]]
    nonsense: ClassVar[str] = "no such value"
    """Given to every option: it must be refused. Override where an option takes any text."""

    def name(self) -> str:
        """The name that the object is registered under."""
        raise NotImplementedError

    def item(self) -> Any:
        """The registered object."""
        register_ops()
        return find(getattr(load(), self.table), self.name(), self.table.removesuffix("s"))

    def usable(self) -> Any:
        """The object, where it can be used here; else the test is skipped, or fails where peers are required."""
        item = self.item()
        availability = item.availability()
        if availability.ok:
            return item
        words = f"{item.kind} {item.name}: {availability.reason}. {availability.hint}"
        if os.environ.get(REQUIRE_VARIABLE) == "1":
            pytest.fail(words)
        pytest.skip(words)

    def test_is_registered_and_says_what_it_is(self) -> None:
        item = self.item()
        assert isinstance(item, Registered)
        assert item.name == self.name()
        assert item.summary.strip(), "say in a few words what it is: snnhub plugins list shows it"
        assert "\n" not in item.summary, "a summary is one line"
        assert item.level in ("", *self.levels), f"level {item.level}; allowed {', '.join(self.levels)}"

    def test_availability_is_cheap_to_ask_and_helps(self) -> None:
        found = self.item().availability()
        assert isinstance(found, Availability)
        assert found == self.item().availability()
        assert found.ok or (found.reason and found.hint), "say why it is not available, and what to do"

    def test_options_are_documented(self) -> None:
        options: tuple[Option, ...] = self.item().options
        names = [option.name for option in options]
        assert len(set(names)) == len(names), f"an option is there twice: {names}"
        assert [option.name for option in options if not option.doc.strip()] == [], (
            "options without a word on them"
        )

    def test_importing_the_plugin_is_light(self) -> None:
        """In a clean process: no framework, no NumPy, nothing printed. ``snnhub plugins list`` stays instant."""
        owner = load().owner(self.item())
        (module,) = {point.module for point in entry_points(group="snnhub") if point.name == owner}
        command = [sys.executable, "-c", _CLEAN.format(module=module, heavy=HEAVY)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == "", f"importing {module} prints, or imports frameworks: {done.stdout}"

    def test_the_doctor_finds_nothing(self) -> None:
        from snnhub.api.doctor_plugins import plugin_lines

        owner = load().owner(self.item())
        wrong = [line for line in plugin_lines(load()) if line.name == owner and line.state != "ok"]
        assert wrong == []

    def test_the_entry_resolves(self) -> None:
        assert callable(self.usable().resolve())


def ensure_refused(problem: SnnhubError, word: str) -> None:
    """A refusal says where and what: a place, what was found, or findings; and the word at issue is in it."""
    told = problem.to_json()
    places = [problem.where, problem.found, *(finding.place for finding in problem.findings)]
    assert any(places), f"an error without a place: {told}"
    assert word in str(told), f"the error does not name {word!r}: {told}"


def same_arrays(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    """Keys under which two recordings differ in any bit, in shape or in dtype."""
    return [
        key
        for key in sorted({*a, *b})
        if key not in a
        or key not in b
        or a[key].dtype != b[key].dtype
        or a[key].shape != b[key].shape
        or a[key].tobytes() != b[key].tobytes()
    ]


def contents(source: Any) -> bytes | None:
    """The bytes of a source that is a file."""
    return source.read_bytes() if isinstance(source, Path) else None
