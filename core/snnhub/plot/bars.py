"""Use of every limit of a target as bars: how much of what is allowed, and what is too much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snnhub.plot.canvas import canvas, plain
from snnhub.plot.table import Table

FITS, TOO_MUCH = "tab:blue", "tab:red"
PAPER = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}
WIDEST = 2.0
"""Share of a limit at which a bar ends; its label says the number."""
COLUMNS = ("target", "place", "lowest", "highest", "limit_low", "limit_high", "share", "fits", "source")


@dataclass(frozen=True)
class Use:
    """One limit: ``place`` takes values from ``low`` to ``high``, allowed are those of ``limits``. ``share``: the
    part of the limit that this is.
    """

    place: str
    low: int | float
    high: int | float
    limits: tuple[int, int]
    share: float
    source: str

    @property
    def fits(self) -> bool:
        return bool(self.limits[0] <= self.low and self.high <= self.limits[1])

    def to_json(self) -> dict[str, Any]:
        return {
            "place": self.place,
            "lowest": self.low,
            "highest": self.high,
            "limit": list(self.limits),
            "share": self.share,
            "fits": self.fits,
            "source": self.source,
        }


@dataclass(frozen=True)
class Chip:
    """One target: ``title`` says whether the network fits it; ``uses`` may be empty, then ``title`` says why."""

    target: str
    title: str
    uses: tuple[Use, ...]


def draw(chips: Sequence[Chip], paths: Sequence[Path]) -> None:
    """A panel per target, a bar per limit, red where there is too much. Raises like ``canvas``."""
    heights = [0.55 + 0.17 * max(1, len(chip.uses)) for chip in chips]
    with canvas(paths, 0.3 + sum(heights)) as figure:
        axes = figure.subplots(len(chips), 1, squeeze=False, height_ratios=heights)[:, 0]
        for number, (place, chip) in enumerate(zip(axes, chips, strict=True)):
            _panel(place, chip, number)
        axes[-1].set_xlabel("share of the limit")


def _panel(place: Any, chip: Chip, number: int) -> None:
    place.set_title(plain(chip.title, 120))
    end = min(WIDEST, max([1.0, *(use.share for use in chip.uses)])) * 1.28
    place.set_xlim(0, end)
    place.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    place.set_yticks(range(len(chip.uses)), [plain(use.place, 48) for use in chip.uses])
    place.set_ylim(max(1, len(chip.uses)) - 0.4, -0.6)
    for row, use in enumerate(chip.uses):
        # what breaks a limit of 0 uses no share of it, and must be seen
        share = min(use.share if use.fits else max(use.share, 1.0), WIDEST)
        bar = place.barh(row, share, 0.7, color=FITS if use.fits else TOO_MUCH)[0]
        bar.set_gid(f"panel{number}-{'fits' if use.fits else 'too-much'}-{row}")
        used = f"{use.low:g}" if use.low == use.high else f"{use.low:g} … {use.high:g}"
        bound = f"{use.limits[1]}" if use.limits[0] == 0 else f"{use.limits[0]} … {use.limits[1]}"
        place.text(
            share + 0.01 * end, row, f"{used} of {bound}   {use.share:.0%}", va="center", fontsize=7, bbox=PAPER
        )
    place.axvline(1, ls="--", lw=0.8, c="k", zorder=0.5)


def table(chips: Sequence[Chip]) -> Table:
    """A row per limit."""
    rows = [
        (chip.target, use.place, use.low, use.high, *use.limits, use.share, use.fits, use.source)
        for chip in chips
        for use in chip.uses
    ]
    return Table(COLUMNS, tuple(rows))
