"""The same network in Rockpool, for comparison: ``with_rockpool.py WEIGHTS OUT.npz``, in the environment
``dynapse2``.

Runs in its own process and knows nothing of snnhub: Rockpool is AGPL-3.0. Its mapper, its autoencoder and its bias
generator give the quantised network; chip objects, which need samna, are left out. ``WEIGHTS``: a folder with
``w_in_optimized.npy`` and ``w_rec_optimized.npy``, or an ``.npz`` with ``w_in`` and ``w_rec``.
"""

from __future__ import annotations

import argparse
import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from noise import DT, KNOWN, UNKNOWN, frozen_noise

BASES = 4
WEIGHT = "SYAM_W0_P"
CODES = {
    "Idc": "SOIF_DC_P",
    "If_nmda": "DENM_NMREV_N",
    "Igain_ahp": "SOAD_GAIN_P",
    "Igain_mem": "SOIF_GAIN_N",
    "Igain_syn": "DEAM_EGAIN_P",
    "Ipulse": "SYPD_EXT_N",
    "Ipulse_ahp": "SOAD_PWTAU_N",
    "Iref": "SOIF_REFR_N",
    "Ispkthr": "SOIF_SPKTHR_P",
    "Itau_ahp": "SOAD_TAU_P",
    "Itau_mem": "SOIF_LEAK_N",
    "Itau_syn": "DEAM_ETAU_P",
    "Iw_ahp": "SOAD_W_N",
}
"""Which parameter of a core sets which current."""


def network(w_in: Any, w_rec: Any, **more: Any) -> Any:
    """The tutorial's network: a linear layer and two recurrent neurons."""
    from rockpool.devices.dynapse import DynapSim
    from rockpool.nn.combinators import Sequential
    from rockpool.nn.modules import LinearJax

    linear = LinearJax(w_in.shape, has_bias=False, weight=w_in.astype(np.float32))
    neurons = DynapSim(w_rec.shape, has_rec=True, w_rec=w_rec.astype(np.float32), dt=DT, **more)
    return Sequential(linear, neurons)


def counts(net: Any) -> tuple[Any, Any]:
    """Spikes (samples, neurons) of the known and of the unknown samples."""
    found = []
    for samples, seed in (KNOWN, UNKNOWN):
        raster = frozen_noise(samples, seed).swapaxes(0, 1)
        found.append(np.asarray(net.reset_state()(raster)[0]).sum(axis=1))
    return found[0], found[1]


def chosen(name: str, value: float) -> float:
    """The current that the nearest code of the bias generator gives, by the vendor's table."""
    from rockpool.devices.dynapse.lookup import scale_factor_se2
    from rockpool.devices.dynapse.parameters.biasgen import analog_to_digital, digital_to_analog

    scale, kind = scale_factor_se2[name], name[-1]
    return float(digital_to_analog(*analog_to_digital(float(value), scale, kind), scale, kind))


def quantised(w_in: Any, w_rec: Any, seed: int) -> Any:
    """The network as Rockpool's mapper and autoencoder make it, every current on the grid of the bias
    generator.
    """
    from rockpool.devices.dynapse import autoencoder_quantization, mapper

    np.random.seed(seed)  # noqa: NPY002  Rockpool has no other way
    spec = mapper(network(w_in, w_rec).as_graph())
    spec.pop("mapped_graph")
    spec.update(autoencoder_quantization(**spec))
    amps = np.array([chosen(WEIGHT, spec[f"Iw_{bit}"][0]) for bit in range(BASES)])
    made = [_weights(spec, part, amps) for part in ("in", "rec")]
    currents = {name: np.full(2, chosen(code, spec[name][0]), np.float32) for name, code in CODES.items()}
    return network(made[0], made[1], Iscale=spec["Iscale"], **currents)


def _weights(spec: Mapping[str, Any], part: str, amps: Any) -> Any:
    bits = (np.asarray(spec[f"weights_{part}"][0])[..., None] >> np.arange(BASES)) & 1
    return np.asarray(spec[f"sign_{part}"][0]) * (bits @ amps) / spec["Iscale"]


def main() -> None:
    """Run all networks and write their counts."""
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("weights", type=Path)
    said.add_argument("output", type=Path)
    said.add_argument("--runs", type=int, default=5, help="runs of the autoencoder")
    said.add_argument("--draws", type=int, default=0, help="draws of mismatch; each takes 12 s")
    given = said.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)  # Rockpool warns of every optional package that is not there
    from jax import random

    folder = given.weights
    if folder.is_dir():
        w_in, w_rec = (np.load(folder / f"w_{name}_optimized.npy") for name in ("in", "rec"))
    else:
        with np.load(folder) as file:
            w_in, w_rec = file["w_in"], file["w_rec"]
    found = {"float": [counts(network(w_in, w_rec))]}
    found["autoencoder"] = [counts(quantised(w_in, w_rec, seed)) for seed in range(given.runs)]
    found["mismatch"] = [
        counts(network(w_in, w_rec, percent_mismatch=0.05, rng_key=random.PRNGKey(key)))
        for key in range(given.draws)
    ]
    both = {
        f"{name}_{part}": [run[k] for run in runs] for name, runs in found.items() for k, part in PARTS if runs
    }
    np.savez(given.output, **{name: np.stack(arrays) for name, arrays in both.items()})


PARTS = ((0, "known"), (1, "unknown"))

if __name__ == "__main__":
    main()
