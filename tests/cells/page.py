"""The tables of docs/conversions.md, from the record."""

from __future__ import annotations

from typing import Any

from tests.cells.networks import ABSENT, ALL, TARGETS, Net
from tests.cells.record import key_of
from tests.conftest import ROOT
from tests.matrix import inserted, markdown

PAGE = ROOT / "docs" / "conversions.md"
Entry = dict[str, Any]


def written(text: str, record: Entry) -> str:
    """The page with all tables between their marks."""
    return inserted(text, {"cells": cells(record), "networks": sources(record), "refusals": refusals(record)})


def known(record: Entry) -> list[Net]:
    """The networks that were measured."""
    return [net for net in ALL if net.key in record["sources"]]


def cells(record: Entry) -> str:
    """Network by target."""
    rows = [
        [
            net.source,
            f"{net.name} ({net.reset})",
            *(cell(record["cells"][key_of(net, target)]) for target in TARGETS),
        ]
        for net in known(record)
    ]
    return markdown(["source", "network (reset)", *TARGETS], rows)


def cell(entry: Entry) -> str:
    """What is proven, or that it is refused and what is nearest; what fails is shown as such."""
    if entry["outcome"] == "broken":
        return f"FAILS: {entry['step']} broke its promise"
    if entry["outcome"] == "refused":
        count = len(entry["reasons"])
        words = f"refused ({count} reason{'s' if count > 1 else ''})"
        best = nearest(entry)
        return f"{words}; `{best['approximate']}` {best['overlap']:.2f}" if best else words
    words = claim(entry)
    live = entry.get("live")
    return f"{words}; {live['peer']} {live['reached']}" if live else words


def claim(entry: Entry) -> str:
    """The rung between the stored network and the converted one."""
    if entry["equal"]:
        return "equal graph"
    if entry["reached"] in ("bits", "spikes"):
        return str(entry["reached"])
    lag = f" {entry['lag']}" if entry["lag"] else ""
    if entry["reached"] == "spikes+lag":
        return f"spikes+lag{lag}"
    decisions = "" if entry["decisions"] is None else ", decisions {}/{}".format(*entry["decisions"])
    return f"overlap {entry['overlap']:.2f}{decisions}"


def nearest(entry: Entry) -> Entry | None:
    """The rewrite whose worst layer keeps most of its spikes."""
    fitting = [item for item in entry["rewrites"] if item["overlap"] is not None]
    return max(fitting, key=lambda item: item["overlap"], default=None)


def sources(record: Entry) -> str:
    """Every network, and what its own framework says of the stored file."""
    rows = []
    for net in known(record):
        found = record["sources"][net.key]
        figures = f"{found['compared']:,} values compared, {found['spikes']:,} spikes"
        figures += f"; {found['different']:,} values differ in some bit" if found["different"] else ""
        rows.append([net.source, net.name, net.words, f"{found['peer']}: {found['reached']}", figures])
    table = markdown(["source", "network", "what it is", "against its framework", ""], rows)
    present = {net.source for net in known(record)}
    absent = [f"- {words}." for source, words in ABSENT.items() if source in present]
    return "\n".join([table, "", *absent])


def refusals(record: Entry) -> str:
    """Every refusal with all reasons, and every rewrite with its cost; those that are equal stand once."""
    parts = []
    for net in known(record):
        groups: dict[str, list[str]] = {}
        for target in TARGETS:
            entry = record["cells"][key_of(net, target)]
            if entry["outcome"] == "refused":
                groups.setdefault(_refusal(entry, target), []).append(target)
        parts += [f"**{net.key} → {', '.join(targets)}**\n\n{text}" for text, targets in groups.items()]
    return "\n\n".join(parts)


def _refusal(entry: Entry, target: str) -> str:
    lines = []
    for item in entry["reasons"]:
        found = f" ({item['found']})" if item["found"] else ""
        words = item["message"].replace(target, "the chip")
        lines.append(f"- {item['code']} `{item['place']}`: {words}{found}. {item['remedy']}".rstrip())
    for item in entry["rewrites"]:
        layers = ", ".join(f"{name} {value:.4f}" for name, value in item["layers"].items())
        decisions = item["decisions"]
        also = f"; decisions {decisions[0]} of {decisions[1]} equal" if decisions else ""
        lines.append(f"- `--approximate {item['approximate']}`: spike overlap {layers}{also}")
    if not entry["rewrites"]:
        lines.append("- No rewrite comes near it.")
    return "\n".join(lines)
