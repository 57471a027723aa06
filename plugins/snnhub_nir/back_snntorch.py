"""snnTorch's neurons of steps as NIR's: what a factor and a threshold say, and what NIR has no field for.

NIR resets to v_reset in the step of the spike. A reset that waits for the next step, a soft one, none, spikes that
count for more than 1: all of these are losses. A neuron of which only the potential is taken is an LI or a CubaLI,
without a loss where no spike resets it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from snnhub.findings import Finding
from snnhub.ir.op import Shape
from snnhub.ir.tensor import Array, Tensor, tensor

from snnhub_nir.back_layers import STEP, Place, UnsayableError, Written, full

ROUNDED = "SNN-4508"
OUTPUTS = {"s": "spikes", "spk": "spikes", "mem": "its potential", "syn": "its current"}
RESETS = {
    "subtract": ("a spike takes the threshold away (soft reset); NIR resets to v_reset", "v_reset = 0"),
    "none": ("a spike resets nothing; NIR resets to v_reset", "v_reset = 0"),
}
FIRST = {"s", "spk"}


def leaky(place: Place) -> Written:
    """LIF of tau = dt / (1 - beta), with a gain of 1; IF where beta is 1."""
    shape, beta = place.leaving, _wide(place, "beta")
    if bool(np.all(beta == 1)):
        fields, kind = {"r": _same(shape, 1 / place.dt)}, "I" if _potential(place) else "IF"
    else:
        mem = _steps(place, beta, "beta")
        kind = "LI" if _potential(place) else "LIF"
        fields = {"tau": full(mem * place.dt, shape), "r": full(mem, shape), "v_leak": _same(shape, 0.0)}
    return _fires(place, kind, fields)


def synaptic(place: Place) -> Written:
    """CubaLIF with gains of 1."""
    shape = place.leaving
    syn, mem = (_steps(place, _wide(place, name), name) for name in ("alpha", "beta"))
    fields = {
        "tau_syn": full(syn * place.dt, shape),
        "tau_mem": full(mem * place.dt, shape),
        "w_in": full(syn, shape),
        "r": full(mem, shape),
        "v_leak": _same(shape, 0.0),
    }
    return _fires(place, "CubaLI" if _potential(place) else "CubaLIF", fields)


def lapicque(place: Place) -> Written:
    """LIF of tau = R C, as its own time_step counts it, and r = R."""
    shape = place.leaving
    r, c, step = (_wide(place, name) for name in ("r", "c", "time_step"))
    with np.errstate(all="ignore"):
        steps = r * c / step
    if not bool(np.all(np.isfinite(steps) & (steps > 0))):
        raise UnsayableError("R C / time_step is not above 0 for all neurons: no time constant says so")
    fields = {"tau": full(steps * place.dt, shape), "r": full(r, shape), "v_leak": _same(shape, 0.0)}
    words = "the step multiplies by 1 / (R C), and readers of tau divide: last bits may differ"
    made = _fires(place, "LI" if _potential(place) else "LIF", fields)
    return Written(made.type, made.fields, (place.lost(ROUNDED, words), *made.losses))


def unsayable(place: Place) -> Written:
    """Raises ``UnsayableError``: NIR has no neuron with this equation."""
    raise UnsayableError(NOTHING[place.node.op])


OWN = "each neuron hears itself by a factor; NIR says that with a layer: use all_to_all"
NOTHING = {
    "snntorch.Alpha": "Alpha has an exciting and an inhibiting current; NIR's neurons have one",
    "snntorch.DeltaLeaky": "DeltaLeaky fires by the change of its potential; NIR's neurons fire by its value",
    "snntorch.LeakyParallel": "LeakyParallel cuts its potential off at 0; NIR's neurons do not",
    "snntorch.RLeakyOneToOne": OWN,
    "snntorch.RSynapticOneToOne": OWN,
}
NEURONS = {
    "snntorch.LeakyMem": leaky,
    "snntorch.RLeaky": leaky,
    "snntorch.SynapticMem": synaptic,
    "snntorch.RSynaptic": synaptic,
    "snntorch.Lapicque": lapicque,
    **dict.fromkeys(NOTHING, unsayable),
}


def _potential(place: Place) -> bool:
    """Whether the potential is taken, and nothing else. Raises ``UnsayableError`` where more or a current is."""
    if place.taken <= FIRST:
        return False
    if place.taken != {"mem"}:
        names = " and ".join(OUTPUTS[name] for name in sorted(place.taken))
        raise UnsayableError(f"NIR nodes give spikes or a potential; taken of this one: {names}")
    return True


def _fires(place: Place, kind: str, fields: Mapping[str, Tensor]) -> Written:
    """With a threshold, unless nothing fires; and what NIR does not say of the firing."""
    shape, node = place.leaving, place.node
    if kind in ("LI", "I", "CubaLI"):
        reset = str(node.attribute["reset"])
        words = "its potential is taken, which its spikes reset; nothing resets NIR's"
        return Written(kind, fields, () if reset == "none" else (place.lost(STEP, words, reset, "none"),))
    fields = {**fields, "v_threshold": full(node.param["v_threshold"], shape), "v_reset": _same(shape, 0.0)}
    return Written(kind, fields, tuple(_lost(place)))


def _lost(place: Place) -> list[Finding]:
    node = place.node
    reset, found = str(node.attribute["reset"]), []
    if reset in RESETS:
        words, new = RESETS[reset]
        found.append(place.lost(STEP, words, reset, new))
    if reset != "none" and node.attribute.get("reset_delay", True):
        words = "the reset waits for the next step (reset_delay); NIR's comes with the spike"
        found.append(place.lost(STEP, words, "a step later", "at once"))
    if node.attribute.get("graded"):
        grade = node.param["grade"].array.flat[0]
        found.append(place.lost(STEP, "spikes count for something else than 1", f"{grade:g}", "1"))
    return found


def _wide(place: Place, name: str) -> Array:
    return np.asarray(place.node.param[name].array, np.float64)


def _same(shape: Shape, value: float) -> Tensor:
    return tensor(np.full(shape, value))


def _steps(place: Place, factor: Array, name: str) -> Array:
    """1 / (1 - factor): the time constant in steps. Raises ``UnsayableError`` where there is none."""
    lost = 1.0 - factor
    if not bool(np.all(np.isfinite(lost) & (lost > 0))):
        raise UnsayableError(f"{name} is 1 for some neurons and not for others: no time constant says so")
    return np.asarray(1.0 / lost)
