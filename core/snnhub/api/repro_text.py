"""What the archive of a failing piece says about it: facts for programs, a README for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from snnhub_formats.bundle import Bundle

import snnhub
from snnhub.api.doctor import doctor
from snnhub.compare.piece import Piece
from snnhub.errors import FormatError

LONGER = 4096
"""Steps by which a piece may run on after its input: the lag of its layers."""
KINDS = {"a_key": str, "b_key": str, "steps": int, "lag": int, "input_ids": list, "feeds": dict, "other": str}
KINDS |= {"fails": dict, "a": str, "b": str}


def versions() -> list[dict[str, str]]:
    """What ``snnhub doctor`` says about the installation, without its remedies."""
    return [
        {"topic": line.topic, "name": line.name, "state": line.state, "detail": line.detail}
        for line in doctor().lines
    ]


def facts_of(
    piece: Piece,
    result: Mapping[str, Any],
    runner: tuple[str, Mapping[str, str]] | None,
    found: list[dict[str, str]],
) -> dict[str, Any]:
    """Everything that is needed to run a piece again, and what was found when it was cut."""
    told = {key: value for key, value in result.items() if key not in ("output",)}
    return {
        **told,
        "a_key": piece.a_key,
        "b_key": piece.b_key,
        "steps": piece.steps,
        "lag": piece.lag,
        "select": None if piece.select is None else list(piece.select),
        "input_ids": list(piece.inputs),
        "feeds": dict(piece.feeds or {}),
        "runner": None if runner is None else runner[0],
        "runner_options": {} if runner is None else dict(runner[1]),
        "snnhub": snnhub.__version__,
        "versions": found,
    }


def piece_of(bundle: Bundle, where: str) -> Piece:
    """The piece of an archive. Raises ``FormatError`` where its facts and its members do not fit each other."""
    facts = bundle.facts
    wrong = [name for name, kind in KINDS.items() if not isinstance(facts.get(name), kind)]
    select = facts.get("select")
    if select is not None and not (
        isinstance(select, list) and len(select) == 2 and all(isinstance(n, int) for n in select)
    ):
        wrong.append("select")
    if wrong:
        raise FormatError("facts are missing or of the wrong kind", where=where, found=", ".join(wrong))
    graph, other = bundle.graphs["a"], bundle.graphs.get("b")
    ids = [str(item) for item in facts["input_ids"]]
    fits = len(ids) == len(bundle.inputs) and {item.id for item in graph.inputs} <= set(ids)
    feeds = {str(key): str(value) for key, value in facts["feeds"].items()}
    if other is not None:
        fits = fits and all(feeds.get(item.id, item.id) in ids for item in other.inputs)
    elif facts["b_key"] not in bundle.recordings["b"]:
        fits = False
    length = max((values.shape[0] for values in bundle.inputs if values.ndim), default=0)
    fits = fits and 1 <= facts["steps"] <= length + LONGER and 0 <= facts["lag"] <= LONGER
    if not fits:
        raise FormatError("facts and members do not fit each other", where=where)
    return Piece(
        graph,
        other,
        dict(zip(ids, bundle.inputs, strict=True)),
        facts["a_key"],
        facts["b_key"],
        facts["steps"],
        facts["lag"],
        None if select is None else (select[0], select[1]),
        feeds,
        None if other is not None else bundle.recordings["b"][facts["b_key"]],
    )


def _words(place: Mapping[str, Any]) -> str:
    return f"step {place['step']}, `{place['key']}`{place['index']}: A {place['a']}, B {place['b']}"


def readme(facts: Mapping[str, Any], name: str) -> str:
    """The README of an archive: what fails, how to see it, and what it was cut from."""
    fails, found = facts["fails"], facts["found"]
    others = {
        "network": "`b.snn`, run in snnhub's engine",
        "runner": f"the runner `{facts['runner']}`, which is given `a.snn`; `b.npz` has what it answered",
        "recording": f"`b.npz`, which the runner `{facts['runner']}` recorded in the whole network",
    }
    sizes = [f"{key} {facts['before'][key]} -> {facts['after'][key]}" for key in facts["after"]]
    known = [f"- {line['name']}: {line['detail']}" for line in facts["versions"] if line["state"] == "ok"]
    return "\n".join(
        [
            "# A failing piece",
            "",
            f"    snnhub repro --again {name}",
            "",
            "runs it again and says whether it still fails (exit 1) or not (exit 0).",
            "",
            f"`a.snn`, run in snnhub's engine over `input.npy`, differs from {others[facts['other']]}.",
            "",
            f"First divergence: {_words(fails)}"
            + (f" (B is read {facts['lag']} steps later)." if facts["lag"] else "."),
            "",
            f"Cut out of: A `{facts['a']}`, B `{facts['b']}`, where the first divergence was at",
            f"sample {found['sample']}, {_words(found)}.",
            "",
            f"Sizes: {', '.join(sizes)}.",
            "",
            "What was done, each step run again:",
            "",
            *(f"- {line}" for line in facts["log"]),
            "",
            f"`a.npz` and `b.npz` have what both sides recorded. Made with snnhub {facts['snnhub']} and:",
            "",
            *known,
            "",
        ]
    )
