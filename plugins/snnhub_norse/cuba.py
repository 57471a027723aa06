"""The CubaLIF of norse's NIR importer: a factor, a leaky current, a factor, and a LIFBoxCell.

Source: norse 1.1.0, ``norse.torch.utils.import_nir.CubaLIF``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from snnhub.ir.graph import Port
from snnhub.ir.tensor import Tensor
from snnhub.torchnet.framework import Neuron
from snnhub.torchnet.signals import Signal
from snnhub.torchnet.site import Site, scalar

from snnhub_norse import cells
from snnhub_norse.coefficients import Number, checked, coefficient
from snnhub_norse.neurons import negative_zero, neuron, reset_of

SYNAPSE, MEMBRANE = neuron(cells.LI_BOX), neuron(cells.BOX)


def _handled(module: Any, signal: Signal, site: Site) -> Mapping[str, Signal]:
    """One op where synapse and membrane share v_leak and the reset goes to 0; else the chain that it is."""
    shape = signal.features

    def read(values: Mapping[str, Number]) -> dict[str, Tensor]:
        return {name: coefficient(name, item, shape) for name, item in values.items()}

    synapse, membrane = read(cells.LI_BOX.read(module.synapse)), read(cells.BOX.read(module.lif))
    factors = read({"w_in": Number(module.w_in), "r": Number(module.r)})
    shared = np.array_equal(synapse["v_leak"].array, membrane["v_leak"].array)
    plain = reset_of(module.lif) == "value" and not np.any(membrane["v_reset"].array)
    if not shared or not plain or negative_zero(membrane["v_leak"]):
        return _chain(module, signal, site, factors)
    params = {name: membrane[name] for name in ("c", "v_leak", "v_threshold")} | factors | {"c_syn": synapse["c"]}
    port = site.builder.node(site.name, "norse.CubaLIF", signal.port, params=params, origin=site.origin)
    return {"s": signal.moved(port, shape)} | {
        name: signal.moved(Port(site.name, name), shape) for name in ("i", "v")
    }


def _chain(module: Any, signal: Signal, site: Site, factors: Mapping[str, Tensor]) -> Mapping[str, Signal]:
    def scaled(arriving: Signal, name: str) -> Signal:
        params = {"scale": factors[name], "shift": scalar(0.0)}
        port = site.builder.node(
            f"{site.name}/{name}", "core.Scale", arriving.port, params=params, origin=site.origin
        )
        return arriving.moved(port, arriving.features)

    inner = Site(f"{site.name}/synapse", site.origin, site.builder)
    current = SYNAPSE.handle(module.synapse, scaled(signal, "w_in"), inner)["y"]
    return {**MEMBRANE.handle(module.lif, scaled(current, "r"), site), "i": current}


def _check(module: Any) -> None:
    SYNAPSE.check(module.synapse)
    MEMBRANE.check(module.lif)
    for name in ("w_in", "r"):
        checked(name, Number(getattr(module, name)))


def _returned(module: Any, result: Any) -> Mapping[str, Any]:
    out, (synapse, membrane) = result
    return {"s": out, "v": membrane.v, "i": synapse.v}


CUBA = Neuron(_handled, _check, _returned, keeps=False)
