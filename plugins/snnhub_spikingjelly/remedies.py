"""What to do about modules that cannot be held. Every neuron that SpikingJelly 2.0.0 exports is held or here."""

from __future__ import annotations

_ONE_STEP = "Use a neuron that advances step by step, such as LIFNode."
_TABLES = (
    "It sums its whole input first and then fires by a table of steps. Train the network with IFNode or LIFNode."
)
_NOISE = "It draws random numbers in every step. Import the network with the same neuron without noise: "
_INTER = "A learned convolution feeds its spikes into its own next input. Use "
_LEVELS = "Its spikes have several values; a spike here is 0 or 1. Use "
_BASE = "It has no equation of its own. Use a neuron that has one, such as IFNode."

REMEDIES = {
    "PSN": f"It mixes all time steps. {_ONE_STEP}",
    "SlidingPSN": f"It mixes several time steps. {_ONE_STEP}",
    "MaskedPSN": f"It mixes several time steps. {_ONE_STEP}",
    "GatedLIFNode": "Its parameters change from step to step. Use LIFNode.",
    "ComplementaryLIFNode": "Its reset takes a sigmoid of its history. Use LIFNode with v_reset=None.",
    "LIAFNode": "It puts out an activation of its potential, not spikes. Use LIFNode.",
    "ILIFNode": f"{_LEVELS}LIFNode(decay_input=False, v_reset=None).",
    "TernaryIFNode": f"{_LEVELS}IFNode.",
    "TernaryLIFNode": f"{_LEVELS}LIFNode.",
    "STBIFNode": f"{_LEVELS}IFNode.",
    "DSRIFNode": "Its spikes are as high as its threshold. Use IFNode and scale the next weights.",
    "DSRLIFNode": "Its spikes are as high as its threshold. Use LIFNode and scale the next weights.",
    "HalfThresholdIFNode": "It starts at half its threshold. Use IFNode(v_reset=None).",
    "ActivationAwareIFNode": "Offsets per channel cannot be held. Use IFNode and fold them into weights.",
    "MPBNLIFNode": "It normalises its potential. Put BatchNorm2d before a LIFNode.",
    "MPBNBaseNode": "It normalises its potential. Put BatchNorm2d before a LIFNode.",
    "NonSpikingIFNode": "It puts out a potential, reduced over time. Use the layer before it as the output.",
    "NonSpikingLIFNode": "It puts out a potential, reduced over time. Use SynapseFilter, or the layer before it.",
    "FewSpikeNode": _TABLES,
    "HGNode": _TABLES,
    "OutlierAwareThresholdNode": _TABLES,
    "FlexSN": "Its step is a Python function. Register an op of your own for it, or use a neuron of the list.",
    "ILCIFNode": f"{_INTER}IFNode.",
    "ILCLIFNode": f"{_INTER}LIFNode.",
    "ILCCUBALIFNode": f"{_INTER}CUBALIFNode.",
    "NoisyCUBALIFNode": f"{_NOISE}CUBALIFNode.",
    "NoisyILCCUBALIFNode": f"{_NOISE}CUBALIFNode.",
    "NoisyNonSpikingIFNode": f"{_NOISE}IFNode.",
    "ILCBaseNode": _BASE,
    "NoisyBaseNode": _BASE,
    "NoisyILCBaseNode": _BASE,
    "NoisyNonSpikingBaseNode": _BASE,
    "AdaptBaseNode": _BASE,
    "BaseNode": _BASE,
    "SimpleBaseNode": _BASE,
    "NonSpikingBaseNode": _BASE,
    "TLastSeqToANNContainer": "Time comes first here: use SeqToANNContainer and permute before the network.",
    "TLastMultiStepContainer": "Time comes first here: use MultiStepContainer and permute before the network.",
    **{f"AdaptiveMaxPool{n}d": f"Use MaxPool{n}d with a kernel that gives the same size." for n in (1, 2, 3)},
    **{f"ConvTranspose{n}d": "Use Upsample (nearest) and a convolution." for n in (1, 2, 3)},
}
