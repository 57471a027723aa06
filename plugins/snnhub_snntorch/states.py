"""Where snnTorch is: builds a written network, gives it its numbers, and saves its state dict."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from snnhub.peers.worker import PROTOCOL, Report, private_pipe, serve, versions


def main() -> None:
    """Entry point of the process in an environment."""
    pipe = private_pipe()
    serve({"hello": hello, "built": built}, pipe)


def hello(params: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Protocol version and what is installed here."""
    return {"protocol": PROTOCOL, "name": "snntorch", "environment": versions("snntorch", "torch")}


def built(params: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """``folder`` holds ``network.py``, ``state.npz`` and ``checks.npz``; ``state.pt`` is written there.

    Answers ``{"problem": words}`` where the network has other numbers, or works out others, than it should.
    """
    import torch
    from snnhub.api.factory import made

    folder = Path(params["folder"])
    net = made(f"{folder / 'network.py'}:net", {})
    own = net.state_dict()
    given = dict(np.load(folder / "state.npz", allow_pickle=False))
    for key, numbers in given.items():
        if key not in own or tuple(own[key].shape) != numbers.shape:
            found = tuple(own[key].shape) if key in own else "nothing"
            return {"problem": f"{key} has shape {numbers.shape}, and the written code has {found} there"}
        with torch.no_grad():
            own[key].copy_(torch.from_numpy(np.ascontiguousarray(numbers)))
    for path, wanted in np.load(folder / "checks.npz", allow_pickle=False).items():
        gain = _gain(net.get_submodule(path)).numpy()
        if not np.array_equal(np.broadcast_to(gain, wanted.shape), wanted):
            return {"problem": f"{path}: snnTorch works out another gain from alpha and beta than the graph has"}
    torch.save(own, folder / "state.pt")
    return {"keys": sorted(own)}


def _gain(module: Any) -> Any:
    """What ``Alpha`` multiplies its two currents by."""
    import torch

    with torch.no_grad():
        log_alpha, log_beta = (torch.log(item.clamp(0, 1)) for item in (module.alpha, module.beta))
        return log_alpha / (log_beta - log_alpha) + 1
