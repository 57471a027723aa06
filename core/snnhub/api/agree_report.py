"""The page of an agreement: one HTML file with everything in it, rasters as pictures, no scripts."""

from __future__ import annotations

import base64
import html
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from snnhub.api.agree_runs import ProfileRun
from snnhub.compare.lag import Train
from snnhub.compare.marks import Marks
from snnhub.compare.quantity import Quantity
from snnhub.compare.traces import PairVerdict
from snnhub.files import check_writable, replacing
from snnhub.plot.canvas import ensure_drawable
from snnhub.plot.raster import PANELS, Raster, draw
from snnhub.plot.window import NEURONS, STEPS, Window, choose

if TYPE_CHECKING:
    from snnhub.api.agree import Agreement

STYLE = """body{font:14px/1.4 sans-serif;margin:2em auto;max-width:70em;padding:0 1em;color:#222}
h1{font-size:1.4em}h2{font-size:1.1em;margin-top:2em}table{border-collapse:collapse}
td,th{padding:.2em .8em .2em 0;text-align:left;vertical-align:top;border-bottom:1px solid #ddd}
code{font-size:.85em;overflow-wrap:anywhere}img{width:100%}.yes{color:#060}.no{color:#900}.none{color:#777}"""


def ensure_possible(path: Path) -> None:
    """Raise ``MissingPeerError`` without matplotlib, ``UsageError`` where nothing can be written."""
    check_writable(path)
    ensure_drawable(path.with_suffix(".svg"))


def write_report(result: Agreement, path: Path) -> None:
    """Write the page. The same agreement gives the same bytes."""
    page = _page(result).encode()
    with replacing(path) as file:
        file.write(page)


def _page(result: Agreement) -> str:
    claim = result.claim
    digests = [
        ["file", claim.source, claim.file],
        ["stimulus", claim.formula or f"array, {claim.steps} steps", claim.stimulus],
        ["protocol", f"dt {claim.dt:g} s", claim.protocol],
    ]
    groups = [[", ".join(group), "every spike equal" if len(group) > 1 else "alone"] for group in result.groups]
    parts = [
        "<h1>Agreement</h1>",
        _table(["", "what", "digest"], digests),
        "<h2>Profiles</h2>",
        _table(
            ["profile", "spikes", "order-robust", "refused, or otherwise than NIR says"], map(_run, result.runs)
        ),
        "<h2>Who agrees</h2>",
        _table(["profiles", ""], groups),
        _table(["a", "b", "verdict", "overlap", "first divergence"], map(_pair, result.pairs)),
    ]
    if result.explained:
        causes = [[item.a, item.b, str(item)] for item in result.explained]
        parts += [
            "<h2>Why they differ</h2>",
            _table(["a", "b", "the fewest choices that make the difference"], causes),
        ]
    if result.frameworks:
        rows = [
            [
                item.framework,
                item.version,
                item.profile,
                item.verdict,
                f"{item.different} of {item.bins}",
                item.refused,
            ]
            for item in result.frameworks
        ]
        heads = ["framework", "version", "profile", "verdict", "bins that differ", "reasons"]
        parts += ["<h2>Frameworks beside their profiles</h2>", _table(heads, rows)]
    parts += ["<h2>Spikes</h2>", *_pictures(result), "<h2>Findings</h2>"]
    parts.append(_table(["code", "place", ""], [[f.code, f.place, f.message] for f in result.findings]))
    head = (
        f"<meta charset='utf-8'><title>{_text(Path(claim.source).name)}: agreement</title><style>{STYLE}</style>"
    )
    return f"<!doctype html><html lang='en'><head>{head}</head><body>{''.join(parts)}</body></html>\n"


def _run(run: ProfileRun) -> list[object]:
    if run.refused:
        reasons = "; ".join(f"{place}: {reason}" for place, reason in run.refused)
        return [run.profile, "refused", "", reasons]
    robust = run.undecided if run.robust is None else str(run.robust)
    words = "; ".join(f"{item.place}: {item.message}" for item in run.losses)
    return [run.profile, "silent" if run.silent else run.spikes, robust, words]


def _pair(pair: PairVerdict) -> list[object]:
    from snnhub.api.agree_pairs import pair_json

    verdict = pair_json(pair)["reached"] or ("silent" if pair.silent else "nothing to compare")
    overlap = "" if pair.worst_overlap is None else f"{pair.worst_overlap:.3f}"
    lag = f" at lag {pair.lag:+d}" if pair.lag else ""
    return [pair.a, pair.b, f"{verdict}{lag}", overlap, "" if pair.first is None else str(pair.first)]


def _pictures(result: Agreement) -> list[str]:
    """A picture of the last spike train of every run, and one of each pair that differs, over each other."""
    trains = {run.profile: run.trains[-1] for run in result.runs if run.trains and not run.silent}
    trains = {
        name: item for name, item in trains.items() if (item.values >= 0).all() and not (item.values % 1).any()
    }
    found = []
    alone = [_alone(name, item) for name, item in trains.items()]
    if alone:
        found.append(_image(alone[:PANELS], "one panel per profile"))
    pairs = [pair for pair in result.pairs if pair.first is not None and {pair.a, pair.b} <= trains.keys()]
    shared = [pair for pair in pairs if trains[pair.a].values.shape == trains[pair.b].values.shape]
    for start in range(0, len(shared), PANELS):
        rasters = [_over(pair, trains[pair.a], trains[pair.b]) for pair in shared[start : start + PANELS]]
        found.append(_image(rasters, "A blue, B red, both grey; a dashed line at the first difference"))
    return found or ["<p class='none'>nothing fired</p>"]


def _alone(name: str, item: Quantity) -> Raster:
    train = Train.of(item.values)
    return Raster(f"{name}   {item.name}   {train.at.size} spikes", *_shown(Marks.single(train), train, None))


def _over(pair: PairVerdict, a: Quantity, b: Quantity) -> Raster:
    left, right = Train.of(a.values), Train.of(b.values)
    lag = next((row.lag for row in pair.rows if row.key == a.name), 0)
    marks = Marks.of(left, right, lag)
    wrong = (marks.a != marks.b).nonzero()[0]
    first = (int(marks.steps[wrong[0]]), int(marks.elements[wrong[0]])) if wrong.size else None
    words = f", lag {lag:+d}" if lag else ""
    drawn = _shown(marks, left, first)
    return Raster(f"A {pair.a}   B {pair.b}   {a.name}{words}", *drawn, None if first is None else first[0])


def _shown(marks: Marks, train: Train, first: tuple[int, int] | None) -> tuple[Marks, Window]:
    window = choose(Window(0, max(train.steps, 1), 0, train.width), STEPS, NEURONS, first)
    return window.of(marks), window


def _image(rasters: Sequence[Raster], words: str) -> str:
    """One picture as an ``img``: what is inside cannot reach the page, whatever names a file has."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rasters.svg"
        draw(rasters, [path])
        data = base64.b64encode(path.read_bytes()).decode()
    return f"<p>{_text(words)}</p><img alt='{_text(words)}' src='data:image/svg+xml;base64,{data}'>"


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = "".join(f"<tr>{''.join(f'<td>{_cell(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return (
        f"<table><tr>{''.join(f'<th>{_text(head)}</th>' for head in heads)}</tr>{lines}</table>" if lines else ""
    )


def _cell(value: object) -> str:
    text = _text(str(value))
    return f"<code>{text}</code>" if text.startswith("sha256:") else text


def _text(text: str) -> str:
    return html.escape("".join(char if char.isprintable() else "?" for char in text), quote=True)
