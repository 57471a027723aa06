"""Sources of Rockpool networks, as text: one per layer and option that can be held, one per reason to refuse.

Weights, states and decays are on grids, so that every sum is exact in any order. Decays are stored or shifts where
the network is imported: those of ``exp(-dt / tau)`` may end in another bit on another machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

PARTS = {
    "grid": '''
def grid(*shape):
    """Weights of -3/8 .. 5/8."""
    import torch

    count = torch.arange(torch.Size(shape).numel()).reshape(shape)
    return ((count * 7 + 3) % 9 - 3) / 8
''',
    "linear": """
def linear(before, after, **given):
    from rockpool.nn.modules import LinearTorch

    return LinearTorch((before, after), weight=grid(before, after), **given)
""",
    "spread": '''
def spread(*shape):
    """1/2, 3/4, 7/8 by turns."""
    import torch

    count = torch.arange(torch.Size(shape).numel()).reshape(shape)
    return 1 - 0.5 ** (count % 3 + 1)
''',
    "neurons": '''
def neurons(size, n_syn=1, **given):
    """LIF neurons with decays as they are stored."""
    import torch
    from rockpool.nn.modules import LIFTorch

    values = {"leak_mode": "decays", "alpha": spread(size), "beta": spread(size, n_syn), "max_spikes_per_dt": 31}
    values["threshold"] = 0.5 + torch.arange(size) / 4
    return LIFTorch((size * n_syn, size), dt=1e-3, **{**values, **given})
''',
    "undeclared": '''
def undeclared(layer):
    """As a file of a recurrent network makes it of a layer that is not."""
    layer.w_rec.data = grid(*layer.w_rec.shape) / 4
    return layer
''',
    "shifting": '''
def shifting(size, **given):
    """LIF neurons whose decays are shifts of bits."""
    import torch
    from rockpool.nn.modules import LIFBitshiftTorch

    taus = {"tau_mem": 0.002 * 2.0 ** (torch.arange(size) % 3), "tau_syn": 0.004}
    return LIFBitshiftTorch((size, size), **taus, dt=1e-3, max_spikes_per_dt=31, **given)
''',
    "leaking": '''
def leaking(size, n_syn=1, **given):
    """LIF neurons with time constants."""
    import torch
    from rockpool.nn.modules import LIFTorch

    taus = {"tau_mem": 0.004 + torch.arange(size) / 1000, "tau_syn": 0.003}
    return LIFTorch((size * n_syn, size), **taus, dt=1e-3, max_spikes_per_dt=31, **given)
''',
    "synnet": """
def synnet(**given):
    from rockpool.nn.modules import LinearTorch
    from rockpool.nn.networks import SynNet

    net = SynNet(n_classes=3, n_channels=4, size_hidden_layers=[6], time_constants_per_layer=[2], **given)
    for layer in net.seq.modules().values():
        if isinstance(layer, LinearTorch):
            layer.weight.data = grid(*layer.shape)
    return net
