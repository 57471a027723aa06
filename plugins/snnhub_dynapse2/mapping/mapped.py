"""A network on a board: the mapper's result, and the search for a number of cores that holds it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from snnhub.errors import UnsupportedError
from snnhub.findings import Finding, Severity, of_severity

from snnhub_dynapse2.board import Board
from snnhub_dynapse2.limits import CHIP_NEURONS, CORES, SRAM
from snnhub_dynapse2.mapping import checks
from snnhub_dynapse2.mapping.options import Options
from snnhub_dynapse2.mapping.parameters import cores_of, kinds
from snnhub_dynapse2.mapping.partition import CUT, REACHES, Goal
from snnhub_dynapse2.mapping.place import Placement, place
from snnhub_dynapse2.mapping.quantised import Link, Quantised, links, quantised
from snnhub_dynapse2.mapping.report import findings_of
from snnhub_dynapse2.mapping.tags import Tagged, reached, tagged
from snnhub_dynapse2.network import Network, Synapses


@dataclass(frozen=True, eq=False)
class Mapped:
    """``synapses``, and all that stands for them on ``board``. ``findings``: what changed and what it cost."""

    network: Network
    board: Board
    options: Options
    synapses: Synapses
    placement: Placement
    quantised: Quantised
    tagged: Tagged
    findings: tuple[Finding, ...]

    def links(self) -> Counter[Link]:
        """The multiset that a decoder of the file must find, sources and targets numbered as in the network."""
        return links(self.synapses, self.quantised.masks)


def map_network(network: Network, board: Board | None = None, options: Options | None = None) -> Mapped:
    """A network on a board. Takes the fewest cores that keep different parameters apart, and others where these
    do not hold it. Raises ``UnsupportedError`` with every violation.
    """
    board, options = board or Board(), options or Options()
    synapses = network.synapses()
    refused = list(checks.before(network, synapses, board))
    if any(item.code == "SNN-2501" for item in refused):
        raise _refusal(refused)
    least: list[Finding] = []
    for cores, goal in product(_tries(network, board), (CUT, REACHES)):
        mapped, found = _attempt(network, synapses, board, options, cores, goal)
        if mapped is not None and not found and not refused:
            return mapped
        if goal is CUT and (not least or len(found) < len(least)):
            least = found
        if refused:
            break
    raise _refusal([*refused, *least])


def _tries(network: Network, board: Board) -> Iterator[int]:
    """Numbers of cores: the fewest that keep different parameters apart, then more chips, then fewer ones, on
    which neurons with different parameters share cores.
    """
    apart = cores_of(kinds(network))
    most = CORES * len(board.positions)
    chips = -(-network.n // CHIP_NEURONS)
    first = apart if apart <= most else CORES * chips
    yield first
    whole = range(CORES * chips, most + 1, CORES)
    yield from (number for number in whole if number > first)
    yield from (number for number in reversed(whole) if number < first)


def _attempt(
    network: Network, synapses: Synapses, board: Board, options: Options, cores: int, goal: Goal
) -> tuple[Mapped | None, list[Finding]]:
    placement = place(network, synapses, cores, goal)
    found = list(checks.of_placement(network, synapses, placement))
    try:
        numbers = quantised(network, synapses, placement, options.split, options.iscale)
    except UnsupportedError as problem:
        return None, [*found, *problem.findings]
    watched = set(network.monitored)
    room = {network.n_in + neuron: SRAM - (neuron in watched) for neuron in range(network.n)}
    tags = tagged(reached(synapses, numbers.masks, placement), room)
    found += checks.of_tags(network, synapses, placement, tags)
    noted = tuple(findings_of(network, synapses, placement, numbers))
    return Mapped(network, board, options, synapses, placement, numbers, tags, noted), found


def _refusal(found: list[Finding]) -> UnsupportedError:
    errors = of_severity(found, Severity.ERROR)
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    first = errors[0]
    return UnsupportedError(
        f"{first.message}{more}",
        where=first.place,
        found=first.old,
        allowed=first.bound,
        remedy=first.remedy,
        findings=errors,
    )
