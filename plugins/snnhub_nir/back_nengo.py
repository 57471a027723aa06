"""Nengo's neurons as NIR's LIF and IF: ``J = (r x + v_leak) / v_threshold``, thresholds of 1, as in ``nengo-4``.

Fields are f64 as the op has them, so that the profile gets every bit back. What NIR cannot say is a loss: the time
of a spike within its step, refractory times, several spikes per step.
"""

from __future__ import annotations

import numpy as np
from snnhub.ir.tensor import Array, Tensor, tensor

from snnhub_nir.back_layers import STEP, Place, UnsayableError, Written, full

SUBSTEP = "a spike's time within its step goes on in the next one, and potentials below 0 become 0"
COUNTED = "several spikes per step, each of which takes the threshold away, and inputs below 0 count as 0"


def lif(place: Place) -> Written:
    """``nengo.LIF``: tau is in seconds already."""
    tau, wait = _numbers(place, "tau"), _numbers(place, "t_ref")
    if not bool(np.all(np.isfinite(tau) & (tau > 0))):
        raise UnsayableError("tau is not above 0 for all neurons")
    lost = [place.lost(STEP, f"{SUBSTEP}; NIR resets to v_reset")]
    if bool(wait.any()):
        words = "a refractory time, which no neuron of NIR has"
        lost.append(place.lost(STEP, words, f"up to {wait.max():g} s", "0 s"))
    fields = {"tau": full(tau, place.leaving), "v_leak": full(_numbers(place, "bias"), place.leaving)}
    return Written("LIF", _firing(place) | fields, tuple(lost))


def rectified(place: Place) -> Written:
    """``nengo.SpikingRectifiedLinear``: an IF."""
    return Written(
        "IF", _firing(place), (place.lost(STEP, f"{COUNTED}; NIR has one spike, and resets to v_reset"),)
    )


def _firing(place: Place) -> dict[str, Tensor]:
    """Gain, a threshold of 1 and a reset to 0: Nengo has no others."""
    ends = {
        name: tensor(np.full(place.leaving, value)) for name, value in {"v_threshold": 1.0, "v_reset": 0.0}.items()
    }
    return {"r": full(_numbers(place, "gain"), place.leaving), **ends}


def _numbers(place: Place, name: str) -> Array:
    return np.asarray(place.node.param[name].array, np.float64)
