"""Copies of networks, so that nothing that is done to one reaches the user's own."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn


def copied(net: nn.Module, share: bool = False) -> nn.Module:
    """A copy, also of a network whose states still hang on a training graph. ``share``: with the same parameters,
    for one more run of a copy.

    Every module is copied by its attributes: classes that say themselves how they are copied may leave some out.
    """
    import torch

    memo: dict[int, Any] = {id(value): value for value in net.parameters()} if share else {}
    modules = list(net.modules())
    for module in modules:
        memo[id(module)] = object.__new__(type(module))
        for value in _tensors(vars(module), torch.Tensor):
            if not value.is_leaf:
                memo[id(value)] = value.detach().clone()
    for module in modules:
        vars(memo[id(module)]).update({name: _copied(value, memo) for name, value in vars(module).items()})
    made: nn.Module = memo[id(net)]
    return made


def _copied(value: Any, memo: dict[int, Any]) -> Any:
    """A copy; of what cannot be copied, such as a file or a lock, the thing itself."""
    try:
        return copy.deepcopy(value, memo)
    except Exception:  # noqa: BLE001  an attribute of the user's may raise anything
        return value


def _tensors(value: Any, kind: type) -> list[Any]:
    """Tensors inside attributes: in tuples, lists and mappings, too."""
    if isinstance(value, kind):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [found for item in value for found in _tensors(item, kind)] if isinstance(value, tuple | list) else []
