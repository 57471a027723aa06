"""Mutants that a search left open, searched again with other draws and all of the solver's time.

What is noticed now becomes cases beside those that are there; what is proved now counts as equal.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context

import numpy as np
from snnhub.errors import RunError
from snnhub.ir.program import Program

from snnhub_conformance.generate import meeting
from snnhub_conformance.generate.draws import MOODS, cancelled, draw, on_thresholds
from snnhub_conformance.generate.pool import NEVER, Pool, first_kills, passes_checks, run
from snnhub_conformance.generate.prove import equivalent
from snnhub_conformance.generate.search import MOST_VALUES, recorded
from snnhub_conformance.generate.solve import stimulus
from snnhub_conformance.mutants.programs import CLASSES

ROUNDS = 60
SHAPES = ((24, 1500), (96, 300))
"""Steps and elements of a pool: many, or long enough for a word of 64 bits."""


@dataclass
class Again:
    """``pools``: small enough for a case each. The rest are names of mutants."""

    pools: list[Pool] = field(default_factory=list)
    noticed: list[str] = field(default_factory=list)
    equivalent: list[str] = field(default_factory=list)
    alive: list[str] = field(default_factory=list)


def search_all(programs: Sequence[tuple[str, Program, Sequence[str]]]) -> Iterator[Again]:
    """What becomes of what is open of each program (its name, it, its open mutants), on all cores."""
    with ProcessPoolExecutor(mp_context=get_context("fork")) as pool:
        yield from pool.map(_search_one, programs)


def _search_one(given: tuple[str, Program, Sequence[str]]) -> Again:
    name, program, sites = given
    mutants = {site: mutant for item in CLASSES for site, mutant in item.each(program)}
    return search_again(program, name, {site: mutants[site] for site in sites})


def search_again(program: Program, name: str, left: Mapping[str, Program]) -> Again:
    """What becomes of the mutants ``left`` of ``program``; ``name`` seeds the draws."""
    random = np.random.default_rng(zlib.crc32(f"again {name}".encode()))
    found, alive, names = Again(), dict(left), recorded(program)
    for pool in _pools(program, random):
        if not alive:
            break
        _notice(program, pool, alive, found, names)
    for site, mutant in list(alive.items()):
        if equivalent(program, mutant) == "proved":
            found.equivalent.append(site)
            del alive[site]
    for site, mutant in sorted(alive.items()):
        if site in alive and (model := stimulus(program, mutant, names, random)) is not None:
            _notice(program, model, alive, found, names)
    found.alive = sorted(alive)
    return found


def _pools(program: Program, random: np.random.Generator) -> Iterator[Pool]:
    for number in range(ROUNDS):
        steps, size = SHAPES[number % 5 == 4]
        pool = draw(program, random, MOODS[int(random.integers(len(MOODS)))], steps, size)
        try:
            if number % 2:
                pool = meeting.strayed(pool, random)
            if number % 5 == 3:
                pool = cancelled(program, pool, random)
            elif number % 3:
                pool = meeting.met(program, pool, random)
            elif number % 4 == 0:
                pool = on_thresholds(program, pool, random)
            pool = pool.take(np.flatnonzero(passes_checks(program, pool)))
        except RunError:
            continue
        if pool.size:
            yield pool


def _notice(program: Program, pool: Pool, alive: dict[str, Program], found: Again, names: tuple[str, ...]) -> None:
    """Take what this pool notices out of ``alive``: elements that notice the most, no longer than they must be."""
    try:
        expected = run(program, pool, names)
    except RunError:
        return
    kills = {site: first_kills(mutant, pool, expected) for site, mutant in alive.items()}
    times = {site: own for site, own in kills.items() if (own < NEVER).any()}
    chosen: list[int] = []
    left = dict(times)
    while left:
        element = int(np.argmax(np.stack([own < NEVER for own in left.values()]).sum(axis=0)))
        chosen.append(element)
        left = {site: own for site, own in left.items() if own[element] == NEVER}
    most = max(1, min(16, MOST_VALUES // (len(names) + 1)))
    for start in range(0, len(chosen), most):
        part = chosen[start : start + most]
        first = np.stack([own[part] for own in times.values()])
        found.pools.append(pool.take(part, int(first[first < NEVER].max()) + 1))
    for site in times:
        found.noticed.append(site)
        del alive[site]
