"""How results look: tables and findings for people, one JSON document for programs, progress on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

    from snnhub.findings import Finding

PLAIN_WIDTH = 120
STYLES = {"error": "bold red", "loss": "yellow", "note": "cyan", "info": "dim"}
Progress = Callable[[int, int], None]


def console(err: bool = False) -> Console:
    """A console as wide as the terminal, or of a fixed width where there is none."""
    from rich.console import Console

    stream = sys.stderr if err else sys.stdout
    width = None if stream.isatty() else PLAIN_WIDTH
    return Console(file=stream, width=width, highlight=False, soft_wrap=False, emoji=False)


def print_json(document: dict[str, Any]) -> None:
    """The one document of ``--json``."""
    click.echo(json.dumps(document, indent=1))


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], right: Sequence[str] = ()) -> None:
    """A plain table; columns named in ``right`` are right-aligned. Nothing is printed without rows."""
    from rich.table import Table

    if not rows:
        return
    made = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*(escape("" if cell is None else str(cell)) for cell in row))
    console().print(made)


def escape(text: str) -> str:
    """Text without rich markup: file content must not style the terminal."""
    from rich.markup import escape as rich_escape

    return rich_escape(printable(text))


def printable(text: str) -> str:
    """Text without control characters: file content must not move the cursor or write to the clipboard."""
    return "".join(char if char.isprintable() or char == "\n" else "?" for char in text)


def print_findings(findings: Sequence[Finding], *, verbose: bool = True, err: bool = False) -> None:
    """One block per finding. Without ``verbose``, notes and infos are only counted."""
    from snnhub.findings import Severity, count

    out = console(err)
    quiet = (Severity.NOTE, Severity.INFO)
    for finding in findings:
        if not verbose and finding.severity in quiet:
            continue
        style = STYLES[finding.severity.value]
        words = escape(f"{finding.place}: {finding.message}")
        out.print(f"[{style}]{finding.severity.value:5}[/] {finding.code} {words}")
        both = bool(finding.old and finding.new)
        change = f"{finding.old} -> {finding.new}" if both else finding.old or finding.new
        before = "" if both else "found: " if finding.old else "now: "
        for label, text in ((before, change), ("bound: ", finding.bound), ("", finding.remedy)):
            if text:
                out.print(f"        {label}{escape(text)}")
    counts = count(findings)
    if not verbose and (counts["note"] or counts["info"]):
        out.print(f"{counts['note']} notes and {counts['info']} remarks more: -v shows them, --json has them all")


@contextmanager
def progress(label: str, quiet: bool) -> Iterator[Progress]:
    """A progress bar on standard error; silent when that is no terminal, or under ``--json``."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.progress import Progress as Bar

    with Bar(console=console(err=True), transient=True) as bar:
        task = bar.add_task(label, total=None)

        def report(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield report


@contextmanager
def stages(quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """Like ``progress``, for work that says itself what it is at."""
    if quiet or not sys.stderr.isatty():
        yield lambda label, done, total: None
        return
    from rich.progress import Progress as Bar

    with Bar(console=console(err=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def report(label: str, done: int, total: int) -> None:
            bar.update(task, description=label, completed=done, total=total or None)

        yield report
