"""Currents that differ."""


def grid(*shape):
    """Weights of -6 .. 10, in halves."""
    import numpy as np

    count = np.arange(np.prod(shape)).reshape(shape)
    return (((count * 7 + 3) % 33 - 12) / 2).astype(np.float32)


def spread(value, size):
    """A current times 1/2, 1 and 2 by turns."""
    import numpy as np

    return (value * 2.0 ** (np.arange(size) % 3 - 1)).astype(np.float32)


def linear(before, after, **given):
    from rockpool.nn.modules.jax import LinearJax

    return LinearJax(shape=(before, after), weight=grid(before, after), **{"has_bias": False, **given})


def neurons(size, **given):
    """DynapSim, at its own currents but for what is given; blocked for a part of a step after a spike."""
    from rockpool.devices.dynapse import DynapSim

    return DynapSim((size, size), **{"Iref": 1.5e-9, **given})


def different(size):
    """Every neuron has currents of its own."""
    names = {"Itau_syn": 8e-11, "Igain_syn": 8e-9, "Itau_mem": 5e-12, "Igain_mem": 2e-11, "Ispkthr": 1e-7}
    return neurons(size, **{name: spread(value, size) for name, value in names.items()})


def row(*layers):
    from rockpool.nn.combinators import Sequential

    return Sequential(*layers)


def network():
    return row(linear(4, 6), different(6))
