"""Sources of DynapSim networks, as text: one per way to combine layers and per property of an analog neuron that
can be held, one per reason to refuse.

Weights are on a grid, currents near DynapSim's defaults. The charge factors that Rockpool computes may end in
another bit on another machine; with the importer's option ``factors=exact`` they do not, and the network that must
come out is told by its digest.
"""

from __future__ import annotations

from dataclasses import dataclass

from snnhub_conformance.generate.rockpool_sources import needed

PARTS = {
    "grid": '''
def grid(*shape):
    """Weights of -6 .. 10, in halves."""
    import numpy as np

    count = np.arange(np.prod(shape)).reshape(shape)
    return (((count * 7 + 3) % 33 - 12) / 2).astype(np.float32)
''',
    "spread": '''
def spread(value, size):
    """A current times 1/2, 1 and 2 by turns."""
    import numpy as np

    return (value * 2.0 ** (np.arange(size) % 3 - 1)).astype(np.float32)
''',
    "linear": """
def linear(before, after, **given):
    from rockpool.nn.modules.jax import LinearJax

    return LinearJax(shape=(before, after), weight=grid(before, after), **{"has_bias": False, **given})
""",
    "neurons": '''
def neurons(size, **given):
    """DynapSim, at its own currents but for what is given; blocked for a part of a step after a spike."""
    from rockpool.devices.dynapse import DynapSim

    return DynapSim((size, size), **{"Iref": 1.5e-9, **given})
''',
    "recurrent": """
def recurrent(size, **given):
    return neurons(size, has_rec=True, w_rec=grid(size, size) / 4, **given)
""",
    "different": '''
def different(size):
    """Every neuron has currents of its own."""
    names = {"Itau_syn": 8e-11, "Igain_syn": 8e-9, "Itau_mem": 5e-12, "Igain_mem": 2e-11, "Ispkthr": 1e-7}
    return neurons(size, **{name: spread(value, size) for name, value in names.items()})
''',
    "row": """
def row(*layers):
    from rockpool.nn.combinators import Sequential

    return Sequential(*layers)
""",
    "named": """
def named(**layers):
    from collections import OrderedDict

    from rockpool.nn.combinators import Sequential

    return Sequential(OrderedDict(layers))
""",
    "residual": """
def residual(*layers):
    from rockpool.nn.combinators import Residual

    return Residual(*layers)
""",
    "stack": """
def stack(*layers):
    from rockpool.nn.combinators import FFwdStack

    return FFwdStack(*layers, weight_init_func=lambda shape: grid(*shape))
""",
    "key": """
def key(seed):
    from jax import random

    return random.PRNGKey(seed)
""",
    "filtered": '''
def filtered(size):
    """Not a layer of a network of analog neurons."""
    from rockpool.nn.modules.jax import ExpSynJax

    return ExpSynJax((size, size))
''',
    "own": '''
def own(size):
    """Two layers by attribute; what becomes of them only evolve says."""
    from rockpool.nn.modules.jax import JaxModule

    class Own(JaxModule):
        def __init__(self):
            super().__init__(shape=(size, size))
            self.weights, self.neurons = linear(size, size), neurons(size)

        def evolve(self, x, record=False):
            x, first, _ = self.weights(x, record=record)
            x, second, _ = self.neurons(x, record=record)
            return x, {"weights": first, "neurons": second}, {}

    return Own()
''',
}
"""Functions that factories may use. A file holds those that it needs; the framework is imported inside them."""


@dataclass(frozen=True)
class Source:
    """A network of 4 inputs. ``body``: what its factory returns. ``stored``: whether its numbers are the same on
    every machine, with ``factors=exact``; ``refused``: code and place, for those that cannot be imported;
    ``findings``: codes to be said.
    """

    body: str
    stored: bool = True
    refused: tuple[str, str] = ("", "")
    findings: tuple[str, ...] = ()

    def text(self, title: str) -> str:
        """The file ``network.py``."""
        factory = f"\ndef network():\n    return {self.body}\n"
        parts = [PARTS[name] for name in needed(self.body, PARTS)]
        return f'"""{title[:1].upper() + title[1:]}."""\n' + "\n".join(["", *parts, factory]).rstrip() + "\n"


def chain(middle: str, *findings: str) -> Source:
    """A sequence of layers."""
    return Source(f"row({middle})", findings=findings)


NETWORKS: dict[str, Source] = {
    "one layer": chain("linear(4, 6), neurons(6)"),
    "neurons alone": Source("neurons(4, Igain_syn=8e-8)"),
    "three layers, one in a sequence of its own": chain(
        "linear(4, 6), neurons(6), row(linear(6, 5), neurons(5)), linear(5, 3), neurons(3)"
    ),
    "names of one's own": Source("named(fc=linear(4, 6), act=neurons(6))"),
    "a bias before the neurons": chain("linear(4, 6, has_bias=True, bias=grid(6) / 8), neurons(6)"),
    "recurrent": chain("linear(4, 6), recurrent(6)"),
    "adaptation": chain("linear(4, 6), neurons(6, Iw_ahp=2e-8, Igain_ahp=3e-10)"),
    "adaptation, recurrent": chain("linear(4, 6), recurrent(6, Iw_ahp=spread(1e-8, 6), Igain_ahp=2e-10)"),
    "refractory period of whole steps, to the last bit": chain(
        "linear(4, 6), neurons(6, Iref=2.62499966e-10)", "SNN-3402"
    ),
    "refractory period of several steps": chain("linear(4, 6), neurons(6, Iref=2.4e-10)"),
    "another current of a weight": chain("linear(4, 6), neurons(6, Iscale=2.5e-8)"),
    "currents that differ": chain("linear(4, 6), different(6)"),
    "a direct current, and steps of half a millisecond": chain("linear(4, 6), neurons(6, Idc=2e-10, dt=5e-4)"),
    "several spikes in a step": chain("linear(4, 6), neurons(6, Ispkthr=1e-9), linear(6, 3), neurons(3)"),
    "mismatch": Source(
        "row(linear(4, 6), neurons(6, percent_mismatch=0.1, rng_key=key(7)))", False, findings=("SNN-3401",)
    ),
    "Residual": chain("linear(4, 6), neurons(6), residual(linear(6, 6), neurons(6)), linear(6, 3), neurons(3)"),
    "FFwdStack": chain("linear(4, 6), stack(neurons(6), neurons(5), neurons(3))"),
}

REFUSED: dict[str, Source] = {
    "a filter": Source("row(linear(4, 6), filtered(6), neurons(6))", refused=("SNN-3002", "1_ExpSynJax")),
    "own module": Source("row(own(4), linear(4, 6), neurons(6))", refused=("SNN-3002", "0_Own")),
    "threshold 0": Source(
        "row(linear(4, 6), neurons(6, Ispkthr=0.0))", refused=("SNN-3404", "1_DynapSim/Ispkthr")
    ),
    "steps of different length": Source(
        "row(linear(4, 6), neurons(6), linear(6, 3), neurons(3, dt=5e-4))", refused=("SNN-3407", "")
    ),
}
