"""``snnhub inspect``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from snnhub.cli.convert import layers
from snnhub.cli.options import collect, given_options, import_options, json_option
from snnhub.cli.output import console, escape, print_findings, print_json, table

if TYPE_CHECKING:
    from snnhub.api.inspect import Inspection

TRIVIAL = (False, 0, 1, "exact", [0, 0], [1, 1])
"""Settings that are not worth a place in a table: no bias, no padding, stride 1. ``--json`` has them all."""


@click.command("inspect")
@click.argument("source")
@click.option(
    "--semantics",
    is_flag=True,
    help="Print the step program of every kind of neuron, and how its coefficients were made.",
)
@click.option("--schedule", is_flag=True, help="Print what runs when, delays, and the lag to the output.")
@import_options
@given_options
@json_option
def command(
    source: str,
    semantics: bool,
    schedule: bool,
    from_: str | None,
    weights: Path | None,
    settings: tuple[str, ...],
    input_shape: str | None,
    given: tuple[str, ...],
    as_json: bool,
) -> None:
    """Show layers, shapes, parameters, ranges, timing, provenance and findings, without loading weights."""
    from snnhub.api.inspect import inspect

    result = inspect(source, from_=from_, options=collect(weights, settings, input_shape, given))
    document = result.to_json()
    if as_json:
        print_json(document)
        return
    _summary(result, document)
    if semantics and "ct" in document["opsets"]:
        _equations(document["layers"])
    elif semantics:
        _semantics(document["semantics"], document["layers"])
    if schedule:
        _schedule(document["schedule"])
    print_findings(result.findings)


def _summary(result: Inspection, document: dict[str, Any]) -> None:
    out = console()
    name = escape(document["name"] or "(no name)")
    out.print(
        f"[bold]{escape(result.source)}[/]  {result.importer}  {name}  {document['parameters']:,} parameters"
    )
    for item in document["inputs"]:
        held = f", one frame held for {item['hold']} steps" if item["hold"] else ""
        out.print(f"input   {escape(item['id'])} {item['shape']} {item['type']}{held}".replace("[", r"\["))
    for item in document["outputs"]:
        out.print(f"output  {escape(item['id'])} {item['shape']}".replace("[", r"\["))
    if document["decoder"]:
        decoder = document["decoder"]
        pick = ", then the class with the most (ties: lowest index)" if decoder["argmax"] else ""
        out.print(f"decoder {decoder['reduce']} of {decoder['quantity']} over time{pick}")
    dt = "steps have no physical length" if document["dt"] is None else f"dt {document['dt']} s"
    dt = "continuous: a profile says what a step computes" if "ct" in document["opsets"] else dt
    ops = ", ".join(f"{k} {v}" for k, v in document["opsets"].items())
    out.print(f"time    {dt}   op sets: {ops}")
    table(
        "",
        ["layer", "op", "shape", "weights (min … max, levels)", "settings"],
        [_layer(item) for item in document["layers"]],
    )
    for label, version, options in document["provenance"]["stages"]:
        text = ", ".join(f"{key}={value}" for key, value in options.items())
        out.print(f"made by {escape(label)} {escape(version)} {escape(text)}".rstrip())
    if document["provenance"]["source"]:
        out.print(
            f"source  {escape(document['provenance']['source'])} {document['provenance']['source_sha256'][:16]}"
        )
    out.print(f"network {document['network'][:23]}…")
    for name, rows in document["tables"].items():
        layers(name, rows)


def _layer(item: dict[str, Any]) -> list[str]:
    shapes = list(item["shapes"].values())
    weight = item["weight"]
    numbers = ""
    if weight is not None:
        numbers = f"{weight['dtype']} {_range(weight)}, {weight['levels']} levels, {weight['shape']}"
    others = [f"{name} {_range(facts)}" for name, facts in item["params"].items() if name != "weight"]
    plain = [f"{name}={value}" for name, value in item["attributes"].items() if value not in TRIVIAL]
    return [item["id"], item["op"], str(shapes[-1] if shapes else "?"), numbers, ", ".join([*others, *plain])]


def _range(facts: dict[str, Any]) -> str:
    low, high = _short(facts["min"]), _short(facts["max"])
    return low if low == high else f"{low} … {high}"


def _short(value: float) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _equations(layers: list[dict[str, Any]]) -> None:
    """What a network in continuous time says, which is no step yet."""
    from snnhub.ops.registry import REGISTRY

    out = console()
    out.print(
        "\nThese are equations; what a step computes is a choice: --profile NAME --dt SECONDS prints its program."
    )
    for kind in dict.fromkeys(item["op"] for item in layers):
        name, _, version = kind.rpartition("/")
        op = REGISTRY(name, int(version))
        if op is not None and op.doc:
            nodes = [item["id"] for item in layers if item["op"] == kind]
            out.print(f"[bold]{kind}[/]   {escape(', '.join(nodes[:6]))}\n  {escape(op.doc)}")


def _semantics(groups: list[dict[str, Any]], layers: list[dict[str, Any]]) -> None:
    """The programs, and after each the numbers of its nodes with the recipe that they were made by."""
    out, params = console(), {item["id"]: item["params"] for item in layers}
    for group in groups:
        attributes = ", ".join(f"{name}={value}" for name, value in group["attributes"].items())
        out.print(f"\n[bold]{group['op']}[/] {escape(attributes)}   {escape(', '.join(group['nodes'][:6]))}")
        if group["doc"]:
            out.print(f"  {escape(group['doc'])}")
        for line in group["program"]:
            out.print(f"    {escape(line)}")
        for node in group["nodes"]:
            for name, facts in params[node].items():
                if facts["recipe"]:
                    out.print(f"  {escape(node)}/{name} = {_range(facts)}   {escape(facts['recipe'])}")


def _schedule(schedule: dict[str, Any]) -> None:
    out = console()
    depths = schedule["steps_from_input"]
    rows = []
    for number, part in enumerate(schedule["parts"]):
        near, far = zip(*(depths.get(node, (0, 0)) for node in part["nodes"]), strict=True)
        steps = str(min(near)) if min(near) == max(far) else f"{min(near)} … {max(far)}"
        rows.append(
            [number, ", ".join(part["nodes"]), "step by step (cycle)" if part["cyclic"] else "in blocks", steps]
        )
    table("schedule", ["part", "nodes", "runs", "steps from input"], rows)
    table("delays", ["from", "to", "steps"], [[d["from"], d["to"], d["delay"]] for d in schedule["delays"]])
    for name, (near, far) in schedule["lag_to_output"].items():
        out.print(f"lag to {escape(name)}: {near if near == far else f'{near} … {far}'} steps")
