"""Searches stimuli for one step program until every mutant is noticed or proved to be no mutant at all.

Two kinds of stimulus come out. *Pure* ones for a class of mistakes: a few elements and steps that notice it and as
little else as possible, so that a failure tells what is wrong. *Covering* ones: elements that together notice
every mutation of every single instruction.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from snnhub.errors import RunError
from snnhub.ir.program import Program
from snnhub.ir.tensor import Array

from snnhub_conformance.generate.draws import MOODS, cancelled, draw, on_thresholds, towards_constants
from snnhub_conformance.generate.pool import NEVER, Pool, first_kills, passes_checks, run
from snnhub_conformance.generate.prove import equivalent
from snnhub_conformance.generate.solve import stimulus
from snnhub_conformance.mutants.programs import CLASSES

STEPS, ELEMENTS = 24, 1500
ROUNDS, HUGE_ROUNDS = 25, 6
"""Pools that are searched before the solver is, and pools of numbers near overflow after them."""
PURE_ELEMENTS = 4
MOST_VALUES = 32
"""Elements times records of a covering stimulus: so that a case stays small."""
QUICK, PATIENT = 1_500_000, 20_000_000
"""Steps of the solver for a proof before the last draws, and after a search for a model."""
Times = NDArray[np.int64]


@dataclass(frozen=True)
class Stimulus:
    """A pool small enough for a case, and why it is one: ``class NAME``, or ``cover``."""

    theme: str
    pool: Pool


@dataclass
class Search:
    """What was found for a program. ``equivalent``: mutants with the word of the solver; ``alive``: neither
    noticed nor proved.
    """

    program: Program
    stimuli: list[Stimulus] = field(default_factory=list)
    equivalent: list[str] = field(default_factory=list)
    alive: list[str] = field(default_factory=list)
    mutants: int = 0


def recorded(program: Program) -> tuple[str, ...]:
    """What a case records: everything, or outputs alone where the program promises no bits."""
    return program.names if program.exact else tuple(name for name, _ in program.outputs)


def search(program: Program, name: str) -> Search:
    """Stimuli for ``program``; ``name`` seeds the draws, so that the same program gets the same stimuli."""
    random = np.random.default_rng(zlib.crc32(name.encode()))
    names = recorded(program)
    whole = {c.name: m for c in CLASSES if (m := c.everywhere(program)) is not None}
    single = {site: m for c in CLASSES for site, m in c.each(program)}
    result = Search(program, mutants=len(single))
    open_whole, open_single = dict(whole), dict(single)
    best: dict[str, tuple[float, Stimulus]] = {}
    covering: Pool | None = None
    differ: set[str] = set()
    for number, pool in enumerate(_pools(program, random)):
        try:
            expected = run(program, pool, names)
        except RunError:
            continue  # a check stopped it: that is for cases of another family
        if number < len(MOODS) * 2 or open_whole:
            _purest(whole, pool, expected, best, open_whole)
        covering = _cover(open_single, pool, expected, covering)
        if number == len(MOODS) * 2 - 1:
            floats = any(instr.type.is_float for instr in program.code)
            differ = _prove(program, open_single, open_whole, result, QUICK if floats else PATIENT)
        if not open_single and not open_whole and number >= len(MOODS) * 2 - 1:
            break
    solved = _solve(program, open_single, differ, names, random)
    _prove(program, open_single, open_whole, result, PATIENT)
    solved += _solve(program, open_single, set(open_single) - differ, names, random)
    result.alive = sorted(open_single)
    result.stimuli = [item for _, item in sorted(best.values(), key=lambda pair: pair[1].theme)]
    if covering is not None:
        result.stimuli += _covers(program, single, covering, names)
    result.stimuli += solved
    return result


def _solve(
    program: Program,
    open_single: dict[str, Program],
    sites: set[str],
    names: tuple[str, ...],
    random: np.random.Generator,
) -> list[Stimulus]:
    """What a solver found for mutants that no draw noticed, side by side where the lengths are the same."""
    found: dict[int, Pool] = {}
    for site, mutant in sorted(open_single.items()):
        if site not in sites or site not in open_single:
            continue  # an element that was found for another may notice it too
        pool = stimulus(program, mutant, names, random)
        if pool is None:
            continue
        covered = _cover(open_single, pool, run(program, pool, names), found.get(pool.steps))
        if covered is not None:
            found[pool.steps] = covered
    most = max(2, min(16, MOST_VALUES // (len(names) + 1)))
    return [
        Stimulus("cover", pool.take(list(range(start, min(start + most, pool.size)))))
        for _, pool in sorted(found.items())
        for start in range(0, pool.size, most)
    ]


def _covers(
    program: Program, single: dict[str, Program], covering: Pool, names: tuple[str, ...]
) -> list[Stimulus]:
    """The covering elements in pieces, each as long as it takes to notice what it notices."""
    most = max(2, min(16, MOST_VALUES // (len(names) + 1)))
    expected = run(program, covering, names)
    times = np.stack([first_kills(mutant, covering, expected) for mutant in single.values()])
    found = []
    for start in range(0, covering.size, most):
        part = list(range(start, min(start + most, covering.size)))
        first = times[:, part].min(axis=1)
        steps = int(first[first < NEVER].max(initial=0)) + 1
        found.append(Stimulus("cover", covering.take(part, steps)))
    return found


def _pools(program: Program, random: np.random.Generator) -> Iterator[Pool]:
    for number in range(ROUNDS + HUGE_ROUNDS):
        mood = MOODS[number % len(MOODS)] if number < ROUNDS else "huge"
        pool = draw(program, random, mood, STEPS, ELEMENTS)
        try:
            if mood == "huge" and number % 2:
                pool = cancelled(program, pool, random)
            elif number % 2:
                pool = on_thresholds(program, pool, random)
            elif number >= len(MOODS):
                pool = towards_constants(program, pool, random)
        except RunError:
            continue
        pool = pool.take(np.flatnonzero(passes_checks(program, pool)))
        if pool.size:
            yield pool


def _purest(
    whole: dict[str, Program],
    pool: Pool,
    expected: dict[str, Array],
    best: dict[str, tuple[float, Stimulus]],
    open_whole: dict[str, Program],
) -> None:
    """For each class the elements that notice it and the fewest others, if better than what is known."""
    times = {name: first_kills(mutant, pool, expected) for name, mutant in whole.items()}
    table = np.stack(list(times.values()))
    for name, own in times.items():
        # other classes that notice it no later: with the steps cut behind the first notice they are all it shows
        others = (table <= own[None]).sum(axis=0) - 1
        others = np.where(own < NEVER, others, len(times) + 1)
        element = int(np.argmin(others + own / (2 * STEPS)))
        if own[element] == NEVER:
            continue
        open_whole.pop(name, None)
        score = float(others[element]) + own[element] / (2 * STEPS)
        if name in best and best[name][0] <= score:
            continue
        steps = int(own[element]) + 1
        shown = table[:, element] < steps
        # elements that notice the same class within these steps, and nothing that the first does not
        like = np.flatnonzero((own < steps) & ~((table < steps) & ~shown[:, None]).any(axis=0))
        chosen = [element, *[int(e) for e in like if e != element][: PURE_ELEMENTS - 1]]
        best[name] = (score, Stimulus(f"class {name}", pool.take(chosen, steps)))


def _cover(
    open_single: dict[str, Program], pool: Pool, expected: dict[str, Array], covering: Pool | None
) -> Pool | None:
    """Adds elements until everything that this pool can notice is noticed: greedily, the most first."""
    times: dict[str, Times] = {}
    for site, mutant in open_single.items():
        kills = first_kills(mutant, pool, expected)
        if (kills < NEVER).any():
            times[site] = kills
    if not times:
        return covering
    noticed = np.stack(list(times.values())) < NEVER
    chosen: list[int] = []
    left = np.ones(len(noticed), bool)
    while left.any():
        element = int(np.argmax(noticed[left].sum(axis=0)))
        chosen.append(element)
        left &= ~noticed[:, element]
    for site in times:
        del open_single[site]
    fresh = pool.take(chosen)
    return fresh if covering is None else covering.joined(fresh)


def _prove(
    program: Program,
    open_single: dict[str, Program],
    open_whole: dict[str, Program],
    result: Search,
    effort: int,
) -> set[str]:
    """Takes proved mutants away. Names of those that differ in one step from some state, reached or not."""
    differ = set()
    for site, mutant in list(open_single.items()):
        answer = equivalent(program, mutant, effort)
        if answer == "proved":
            result.equivalent.append(site)
            del open_single[site]
        elif answer == "differs":
            differ.add(site)
    for name, mutant in list(open_whole.items()):
        if equivalent(program, mutant, effort) == "proved":
            del open_whole[name]
    return differ
