"""Makes families of cases and the tables beside them."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from snnhub.hub.catalogue import register_ops
from snnhub.ir.op import StepOp
from snnhub.ops.registry import REGISTRY, Registry

from snnhub_conformance import kill
from snnhub_conformance.generate import again, files, graphs, micro, steps
from snnhub_conformance.generate.write import Writer
from snnhub_conformance.suite import MATRIX, VECTORS, load

Table = dict[str, Any]
PROFILES = (
    *("exponential", "nengo-4", "nir-euler", "norse-1", "rockpool-3", "sinabs-3", "snntorch-1", "spikingjelly-2"),
    "spyx-1",
)
"""Profiles that have a family."""
OPEN = "open"
"""The group that is no family: what the searches of ``op`` left open."""


def _registry() -> Registry:
    """What ships, and the ops of the suite itself."""
    registry = Registry(REGISTRY.all())
    for own in micro.OPS:
        registry.add(own)
    return registry


def step_ops(writer: Writer, table: Table, only: str = "") -> None:
    """``op.integer`` and ``op.float``: every step op with every combination of attributes, and the programs of
    the suite itself. ``only``: one op by name.
    """
    registry = _registry()
    for op in registry.all():
        if not isinstance(op, StepOp) or only not in ("", op.name):
            continue
        for variant in steps.variants(op):
            found = steps.add(writer, variant, registry)
            table[variant.name] = {
                "program": variant.program.digest,
                "mutants": found.mutants,
                "equivalent": sorted(found.equivalent),
                "open": found.alive,
            }
            print(
                f"{variant.name}: {found.mutants} mutants, {len(found.stimuli)} cases, open {found.alive}",
                file=sys.stderr,
                flush=True,
            )


def open_again(writer: Writer, table: Table, only: str = "") -> None:
    """What searches left open, again: cases for what is noticed now, beside those that are there. ``table`` is
    the one of ``op``, and its entries change. ``only``: one op by name.
    """
    registry = _registry()
    known = [op for op in registry.all() if isinstance(op, StepOp) and only in ("", op.name)]
    left = [variant for op in known for variant in steps.variants(op) if table[variant.name]["open"]]
    programs = [(variant.name, variant.program, table[variant.name]["open"]) for variant in left]
    for variant, found in zip(left, again.search_all(programs), strict=True):
        entry = table[variant.name]
        entry["equivalent"] = sorted([*entry["equivalent"], *found.equivalent])
        entry["open"] = found.alive
        steps.add_more(writer, variant, found.pools, registry)
        print(f"{variant.name}: {len(found.pools)} cases more, open {found.alive}", file=sys.stderr, flush=True)


def of_graphs(family: str, module: str) -> Callable[[Writer, Table], None]:
    """The maker of a family of graphs: the sketches of a module."""

    def maker(writer: Writer, table: Table) -> None:
        sketches = importlib.import_module(f"snnhub_conformance.generate.{module}").sketches()
        graphs.add(writer, family, sketches, table)

    return maker


def inseparable(writer: Writer, table: Table) -> None:
    """Flags of every case anew, since classes are added to; then what no case notices or tells apart.

    Raises ``ValueError`` for a class of wrong engines or kernels that no case notices.
    """
    cases = [kill.renew(case) for case in load(writer.folder).cases]
    missing = kill.unnoticed(cases)
    if forgotten := sorted(set(missing) & set(kill.OF_ENGINES)):
        raise ValueError(f"no case notices {', '.join(forgotten)}")
    pairs = kill.inseparable(cases)
    table |= {"classes": pairs, "unnoticed": missing}
    count, known = sum(len(others) for others in pairs.values()), len(kill.EVERYTHING)
    print(f"{count} pairs of {known} classes inseparable, {len(missing)} unnoticed", file=sys.stderr, flush=True)


MAKERS: dict[str, tuple[set[str], Callable[[Writer, Table], None]]] = {
    "op": ({"op.integer", "op.float"}, step_ops),
    "transform": ({"transform"}, of_graphs("transform", "shapes")),
    "time": ({"time"}, of_graphs("time", "timing")),
    "loihi": ({"loihi"}, of_graphs("loihi", "loihi")),
    "kernel.xylo": ({"kernel.xylo"}, of_graphs("kernel.xylo", "xylo_cases")),
    "network": ({"network"}, of_graphs("network", "networks")),
    "file.snn": ({"file.snn"}, files.snn),
    "file.json": ({"file.json"}, files.as_json),
    "file.netx": ({"file.netx"}, files.netx),
    "nir": ({"importer.nir"}, files.nir),
    "profiles": ({f"profile.{name}" for name in PROFILES}, files.profiles),
    "graph.refuse": ({"graph.refuse"}, files.refused),
    "loihi2": ({"target.loihi2", "lowering.loihi2"}, files.chip),
    "spikingjelly": ({"importer.spikingjelly"}, files.spikingjelly),
    "rockpool": ({"importer.rockpool"}, files.rockpool),
    "dynapse2": ({"importer.dynapse2"}, files.dynapse2),
    **{name: ({f"importer.{name}"}, files.torch_network(name)) for name in ("snntorch", "norse", "sinabs")},
    "lava-dl": ({"importer.lava-dl"}, files.lavadl),
    "difference": ({"difference.slayer"}, files.different),
    "xylo": ({"xylo"}, files.xylo),
    "exporter": ({"exporter.snn", "exporter.json", "exporter.netx"}, files.written),
    "inseparable": (set(), inseparable),
}
"""What can be made: the families that a maker writes, and the maker. The last one comes after all others."""


def main(arguments: Sequence[str]) -> int:
    """Make the named groups, or all. Exit code."""
    register_ops()
    path = VECTORS / MATRIX
    VECTORS.mkdir(exist_ok=True)
    table: Table = json.loads(path.read_text()) if path.exists() else {}
    for argument in arguments or ("op", OPEN, *(name for name in MAKERS if name != "op")):
        _make(argument, table)
        path.write_text(json.dumps(table, indent=1, sort_keys=True) + "\n")
    return 0


def _make(argument: str, table: Table) -> None:
    """One group, or one op of a group; ``table`` is what is known of all."""
    name, _, op = argument.partition(":")
    writer, part = Writer(VECTORS), Table()
    if name == OPEN:
        open_again(writer, table["op"], op)
        writer.finish(set())
        return
    families, maker = MAKERS[name]
    if op:
        step_ops(writer, part, op)
        part |= {key: value for key, value in table[name].items() if not key.startswith(f"{op}/")}
    else:
        maker(writer, part)
    writer.finish(families, f"{op}/" if op else "")
    table[name] = part
