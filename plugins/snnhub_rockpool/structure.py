"""Makes a network of a saved file: default names and SynNet's names are believed, anything else must be said.

Two classes of neurons save the same keys with other decays, a residual block looks like a sequence, and a module
of the user's own has no order. Where that matters, the error has a structure file that only needs to be edited.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from snnhub.errors import FormatError, UnsupportedError, UsageError
from snnhub.findings import Finding, error, info

from snnhub_rockpool.decays import compared
from snnhub_rockpool.document import Saved
from snnhub_rockpool.neurons import leak_mode
from snnhub_rockpool.part import (
    BITSHIFT,
    CONTAINERS,
    DROPOUT,
    EXODUS,
    EXP_SYN,
    LEAVES,
    LIF,
    LINEAR,
    NEURONS,
    RESIDUAL,
    SEQUENTIAL,
    SYNNET,
    Part,
    canonical,
)

DEFAULT = re.compile(r"(\d+)_([A-Za-z]\w*)")
SYNNET_LAYER = re.compile(r"(\d+)_(linear|neurons|dropout)|(out)_(linear|neurons)")
LIF_KEYS = {"threshold", "bias", "learning_window", "max_spikes_per_dt", "dt", "noise_std", "leak_mode", "w_rec"}
LIF_KEYS |= {"_has_rec", "spike_generation_fn", "tau_mem", "tau_syn", "alpha", "beta", "dash_mem", "dash_syn"}
CHOICE = "|"
Entry = Mapping[str, Any]


class Structure:
    """Resolves one file. ``parts``: the network; ``findings``: what was believed. Raises with all problems."""

    def __init__(self, saved: Saved, file: str, given: Path | None) -> None:
        self.findings: list[Finding] = []
        self.problems: list[Finding] = []
        self.output: str | None = None
        self._file = file
        if given is None:
            root = self._root(saved)
        else:
            listing = _read(given)
            self.output = listing.get("output")
            root = Part("", SEQUENTIAL, {}, self._listed(saved, listing["net"]))
        if self.problems:
            raise self._refusal(saved)
        self.root = root

    def _root(self, saved: Saved) -> Part:
        if not saved.children:
            return Part("", SEQUENTIAL, {}, (self._leaf(saved, None),))
        if _is_synnet(saved):
            self._believe("", "SynNet, by the names of its layers")
            return self._made(saved, SYNNET)
        if all(DEFAULT.fullmatch(child.name) for child in saved.children):
            self._believe("", "TorchSequential, as default names follow from it")
        return self._made(saved, SEQUENTIAL)

    def _believe(self, place: str, words: str) -> None:
        self.findings.append(info("SNN-3202", place or self._file, f"taken for a {words}"))

    def _unclear(self, place: str, words: str) -> None:
        self.problems.append(error("SNN-3201", place or self._file, words, remedy="Say it in a structure file."))

    def _made(self, saved: Saved, kind: str) -> Part:
        """A module of a known class, with what its children's names say."""
        if kind in LEAVES:
            return self._leaf(saved, kind)
        if kind not in CONTAINERS:
            words = f"{kind} is none of {', '.join((*LEAVES, *CONTAINERS))}"
            self.problems.append(error("SNN-3002", saved.path, words, remedy="Replace it, or leave it out."))
            return Part(saved.path, kind, {})
        if saved.values:
            self._unclear(saved.path, f"a {kind} has no parameters of its own: {', '.join(sorted(saved.values))}")
        if kind == SYNNET:
            return Part(saved.path, SEQUENTIAL, {"synnet": True}, self._synnet(saved))
        return Part(saved.path, kind, {}, self._by_number(saved))

    def _by_number(self, saved: Saved) -> tuple[Part, ...]:
        """Children ``0_Class``, ``1_Class`` … in order."""
        named = [(DEFAULT.fullmatch(child.name), child) for child in saved.children]
        numbered = sorted(((int(m[1]), m[2], child) for m, child in named if m), key=lambda item: item[0])
        odd = [child for m, child in named if not m]
        if not odd and [number for number, _, _ in numbered] == list(range(len(numbered))):
            return tuple(self._made(child, canonical(name)) for _, name, child in numbered)
        names = ", ".join(child.name for child in odd[:4]) or "numbers with gaps"
        self._unclear(saved.path, f"the file has no order for modules of one's own naming: {names}")
        for child in saved.children:
            self._made_of_anything(child)
        return ()

    def _made_of_anything(self, saved: Saved) -> None:
        """Looks at a module only for problems, so that all of them are told at once."""
        match = DEFAULT.fullmatch(saved.name)
        if match:
            self._made(saved, canonical(match[2]))
        elif saved.children:
            self._unclear(saved.path, "may be a sequence, a residual block or a module of its own")
            for child in saved.children:
                self._made_of_anything(child)
        else:
            self._leaf(saved, None)

    def _synnet(self, saved: Saved) -> tuple[Part, ...]:
        """Layers of ``seq`` in SynNet's order; its neurons are LIFTorch unless a structure file says otherwise."""
        if not _is_synnet(saved):
            self._unclear(saved.path, "does not have the layers of a SynNet")
            return ()
        layers = {child.name: child for child in saved.children[0].children}
        kinds = {"linear": LINEAR, "neurons": LIF, "dropout": DROPOUT}
        count = sum(name.endswith("_linear") for name in layers) - 1
        order = [f"{i}_{what}" for i in range(count) for what in kinds if f"{i}_{what}" in layers]
        parts = [self._leaf(layers[name], kinds[name.rpartition("_")[2]]) for name in order]
        parts += [self._leaf(layers["out_linear"], LINEAR), self._leaf(layers["out_neurons"], LIF)]
        differing = [words for part in parts if part.kind == LIF and (words := compared(part.values))]
        if differing:
            self._believe(saved.path or self._file, f"SynNet of LIFTorch. As LIFBitshiftTorch: {differing[0]}")
        return tuple(parts)

    def _leaf(self, saved: Saved, kind: str | None) -> Part:
        """A leaf of a class that is known (and that its keys must fit) or told by its keys."""
        possible = kinds_of(saved)
        if not possible:
            words = f"no class that can be held saves {', '.join(sorted(saved.values)) or 'nothing'}"
            self.problems.append(error("SNN-3002", saved.path or self._file, words, remedy="Replace it."))
        elif kind is not None and kind not in possible:
            self._unclear(saved.path, f"named {kind}, but its keys are those of {' or '.join(possible)}")
        elif kind is None and len(possible) > 1:
            words = compared(saved.values) or "the same decays both ways, but for the last bit"
            self._unclear(saved.path, f"may be {LIF} or {BITSHIFT}: {words}")
        return Part(saved.path, kind or (possible or ("?",))[0], saved.values)

    def _listed(self, saved: Saved, entries: Any) -> tuple[Part, ...]:
        """Children of ``saved`` in the order and with the classes of a structure file."""
        there = {child.path: child for child in saved.children} if saved.children else {"": saved}
        parts, seen = [], set()
        for entry in entries:
            path, kind = entry["path"], canonical(entry["class"])
            if path not in there or path in seen:
                words = "is listed twice" if path in seen else "is not in the file here"
                self._unclear(path, f"{words}; there are {', '.join(there)}")
                continue
            seen.add(path)
            child = there[path]
            if CHOICE in kind:
                self._unclear(path, f"the structure file still leaves the choice {kind}")
            elif kind in (SEQUENTIAL, RESIDUAL) and "of" in entry:
                parts.append(Part(path, kind, {}, self._listed(child, entry["of"])))
            else:
                parts.append(self._made(child, kind))
        for path in there:
            if path not in seen:
                self._unclear(path, "is in the file and not in the structure file")
        return tuple(parts)

    def _refusal(self, saved: Saved) -> UnsupportedError:
        unclear = [finding for finding in self.problems if finding.code == "SNN-3201"]
        first = (unclear or self.problems)[0]
        more = f" (and {len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
        text = json.dumps({"net": propose(saved), "output": "spikes"})
        remedy = f"Edit this, save it as S.json, and pass --structure S.json: {text}" if unclear else ""
        return UnsupportedError(
            f"{first.message}{more}", where=first.place, remedy=remedy or first.remedy, findings=self.problems
        )


