"""docs/plugins.md, followed to the letter: every file is written, every command run, every Python block executed.

The convention of the page: a block behind a line with a file name in backticks is that file; behind ``Add to`` it
is added to its end; behind ``Replace in`` it is replaced by the next block. Other Python blocks are run as is.
In console blocks ``…`` stands for anything, and other lines of output must be there, in their order.

A chapter with the comment ``needs torch`` is a project of its own, followed where torch is, in an empty folder.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.plugins.installed import environment, install, run

PAGE = ROOT / "docs" / "plugins.md"
BLOCK = re.compile(r"(?P<before>[^\n]*)\n```(?P<language>\w+)\n(?P<text>.*?)```", re.DOTALL)
PLACE = re.compile(r"(?P<how>Add to |Replace in |)`(?P<file>[\w./-]+\.\w+)`\Z")
LANGUAGES = {"python", "toml", "console"}
CHAPTER = re.compile(r"^## ", re.MULTILINE)
NEEDS_TORCH = "<!-- needs torch: a project of its own -->"


@dataclass
class Reader:
    """Somebody who does what the page says, in a folder of his own."""

    folder: Path
    site: Path
    replaced: tuple[Path, str] | None = None

    def __post_init__(self) -> None:
        self.environment = environment(self.site)
        # as after pip install -e: the code is found in the project's folder, the metadata where it was installed
        self.environment["PYTHONPATH"] = os.pathsep.join([str(self.folder), self.environment["PYTHONPATH"]])
        self.environment["SNNHUB_ENVS"] = str(self.folder / "envs")

    def follow(self, before: str, language: str, text: str) -> None:
        """Do what one block says."""
        place = PLACE.match(before)
        if before == "by" and self.replaced is not None:
            path, old = self.replaced
            assert path.read_text().count(old) == 1, f"{path.name} does not have once:\n{old}"
            path.write_text(path.read_text().replace(old, text))
            self.replaced = None
        elif place and place["how"] == "Replace in ":
            self.replaced = (self.folder / place["file"], text)
        elif place:
            path = self.folder / place["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            assert bool(place["how"]) == path.exists(), (
                f"{place[0]}: the file is {'' if path.exists() else 'not '}there"
            )
            path.write_text(path.read_text() + "\n\n" + text if place["how"] else text)
        elif language == "python":
            self.do([sys.executable, "-c", text], text)
        elif language == "console":
            self.console(text)
        else:
            pytest.fail(f"a {language} block that belongs to no file: {before!r}")

    def console(self, text: str) -> None:
        commands: list[tuple[str, list[str]]] = []
        for line in text.splitlines():
            if line.startswith("$ "):
                commands.append((line[2:], []))
            else:
                commands[-1][1].append(line)
        for command, lines in commands:
            expect(self.command(command), lines, command)

    def command(self, line: str) -> str:
        words = shlex.split(line)
        if words == ["pip", "install", "-e", "."]:
            install(self.folder, self.site)
            return ""
        programs = {
            "snnhub": ["-m", "snnhub"],
            "pytest": ["-m", "pytest", "-q", "-p", "no:cacheprovider"],
            "python": [],
        }
        return self.do([sys.executable, *programs[words[0]], *words[1:]], line)

    def do(self, command: list[str], what: str) -> str:
        done = run(command, self.folder, self.environment)
        assert done.returncode == 0, f"{what}\n{done.stdout}\n{done.stderr}"
        return done.stdout


def expect(output: str, lines: list[str], command: str) -> None:
    """Every line of the page is in the output, one behind the other, whatever is between columns."""
    rest = " ".join(output.split())
    for line in lines:
        for part in filter(None, (" ".join(part.split()) for part in line.split("…"))):
            assert part in rest, f"$ {command}\nthe page promises {part!r}; there is:\n{output}"
            rest = rest[rest.index(part) + len(part) :]


def chapters(torch: bool) -> str:
    """The page without the chapters that need torch, or these alone."""
    return "## ".join(part for part in CHAPTER.split(PAGE.read_text()) if (NEEDS_TORCH in part) is torch)


def blocks(text: str) -> list[tuple[str, str, str]]:
    return [(found["before"], found["language"], found["text"]) for found in BLOCK.finditer(text)]


def test_the_page_can_be_followed(tmp_path: Path) -> None:
    """A newcomer who types it all gets a plugin that passes its contracts and that doctor has nothing against."""
    reader = Reader(tmp_path / "npzmlp", tmp_path / "site")
    reader.folder.mkdir()
    for before, language, text in blocks(chapters(torch=False)):
        reader.follow(before, language, text)
    assert reader.replaced is None
    assert (reader.folder / "net.net").exists()


@pytest.mark.peer
@pytest.mark.usefixtures("spikingjelly")
def test_the_chapter_on_torch_can_be_followed(tmp_path: Path) -> None:
    """A plugin for a framework that nobody knew imports a network with a loop and a connection back."""
    reader = Reader(tmp_path / "leaky", tmp_path / "site")
    reader.folder.mkdir()
    followed = blocks(chapters(torch=True))
    assert len(followed) >= 6
    for before, language, text in followed:
        reader.follow(before, language, text)
    assert (reader.folder / "net.snn").exists()


def test_every_block_is_of_a_kind_that_is_followed() -> None:
    fences = re.findall(r"^```(\w*)", PAGE.read_text(), re.MULTILINE)
    found = blocks(PAGE.read_text())
    assert len(fences) == 2 * len(found)
    assert {language for _, language, _ in found} == LANGUAGES
    assert len(found) >= 25
    assert len(found) == len(blocks(chapters(torch=True))) + len(blocks(chapters(torch=False)))


def test_promises_of_the_page_are_checked() -> None:
    expect("a  b\nc", ["a b", "…", "c"], "")
    with pytest.raises(AssertionError, match="promises"):
        expect("c a", ["a", "c"], "")
