"""Resonate-and-fire layers in a file: complex weights, decays as sine and cosine, and what Lava makes of both.

Followed from lava-dl 0.6.0 (``netx/hdf5.py``, ``slayer/neuron/rf.py``), lava-nc 0.10.0 (``proc/rf/process.py``).
Lava-DL's reader turns the two decays into a period and an amplitude, and Lava turns those back, in floats,
and cuts what comes out to 4096ths: a whole number arrives as itself or one nearer to 0, as NumPy and the processor
round. Numbers that stand half a step farther from 0 arrive the same everywhere; that is how snnhub writes them.
"""

from __future__ import annotations

from math import prod

import h5py
import numpy as np
from snnhub.errors import FormatError
from snnhub.findings import Finding, error, info, loss, note
from snnhub.ir.tensor import Array

from snnhub_netx.hdf5 import integers, truncated

MARK, PHASE = "RF", "PHASE"
"""Parts of names, in capitals, by which Lava-DL's reader knows resonators, and those of the first kind."""
OWN_NAMES = {"loihi.RF": "RF_PHASE", "loihi.RFIzhikevich": "RF_IZHIKEVICH"}
DECAYS = ("sinDecay", "cosDecay")
KEYS = (*DECAYS, "vThMant")
PARTS = ("real", "imag")
DECAY_LIMIT = 2**15
THRESHOLD_LIMIT = 2**24
UNUSED = {"bias": "bias", "delay": "delay", "weight_rec": "recurrent weights"}
"""What complex layers may have in a file and Lava does not read."""
ADAPTIVE = "adaptive threshold and refractory state"


def resonates(kind: str) -> bool:
    """Whether Lava-DL's reader takes a neuron type for a resonator."""
    return MARK in kind


def op_of(kind: str) -> str:
    """The op of a neuron type, as Lava-DL's reader chooses between its two."""
    return "loihi.RF" if PHASE in kind else "loihi.RFIzhikevich"


def complex_weights(group: h5py.Group, where: str, findings: list[Finding]) -> dict[str, Array]:
    """``weight/real`` and ``weight/imag`` as int64; what is missing or no number becomes an ``error`` finding."""
    found: dict[str, Array] = {}
    for part in PARTS:
        item = group.get(part)
        if not isinstance(item, h5py.Dataset):
            findings.append(error("SNN-3101", f"{where}/{part}", f"complex weights lack their part {part!r}"))
            continue
        try:
            found[f"weight/{part}"] = integers(item, f"{where}/{part}")
        except FormatError as problem:
            findings.append(
                error("SNN-3104", problem.where, problem.message, old=problem.found, remedy=problem.allowed)
            )
    return found


def read_neuron(group: h5py.Group, kind: str, place: str, findings: list[Finding]) -> dict[str, Array] | None:
    """Decays and threshold of a resonator as Lava has them; None, and ``error`` findings, if it has none."""
    if kind not in OWN_NAMES.values():
        findings.append(
            loss(
                "SNN-3130",
                place,
                f"Lava's reader takes {kind} for a plain resonator, without {ADAPTIVE}; so does this one",
                old=kind,
                new=OWN_NAMES[op_of(kind)],
            )
        )
    values: dict[str, Array] = {}
    known = len(findings)
    for key in KEYS:
        item = group.get(key)
        where = f"{place}/{key}"
        if not isinstance(item, h5py.Dataset):
            findings.append(error("SNN-3101", place, f"neuron lacks {key}"))
            continue
        try:
            values[key] = _decay(item, where, findings) if key in DECAYS else integers(item, where)
        except FormatError as problem:
            findings.append(error("SNN-3104", problem.where, problem.message, old=problem.found))
    _check(values, place, findings)
    broken = any(finding.severity.value == "error" for finding in findings[known:])
    return None if broken else values


