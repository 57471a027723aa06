"""``snnhub diff``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from snnhub.cli.options import PROFILE, collect, given_options, import_options, json_option, pairs
from snnhub.cli.output import console, escape, print_json, table
from snnhub.errors import UnsupportedError

if TYPE_CHECKING:
    from snnhub.api.discretise import Choice
    from snnhub.api.options import ImportOptions
    from snnhub.differences.alignment import Alignment
    from snnhub.differences.difference import Difference
    from snnhub.differences.numbers import Numbers
    from snnhub.differences.report import NetworkDiff

FEW = 3
"""Places and values that a row names before it counts the others."""
ROWS = 20
"""Rows of a table without ``--verbose``."""
LINES = 60
"""Lines of step programs of one block without ``--verbose``."""
RENAMED = "node renamed"


@click.command("diff")
@click.argument("a")
@click.argument("b", required=False)
@click.option("--b-from", metavar="IMPORTER", help="Importer of B; otherwise its content tells.")
@click.option("--b-weights", type=click.Path(path_type=Path), help="Checkpoint for B; otherwise that of A.")
@click.option("--b-set", multiple=True, metavar="NAME=VALUE", help="Argument of B's factory, over those of A.")
@click.option("-v", "--verbose", is_flag=True, help="Print every row, not the first of them.")
@import_options
@given_options
@json_option
def command(
    a: str,
    b: str | None,
    b_from: str | None,
    b_weights: Path | None,
    b_set: tuple[str, ...],
    verbose: bool,
    from_: str | None,
    weights: Path | None,
    settings: tuple[str, ...],
    input_shape: str | None,
    given: tuple[str, ...],
    as_json: bool,
) -> int:
    """Tell what is different between two networks: structure, semantics, numbers, interface, history.

    Two times --profile, and no B: the same network in continuous time under two profiles.
    Nothing is run. Exit 1 if they differ as networks; names of files, origins and history do not count.
    """
    from snnhub.api.diff import diff
    from snnhub.api.inspect import vars_of

    options = collect(weights, settings, input_shape, given)
    profiles = click.get_current_context().meta.get(PROFILE, ())
    if b is None and len(profiles) < 2:
        raise click.UsageError("say what B is: a second network, or a second --profile for the first one")
    b, b_from = (a, b_from or from_) if b is None else (b, b_from)
    other = None
    if b_weights is not None or b_set:
        arguments = {**options.settings, **pairs(b_set, "--b-set")}
        other = replace(options, weights=b_weights or weights, settings=arguments)
    if len(profiles) > 1:
        other = replace(other or options, profile=profiles[1])
    choices = _choices(a, from_, options, profiles) if len(profiles) > 1 else ()
    try:
        result = diff(a, b, from_=from_, options=options, b_from=b_from, b_options=other)
    except UnsupportedError:  # one of the profiles refuses the network: what they choose can be told all the same
        if not as_json:
            _choose(profiles, choices)
        raise
    if as_json:
        print_json({**result.to_json(), "profiles": [vars_of(choice) for choice in choices]})
        return 0 if result.equal else 1
    show(result, verbose)
    _choose(profiles, choices)
    return 0 if result.equal else 1


def _choose(profiles: tuple[str, ...], choices: tuple[Choice, ...]) -> None:
    table("what the profiles choose", ["", *profiles[:2]], [[c.place, c.a, c.b] for c in choices])


def _choices(
    source: str, importer: str | None, options: ImportOptions, profiles: tuple[str, ...]
) -> tuple[Choice, ...]:
    """What two profiles choose differently for a network."""
    from snnhub.api.discretise import choices_apart
    from snnhub.api.load import load_graph

    plain = replace(options, profile="")
    graph = load_graph(source, importer=importer, options=plain, continuous=True).graph
    return choices_apart(profiles[0], profiles[1], graph)


def show(result: NetworkDiff, verbose: bool = False) -> None:
    """Both networks, how they were aligned, and a table per section that has differences."""
    from snnhub.differences.difference import Section

    out = console()
    for letter, name, graph, digest in zip("AB", result.names, (result.a, result.b), result.digests, strict=True):
        size = f"{len(graph.nodes)} nodes, {len(graph.edges)} edges"
        out.print(f"{letter}  [bold]{escape(name)}[/]  {size}  network {digest[:23]}…")
    out.print(escape(_aligned(result)))
    for line in _ambiguous(result.alignment):
        out.print(escape(line))
    for section in Section:
        found = result.of(section)
        if section is Section.SEMANTICS:
            _semantics(found, verbose)
        else:
            plain = [item for item in found if item.numbers is None]
            _table(section.value, ["", "where", "A", "B", ""], _rows(plain, verbose), verbose)
        if section is Section.STRUCTURE:
            columns = ["quantity of A", "of B", "entries", "steps later", "times"]
            _table("", columns, _quantities(result.alignment), verbose)
        if section is Section.PARAMETERS:
            columns = ["numbers of", "A", "B", "differ", "largest difference", ""]
            _table(
                "", columns, [_numbers(item, item.numbers) for item in found if item.numbers is not None], verbose
            )
    counts = ", ".join(f"{count} {name}" for name, count in result.counts.items() if count)
    verdict = "[green]equal networks[/]" if result.equal else "[bold red]DIFFERENT[/]"
    out.print(f"{verdict}   {counts or 'no differences'}")


def _aligned(result: NetworkDiff) -> str:
    alignment = result.alignment
    ways = {"table": "by the correspondence table", "name": "by name", "structure": "by structure"}
    found = [f"{alignment.count(how)} {words}" for how, words in ways.items() if alignment.count(how)]
    text = f"aligned {len(alignment.pairs)} nodes" + (f" ({', '.join(found)})" if found else "")
    if alignment.source:
        text += f"; {'B' if alignment.source == 'A' else 'A'} came from {alignment.source}"
    if alignment.stray:
        text += f", {alignment.stray} rows of its table lead nowhere"
    compared, equal = result.tensors
    return f"{text}; {equal} of {compared} tensors equal"


def _ambiguous(alignment: Alignment) -> list[str]:
    return [
        f"ambiguous: {_few(tie.a)} of A and {_few(tie.b)} of B fit each other alike"
        + (f"; taken: {tie.chosen[0]} | {tie.chosen[1]}" if tie.chosen else "; none taken")
        for tie in alignment.ties
    ]


def _few(items: tuple[str, ...] | list[str]) -> str:
    text = ", ".join(items[:FEW])
    return text if len(items) <= FEW else f"{text} and {len(items) - FEW} more"


def _where(places: list[str], verbose: bool) -> str:
    """One place, or how many and the ends of the list."""
    if len(places) == 1:
        return places[0]
    named = ", ".join(places) if verbose else f"{places[0]} … {places[-1]}"
    return f"{len(places)}: {named}"


def _table(title: str, columns: list[str], rows: list[list[object]], verbose: bool) -> None:
    shown = rows if verbose else rows[:ROWS]
    keep = [index for index in range(len(columns)) if any(str(row[index]) for row in shown)]
    table(title, [columns[index] for index in keep], [[row[index] for index in keep] for row in shown])
    if len(rows) > len(shown):
        console().print(f"… and {len(rows) - len(shown)} rows more: -v shows them, --json has all")


def _rows(found: list[Difference], verbose: bool) -> list[list[object]]:
    """Differences of one kind at several places share a row."""
    groups: dict[tuple[object, ...], list[Difference]] = {}
    for item in found:
        loose = item.what == RENAMED or item.what.startswith("parameter ")
        groups.setdefault((item.what, item.words, *(() if loose else (item.old, item.new))), []).append(item)
    rows: list[list[object]] = []
    for items in groups.values():
        values = [_few(list(dict.fromkeys(_value(item, side) for item in items))) for side in ("old", "new")]
        if items[0].what == RENAMED:
            values = ["", ""]
        rows.append([items[0].what, _where([item.place for item in items], verbose), *values, items[0].words])
    return rows


def _value(item: Difference, side: str) -> str:
    text = str(getattr(item, side))
    return f"{text[:16]}…" if item.what.endswith("digest") and len(text) > 16 else text


def _quantities(alignment: Alignment) -> list[list[object]]:
    """What the table says of nodes that have no single counterpart."""
    several = {name for group in alignment.together for name in (*group.a, *group.b)}
    return [
        [
            str(row.a),
            str(row.b),
            "" if row.select is None else f"{row.select[0]} to {row.select[1] - 1}",
            row.lag,
            "" if row.scale is None else f"{row.scale:.6g}",
        ]
        for row in alignment.rows
        if row.a.node in several or row.b.node in several
    ]


def _numbers(item: Difference, numbers: Numbers) -> list[object]:
    old, new = _types(item)
    if not numbers.differing:
        return [item.place, old, new, "", "", item.words]
    largest = ""
    if numbers.largest is not None:
        at = f" at {list(numbers.index)}" if numbers.index else ""
        largest = f"{numbers.largest:.6g}{at}"
    words = [f"{numbers.unordered:,} NaN or infinite"] if numbers.unordered else []
    words += [str(numbers.multiple)] if numbers.multiple else []
    differ = f"{numbers.differing:,} of {numbers.compared:,}"
    return [item.place, old, new, differ, largest, "; ".join(words)]


def _types(item: Difference) -> tuple[str, str]:
    """Type and shape, or the number itself. Equal shapes are left out, and so are equal types with them."""
    if "shape" in item.what or "[" not in item.old:
        return item.old, item.new
    old, new = item.old.partition("[")[0], item.new.partition("[")[0]
    return (old, new) if old != new else ("", "")


def _semantics(found: tuple[Difference, ...], verbose: bool) -> None:
    """What the same nodes have in common, in one block; then the lines of their step programs."""
    kinds: dict[tuple[str, ...], list[str]] = {}
    for item in found:
        key = (item.what, item.words, *(item.lines or (item.old, item.new)))
        kinds.setdefault(key, []).append(item.place)
    blocks: dict[tuple[str, ...], list[Difference]] = {}
    seen: set[tuple[str, ...]] = set()
    for item in found:
        key = (item.what, item.words, *(item.lines or (item.old, item.new)))
        if key not in seen:
            seen.add(key)
            blocks.setdefault(tuple(kinds[key]), []).append(item)
    out = console()
    if blocks:
        out.print("[bold italic]semantics[/]")
    for places, items in blocks.items():
        out.print(f"at {escape(_where(list(places), verbose))}")
        rows: list[list[object]] = [
            [f"  {item.what}", item.old, item.new, item.words] for item in items if not item.lines
        ]
        _table("", ["", "A", "B", ""], rows, True)
        lines = [line for item in items for line in item.lines]
        for line in lines if verbose else lines[:LINES]:
            style = {"-": "red", "+": "green"}.get(line[:1], "dim")
            out.print(f"    [{style}]{escape(line)}[/]", soft_wrap=True)
        if not verbose and len(lines) > LINES:
            out.print(f"    … and {len(lines) - LINES} lines more: -v shows them, --json has all")
