"""How much of everything a board of Dynap-SE2 chips has, each number with its source."""

from __future__ import annotations

from snnhub.api.target import Limit

OP = "dynapse2.DynapSim"
PAPER = "Richter et al. 2023, arXiv 2310.00564"
ROCKPOOL = "Rockpool 3.1.0, devices/dynapse/lookup/defaults.py"

CHIPS, CORES, NEURONS = 4, 4, 256
"""Chips of a board, cores of a chip, neurons of a core."""
CAM, SRAM = 64, 4
"""Synapses and destinations of a neuron."""
TAGS = 2048
"""Tags have 11 bits."""
BASES, MASKS = 4, 16
"""Base weights of a core; a synapse adds up any of them."""
HOP = 7
"""Hops in x and y are -7 to 7."""
CHIP_NEURONS = CORES * NEURONS

LIMITS = (
    Limit(OP, "neurons", 0, CHIPS * CHIP_NEURONS, f"{PAPER}: 4 cores of 256 neurons a chip; {ROCKPOOL}: 4 chips"),
    Limit(OP, "fan-in", 0, CAM, f"{PAPER}: 64 synapses per neuron; {ROCKPOOL}"),
    Limit(OP, "destinations", 0, SRAM, f"{PAPER}: 4 destinations per neuron; {ROCKPOOL}"),
    Limit(OP, "tags of a core", 0, TAGS, f"{PAPER}: 11-bit tags; {ROCKPOOL}"),
    Limit(OP, "monitored neurons", 0, TAGS, "a monitor event carries a tag of 11 bits and nothing else"),
)
"""Counts that mapping checks."""
