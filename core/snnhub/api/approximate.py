"""Approximations by name: what each changes, which lowering options it stands for, and which are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from snnhub.errors import UsageError
from snnhub.findings import Finding, info
from snnhub.hub.catalogue import find
from snnhub.hub.loader import load
from snnhub.hub.objects import Approximation, Exporter, Target, resolve
from snnhub.ir.graph import Graph

LIST = "--approximate list shows what each changes."


@dataclass(frozen=True)
class Asked:
    """``names``: the approximations asked for, in order; ``options``: all lowering options, theirs among them."""

    items: tuple[Approximation, ...]
    options: Mapping[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(item.name for item in self.items)

    def idle(self, graph: Graph) -> list[Finding]:
        """A remark for each that has nothing to change in a network."""
        return [
            info(
                "SNN-5305", graph.name or "network", f"--approximate {item.name}: nothing to change", old=item.doc
            )
            for item in self.items
            if not concerned(item, graph)
        ]


def target_of(exporter: Exporter) -> Target | None:
    """The target whose lowering runs before an exporter."""
    return find(load().targets, exporter.target, "target") if exporter.target else None


def ask(exporter: Exporter, names: Iterable[str], given: Mapping[str, str]) -> Asked:
    """The approximations ``names`` of an exporter's target, with the lowering options ``given`` beside them.

    Raises ``UsageError`` for names that the target does not have (``any`` is none: what is lost is to be named),
    and for approximations and options that contradict each other.
    """
    target = target_of(exporter)
    known = {item.name: item for item in (target.approximations if target else ())}
    wanted = list(dict.fromkeys(names))
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise UsageError(
            f"the conversion to {exporter.name} has no such approximation",
            where="--approximate",
            found=", ".join(unknown),
            allowed=", ".join(known) or "none",
            remedy=LIST if known else "",
        )
    options, by = dict(given), {name: f"--{name} {value}" for name, value in given.items()}
    for name in wanted:
        for option, value in known[name].chosen.items():
            if options.get(option, value) != value:
                raise UsageError(
                    "two choices that contradict each other",
                    where="--approximate",
                    found=f"{by[option]} and --approximate {name}, which is --{option} {value}",
                    remedy="Leave one of them out.",
                )
            options[option] = value
            by.setdefault(option, f"--approximate {name}")
    return Asked(tuple(known[name] for name in wanted), options)


def concerned(item: Approximation, graph: Graph) -> tuple[str, ...]:
    """Names of the nodes that an approximation would change."""
    return tuple(resolve(item.concerns, f"approximation {item.name}")(graph))


def chosen_in(item: Approximation, options: Mapping[str, str]) -> bool:
    """Whether lowering options ask for an approximation already, by whatever name."""
    return all(options.get(name) == value for name, value in item.chosen.items())


def contradicts(item: Approximation, options: Mapping[str, str]) -> bool:
    """Whether lowering options ask for something else than an approximation does."""
    return any(options.get(name, value) != value for name, value in item.chosen.items())


def listing(target: str | None = None) -> list[dict[str, Any]]:
    """Every approximation of a target, or of all: rows of ``--approximate list``."""
    targets = load().targets
    chosen = targets.values() if target is None else [find(targets, target, "target")]
    return [
        {
            "target": item.name,
            "name": each.name,
            "what": each.doc,
            "options": dict(each.chosen),
            "lifts_a_refusal": each.lifts,
        }
        for item in chosen
        for each in item.approximations
    ]
