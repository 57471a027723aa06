"""Listens to the layers of a live network whose containers record as they like, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from snnhub_rockpool.part import LEAVES, RESIDUAL, SEQUENTIAL

Record = dict[str, Any]


def is_known(net: Any) -> bool:
    """Whether sequences and residual blocks hold everything: these record their layers by name.

    A SynNet does not: it puts its output in the place of every layer's output.
    """
    kind = type(net).__name__
    holds = kind in (SEQUENTIAL, RESIDUAL)
    return kind in LEAVES or (holds and all(is_known(inner) for inner in net.modules().values()))


class Recorder:
    """From now on every layer's states and output go into ``record``, nested by name as a Sequential does it.

    The network is changed by that: listen to a copy. A layer that runs more than once at a time has no record.
    """

    def __init__(self, net: Any) -> None:
        self.record: Record = {}
        self._listen(net, self.record)

    def _listen(self, module: Any, record: Record) -> None:
        for name, inner in module.modules().items():
            if type(inner).__name__ in LEAVES:
                # past Rockpool's own __setattr__, which is for parameters
                object.__setattr__(inner, "evolve", _heard(inner.evolve, record, name))
            else:
                self._listen(inner, record.setdefault(name, {}))


def _heard(evolve: Callable[..., Any], heard: Record, name: str) -> Callable[..., Any]:
    calls = 0

    def listening(data: Any, record: bool = False) -> Any:
        nonlocal calls
        calls += 1
        output, state, own = evolve(data, record=True)
        heard.pop(name, None)
        heard.pop(f"{name}_output", None)
        if calls == 1:
            heard.update({name: dict(own), f"{name}_output": output})
        return output, state, own if record else {}

    return listening
