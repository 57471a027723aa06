"""``snnhub conformance``: the suite, run on anything that claims to run, read or write networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from snnhub.cli.options import given_options, json_option, pairs
from snnhub.cli.output import console, escape, print_json, progress, table
from snnhub.errors import UsageError

LEVELS = ("F0", "F1", "R1", "R2", "R3", "R4")


@click.group("conformance")
def group() -> None:
    """Cases as data: what a runner, importer, exporter or target must get right, and what is probably wrong."""


@group.command("run")
@click.option("--runner", help="A registered runner.")
@click.option("--importer", help="A registered importer.")
@click.option("--exporter", help="A registered exporter.")
@click.option("--target", help="A registered target, with its lowering.")
@click.option("--framework", help="A framework that reads NIR files (norse, snntorch …), asked its own profile.")
@click.option("--worker", help="A command that speaks the worker protocol, in any language.")
@click.option(
    "--level", type=click.Choice(LEVELS), help="What is asked for. [default: R4 of runners, F1 of others]"
)
@click.option("--case", "ids", multiple=True, help="Only this case. May be given more than once.")
@click.option("--family", "families", multiple=True, help="Only this family, or everything below it (op, file).")
@given_options
@click.option(
    "--report", "folder", type=click.Path(path_type=Path), help="Write report.json, report.md, badge.json."
)
@json_option
def run(
    runner: str | None,
    importer: str | None,
    exporter: str | None,
    target: str | None,
    framework: str | None,
    worker: str | None,
    level: str | None,
    ids: tuple[str, ...],
    families: tuple[str, ...],
    given: tuple[str, ...],
    folder: Path | None,
    as_json: bool,
) -> int:
    """Run cases. Exit code 1 if any fails; what is unsupported or unavailable never counts as passed."""
    from snnhub_conformance import report as reports
    from snnhub_conformance.session import measure

    subjects = {"runner": runner, "importer": importer, "exporter": exporter, "target": target}
    subjects |= {"framework": framework, "worker": worker}
    chosen = {kind: name for kind, name in subjects.items() if name is not None}
    if len(chosen) != 1:
        raise UsageError("name one subject", allowed=", ".join(f"--{kind}" for kind in subjects))
    ((kind, name),) = chosen.items()
    options = pairs(given, "--option")
    with progress(f"{kind} {name}", as_json) as tell:
        report = measure(kind, name, level=level, ids=ids, families=families, options=options, progress=tell)
    if folder is not None:
        reports.write(report, folder)
    if as_json:
        print_json(report.to_json())
    else:
        _show(report, folder)
    return 1 if report.failed else 0


def _show(report: Any, folder: Path | None) -> None:
    from snnhub_conformance.report import COLUMNS

    rows = [[name, *(str(n or "") for n in report.row(name))] for name in sorted(report.families)]
    table("", ["family", *COLUMNS], rows)
    for item in report.failed[:10]:
        console().print(f"[red]{item.status.value}[/] {item.id}  {escape(item.detail)}", soft_wrap=True)
        console().print(f"     repeat: {escape(report.repeat(item))}", soft_wrap=True)
    if len(report.failed) > 10:
        console().print(f"… and {len(report.failed) - 10} more: --report DIR or --json lists all")
    for suspect in report.suspects:
        console().print(f"probably wrong: {escape(str(suspect))}", soft_wrap=True)
    counts = report.counts
    console().print(f"{report.subject}: {counts['pass']} of {counts['total']} passed at {report.level}")
    if folder is not None:
        console().print(f"wrote {folder}/report.json, report.md, badge.json")


@group.command("list")
@click.option("--family", "families", multiple=True, help="Only this family, or everything below it.")
@json_option
def list_(families: tuple[str, ...], as_json: bool) -> None:
    """List families with their cases, levels, and how many mistakes they tell apart; and the mutants of ops."""
    from snnhub_conformance.suite import load

    suite = load().select(families=families)
    if as_json:
        cases = [{"id": c.id, "level": c.level, "title": c.title, "flags": c.flags} for c in suite.cases]
        print_json({"cases": cases} if families else {"cases": cases, "mutants": suite.mutants})
        return
    if families:
        table("", ["case", "level", "what it is"], [[c.id, c.level, escape(c.title)] for c in suite.cases])
        return
    rows = []
    for name in suite.families:
        own = [case for case in suite.cases if case.family == name]
        flags = {flag for case in own for flag in case.flags}
        rows.append([name, str(len(own)), ", ".join(sorted({c.level for c in own})), str(len(flags) or "")])
    table("", ["family", "cases", "levels", "mistakes noticed"], rows)
    console().print(f"{len(suite.cases)} cases\n")
    counts = [[name, *map(str, row.values())] for name, row in suite.mutants.items()]
    heads = ["programs of ops", "programs", "mutants", "noticed by a case", "proved equal", "open"]
    table("", heads, counts, right=heads[1:])


@group.command("show")
@click.argument("case_id", metavar="CASE")
@json_option
def show(case_id: str, as_json: bool) -> None:
    """Show one case: what goes in, what must come out, and which mistakes it notices."""
    from snnhub_conformance.picture import describe
    from snnhub_conformance.suite import load

    (case,) = load().select(ids=[case_id]).cases
    if as_json:
        print_json(case.to_json())
    else:
        console().print(escape(describe(case)), soft_wrap=True)


@group.command("diff")
@click.argument("old", type=click.Path(exists=True, path_type=Path))
@click.argument("new", type=click.Path(exists=True, path_type=Path))
@json_option
def diff(old: Path, new: Path, as_json: bool) -> int:
    """What changed between two reports. Exit code 1 if a case that passed does so no more."""
    from snnhub_conformance import report as reports

    changes = reports.diff(reports.read(old), reports.read(new))
    worse = reports.worsened(changes)
    if as_json:
        print_json({"changes": changes, "worsened": len(worse)})
    else:
        table("", ["case", "before", "now"], [[item["id"], item["old"], item["new"]] for item in changes])
        console().print(f"{len(changes)} cases changed, {len(worse)} passed before and do no more")
    return 1 if worse else 0
