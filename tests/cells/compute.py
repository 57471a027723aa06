"""What the engine says of a cell, without any peer: converted and how well, or refused, why, what is nearest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import snnhub
from snnhub.api.approximate import concerned, target_of
from snnhub.api.approximation_cost import Cost, Data, cost_of
from snnhub.api.lower import choose_exporter
from snnhub.api.proving import BrokenPromiseError
from snnhub.api.target import TargetSpec
from snnhub.errors import UnsupportedError
from snnhub.findings import Finding, Severity, of_severity
from snnhub.ir.digest import network_digest
from snnhub.ir.graph import Graph
from snnhub.ops.registry import REGISTRY

from tests.cells.networks import Net

SKEWED = "skewed-skips"
"""Not for networks without residual blocks; it never comes nearer than relays."""
Entry = dict[str, Any]


def computed(net: Net, target: str, folder: Path) -> Entry:
    """Convert the stored file, with every step measured; the artefact stays in ``folder``."""
    path = artefact(net, target, folder)
    try:
        result = snnhub.convert(net.file, path, to=target, calibration=_scales(net, target), verify=net.stimulus())
    except BrokenPromiseError as problem:
        broken = problem.proof.broken
        return {"outcome": "broken", "step": "" if broken is None else broken.name, "reason": str(problem)}
    except UnsupportedError as problem:
        errors = of_severity(problem.findings, Severity.ERROR)
        offered = [item.message for item in problem.findings if item.code == "SNN-5303"]
        entry: Entry = {"outcome": "refused", "reasons": [_reason(item) for item in errors], "offered": offered}
        return entry | {"rewrites": [_cost(cost) for cost in rewrites(net, target, folder)]}
    found = snnhub.verify(net.file, path, stimulus=net.stimulus()).verdict
    before, after = snnhub.load(net.file), snnhub.load(path)
    assert result.proof is not None
    equal, cost = before.network() == after.network(), _kept(net, target, result.graph)
    return {
        "outcome": "converted",
        "reached": found.reached.value,
        "lag": found.lag,
        "overlap": cost["overlap"],
        "layers": cost["layers"],
        "decisions": cost["decisions"],
        "equal": equal,
        "proof": result.proof.passed,
        "losses": sorted({item.code for item in of_severity(result.findings, Severity.LOSS)}),
        "digest": network_digest(after),
    }


def _kept(net: Net, target: str, made: Graph) -> Entry:
    """What the converted network keeps of the spikes and decisions of the stored one."""
    chip = target_of(choose_exporter(None, target))
    spec = TargetSpec(target, {}) if chip is None else chip.resolve()()
    data = Data(net.stimulus(), "the stored input")
    return _cost(cost_of(snnhub.load(net.file), made, (), spec, data, REGISTRY))


def artefact(net: Net, target: str, folder: Path) -> Path:
    """Where the converted network of a cell is written."""
    suffix = {"snn": ".snn", "netx": ".net"}.get(target, ".xylo.json")
    return folder / f"{net.key.replace(' ', '-')}-{target}{suffix}"


def rewrites(net: Net, target: str, folder: Path) -> Iterator[Cost]:
    """The cost of what can be asked for by name: all that lifts a refusal, and each other one with it."""
    graph, exporter = snnhub.load(net.file), choose_exporter(None, target)
    chip = target_of(exporter)
    fitting = [item for item in (chip.approximations if chip else ()) if concerned(item, graph)]
    lifting = [item.name for item in fitting if item.lifts]
    others = [item.name for item in fitting if not item.lifts and item.name != SKEWED]
    for names in (lifting, *([*lifting, name] for name in others)) if lifting else ():
        path = artefact(net, f"{target}-{'-'.join(names)}", folder).with_suffix(
            artefact(net, target, folder).suffix
        )
        try:
            result = snnhub.convert(
                net.file,
                path,
                to=target,
                calibration=_scales(net, target),
                approximate=names,
                measure=net.stimulus(),
            )
        except UnsupportedError:
            continue
        assert result.cost is not None
        yield result.cost


def _scales(net: Net, target: str) -> Any:
    return None if target == "snn" else net.calibration()


def _reason(item: Finding) -> Entry:
    return {
        "code": item.code,
        "place": item.place,
        "message": item.message,
        "found": item.old,
        "remedy": item.remedy,
    }


def _cost(cost: Cost) -> Entry:
    worst = cost.worst
    return {
        "approximate": ",".join(cost.names),
        "overlap": None if worst is None else _rounded(worst[1].overlap),
        "layers": {name: _rounded(tally.overlap) for name, tally in cost.layers.items()},
        "decisions": None if cost.decisions is None else [cost.decisions.equal, cost.decisions.total],
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
