"""MNIST in sinabs: a convolutional network of ReLUs, trained as such, whose ReLUs become spiking neurons.

``spiking`` is what snnhub imports. Weights are those of the trained network, normalised so that every layer's
activities stay below about one spike per step (``train.py``).
"""

from sinabs.from_torch import from_model
from torch import nn


def analog() -> nn.Sequential:
    """What is trained: 17 thousand parameters, images of 1 x 28 x 28 between 0 and 1."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 5),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Conv2d(16, 32, 3),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Conv2d(32, 32, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(288, 10),
        nn.ReLU(),
    )


def spiking(steps: int = 16, wrapped: bool = False) -> nn.Module:
    """The same with IAFSqueeze for ReLU; ``wrapped``: the ``sinabs.network.Network`` around both."""
    network = from_model(analog(), num_timesteps=steps)
    return network if wrapped else network.spiking_model
