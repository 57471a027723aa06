"""Doctor of plugins: what each registers is tried, as far as that is possible without a network to convert."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snnhub.errors import SnnhubError
from snnhub.hub.contain import attempt, reason
from snnhub.hub.loader import OWN_DISTRIBUTION, Hub
from snnhub.hub.objects import Registered, resolve
from snnhub.hub.objects_check import Guarded

PROBES = {
    "empty": b"\0",
    "text": b"snnhub\n" * 40,
    "json": b'{"layers": []}',
    "zip": b"PK\x03\x04" + bytes(200),
    "hdf5": b"\x89HDF\r\n\x1a\n" + bytes(200),
    "noise": bytes((37 * number) % 256 for number in range(5000)),
}
"""Files that every ``snnhub_detect_format`` must survive."""
MAX_VARIANTS = 64
"""Combinations of attributes that are traced per op."""


@dataclass(frozen=True)
class Line:
    """One thing looked at. ``state``: ok, odd (works, and should be changed), missing or broken."""

    topic: str
    name: str
    state: str
    detail: str
    remedy: str = ""
    distribution: str = ""

    def to_json(self) -> dict[str, str]:
        return {
            "topic": self.topic,
            "name": self.name,
            "distribution": self.distribution,
            "state": self.state,
            "detail": self.detail,
            "remedy": self.remedy,
        }


def plugin_lines(hub: Hub) -> list[Line]:
    """Loaded plugins, and every problem met in loading them and in trying what they registered."""
    from snnhub.hub.catalogue import register_ops

    register_ops(hub)
    _try_objects(hub)
    _try_capabilities(hub)
    _try_detection(hub)
    _try_environments(hub)
    _try_ops(hub)
    lines = [
        Line("plugin", item.name, "ok", f"version {item.version}", distribution=item.distribution)
        for item in hub.plugins
    ]
    lines += [
        Line("plugin", item.plugin, item.state, item.message, item.remedy, item.distribution)
        for item in hub.problems
    ]
    return lines


def _try_objects(hub: Hub) -> None:
    """Availabilities are asked, and what they say is here is resolved: its modules are imported."""
    for item in hub.objects():
        availability = item.availability()
        if isinstance(item.availability, Guarded) and item.availability.fault:
            hub.add(hub.owner(item), f"{item.kind} {item.name}: {item.availability.fault}")
        elif not availability.ok and not (availability.reason and availability.hint):
            words = f"{item.kind} {item.name} is not available and does not say why and what to do"
            hub.add(hub.owner(item), words)
        if availability.ok and hub.distribution(hub.owner(item)) != OWN_DISTRIBUTION:
            for reference in _references(item):
                _, problem = attempt(resolve, reference, f"{item.kind} {item.name}")
                if problem is not None:
                    words = problem.found if isinstance(problem, SnnhubError) else reason(problem)
                    hub.add(hub.owner(item), f"{item.kind} {item.name}: {reference} does not resolve: {words}")


def _try_capabilities(hub: Hub) -> None:
    """What runners declare is read as the conformance suite reads it."""
    from snnhub.peers.capabilities import Capabilities

    for runner in hub.runners.values():
        if runner.capabilities is not None:
            _, problem = attempt(Capabilities.read, {"models": [], **runner.capabilities}, runner.name)
            if problem is not None:
                hub.add(hub.owner(runner), f"runner {runner.name}: {problem}", "See docs/worker-protocol.md.")


def _references(item: Registered) -> Iterator[str]:
    for name in ("entry", "passes", "lowering"):
        if reference := getattr(item, name, ""):
            yield reference


def _try_detection(hub: Hub) -> None:
    from snnhub.hub.catalogue import opinions

    with tempfile.TemporaryDirectory(prefix="snnhub-doctor-") as folder:
        for name, content in PROBES.items():
            path = Path(folder) / name
            path.write_bytes(content)
            opinions(path, content[:4096], hub)


def _try_environments(hub: Hub) -> None:
    from snnhub.peers.recipe import read_recipe

    for environment in hub.environments.values():
        _, problem = attempt(lambda item: read_recipe(item.path()), environment)
        if problem is not None:
            hub.add(hub.owner(environment), f"environment {environment.name}: {problem}")


def _try_ops(hub: Hub) -> None:
    """Trace the step ops of plugins; a program that cannot be traced is found here and not in a conversion."""
    from snnhub.ir.op import StepOp
    from snnhub.ops.registry import CORE, REGISTRY

    for op in REGISTRY.all():
        if not isinstance(op, StepOp) or op in CORE:
            continue
        choices = [[(item.name, value) for value in item.allowed or _some(item.range)] for item in op.attributes]
        for attributes in itertools.islice(itertools.product(*choices), MAX_VARIANTS):
            _, problem = attempt(op.program, dict(attributes))
            if problem is not None:
                given = ", ".join(f"{name}={value}" for name, value in attributes) or "no attributes"
                words = f"op {op.name}/{op.version} with {given} cannot be traced: {reason(problem)}"
                hub.add(hub.domains.get(op.name.partition(".")[0], "?"), words)
                break


def _some(span: Any) -> tuple[int, ...]:
    return (span[0], span[1]) if span else ()
