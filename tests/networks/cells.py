"""Every kind of neuron that can be imported, in dense and convolutional networks with random weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from spikingjelly.activation_based import functional, layer, neuron
from spikingjelly.activation_based.lava_exchange import CubaLIFNode
from torch import nn

from tests.networks.spiking import scaled

Options = dict[str, Any]


def parametric(v_reset: float | None = 0.0, tau: float = 2.0, decay_input: bool = True) -> nn.Module:
    """A leak that has been learned: not one over a number."""
    cell = neuron.ParametricLIFNode(tau, decay_input, v_reset=v_reset)
    cell.w.data += 0.0625
    return cell


def klif(
    v_reset: float | None = 0.0,
    tau: float = 2.0,
    decay_input: bool = True,
    scale_reset: bool = False,
    k: float = 1.7,
    v_threshold: float = 0.37,
) -> nn.Module:
    """A factor k that has been learned; 0.37 / 1.7 is one of those that two roundings change."""
    cell = neuron.KLIFNode(scale_reset, tau, decay_input, v_threshold, v_reset)
    cell.k.data.fill_(k)
    return cell


def qif(v_reset: float | None = -0.2, tau: float = 2.0) -> nn.Module:
    """Quadratic."""
    return neuron.QIFNode(tau, v_c=0.6, a0=0.7, v_rest=-0.05, v_reset=v_reset)


def eif(v_reset: float | None = -0.2, tau: float = 2.0) -> nn.Module:
    """Exponential."""
    return neuron.EIFNode(tau, delta_T=0.7, theta_rh=0.75, v_rest=-0.05, v_reset=v_reset)


def izhikevich(
    v_reset: float | None = 0.0, tau: float = 2.0, a: float = 0.3, b: float = 0.15, w_rest: float = 0.05
) -> nn.Module:
    """With a recovery variable that moves, which SpikingJelly's defaults keep still."""
    return neuron.IzhikevichNode(tau, 0.6, 0.7, v_reset=v_reset, a=a, b=b, tau_w=3.0, w_rest=w_rest)


def raf(v_reset: float | None = 0.0, omega: float = 1.0) -> nn.Module:
    """Resonating."""
    return neuron.RAFNode(b=-0.2, omega=omega, v_threshold=0.5, v_reset=v_reset)


def cuba(v_reset: float | None = 0.0, c_decay: float = 0.3, v_decay: float = 0.7) -> nn.Module:
    """A current in front of the membrane."""
    return neuron.CUBALIFNode(c_decay, v_decay, 0.8, v_reset)


def lava(decay: float = 0.3, scale: int = 64, learned: bool = False) -> nn.Module:
    """Lava's neuron as SpikingJelly imitates it."""
    return CubaLIFNode(decay, 0.1, scale=scale, requires_grad=learned)


def simple(kind: str = "IF", v_reset: float | None = 0.0, tau: float = 2.0, decay_input: bool = True) -> nn.Module:
    """The teaching classes."""
    if kind == "IF":
        return neuron.SimpleIFNode(v_reset=v_reset)
    return neuron.SimpleLIFNode(tau, decay_input, v_reset=v_reset)


def online(kind: str = "SLTT", v_reset: float | None = None, tau: float = 2.0) -> nn.Module:
    """LIF neurons with rules for learning online, evaluated."""
    return (neuron.OTTTLIFNode if kind == "OTTT" else neuron.SLTTLIFNode)(tau, v_reset=v_reset)


class Filtered(nn.Sequential):
    """A synapse filter between neurons and their own threshold."""

    def __init__(self, tau: float = 2.0, learnable: bool = False) -> None:
        super().__init__(layer.SynapseFilter(tau, learnable), neuron.IFNode(1.5))


CELLS: dict[str, Callable[..., nn.Module]] = {
    "parametric": parametric,
    "klif": klif,
    "qif": qif,
    "eif": eif,
    "izhikevich": izhikevich,
    "raf": raf,
    "cuba": cuba,
    "lava": lava,
    "simple": simple,
    "online": online,
    "filter": Filtered,
}


