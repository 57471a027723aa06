"""Sources of lava-dl networks, as text: one per block, neuron and option, one per reason to refuse.

Weights, delays and statistics are on grids and set by hand, so that every machine has the same network and every
sum is exact in any order. What lava-dl draws in a first forward, it draws from the seed of the importer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

PARTS = {
    "grid": '''
def grid(*shape):
    """Weights of -3/8 .. 5/8."""
    import torch

    count = torch.arange(torch.Size(shape).numel()).reshape(shape)
    return ((count * 7 + 3) % 9 - 3) / 8
''',
    "params": '''
def params(**more):
    """A CUBA neuron."""
    return {"threshold": 1.0, "current_decay": 0.25, "voltage_decay": 0.03, **more}
''',
    "adapting": '''
def adapting(**more):
    """What neurons with a threshold that adapts have besides."""
    return {"threshold_step": 0.25, "threshold_decay": 0.03, "refractory_decay": 0.1, **more}
''',
    "turning": '''
def turning(**more):
    """A resonator."""
    return {"threshold": 0.5, "period": 7.0, "decay": 0.05, **more}
''',
    "relu": '''
def relu(threshold=0.125, **more):
    """A sigma-delta neuron."""
    import torch

    return {"threshold": threshold, "activation": torch.nn.functional.relu, **more}
''',
    "late": '''
def late(block, channels, most=9):
    """A block with a delay of its own for every channel, between whole steps."""
    import torch

    block.delay.channels = channels
    block.delay.delay.data = torch.arange(channels) * 7 % (8 * most) / 8
    block.delay.init = True
    return block
''',
    "unclamped": '''
def unclamped(block):
    """A block with delays that it does not clamp."""
    block.delay.max_delay = None
    block.delay.delay.data = block.delay.delay.data + 80
    return block
''',
    "beyond": '''
def beyond(block):
    """A decay that learnt to be more than everything."""
    block.neuron.current_decay.data = block.neuron.current_decay.data * 0 + 5000
    return block
''',
    "normed": '''
def normed(block, size, deviation=None):
    """A block with a norm that has seen something."""
    import torch

    block.neuron.norm.running_mean = (torch.arange(size) % 5 - 2) / 16
    if deviation is not None:
        block.neuron.norm.running_var = torch.tensor([float(deviation)])
    return block
''',
    "chain": '''
def chain(*blocks, scale=1.0):
    """Blocks one after another, as lava-dl's tutorials have them, with weights of a grid."""
    import torch

    class Chain(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.blocks = torch.nn.ModuleList(blocks)

        def forward(self, x):
            for block in self.blocks:
                x = block(x)
            return x

    return filled(Chain(), scale)
''',
    "moded": '''
def moded(*blocks, scale=1.0):
    """Blocks of bootstrap, each with its mode."""
    import torch

    class Moded(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.blocks = torch.nn.ModuleList(blocks)

        def forward(self, x, mode):
            for block, now in zip(self.blocks, mode):
                x = block(x, mode=now)
            return x

    return filled(Moded(), scale)
''',
    "filled": '''
def filled(net, scale):
    """Every weight that learns, and the two parts of a normalised one."""
    for name, each in net.named_parameters():
        if name.endswith(("synapse.weight", "real.weight", "imag.weight", "weight_v")) and each.numel() > 9:
            each.data = grid(*each.shape) * scale
        elif name.endswith("weight_g"):
            each.data = 0 * each.data + scale
    return net
''',
    "own": '''
def own():
    """A block with a forward of its own."""
    from lava.lib.dl import slayer

    class Own(slayer.block.cuba.Dense):
        def forward(self, x):
            return super().forward(x)

    return Own(params(), 6, 6)
''',
    "other": '''
def other(**given):
    """A norm of the user's own."""
    import torch

    return torch.nn.Identity()
''',
    "twice": '''
def twice(*blocks):
    """Computes between its blocks, leaves one out and runs one twice."""
    net = chain(*blocks)

    class Twice(type(net)):
        def forward(self, x):
            first, second, third, _ = self.blocks
            return third(third(second(first(x) * 0.5)))

    net.__class__ = Twice
    return net
''',
    "mean": '''
def mean(*blocks):
    """Gives a mean over time."""
    net = chain(*blocks)

    class Mean(type(net)):
        def forward(self, x):
            return super().forward(x).mean(dim=-1)

    net.__class__ = Mean
    return net
''',
    "used": '''
def used(net, *shape):
    """A network that has run before it is given away."""
    import torch

    net(torch.ones(1, *shape, 5))
    return net
''',
}
"""Functions that factories may use. A file holds those that it needs; the framework is imported inside them."""
HOMES = {
    "bootstrap": "from lava.lib.dl import bootstrap",
    "slayer": "from lava.lib.dl import slayer",
    "cuba": "from lava.lib.dl.slayer.block import cuba",
    "alif": "from lava.lib.dl.slayer.block import alif",
    "rf": "from lava.lib.dl.slayer.block import rf",
    "rf_iz": "from lava.lib.dl.slayer.block import rf_iz",
    "adrf": "from lava.lib.dl.slayer.block import adrf",
    "sigma_delta": "from lava.lib.dl.slayer.block import sigma_delta",
    "norms": "from lava.lib.dl.slayer.neuron import norm as norms",
    "torch": "import torch",
}
"""What a factory itself may name, and where that is."""


def needed(text: str) -> Iterator[str]:
    """Parts that a text uses, and what these use, in the order of ``PARTS``."""
    found: set[str] = set()
    pending = [text]
    while pending:
        words = set(re.findall(r"\w+", pending.pop()))
        new = (words & set(PARTS)) - found
        found |= new
        pending += [PARTS[name] for name in new]
    return (name for name in PARTS if name in found)


@dataclass(frozen=True)
class Source:
    """A network. ``body``: what its factory returns; ``shape``: of its input.

    ``findings``: codes, or codes with places, to be said; ``refused``: code and place, for those that cannot be
    imported; ``options``: of the importer; ``analog``: whether its input is numbers and not spikes.
    """

    body: str
    shape: tuple[int, ...] = (6,)
    findings: tuple[str, ...] = ()
    refused: tuple[str, str] = ("", "")
    options: Mapping[str, str] = field(default_factory=dict)
    analog: bool = False
    landmine: int | None = None

    def text(self, title: str) -> str:
        """The file ``network.py``."""
        words = set(re.findall(r"(?<![.\w])\w+", self.body))
        first = sorted((line for name, line in HOMES.items() if name in words), key=lambda line: line[0] == "f")
        lines = [*first, *([""] if first else []), f"return {self.body}"]
        factory = "\ndef network():\n" + "".join(f"    {line}\n" if line else "\n" for line in lines)
        parts = [PARTS[name] for name in needed(self.body)]
        return f'"""{title[:1].upper() + title[1:]}."""\n' + "\n".join(["", *parts, factory]).rstrip() + "\n"
