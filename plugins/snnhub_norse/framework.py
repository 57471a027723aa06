"""norse for the generic importer: its neurons, containers, the length of its step, what is refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from snnhub.errors import UnsupportedError
from snnhub.findings import error
from snnhub.torchnet.framework import Framework

from snnhub_norse.classes import NEURONS

if TYPE_CHECKING:
    from torch import nn

CONTAINERS = frozenset({"SequentialState", "RecurrentSequential", "Lift", "ConvNet", "ConvNet4"})
"""norse's own modules without numbers of their own, whose forward is followed like the user's."""
ENCODE = "Encode before the network: give it what the encoder makes."
CHANCE = "It draws random numbers. " + ENCODE
LEARNS = "It changes its weights while it runs. Import the network without it."
COMPARTMENTS = "Currents between neurons within a step are not held. Use LIFCell."
REMEDIES: Mapping[str, str] = {
    **dict.fromkeys(("PoissonEncoder", "PoissonEncoderStep"), CHANCE),
    **dict.fromkeys(("SignedPoissonEncoder", "SignedPoissonEncoderStep"), CHANCE),
    **dict.fromkeys(("ConstantCurrentLIFEncoder", "SpikeLatencyLIFEncoder"), ENCODE),
    **dict.fromkeys(("SpikeLatencyEncoder", "PopulationEncoder"), ENCODE),
    "SpikesToTimesDecoder": "Decode what the network gives.",
    "CobaLIFCell": "norse 1.1.0 overwrites the conductances that its input has made (coba_lif_step). Use LIFCell.",
    **dict.fromkeys(("LIFMCRecurrentCell", "LIFMCRefracRecurrentCell"), COMPARTMENTS),
    **dict.fromkeys(("LIFCorrelation", "LIFCorrelationCell"), LEARNS),
    "ExpFilter": "Use LILinearCell, or torch.nn.Linear and LIBoxCell.",
    "LConv2d": "Use norse.torch.Lift(torch.nn.Conv2d(…)).",
    "RegularizationCell": "It counts spikes for a loss. Leave it out of the network that is imported.",
    "SNNCell": "Use the class of norse that the step belongs to, such as LIFCell.",
    "SNN": "Use the class of norse that the step belongs to, such as LIF.",
}


def step_length(net: nn.Module) -> float | None:
    """Seconds per step, where all modules with a state say the same."""
    found = {float(length) for module in net.modules() if (length := _dt(module)) is not None}
    return found.pop() if len(found) == 1 else None


def _dt(module: Any) -> float | None:
    """What a norse module says of its step; an integrator has one and does not use it."""
    return getattr(module, "dt", None) if is_neuron(module) else None


def is_neuron(module: Any) -> bool:
    """Whether it is a module of norse with a state, or of a class that derives from one."""
    bases = (base for base in type(module).__mro__ if base.__module__.startswith("norse."))
    return next((base.__name__ for base in bases), "") in NEURONS


def in_a_sequence(net: nn.Module) -> nn.Module:
    """A cell alone in a SequentialState, which hands its state on.

    Raises ``UnsupportedError`` for a network that norse made of a NIR file: its states are no tensors.
    """
    if type(net).__module__.startswith("nirtorch."):
        words = f"{type(net).__name__} is a network that norse made of NIR"
        remedy = "Give snnhub the NIR file itself, with --profile norse-1."
        raise UnsupportedError(words, remedy=remedy, findings=[error("SNN-3540", "network", words, remedy=remedy)])
    if not is_neuron(net):
        return net
    from norse.torch import SequentialState

    return SequentialState(net)


NORSE = Framework(
    "norse",
    "norse",
    NEURONS,
    walked=CONTAINERS,
    unwrap=in_a_sequence,
    dt=step_length,
    packages=("norse", "nirtorch", "nir"),
    remedies=REMEDIES,
)