def kinds_of(saved: Saved) -> tuple[str, ...]:
    """The classes of leaves that save these keys, likeliest first."""
    keys = {name for name, value in saved.values.items() if value is not None or name == "spike_generation_fn"}
    if saved.children:
        return ()
    if keys in ({"weight"}, {"weight", "bias"}):
        return (LINEAR,)
    if keys == {"tau", "noise_std", "dt"}:
        return (EXP_SYN,)
    if keys == {"p", "training"}:
        return (DROPOUT,)
    if "threshold" in keys and "dt" in keys and keys <= LIF_KEYS:
        return NEURONS if leak_mode(saved.values) == "taus" else (LIF,)
    return ()


def propose(saved: Saved) -> list[dict[str, Any]]:
    """Entries of a structure file, in the order of numbers in names where there are any."""

    def number(child: Saved) -> int:
        match = re.match(r"\d+", child.name)
        return int(match[0]) if match else len(saved.children)

    return [_entry(child) for child in sorted(saved.children, key=number)] or [_entry(saved)]


def _entry(saved: Saved) -> dict[str, Any]:
    match = DEFAULT.fullmatch(saved.name)
    kind = canonical(match[2]) if match else ""
    if kind in LEAVES or kind == SYNNET:
        return {"path": saved.path, "class": kind}
    if saved.children:
        own = kind if kind in CONTAINERS else f"{SEQUENTIAL}{CHOICE}{RESIDUAL}"
        return {"path": saved.path, "class": own, "of": propose(saved)}
    found = tuple(kind for kind in kinds_of(saved) if kind != EXODUS)
    return {"path": saved.path, "class": CHOICE.join(found) or "?"}


