"""Where pictures go: matplotlib without a screen, the same bytes for the same input, whole files or none."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from snnhub.errors import MissingPeerError, UsageError
from snnhub.files import check_writable, staged

FORMATS = (".svg", ".png", ".pdf")
NO_DATE = {".svg": "Date", ".pdf": "CreationDate"}
"""Metadata that would make two files of one picture differ."""
DPI = 150
WIDTH = 10.0
"""Inches."""
DOTS = 20_000
"""Shapes from which a panel is drawn as one image inside a ``.svg``: a million shapes open nowhere."""
NAME = 60
"""Letters of a name that fit into a title."""
STYLE: dict[str, Any] = {
    "svg.hashsalt": "snnhub",
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "savefig.dpi": DPI,
}
"""Names come from files: a dollar sign in one is no formula. Text stays text in a ``.svg``: it can be searched."""


def ensure_drawable(*paths: Path) -> None:
    """Raise ``MissingPeerError`` where matplotlib, the extra ``plot``, is not installed, and ``UsageError`` for
    another suffix than ``.svg``, ``.png`` or ``.pdf`` or a folder that cannot be written: before any work is done.
    """
    for path in paths:
        if path.suffix.lower() not in FORMATS:
            raise UsageError("unknown kind of picture", where=str(path), allowed=", ".join(FORMATS))
        check_writable(path)
    if find_spec("matplotlib") is None:
        raise MissingPeerError(
            "pictures need matplotlib", found="not in this interpreter", remedy="Run: pip install 'snnhub[plot]'"
        )


@contextmanager
def canvas(paths: Sequence[Path], height: float, heading: str = "") -> Iterator[Any]:
    """A figure ``WIDTH`` x ``height`` inches, under a line ``heading``, written to every path when the block ends
    well.

    The settings are ours alone, whatever a ``matplotlibrc`` says. Raises like ``ensure_drawable``.
    """
    ensure_drawable(*paths)
    from matplotlib import rc_context, style
    from matplotlib.figure import Figure

    with style.context("default"), rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, height + 0.25 * bool(heading)), layout="constrained")
        if heading:
            figure.suptitle(heading, x=0.01, ha="left", fontsize=9)
        yield figure
        with ExitStack() as stack, warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing from")  # shown as a box
            for path, place in [(path, stack.enter_context(staged(path))) for path in paths]:
                dated = NO_DATE.get(path.suffix.lower())
                figure.savefig(place, metadata={dated: None} if dated else None)


def sides_of(names: Sequence[str], *more: str) -> str:
    """The heading of a picture: which side is which."""
    labels = [f"{label}  {plain(name)}" for label, name in zip("AB", names, strict=False)]
    shown = labels if len(names) > 1 else [plain(name) for name in names]
    return "      ".join([*shown, *(text for text in more if text)])


def plain(text: str, most: int = NAME) -> str:
    """A name from a file as a line of a picture: no control characters, which break a ``.svg``, and not too long.

    Of a long name the end is kept, which tells siblings apart.
    """
    shown = "".join(char if char.isprintable() else "?" for char in text)
    return shown if len(shown) <= most else "…" + shown[1 - most :]
