"""Calls a network step by step: what it returned as its states goes into its next call."""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import TYPE_CHECKING, Any

from snnhub.errors import UsageError

if TYPE_CHECKING:
    import torch
    from torch import nn

REMEDY = "Let forward(x, state=None) return (output, state), or name what it takes as it names what it returns."


class Caller:
    """``states``: arguments of the forward that take states; ``step`` hands on what the call before returned."""

    def __init__(self, net: nn.Module) -> None:
        self.net = net
        self.needed, self.states = _arguments(net)
        self.names = _returned(net)
        self._before: Any = None
        self._first = True

    def step(self, given: torch.Tensor) -> Any:
        """Call the network. Raises ``UsageError`` if it does not return what it takes."""
        passed: dict[str, Any] = dict.fromkeys(self.needed) if self._first else self._handed_on()
        self._before, self._first = self.net(given, **passed), False
        return self._before

    def _handed_on(self) -> dict[str, Any]:
        if not self.states:
            return {}
        result = self._before if isinstance(self._before, tuple | list) else (self._before,)
        places = {name: self.names.index(name) for name in self.states if name in self.names}
        if set(self.needed) <= set(places) and places and len(self.names) == len(result):
            return {name: result[place] for name, place in places.items()}
        if len(result) == 1 + len(self.states):
            return dict(zip(self.states, result[1:], strict=True))
        inner = result[1] if len(result) == 2 else None
        if isinstance(inner, tuple | list) and len(inner) == len(self.states):
            return dict(zip(self.states, inner, strict=True))
        if len(result) == 1 and not self.needed:
            return {}
        raise UsageError(
            "the forward takes states, and which of what it returns they are is not clear",
            where=type(self.net).__name__,
            found=f"takes {', '.join(self.states)}; returns {len(result)} values {', '.join(self.names)}".strip(),
            remedy=REMEDY,
        )


def _arguments(net: nn.Module) -> tuple[list[str], list[str]]:
    """Arguments behind the input: those that must be given, and all that may take a state (default None)."""
    try:
        given = list(inspect.signature(net.forward).parameters.values())[1:]
    except (TypeError, ValueError):
        return [], []
    named = [item for item in given if item.kind in (item.POSITIONAL_OR_KEYWORD, item.KEYWORD_ONLY)]
    needed = [item.name for item in named if item.default is item.empty]
    return needed, [item.name for item in named if item.default is item.empty or item.default is None]


def _returned(net: nn.Module) -> list[str]:
    """Names in the forward's last ``return a, b, c``; empty where they are no plain names."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(type(net).forward)))
    except (OSError, TypeError, SyntaxError, IndentationError):
        return []
    found = [node.value for node in ast.walk(tree) if isinstance(node, ast.Return)]
    last = found[-1] if found else None
    parts = last.elts if isinstance(last, ast.Tuple) else []
    return [part.id if isinstance(part, ast.Name) else "" for part in parts]