def _is_synnet(saved: Saved) -> bool:
    if [child.name for child in saved.children] != ["seq"]:
        return False
    names = {child.name for child in saved.children[0].children}
    numbers = {name.partition("_")[0] for name in names} - {"out"}
    complete = {f"{i}_{what}" for i in range(len(numbers)) for what in ("linear", "neurons")}
    fits = all(SYNNET_LAYER.fullmatch(name) for name in names)
    return fits and bool(numbers) and complete | {"out_linear", "out_neurons"} <= names


def _read(path: Path) -> dict[str, Any]:
    """A structure file. Raises ``UsageError`` if it is not there, ``FormatError`` if it is not one."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise UsageError("structure file cannot be read", where=str(path), found=problem.strerror or "") from None
    except (ValueError, RecursionError) as problem:
        raise FormatError("structure file is not JSON", where=str(path), found=str(problem)[:80]) from None
    if not isinstance(data, dict) or not set(data) <= {"net", "output"} or not _is_list(data.get("net")):
        raise FormatError(
            "not a structure file",
            where=str(path),
            allowed='{"net": [{"path": …, "class": …, "of": […]}], "output": "spikes"}',
        )
    if data.get("output", "spikes") not in ("spikes", "vmem"):
        raise FormatError(
            "unknown output", where=str(path), found=str(data["output"])[:40], allowed="spikes, vmem"
        )
    return data


def _is_list(entries: Any, depth: int = 0) -> bool:
    """Whether these are entries with a path, a class, and perhaps entries below them."""
    if not isinstance(entries, list) or not entries or depth > 40:
        return False
    return all(
        isinstance(entry, dict)
        and {"path", "class"} <= set(entry) <= {"path", "class", "of"}
        and isinstance(entry["path"], str)
        and isinstance(entry["class"], str)
        and ("of" not in entry or _is_list(entry["of"], depth + 1))
        for entry in entries
    )
