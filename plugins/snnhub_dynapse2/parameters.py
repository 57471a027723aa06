"""Parameters of Dynap-SE2's neurons: what the programs read, and the bias currents behind it. SI units throughout.

Names of what the program reads are those of the ``.npz`` form; names of biases are Rockpool's own.
"""

from __future__ import annotations

from snnhub.ir.numtype import F32, integer
from snnhub.ir.op import Attribute, Attributes, Parameter

MOST_BLOCKED = 1 << 20
"""Longest refractory period in steps: beyond it a neuron that fired is taken for dead."""

FACTORS = (
    Parameter("f_charge", "part of its target that the synaptic current takes in one pulse", F32),
    Parameter("f_discharge", "part of the synaptic current kept per step", F32),
    Parameter("f_charge_ahp", "part of its target that the adaptation current takes in one pulse", F32),
    Parameter("f_discharge_ahp", "part of the adaptation current kept per step", F32),
)
"""The four exponentials: stored as they were computed, never computed again."""

CURRENTS = (
    Parameter("r_syn", "gain of the synapse: Igain_syn / Itau_syn, both at least Io", F32, unit="1"),
    Parameter("r_ahp", "gain of the adaptation: Igain_ahp / Itau_ahp, both at least Io", F32, unit="1"),
    Parameter("r_mem", "gain of the membrane: Ig_mem / It_mem", F32, unit="1"),
    Parameter("t_ref", "refractory period: Vth C_ref / Iref", F32, unit="s"),
    Parameter("It_mem", "leak of the membrane, at least Io", F32, unit="A"),
    Parameter("Ig_mem", "gain current of the membrane, at least Io", F32, unit="A"),
    Parameter("Idc", "constant current into the membrane", F32, unit="A"),
    Parameter("Ispkthr", "membrane current above which the neuron fires", F32, unit="A"),
    Parameter("Iw_ahp", "weight current of the adaptation, per spike", F32, unit="A"),
    Parameter("Io", "dark current, and the floor of every current", F32, unit="A"),
    Parameter("I_init", "isyn, iahp and imem before the first step; mismatch leaves it alone", F32, unit="A"),
    Parameter("Ut", "thermal voltage", F32, unit="V"),
    Parameter("c_tau", "Ut C_mem / kappa; divided by the leak it is the membrane's time constant", F32, unit="C"),
    Parameter("utk", "Ut / kappa", F32, unit="V"),
    Parameter("kp", "kappa^2 / (kappa + 1)", F32, unit="1"),
    Parameter("Iscale", "current of a weight of 1", F32, unit="A"),
    Parameter("dt", "length of a step; the graph's own, where it has one", F32, unit="s", step=True),
    Parameter("n_ref", "steps that the timer of t_ref blocks the input after a spike", integer(0, MOST_BLOCKED)),
)

BIASES = (
    *(
        Parameter(name, doc, None, unit="A")
        for name, doc in (
            ("Itau_syn", "leak of the synapse"),
            ("Igain_syn", "gain current of the synapse"),
            ("Itau_ahp", "leak of the adaptation"),
            ("Igain_ahp", "gain current of the adaptation"),
            ("Itau_mem", "leak of the membrane as it was set"),
            ("Igain_mem", "gain current of the membrane as it was set"),
            ("Ipulse", "width of the pulse that a spike becomes at a synapse"),
            ("Ipulse_ahp", "width of the pulse that a spike becomes at the adaptation"),
            ("Iref", "length of the refractory period"),
            ("If_nmda", "gate of the NMDA synapse"),
        )
    ),
    *(
        Parameter(name, doc, None, unit="F")
        for name, doc in (
            ("C_syn", "capacitance of the synapse"),
            ("C_ahp", "capacitance of the adaptation"),
            ("C_mem", "capacitance of the membrane"),
            ("C_pulse", "capacitance of the pulse extender of the synapse"),
            ("C_pulse_ahp", "capacitance of the pulse extender of the adaptation"),
            ("C_ref", "capacitance of the refractory timer"),
        )
    ),
    Parameter("kappa_n", "subthreshold slope factor of n-type transistors", None, unit="1"),
    Parameter("kappa_p", "subthreshold slope factor of p-type transistors", None, unit="1"),
    Parameter("Vth", "cut-off voltage of the transistors", None, unit="V"),
)
"""What the others were computed from. No program reads them: a mapper does, and draws of mismatch do."""

KEEPS_BIASES = Attribute(
    "biases", "whether the bias currents and capacitances that the numbers came from are stored", (False, True)
)
COMPUTING: tuple[Parameter, ...] = (*FACTORS, *CURRENTS)


def parameters(attributes: Attributes) -> tuple[Parameter, ...]:
    """The parameters of ``dynapse2.DynapSim``."""
    return (*COMPUTING, *BIASES) if attributes.get("biases") is True else COMPUTING


def names(parameters: tuple[Parameter, ...]) -> tuple[str, ...]:
    """Their names, in order."""
    return tuple(parameter.name for parameter in parameters)