def alone(cell: str, mode: str = "m", **options: Any) -> nn.Module:
    """The neurons alone, fed directly: every voltage can be compared bit by bit."""
    net = nn.Sequential(CELLS[cell](**options))
    functional.set_step_mode(net, mode)
    return net


def network(cell: str, mode: str = "m", form: str = "dense", gain: float = 2.0, **options: Any) -> nn.Module:
    """Two layers of such neurons: dense ones, or a convolution with batch norm and a dense layer."""
    cells = CELLS[cell]
    if form == "dense":
        parts = [layer.Linear(12, 30), cells(**options), layer.Linear(30, 10, bias=False), cells(**options)]
    else:
        parts = [layer.Conv2d(2, 5, 3, padding=1, bias=False), layer.BatchNorm2d(5), cells(**options)]
        parts += [layer.MaxPool2d(2), layer.Flatten(), layer.Linear(45, 10), cells(**options)]
    net = nn.Sequential(*parts)
    functional.set_step_mode(net, mode)
    return scaled(net, gain)


SHAPES = {"dense": (12,), "conv": (2, 6, 6)}


def refused() -> dict[str, nn.Module]:
    """Every neuron that SpikingJelly exports and that cannot be held, by class name."""
    table = neuron.FewSpikeTable(torch.ones(4), torch.ones(4), torch.ones(4))
    return {
        "PSN": neuron.PSN(4),
        "MaskedPSN": neuron.MaskedPSN(2, 4),
        "SlidingPSN": neuron.SlidingPSN(2),
        "GatedLIFNode": neuron.GatedLIFNode(4),
        "ComplementaryLIFNode": neuron.ComplementaryLIFNode(),
        "LIAFNode": neuron.LIAFNode(torch.relu, False),
        "ILIFNode": neuron.ILIFNode(),
        "TernaryIFNode": neuron.TernaryIFNode(),
        "TernaryLIFNode": neuron.TernaryLIFNode(),
        "STBIFNode": neuron.STBIFNode(1.0, 4, True),
        "DSRIFNode": neuron.DSRIFNode(),
        "DSRLIFNode": neuron.DSRLIFNode(),
        "HalfThresholdIFNode": neuron.HalfThresholdIFNode(),
        "ActivationAwareIFNode": neuron.ActivationAwareIFNode(),
        "MPBNBaseNode": neuron.MPBNBaseNode(out_features=4),
        "MPBNLIFNode": neuron.MPBNLIFNode(out_features=4),
        "NonSpikingIFNode": neuron.NonSpikingIFNode(),
        "NonSpikingLIFNode": neuron.NonSpikingLIFNode(),
        "FewSpikeNode": neuron.FewSpikeNode(table),
        "HGNode": neuron.HGNode([table, table], [0.5]),
        "OutlierAwareThresholdNode": neuron.OutlierAwareThresholdNode(table, table, 0.5),
        "FlexSN": neuron.FlexSN(lambda x, v: (x, v), 1),
        "ILCIFNode": neuron.ILCIFNode(2, 2),
        "ILCLIFNode": neuron.ILCLIFNode(2, 2),
        "ILCCUBALIFNode": neuron.ILCCUBALIFNode(2, 2),
        "NoisyCUBALIFNode": neuron.NoisyCUBALIFNode(4),
        "NoisyILCCUBALIFNode": neuron.NoisyILCCUBALIFNode(2, 2),
        "NoisyNonSpikingIFNode": neuron.NoisyNonSpikingIFNode(4),
        "BaseNode": neuron.BaseNode(),
        "SimpleBaseNode": neuron.SimpleBaseNode(),
        "AdaptBaseNode": neuron.AdaptBaseNode(),
        "NonSpikingBaseNode": neuron.NonSpikingBaseNode(),
        "ILCBaseNode": neuron.ILCBaseNode(2, 2),
        "NoisyBaseNode": neuron.NoisyBaseNode(4),
        "NoisyILCBaseNode": neuron.NoisyILCBaseNode(2, 2),
        "NoisyNonSpikingBaseNode": neuron.NoisyNonSpikingBaseNode(4),
    }
