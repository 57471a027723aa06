"""Sources of torch networks, as text: what a factory of snnTorch, norse or sinabs returns, and what it needs.

Weights are on a grid of eighths, so that every sum of spikes is exact in any order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from textwrap import indent
from typing import ClassVar

GRID = '''

def grid(*shape):
    """Weights of -3/8 .. 5/8."""
    count = torch.arange(torch.Size(shape).numel()).reshape(shape)
    return ((count * 7 + 3) % 9 - 3) / 8

def linear(before, after, bias=False):
    layer = nn.Linear(before, after, bias=bias)
    layer.weight.data = grid(after, before)
    if bias:
        layer.bias.data = grid(after) / 4
    return layer
'''


@dataclass(frozen=True)
class Source:
    """A network of 4 inputs. ``body``: what its factory returns; ``more``: what the file has before the factory.

    ``stored``: whether its numbers are the same on every machine; ``refused``: code and place, for those that
    cannot be imported; ``findings``: codes to be said.
    """

    imports: ClassVar[tuple[str, ...]] = ()
    body: str
    stored: bool = True
    refused: tuple[str, str] = ("", "")
    findings: tuple[str, ...] = ()
    more: str = field(default="", repr=False)

    def text(self, title: str) -> str:
        """The file ``network.py``; the framework is imported where the factory runs."""
        head = "\n".join(("import torch", *self.imports, "from torch import nn"))
        parts = [f"{head}\n", GRID, *([f"{self.more.strip()}\n"] if self.more else []), f"return {self.body}\n"]
        inside = indent("\n".join(part.lstrip("\n") for part in parts), "    ")
        return f'"""{title[:1].upper() + title[1:]}."""\n\n\ndef network():\n{inside}'


def chained(container: str, *parts: str) -> str:
    """A container of modules, each on a line of its own."""
    lines = "".join(f"    {part},\n" for part in parts)
    return f"{container}(\n{lines})"
