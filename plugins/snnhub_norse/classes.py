"""norse's classes with a state, by name: cells of one step, modules of whole sequences, recurrent ones of both."""

from __future__ import annotations

from collections.abc import Mapping

from snnhub.torchnet.framework import Neuron

from snnhub_norse import cells
from snnhub_norse.cuba import CUBA
from snnhub_norse.neurons import neuron


def _cells() -> dict[str, Neuron]:
    found = {
        "LIFBoxCell": neuron(cells.BOX),
        "LIBoxCell": neuron(cells.LI_BOX),
        "LILinearCell": neuron(cells.LI, weights="linear"),
        "LIFRefracCell": neuron(cells.LIF_REFRAC),
        "LIFAdExRefracCell": neuron(cells.LIF_ADEX_REFRAC),
        "CubaLIF": CUBA,
    }
    forms = {"LIF": cells.LIF, "LIFEx": cells.LIF_EX, "LIFAdEx": cells.LIF_ADEX, "LSNN": cells.LSNN}
    whole = {**forms, "Izhikevich": cells.IZHIKEVICH}
    for name, cell in {**whole, "IAF": cells.IAF, "LI": cells.LI}.items():
        found |= {f"{name}Cell": neuron(cell), name: neuron(cell, sequence=True)}
    recurrent = {**whole, "LIFRefrac": cells.LIF_REFRAC, "LIFAdExRefrac": cells.LIF_ADEX_REFRAC}
    for name, cell in recurrent.items():
        found[f"{name}RecurrentCell"] = neuron(cell, weights="recurrent")
        found[f"{name}Recurrent"] = neuron(cell, sequence=True, weights="recurrent")
    return found


NEURONS: Mapping[str, Neuron] = _cells()
