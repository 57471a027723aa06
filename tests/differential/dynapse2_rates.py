"""Firing rates on Dynap-SE2's grid against the float network and against Rockpool's autoencoder, all of them in
live DynapSim with the vendor's currents. ``python -m tests.differential.dynapse2_rates`` measures every network.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from snnhub_dynapse2.configure import configure
from snnhub_dynapse2.dac import PARAMETERS, SCALES, Code
from snnhub_dynapse2.decode import decode
from snnhub_dynapse2.document import write
from snnhub_dynapse2.mapping.mapped import map_network
from snnhub_dynapse2.mapping.options import Options
from snnhub_dynapse2.network import CURRENTS, Network
from snnhub_dynapse2.reader import read
from snnhub_dynapse2.restore import restored

from tests.differential.dynapse2_reference import ask
from tests.networks.dynapse2_rate_nets import ROWS, Row, made

RUNS = 5
OURS = ("off", "auto")
"""Without split synapses (what the autoencoder has too), and with them."""


@dataclass(frozen=True)
class Rates:
    """Root mean square errors (Hz) of the neurons' rates; ``rate``: the float network's mean rate. ``whole``: with
    rounded currents on both sides, ``split``: with split synapses too; ``weights``: the network's own currents on
    both sides. Pairs of ours and of the autoencoder's median.
    """

    name: str
    rate: float
    whole: tuple[float, float]
    weights: tuple[float, float]
    split: float

    def __str__(self) -> str:
        numbers = " | ".join(f"{ours:.2f} | {theirs:.2f}" for ours, theirs in (self.whole, self.weights))
        return f"| {self.name} | {self.rate:.0f} | {numbers} | {self.split:.2f} |"


def on_chip(network: Network, split: str, vendor: Any) -> Network:
    """The network that ``dynapse2.json`` holds, its codes read with the vendor's currents (2, 6, 256)."""
    data = write(configure(map_network(network, options=Options(split=split))))
    tables = dict(zip("NP", vendor, strict=True))

    def amps(parameter: str, code: Code) -> float:
        return float(tables[parameter[-1]][code.coarse, code.fine] * SCALES[parameter])

    with mock.patch("snnhub_dynapse2.restore.amps", amps):
        return restored(read(data), decode(data))[0]


def measured(rows: Sequence[Row], folder: Path) -> list[Rates]:
    """Every network in one question to Rockpool: its autoencoder's runs and all simulations."""
    vendor = ask(folder, "table", names=tuple(SCALES))["currents"]
    given: dict[str, Any] = {}
    networks = [made(row) for row in rows]
    for number, (network, x) in enumerate(networks):
        chips = [on_chip(network, split, vendor) for split in OURS]
        held = [(network, network), *((chip, chip) for chip in chips), (chips[0], network)]
        given[f"weights_{number}"] = np.array(
            [np.concatenate([w.w_in, w.w_rec]) * _unit(w, i, network) for w, i in held]
        )
        given[f"currents_{number}"] = np.array([[i.currents[name] for name in CURRENTS] for _, i in held])
        given[f"x_{number}"] = x
    answer = ask(
        folder,
        "rates",
        networks=len(rows),
        runs=RUNS,
        iscale=networks[0][0].iscale,
        names=CURRENTS,
        parameters=tuple(PARAMETERS[name][0] for name in CURRENTS),
        cache=str(folder / "programs"),
        **given,
    )
    return [
        _rates(row, answer[f"counts_{number}"], x)
        for number, (row, (_, x)) in enumerate(zip(rows, networks, strict=True))
    ]


def _unit(weights: Network, currents: Network, network: Network) -> float:
    """What a weight counts in units of the network's iscale; with its own currents a weight is what it is."""
    return weights.iscale / network.iscale if weights is currents else 1.0


def _rates(row: Row, counts: Any, x: Any) -> Rates:
    hertz = counts / (len(x) * 1e-3)
    errors = np.sqrt(np.square(hertz - hertz[0]).mean(axis=1))
    _, ours, split, alone, *theirs = errors.tolist()
    whole, weights = theirs[:RUNS], theirs[RUNS:]
    return Rates(
        row.name,
        float(hertz[0].mean()),
        (ours, float(np.median(whole))),
        (alone, float(np.median(weights))),
        split,
    )


def ratio(pair: tuple[float, float]) -> float:
    """Ours over theirs; 1 where both are exact."""
    ours, theirs = pair
    return ours / theirs if theirs else (1.0 if not ours else np.inf)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        found = measured(ROWS, Path(name))
    for line in found:
        print(line)
    for kind in ("whole", "weights"):
        ratios = [ratio(getattr(line, kind)) for line in found]
        print(f"{kind}: median ratio {np.median(ratios):.2f}, worst {max(ratios):.2f}")
