"""Neurons alone."""


def neurons(size, **given):
    """DynapSim, at its own currents but for what is given; blocked for a part of a step after a spike."""
    from rockpool.devices.dynapse import DynapSim

    return DynapSim((size, size), **{"Iref": 1.5e-9, **given})


def network():
    return neurons(4, Igain_syn=8e-8)
