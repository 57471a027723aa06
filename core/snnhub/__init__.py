"""snnhub: moves spiking neural networks between frameworks and chips, with a proof of what stayed the same."""

__version__ = "0.1.0"
