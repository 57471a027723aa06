"""Weights of a core to four base currents and masks of four bits, on the currents that the chip has."""