""",
    "own": '''
def own(says=True):
    """Two branches whose spikes add up; says its graph."""
    from rockpool.nn.modules import TorchModule

    class Own(TorchModule):
        def __init__(self):
            super().__init__(shape=(4, 3))
            self.left, self.one, self.right, self.two = linear(4, 3), neurons(3), linear(4, 6), neurons(3, 2)

        def forward(self, x):
            return self.one(self.left(x)[0])[0] + self.two(self.right(x)[0])[0]

        def as_graph(self):
            from rockpool.graph import AliasConnection, GraphHolder, connect_modules

            if not says:
                return super().as_graph()
            left, one, right, two = (each.as_graph() for each in (self.left, self.one, self.right, self.two))
            connect_modules(left, one)
            connect_modules(right, two)
            connect_modules(GraphHolder(left.input_nodes, left.input_nodes, "x", None), right)
            AliasConnection(two.output_nodes, one.output_nodes, "sum", None)
            return GraphHolder(left.input_nodes, one.output_nodes, "own", self)

    return Own()
''',
}
"""Functions that factories may use. A file holds those that it needs; the framework is imported inside them."""
HOMES = {
    "Residual": "rockpool.nn.combinators",
    "Sequential": "rockpool.nn.combinators",
    "ExpSynTorch": "rockpool.nn.modules",
    "LIFTorch": "rockpool.nn.modules",
    "LinearTorch": "rockpool.nn.modules",
    "TimeStepDropout": "rockpool.nn.modules.torch.dropout",
}
"""What a factory itself may name, and where that is."""


def imports(body: str) -> list[str]:
    """Import statements for what a factory names, in order."""
    names = sorted(set(HOMES) & set(re.findall(r"\w+", body)))
    homes = sorted({HOMES[name] for name in names})
    lines = [f"from {home} import {', '.join(name for name in names if HOMES[name] == home)}" for home in homes]
    return [*(["import torch"] if "torch." in body else []), *lines]


def needed(text: str, parts: Mapping[str, str] = PARTS) -> Iterator[str]:
    """Parts that a text uses, and what these use, in the order of ``parts``."""
    found: set[str] = set()
    pending = [text]
    while pending:
        words = set(re.findall(r"[a-z]+(?=\()", pending.pop()))
        new = (words & set(parts)) - found
        found |= new
        pending += [parts[name] for name in new]
    return (name for name in parts if name in found)


@dataclass(frozen=True)
class Source:
    """A network of 4 inputs. ``body``: what its factory returns. ``stored``: whether its decays are the same on
    every machine; ``refused``: code and place, for those that cannot be imported; ``findings``: codes to be said.
    """

    body: str
    stored: bool = True
    refused: tuple[str, str] = ("", "")
    findings: tuple[str, ...] = ()

    def text(self, title: str) -> str:
        """The file ``network.py``."""
        first = imports(self.body)
        lines = [*first, *([""] if first else []), f"return {self.body}"]
        factory = "\ndef network():\n" + "".join(f"    {line}\n" if line else "\n" for line in lines)
        parts = [PARTS[name] for name in needed(self.body)]
        return f'"""{title[:1].upper() + title[1:]}."""\n' + "\n".join(["", *parts, factory]).rstrip() + "\n"


def chain(middle: str, stored: bool = True, *findings: str) -> Source:
    """A sequence that begins with weights of 4 inputs."""
    return Source(f"Sequential({middle})", stored, findings=findings)


NETWORKS: dict[str, Source] = {
    "LIFTorch": chain("linear(4, 6), neurons(6)"),
    "LIFTorch, time constants": chain("linear(4, 6), leaking(6), linear(6, 3), leaking(3)", False),
    "LIFTorch, shifts": chain(
        "linear(4, 6), LIFTorch(6, leak_mode='bitshifts', dash_mem=2.0, dash_syn=1.0, dt=1e-3)"
    ),
    "LIFTorch, two synapses": chain("linear(4, 12), neurons(6, 2)"),
    "LIFTorch, three synapses": chain("linear(4, 18), neurons(6, 3)"),
    "LIFTorch, bias": chain("linear(4, 6), neurons(6, bias=torch.arange(6) / 16)"),
    "LIFTorch, cap 2": chain("linear(4, 6), neurons(6, max_spikes_per_dt=2, threshold=0.125)"),
    "LIFTorch, recurrent": chain("linear(4, 6), neurons(6, has_rec=True, w_rec=grid(6, 6) / 4)", True, "SNN-3212"),
    "LIFTorch, recurrence not declared": chain("linear(4, 6), undeclared(neurons(6))", True, "SNN-3203"),
    "LIFBitshiftTorch": chain("linear(4, 6), shifting(6), linear(6, 3), shifting(3)"),
    "LinearTorch, bias": chain("linear(4, 6, has_bias=True, bias=torch.arange(6) / 32), neurons(6)"),
    "ExpSynTorch": chain("linear(4, 6), ExpSynTorch(6, tau=0.003, dt=1e-3), leaking(6)", False),
    "TimeStepDropout": chain(
        "linear(4, 6), neurons(6), TimeStepDropout((6,)), linear(6, 3), neurons(3)", True, "SNN-3005"
    ),
    "Residual": chain("linear(4, 6), neurons(6), Residual(linear(6, 6), neurons(6)), linear(6, 3), neurons(3)"),
    "Residual after weights": chain("linear(4, 6), Residual(linear(6, 6), neurons(6)), neurons(6)"),
    "Residual in Residual": chain(
        "linear(4, 6), neurons(6), Residual(linear(6, 6), neurons(6), Residual(linear(6, 6), neurons(6)))"
    ),
    "Sequential in Sequential": chain(
        "Sequential(linear(4, 6), neurons(6)), Sequential(linear(6, 3), neurons(3))"
    ),
    "SynNet": Source("synnet()", False),
    "SynNet, p_dropout, caps": Source("synnet(p_dropout=0.5, max_spikes_per_dt=3)", False, findings=("SNN-3005",)),
    "own module by its graph": Source("own()", findings=("SNN-3216",)),
}

BEHIND = "Sequential(linear(4, 6), {})"
REFUSED: dict[str, Source] = {
    "endless cap": Source(
        BEHIND.format("neurons(6, max_spikes_per_dt=float('inf'))"), refused=("SNN-3204", "1_LIFTorch")
    ),
    "threshold 0": Source(
        BEHIND.format("leaking(6, threshold=torch.zeros(6))"), refused=("SNN-3205", "1_LIFTorch/threshold")
    ),
    "threshold below 0": Source(
        BEHIND.format("leaking(6, threshold=-torch.ones(6))"), refused=("SNN-3205", "1_LIFTorch/threshold")
    ),
    "noise": Source(BEHIND.format("neurons(6, noise_std=0.5)"), refused=("SNN-3206", "1_LIFTorch")),
    "weights that are no numbers": Source(
        "Sequential(LinearTorch((4, 6), weight=grid(4, 6) / 0), neurons(6))",
        refused=("SNN-3207", "0_LinearTorch/weight"),
    ),
    "own module without a graph": Source("own(False)", refused=("SNN-3002", "Own")),
}
