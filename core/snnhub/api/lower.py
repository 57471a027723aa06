"""Lowering a graph for an exporter or a target: which passes run, with progress and reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from snnhub.errors import UnsupportedError, UsageError
from snnhub.hub.catalogue import find, require
from snnhub.hub.loader import load
from snnhub.hub.objects import Exporter, Option, Target, resolve
from snnhub.ir.graph import Graph
from snnhub.ir.tensor import Array
from snnhub.ir.verify import foreign_programs
from snnhub.ops.registry import REGISTRY
from snnhub.passes.base import Pass, PassContext, run_passes


def passes_for(exporter: Exporter) -> list[Pass]:
    """The lowering of the exporter's target, then the exporter's own passes."""
    items: list[Pass] = []
    if exporter.target:
        target: Target = find(load().targets, exporter.target, "target")
        items += resolve(target.lowering)() if target.lowering else []
    if exporter.passes:
        items += resolve(exporter.passes)()
    return items


def ensure_options(exporter: Exporter, given: Mapping[str, str]) -> None:
    """Raise ``UsageError`` for a choice that the lowering to this exporter does not have."""
    target = find(load().targets, exporter.target, "target") if exporter.target else None
    ensure_choices(exporter.name, target, given)


def ensure_choices(name_of: str, target: Target | None, given: Mapping[str, str]) -> None:
    """Raise ``UsageError`` for a choice that the lowering to a target does not have. ``name_of``: for messages."""
    known = {option.name: option for option in (target.options if target else ())}
    for name, value in given.items():
        if name not in known:
            raise UsageError(
                f"the conversion to {name_of} has no option {name}",
                found=f"{name}={value}",
                allowed=", ".join(sorted(known)) or "none",
            )
        if known[name].allowed and value not in known[name].allowed:
            raise UsageError(f"option {name}", found=value, allowed=", ".join(known[name].allowed))


def ensure_chosen(name_of: str, options: Sequence[Option], given: Mapping[str, str]) -> None:
    """Raise ``UsageError`` for an option that is not among ``options``, or a value that it does not have."""
    known = {option.name: option for option in options}
    for name, value in given.items():
        if name not in known:
            allowed = ", ".join(sorted(known)) or "none"
            raise UsageError(f"{name_of} has no option {name}", found=f"{name}={value}", allowed=allowed)
        if known[name].allowed and value not in known[name].allowed:
            raise UsageError(f"option {name}", found=value, allowed=", ".join(known[name].allowed))


def choose_exporter(path: Path | None, name: str | None, target: str | None = None) -> Exporter:
    """The exporter of that name, or the one whose suffix ``path`` has. ``target``: the one of several exporters
    that is for it, as ``xylo`` for ``xylo-a2``. Raises ``UsageError`` if these do not tell.
    """
    exporters = load().exporters
    if target is not None:
        chosen = _for_target(exporters, name, target)
    elif name is not None:
        family = sorted(item for item in exporters if item.startswith(f"{name}-"))
        if name not in exporters and family:
            remedy = "Pass one of them, or --target with what it is for."
            raise UsageError(f"{name} is several exporters", allowed=", ".join(family), remedy=remedy)
        chosen = find(exporters, name, "exporter")
    else:
        fitting = [item for item in exporters.values() if path is not None and path.suffix in item.formats]
        if len(fitting) != 1:
            raise UsageError(
                "cannot tell what to convert to",
                found=str(path) if path else "no --to and no output",
                allowed=", ".join(sorted(exporters)),
                remedy="Pass --to",
            )
        chosen = fitting[0]
    require(chosen)
    return chosen


def _for_target(exporters: Mapping[str, Exporter], name: str | None, target: str) -> Exporter:
    """The one exporter that is for a target, and has the name or belongs to it."""
    find(load().targets, target, "target")
    fitting = [
        item
        for item in exporters.values()
        if item.target == target and (name is None or item.name == name or item.name.startswith(f"{name}-"))
    ]
    if len(fitting) != 1:
        allowed = ", ".join(sorted(item.name for item in exporters.values() if item.target == target))
        raise UsageError(
            f"cannot tell which exporter for {target}",
            found=f"--to {name}" if name else "no --to",
            allowed=allowed or "none",
        )
    return fitting[0]


def ensure_known_programs(graph: Graph) -> None:
    """Raise ``UnsupportedError`` if a node's program is not what the installed op of its name expands to."""
    foreign = foreign_programs(graph, REGISTRY)
    if foreign:
        first = foreign[0]
        raise UnsupportedError(first.message, where=first.place, remedy=first.remedy, findings=foreign)


def lower(
    graph: Graph,
    passes: Sequence[Pass],
    calibration: Array | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    options: Mapping[str, str] | None = None,
) -> tuple[Graph, PassContext]:
    """Run the passes. Returns the lowered graph, whose correspondence leads back to ``graph``, and the context
    with the tables that passes left.

    ``calibration``: input (time, batch, features…) or (time, features…) on which scales are chosen. ``options``:
    of the target. Raises ``UnsupportedError`` with every reason if a pass refuses the network.
    """
    if calibration is not None and calibration.ndim == len(graph.inputs[0].shape) + 1:
        calibration = calibration[:, None]  # one sample
    if calibration is not None and calibration.ndim != len(graph.inputs[0].shape) + 2:
        raise UsageError(
            "calibration data need axes (time, batch, features) or (time, features)",
            found=str(list(calibration.shape)),
            allowed=f"[time, batch, {', '.join(map(str, graph.inputs[0].shape))}]",
        )
    context = PassContext(options=options or {}, calibration=calibration, progress=progress)
    return run_passes(graph, passes, context), context
