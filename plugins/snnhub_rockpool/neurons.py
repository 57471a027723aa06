"""Parameters of one layer of Rockpool neurons or synapses: checked, in f32, one array per synapse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from snnhub.findings import Finding, error, info, loss
from snnhub.ir.tensor import Array

from snnhub_rockpool import decays
from snnhub_rockpool.part import BITSHIFT, EXODUS, Part

MAX_CAP = 1 << 16
MAX_SYNAPSES = 32
F = np.float32


@dataclass(frozen=True)
class Neurons:
    """``size`` neurons with ``n_syn`` synapses each. Arrays are 0-d or (size,); ``w_rec`` is (size, size · n_syn)
    with synapse k of neuron n in column n · n_syn + k, or None.
    """

    size: int
    n_syn: int
    alpha: Array
    betas: tuple[Array, ...]
    threshold: Array
    bias: Array
    max_spikes: int
    w_rec: Array | None
    recipe: str


class Reader:
    """Reads leaves. ``found``: everything noticed or refused, errors included."""

    def __init__(self) -> None:
        self.found: list[Finding] = []
        self.dts: dict[float, str] = {}

    def array(self, part: Part, name: str, what: str = "finite") -> Array:
        """A parameter as f32. ``what``: finite, positive, or decay (a time constant: 0 and infinity are allowed).

        A value that is not, or is missing, is an error, and 1 takes its place.
        """
        given = part.values.get(name)
        place = f"{part.path}/{name}"
        if isinstance(given, bool) or not isinstance(given, np.ndarray | float | int):
            self.found.append(error("SNN-3207", place, f"is not a number: {str(given)[:40]}"))
            return np.ones((), F)
        with np.errstate(over="ignore"):
            values = np.asarray(given, F)
        if not values.size:
            self.found.append(error("SNN-3207", place, "is empty"))
            return np.ones((), F)
        wrong = np.isnan(values) if what == "decay" else ~np.isfinite(values)
        if what == "decay":
            wrong |= values < 0
        if wrong.any():
            worst = values.ravel()[int(np.argmax(wrong))]
            words = f"{int(wrong.sum())} of {values.size} are no {_NOUNS[what]}, such as {worst}"
            self.found.append(error("SNN-3207", place, words))
            return np.ones_like(values)
        if what == "positive" and not (values > 0).all():
            words = (
                f"{int((values <= 0).sum())} of {values.size} thresholds are not above 0, such as {values.min()}"
            )
            remedy = "At 0 Rockpool goes on with NaN, below 0 with negative spikes."
            self.found.append(error("SNN-3205", place, words, remedy=remedy))
            return np.ones_like(values)
        return values

    def dt(self, part: Part) -> float:
        """The length of a step in seconds."""
        value = part.values.get("dt")
        if isinstance(value, np.ndarray) and value.size == 1:
            value = float(value.ravel()[0])
        if isinstance(value, bool) or not isinstance(value, float | int) or not 0 < value < np.inf:
            self.found.append(error("SNN-3207", f"{part.path}/dt", f"is no length of a step: {value}"))
            return 1e-3
        self.dts.setdefault(float(value), part.path)
        return float(value)

    def noiseless(self, part: Part) -> None:
        """Noise is refused: no two runs would be equal."""
        if part.values.get("noise_std") is None:
            return
        noise = self.array(part, "noise_std")
        if noise.any() and not self._refused(f"{part.path}/noise_std"):
            words = f"noise_std is {noise.max()}: what it adds differs from run to run"
            self.found.append(error("SNN-3206", part.path, words, remedy="Set noise_std to 0."))

    def _refused(self, place: str) -> bool:
        return any(finding.place == place for finding in self.found)

    def cap(self, part: Part) -> int:
        """``max_spikes_per_dt``."""
        given = part.values.get("max_spikes_per_dt", float(MAX_CAP))
        plain = isinstance(given, np.ndarray | float | int) and not isinstance(given, bool)
        value = float(np.ravel(given)[0]) if plain and np.size(given) == 1 else np.nan
        if np.isfinite(value) and value == int(value) and 1 <= value <= MAX_CAP:
            return int(value)
        remedy = "An infinite cap makes Rockpool return NaN from the first step on." if np.isinf(value) else ""
        words = f"max_spikes_per_dt is {given}; allowed are integers from 1 to {MAX_CAP}"
        self.found.append(error("SNN-3204", part.path, words, remedy=remedy))
        return 1

    def neurons(self, part: Part, width: int | None) -> Neurons | None:
        """A layer of neurons that ``width`` features arrive at; None where it is refused."""
        before = len(self.found)
        dt = self.dt(part)
        self.noiseless(part)
        alpha, beta, recipe = self._decays(part, dt)
        threshold, bias = self.array(part, "threshold", "positive"), self.array(part, "bias")
        w_rec = self.array(part, "w_rec") if part.values.get("w_rec") is not None else None
        cap = self.cap(part)
        sizes = self._sizes(part, {"alpha": alpha, "threshold": threshold, "bias": bias}, beta, w_rec, width)
        if sizes is None or any(finding.severity.value == "error" for finding in self.found[before:]):
            return None
        size, n_syn = sizes
        columns = tuple(_column(beta, k, size) for k in range(n_syn))
        if w_rec is not None:
            w_rec = self._recurrence(part, w_rec)
        if part.kind == EXODUS:
            bias = self._exodus(part, bias, n_syn)
        return Neurons(size, n_syn, shared(alpha), columns, shared(threshold), shared(bias), cap, w_rec, recipe)

    def synapse(self, part: Part) -> tuple[Array, str]:
        """The factor of an ExpSynTorch, and how it was computed."""
        dt = self.dt(part)
        self.noiseless(part)
        if part.decays is not None:
            return np.asarray(part.decays[0]["beta"], F), part.decays[1]
        tau = self.array(part, "tau", "decay")
        return decays.from_tau(tau, dt), decays.FROM_TAU.format(dt=dt)

    def _decays(self, part: Part, dt: float) -> tuple[Array, Array, str]:
        """``alpha``, ``beta`` and words on how they were computed."""
        if part.decays is not None:
            taken, words = part.decays
            return np.asarray(taken["alpha"], F), np.asarray(taken["beta"], F), words
        mode = leak_mode(part.values)
        names = {
            "taus": ("tau_mem", "tau_syn"),
            "bitshifts": ("dash_mem", "dash_syn"),
            "decays": ("alpha", "beta"),
        }
        if mode not in names or (part.kind == BITSHIFT and mode != "taus"):
            allowed = "taus" if part.kind == BITSHIFT else ", ".join(names)
            self.found.append(error("SNN-3207", f"{part.path}/leak_mode", f"is {mode}; allowed {allowed}"))
            return np.ones((), F), np.ones((), F), ""
        given = [self.array(part, name, "decay" if mode == "taus" else "finite") for name in names[mode]]
        if mode == "decays":
            return given[0], given[1], decays.STORED
        if mode == "bitshifts":
            return decays.from_dash(given[0]), decays.from_dash(given[1]), decays.FROM_DASH
        make, words = decays.from_tau, decays.FROM_TAU
        if part.kind == BITSHIFT:
            make, words = decays.from_shift, decays.FROM_SHIFT
        return make(given[0], dt), make(given[1], dt), words.format(dt=dt)

    def _sizes(
        self, part: Part, arrays: Mapping[str, Array], beta: Array, w_rec: Array | None, width: int | None
    ) -> tuple[int, int] | None:
        """Number of neurons and of synapses per neuron, or None with an error for what does not agree."""
        claims = {name: array.shape[0] for name, array in arrays.items() if array.ndim == 1}
        if w_rec is not None and w_rec.ndim == 2:
            claims["w_rec"] = w_rec.shape[0]
        per_neuron = beta.shape[1] if beta.ndim == 2 else None
        if beta.ndim == 2 and beta.shape[0] != 1:
            claims["beta"] = beta.shape[0]
        if not claims and width is not None:
            claims["input"] = width // (per_neuron or 1)
        size = next(iter(claims.values()), None)
        inputs = w_rec.shape[1] if w_rec is not None and w_rec.ndim == 2 else width
        n_syn = per_neuron or (inputs // size if size and inputs else None)
        odd = [name for name, array in arrays.items() if array.ndim > 1] + ["beta"] * (beta.ndim not in (0, 2))
        odd += ["w_rec"] * (w_rec is not None and w_rec.ndim != 2)
        fits = size and n_syn and (inputs in (None, size * n_syn)) and (width in (None, size * n_syn))
        if odd or len(set(claims.values())) > 1 or not fits:
            shapes = {name: list(array.shape) for name, array in {**arrays, "beta": beta}.items()}
            if w_rec is not None:
                shapes["w_rec"] = list(w_rec.shape)
            words = f"sizes do not agree: {width} features arrive at {shapes}"
            self.found.append(error("SNN-3208", part.path, words))
            return None
        if int(n_syn or 0) > MAX_SYNAPSES:
            self.found.append(error("SNN-3208", part.path, f"{n_syn} synapses per neuron, allowed {MAX_SYNAPSES}"))
            return None
        return int(size or 0), int(n_syn or 0)

    def _recurrence(self, part: Part, w_rec: Array) -> Array | None:
        """The recurrent weights, where Rockpool's simulation uses any."""
        declared = part.values.get("_has_rec") is True
        if not w_rec.any():
            return w_rec if declared else None
        if part.kind == EXODUS:
            remedy = "LIFExodus ignores w_rec; use LIFTorch, or set w_rec to 0."
            self.found.append(error("SNN-3211", part.path, "LIFExodus with recurrent weights", remedy=remedy))
        elif not declared:
            words = (
                f"has_rec is false, and {int(np.count_nonzero(w_rec))} recurrent weights are not 0: Rockpool's "
                "simulation uses them, so they are imported; its mapper drops them"
            )
            self.found.append(info("SNN-3203", part.path, words))
        return w_rec

    def _exodus(self, part: Part, bias: Array, n_syn: int) -> Array:
        words = (
            "LIFExodus could not be run (it needs a GPU and sinabs-exodus): its bias counts once per synapse, and "
            "its currents round otherwise than ours; spikes are not claimed to be equal"
        )
        old, new = float(np.max(bias, initial=0)), float(np.max(bias * F(n_syn), initial=0))
        self.found.append(loss("SNN-3211", part.path, words, old=f"bias up to {old:g}", new=f"{new:g}"))
        return np.asarray(bias * F(n_syn))


def leak_mode(values: Mapping[str, Any]) -> str:
    """How decays are said: taus, decays or bitshifts; whatever else there is, in words."""
    mode = values.get("leak_mode", "taus")
    return mode if isinstance(mode, str) else f"no text: {mode}"


_NOUNS = {"finite": "finite number", "positive": "finite number", "decay": "time constant"}


def shared(values: Array) -> Array:
    """0-d where all entries are one number."""
    return values.ravel()[0] if values.size and (values == values.ravel()[0]).all() else values


def _column(beta: Array, k: int, size: int) -> Array:
    """Synapse k's factor for every neuron."""
    return shared(beta if beta.ndim == 0 else np.broadcast_to(beta[:, k], (size,)))
