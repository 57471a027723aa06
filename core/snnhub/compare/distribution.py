"""The verdict ``distribution``: do two noisy networks fire at the same rates? Of statistics, never of bits.

Spikes of analog chips and of networks with mismatch differ from run to run. What can be shown is that mean rates
are the same up to a stated margin: two one-sided tests (D. J. Schuirmann, J. Pharmacokinet. Biopharm. 15, 1987) on
the logarithm of (a + 1/2) / (b + 1/2), where a and b are spike counts of a run. That a difference was not found
shows nothing, and is not what is tested. What is counted is what varies: samples of noise where there is one
network on each side, networks where there are draws of mismatch, for all samples of one draw share its neurons.

Three answers: *equivalent* (the ratio is inside the margin), *different* (it is outside), and *undecided*: the
runs do not tell. A network is equivalent if every neuron is, different if one neuron is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from snnhub.compare.rate import LEAST_RUNS, Rate, rate, standard_error
from snnhub.compare.student import student_cdf, student_quantile
from snnhub.errors import UsageError
from snnhub.findings import Finding, info, loss
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array

MARGIN = 1.25
"""Ratio of rates up to which they count as the same, as is usual for bioequivalence."""
ALPHA = 0.05
FEW_RUNS = 10
FEW_SPIKES = 4.0
"""Spikes per run below which half a spike, which the logarithm needs, is no longer small: runs are added up."""
QUIET = 1.0
"""Spikes per sample below which a neuron is said to be quiet."""
FARTHEST = 700.0
"""Largest logarithm of a ratio: beyond it there is no number."""


class Answer(Enum):
    """What the runs say of a neuron, or of all of them."""

    EQUIVALENT = "equivalent"
    DIFFERENT = "different"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Equivalence:
    """One neuron. ``ratio``: geometric mean of (a + 1/2) / (b + 1/2), with its interval (1 - 2 alpha), which lies
    inside 1 / margin .. margin if and only if both one-sided tests reject. ``p``: the larger of both p-values, of
    the hypothesis that the ratio is outside the margin; ``p_different``: of the hypothesis that it is inside.
    ``block``: so many runs were added up, for a neuron that fires little.
    """

    neuron: int
    a: Rate
    b: Rate
    ratio: float
    low: float
    high: float
    p: float
    p_different: float
    answer: Answer
    block: int = 1

    @property
    def equivalent(self) -> bool:
        return self.answer is Answer.EQUIVALENT

    def to_json(self) -> dict[str, Any]:
        return {
            "neuron": self.neuron,
            "a": self.a.to_json(),
            "b": self.b.to_json(),
            "ratio": self.ratio,
            "low": self.low,
            "high": self.high,
            "p": self.p,
            "p_different": self.p_different,
            "answer": self.answer.value,
            "block": self.block,
        }


@dataclass(frozen=True)
class Distribution:
    """``seconds``: length of a sample; None where rates are per sample. ``reached`` is ``distribution`` if every
    neuron is equivalent and any fired, else ``diverged``; nothing higher is ever claimed.

    All neurons must pass, so the error of *equivalent* is at most that of one test: nothing is corrected for their
    number (intersection-union). One neuron is enough for *different*, so that each is tested at alpha divided by
    their number (Bonferroni). Silence on both sides shows nothing, and is *undecided*.
    """

    rows: tuple[Equivalence, ...]
    margin: float
    alpha: float
    runs: tuple[int, int]
    samples: int
    paired: bool
    seconds: float | None
    findings: tuple[Finding, ...]

    @property
    def answer(self) -> Answer:
        active = any(row.a.spikes or row.b.spikes for row in self.rows)
        if active and all(row.equivalent for row in self.rows):
            return Answer.EQUIVALENT
        return Answer.DIFFERENT if any(row.answer is Answer.DIFFERENT for row in self.rows) else Answer.UNDECIDED

    @property
    def reached(self) -> Rung:
        return Rung.DISTRIBUTION if self.answer is Answer.EQUIVALENT else Rung.DIVERGED

    def to_json(self) -> dict[str, Any]:
        return {
            "reached": self.reached.value,
            "answer": self.answer.value,
            "margin": self.margin,
            "alpha": self.alpha,
            "runs": list(self.runs),
            "samples": self.samples,
            "paired": self.paired,
            "seconds": self.seconds,
            "rows": [row.to_json() for row in self.rows],
            "findings": [finding.to_json() for finding in self.findings],
        }


def equivalence(
    a: Array,
    b: Array,
    *,
    margin: float = MARGIN,
    alpha: float = ALPHA,
    seconds: float | None = None,
    paired: bool = False,
) -> Distribution:
    """Test spike counts (runs, neurons) of two networks, or (networks, samples, neurons) of draws of them, where a
    draw is a run and its samples are averaged. ``seconds``: length of a sample, for rates.

    ``paired``: run k of both had the same input, and differences are taken run by run; else Welch's t. A side with
    one network that saw the same samples as all draws of the other is a reference: differences to it. Raises
    ``UsageError`` for counts that do not fit, a margin not above 1, or fewer than two runs.
    """
    flat = np.ndim(a) == np.ndim(b) == 2
    a, b = (_counts(array, name) for array, name in ((a, "a"), (b, "b")))
    if a.shape[1:] != b.shape[1:] or (paired and a.shape != b.shape):
        found = f"{list(a.shape)} and {list(b.shape)}"
        raise UsageError("counts of two networks do not fit", found=found, allowed="(runs, neurons), alike")
    runs = (a.shape[0], b.shape[0])
    if (min(runs) if flat else max(runs)) < LEAST_RUNS:
        remedy = "Run more noise samples, or more draws of mismatch."
        words = "statistics need several runs"
        raise UsageError(words, found=f"{runs[0]} and {runs[1]}", allowed="2 or more", remedy=remedy)
    if not 1 < margin < math.inf or not 0 < alpha < 0.5:
        found = f"margin {margin:g}, alpha {alpha:g}"
        raise UsageError("no test with these numbers", found=found, allowed="margin above 1, alpha 0 .. 0.5")
    length = 1.0 if seconds is None else seconds
    alike = paired or min(runs) == 1
    levels = alpha, alpha / a.shape[-1]
    rows = tuple(_row(k, a[..., k], b[..., k], margin, levels, length, paired=alike) for k in range(a.shape[-1]))
    samples = a.shape[1]
    findings = _findings(rows, margin, alpha, runs, samples, paired=alike)
    return Distribution(rows, margin, alpha, runs, samples, alike, seconds, tuple(findings))


def _counts(array: Array, name: str) -> Array:
    values = np.asarray(array)
    whole = values.dtype.kind in "iub" or (values.dtype.kind == "f" and bool((values == np.rint(values)).all()))
    if values.ndim not in (2, 3) or not values.size or not whole or (values < 0).any():
        found = f"{values.dtype} {list(values.shape)}"
        raise UsageError("spike counts are whole numbers (runs, neurons)", where=name, found=found)
    wide = values.astype(np.float64)
    return wide if values.ndim == 3 else wide[:, None]


def _row(
    neuron: int, a: Array, b: Array, margin: float, levels: tuple[float, float], seconds: float, *, paired: bool
) -> Equivalence:
    """``levels``: of the test for equivalent, and of that for different."""
    alpha, strict = levels
    block, enough = _block(a.sum(axis=1), b.sum(axis=1), margin)
    left, right = (np.log(_added(side.sum(axis=1), block) + 0.5) for side in (a, b))
    if paired:
        error, df = standard_error(left - right), max(len(left), len(right)) - 1.0
    else:
        parts = standard_error(left) ** 2, standard_error(right) ** 2
        error = math.sqrt(sum(parts))
        below = parts[0] ** 2 / (len(left) - 1) + parts[1] ** 2 / (len(right) - 1)
        df = sum(parts) ** 2 / below if below > 0 else len(left) + len(right) - 2.0
    mean, far = float(left.mean() - right.mean()), math.log(margin)
    p = max(_beyond(mean + far, error, df), _beyond(far - mean, error, df))
    p = p if enough or (paired and a.shape == b.shape and bool((a == b).all())) else 1.0
    other = min(_beyond(mean - far, error, df), _beyond(-mean - far, error, df))
    answer = Answer.EQUIVALENT if p < alpha else Answer.DIFFERENT if other < strict else Answer.UNDECIDED
    reach = student_quantile(1 - alpha, df) * error
    rates = rate(a, alpha, seconds), rate(b, alpha, seconds)
    found = _ratio(mean), _ratio(mean - reach), _ratio(mean + reach)
    return Equivalence(neuron, *rates, *found, p, other, answer, block)


def _block(a: Array, b: Array, margin: float) -> tuple[int, bool]:
    """How many runs are added up, and whether they then have spikes enough. Where there are few, half a spike
    pulls the ratio towards 1, so that other rates would pass for the same: at 0.3 spikes per run in 6 of 10
    trials.
    """
    fewest, louder = min(len(a), len(b)), float(max(a.mean(), b.mean()))
    wanted = FEW_SPIKES * margin  # of the louder side, so that the other has FEW_SPIKES at the margin
    if not louder or louder >= wanted:
        return 1, True
    block = max(1, min(math.ceil(wanted / louder), fewest // LEAST_RUNS))
    return block, louder * block >= wanted / 2


def _added(counts: Array, block: int) -> Array:
    """Runs added up in blocks; those left over are left out."""
    kept: Array = counts[: len(counts) // block * block].reshape(-1, block)
    return np.asarray(kept.sum(axis=1))


def _beyond(distance: float, error: float, df: float) -> float:
    """p-value of a ``distance`` that is 0 or less by hypothesis."""
    if error > 0:
        return 1 - student_cdf(distance / error, df)
    return 0.0 if distance > 0 else 1.0


def _ratio(logarithm: float) -> float:
    return math.exp(min(max(logarithm, -FARTHEST), FARTHEST))


def _findings(
    rows: tuple[Equivalence, ...],
    margin: float,
    alpha: float,
    runs: tuple[int, int],
    samples: int,
    *,
    paired: bool,
) -> list[Finding]:
    how = "independent runs" if not paired else "in pairs" if runs[0] == runs[1] else "against one network"
    how += f", {samples} samples each" if samples > 1 else ""
    number = {answer: sum(row.answer is answer for row in rows) for answer in Answer}
    told = f"{number[Answer.EQUIVALENT]} of {len(rows)} neurons fire at the same rate up to a factor of {margin:g}"
    told += f", {number[Answer.DIFFERENT]} do not" if number[Answer.DIFFERENT] else ""
    told += f", of {number[Answer.UNDECIDED]} the runs do not tell" if number[Answer.UNDECIDED] else ""
    words = f"{told} (two one-sided tests at {alpha:g}, {runs[0]} and {runs[1]} runs, {how})"
    found = [info("SNN-5401", "distribution", words)]
    few = max(runs) if paired else min(runs)
    if few < FEW_RUNS:
        words = f"{few} runs: intervals are wide, and networks that are the same may stay undecided"
        found.append(info("SNN-5402", "distribution", words, remedy=f"Take {FEW_RUNS} or more."))
    found += _of_quiet(rows, runs, samples)
    return found


def _of_quiet(rows: tuple[Equivalence, ...], runs: tuple[int, int], samples: int) -> list[Finding]:
    """What is said of neurons that fire little: that runs were added up, or that even that is not enough."""
    seen, found = (runs[0] * samples, runs[1] * samples), list[Finding]()
    quiet = [row for row in rows if max(row.a.spikes / seen[0], row.b.spikes / seen[1]) < QUIET]
    if quiet:
        words = (
            f"{len(quiet)} neurons fire less than once a sample in both ({_names(quiet)}): little is known of them"
        )
        found.append(loss("SNN-5403", "distribution", words, remedy="Run longer, or drive the network harder."))
    added = [row for row in rows if row.block > 1]
    if added:
        most = max(row.block for row in added)
        words = f"{len(added)} neurons fire little ({_names(added)}): up to {most} runs were added up to one"
        found.append(info("SNN-5408", "distribution", words))
    return found


def _names(rows: list[Equivalence]) -> str:
    shown = ", ".join(str(row.neuron) for row in rows[:5])
    return f"neuron {shown}" + (" …" if len(rows) > 5 else "")