def _decay(item: h5py.Dataset, where: str, findings: list[Finding]) -> Array:
    """A decay cut to whole 4096ths, with what becomes of it in Lava."""
    whole, fractions, _ = truncated(item, where)
    given = np.asarray(item[()], np.float64)
    halves = int(np.count_nonzero(np.abs(given - whole) == 0.5))
    if fractions > halves:
        worst = given[(given != whole) & (np.abs(given - whole) != 0.5)].flat[0]
        message = f"Lava cuts {fractions - halves} of {whole.size} decays to whole 4096ths"
        findings.append(loss("SNN-3132", where, message, old=f"{worst:g}", new=str(int(worst))))
    elif halves:
        message = "stands half a step farther from 0, so that Lava's floats cut it to this on every machine"
        findings.append(info("SNN-3132", where, message, old=f"{given.flat[0]:g}", new=str(whole.flat[0])))
    exact = whole[(given == whole) & (whole != 0)]
    if exact.size:
        message = (
            "Lava makes this decay of floats and cuts them: it may come out one nearer to 0, by NumPy and CPU"
        )
        findings.append(
            note(
                "SNN-3131",
                where,
                message,
                old=str(exact[0]),
                bound="at most 1 of 4096 per step, in Lava",
                remedy="Convert the file to NetX with snnhub: Lava then has exactly these decays.",
            )
        )
    return whole


def _check(values: dict[str, Array], place: str, findings: list[Finding]) -> None:
    for key in DECAYS:
        if key in values and np.abs(values[key]).max(initial=0) > DECAY_LIMIT:
            remedy = f"Use decays in -{DECAY_LIMIT} .. {DECAY_LIMIT}, of 4096."
            found = str(values[key].flat[np.abs(values[key]).argmax()])
            findings.append(error("SNN-3134", f"{place}/{key}", "is no decay", old=found, remedy=remedy))
    threshold = values.get("vThMant")
    if threshold is None:
        return
    where = f"{place}/vThMant"
    if threshold.size != 1:
        message = "Lava's resonators have one threshold per layer: its reader fails"
        findings.append(error("SNN-3134", where, message, old=f"shape {list(threshold.shape)}"))
    elif not 0 <= int(threshold.reshape(-1)[0]) <= THRESHOLD_LIMIT:
        message = "Lava wraps this threshold to 32 bits, or it is below 0"
        allowed = f"Use a threshold in 0 .. {THRESHOLD_LIMIT}."
        findings.append(error("SNN-3134", where, message, old=str(int(threshold.reshape(-1)[0])), remedy=allowed))


def check_layer(kind: str, arrays: dict[str, Array], cell: str | None, place: str) -> list[Finding]:
    """Whether layer, weights and neurons go together for Lava's reader. ``cell``: the neuron type, or None."""
    weighted = "weight/real" in arrays or "weight/imag" in arrays
    if not weighted and (cell is None or not resonates(cell)):
        return []
    if kind not in ("dense", "dense_rec"):
        message = "Lava's reader fails on resonators and complex weights outside dense layers"
        return [error("SNN-3134", place, message, old=kind)]
    if not weighted:
        message = f"{cell} neurons need complex weights: Lava's reader fails on real ones (AttributeError)"
        return [error("SNN-3134", place, message, remedy="Give weight/real and weight/imag.")]
    if cell is None or not resonates(cell):
        message = "complex weights need resonators: Lava's reader fails on others (AttributeError)"
        return [error("SNN-3134", place, message, old=cell or "no neuron group")]
    return [
        loss(
            "SNN-3133", f"{place}/{key}", f"Lava's reader ignores the {words} of complex layers; so does this one"
        )
        for key, words in UNUSED.items()
        if key in arrays and np.any(arrays[key])
    ]


def per_neuron(values: dict[str, Array], size: int) -> str:
    """What is wrong with the lengths of the decays, or nothing."""
    wrong = [key for key in DECAYS if values[key].size != 1 and values[key].shape != (size,)]
    shapes = ", ".join(f"{key} {list(values[key].shape)}" for key in wrong)
    return f"found {shapes}; allowed one number or {size}" if wrong else ""


def matrices(arrays: dict[str, Array], shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Real and imaginary weights (out, in); old files store those of a single neuron with one axis."""
    real, imag = (arrays[f"weight/{part}"] for part in PARTS)
    if real.ndim == 1:
        real, imag = (part.reshape(prod(shape), -1) for part in (real, imag))
    return real, imag
