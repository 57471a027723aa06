"""Rockpool networks as factories. Only for interpreters that have Rockpool: its worker, and processes of tests.

Run as a script it saves networks: ``python rockpool_nets.py FOLDER`` writes ``<name>.json`` for each of ``SAVED``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

DT = 1e-3


def _random(seed: int) -> Any:
    import torch

    torch.manual_seed(seed)
    return torch


def _grid(torch: Any, shape: tuple[int, int], scale: float, exact: bool) -> Any:
    """Weights; ``exact``: on a grid of 1/64, so that sums over spikes are exact in any order."""
    weight = torch.randn(*shape) * scale
    return torch.round(weight * 64) / 64 if exact else weight


def _lif(torch: Any, size: int, n_syn: int, kind: str, cap: int, mode: str = "taus", **more: Any) -> Any:
    from rockpool.nn import modules

    if mode == "taus":
        more |= {"tau_mem": 0.002 + 0.02 * torch.rand(size), "tau_syn": 0.002 + 0.02 * torch.rand(size, n_syn)}
    values = {
        "threshold": 0.3 + torch.rand(size),
        "bias": 0.05 * torch.randn(size),
        "dt": DT,
        "max_spikes_per_dt": cap,
        **more,
    }
    return getattr(modules, kind)((size * n_syn, size), **values)


def chain(
    n_syn: int = 1, kind: str = "LIFTorch", cap: int = 31, seed: int = 0, exact: bool = True, size: int = 24
) -> Any:
    """Two layers of neurons with biases, mixed thresholds and time constants, ``n_syn`` synapses each."""
    from rockpool.nn.combinators import Sequential
    from rockpool.nn.modules import LinearTorch

    torch = _random(seed)
    return Sequential(
        LinearTorch((16, size * n_syn), weight=_grid(torch, (16, size * n_syn), 0.15, exact)),
        _lif(torch, size, n_syn, kind, cap),
        LinearTorch(
            (size, 6 * n_syn),
            weight=_grid(torch, (size, 6 * n_syn), 0.1, exact),
            bias=torch.round(torch.randn(6 * n_syn) * 8) / 64,
            has_bias=True,
        ),
        _lif(torch, 6, n_syn, kind, 1),
    )


def recurrent(strength: float = 0.03, n_syn: int = 1, seed: int = 0, size: int = 63, exact: bool = False) -> Any:
    """A recurrent layer and a readout."""
    from rockpool.nn.combinators import Sequential
    from rockpool.nn.modules import LinearTorch

    torch = _random(seed)
    w_rec = _grid(torch, (size, size * n_syn), strength, exact)
    return Sequential(
        LinearTorch((16, size * n_syn), weight=_grid(torch, (16, size * n_syn), 0.06, exact)),
        _lif(torch, size, n_syn, "LIFTorch", 31, has_rec=True, w_rec=w_rec),
        LinearTorch((size, 4), weight=_grid(torch, (size, 4), 0.05, exact)),
        _lif(torch, 4, 1, "LIFTorch", 1),
    )


def residual(seed: int = 0, hidden: int = 63) -> Any:
    """The residual network of Rockpool's tutorial on training for Xylo."""
    from rockpool.nn.combinators import Residual, Sequential
    from rockpool.nn.modules import LIFBitshiftTorch, LinearTorch
    from rockpool.nn.modules.torch.lif_torch import PeriodicExponential
    from rockpool.parameters import Constant

    _random(seed)

    def neurons(size: int) -> Any:
        fire = {"spike_generation_fn": PeriodicExponential}
        return LIFBitshiftTorch((size,), tau_mem=0.002, tau_syn=0.002, bias=Constant(0), dt=DT, **fire)

    return Sequential(
        LinearTorch((16, hidden), has_bias=False),
        neurons(hidden),
        Residual(LinearTorch((hidden, hidden), has_bias=False), neurons(hidden)),
        LinearTorch((hidden, 2), has_bias=False),
        neurons(2),
    )


def nested(seed: int = 0) -> Any:
    """Everything at once: dropout, blocks in blocks, a current alone, both other ways of leaking."""
    from rockpool.nn.combinators import Residual, Sequential
    from rockpool.nn.modules import ExpSynTorch, LIFTorch, LinearTorch
    from rockpool.nn.modules.torch.dropout import TimeStepDropout

    torch = _random(seed)
    weight = [_grid(torch, (12, 12), 0.2, True) for _ in range(4)]
    return Sequential(
        LinearTorch((16, 12), weight=_grid(torch, (16, 12), 0.1, True)),
        ExpSynTorch(12, tau=0.002 + 0.01 * torch.rand(12), dt=DT),
        LIFTorch(
            12, leak_mode="decays", alpha=torch.rand(12), beta=torch.rand(12, 1), dt=DT, max_spikes_per_dt=31
        ),
        TimeStepDropout((12,)),
        Residual(
            LinearTorch((12, 12), weight=weight[0]),
            LIFTorch(12, leak_mode="bitshifts", dash_mem=1 + torch.rand(12), dash_syn=torch.ones(12, 1), dt=DT),
            Residual(LinearTorch((12, 12), weight=weight[1]), _lif(torch, 12, 1, "LIFTorch", 31)),
        ),
        Sequential(LinearTorch((12, 12), weight=weight[2]), _lif(torch, 12, 1, "LIFBitshiftTorch", 31)),
        LinearTorch((12, 3), weight=weight[3][:, :3]),
        _lif(torch, 3, 1, "LIFTorch", 1),
    )


SLOW = {"tau_syn_base": 0.009, "tau_mem": 0.009, "tau_syn_out": 0.009}
SYNNETS: dict[str, dict[str, Any]] = {
    "default": {},
    "sizes": {"n_classes": 3, "n_channels": 11, "size_hidden_layers": [24], "time_constants_per_layer": [5]},
    "two-layers": {"size_hidden_layers": [20, 14], "time_constants_per_layer": [4, 3], "tau_syn_base": 0.003},
    "dropout-caps": {"p_dropout": 0.3, "max_spikes_per_dt": 5, "max_spikes_per_dt_out": 2},
    "trainable": {"train_time_constants": True, "train_threshold": True, "threshold": 0.7},
    "unrounded": {"quantize_time_constants": False, "tau_mem": 0.0053, "tau_syn_out": 0.0031, "dt": 0.0011},
    "thresholds": {"threshold_out": [0.5, 1.0, 1.5, 2.0], "tau_mem": 0.004},
    "one-threshold": {
        "threshold_out": 0.6,
        "threshold": 0.8,
        "dt": 0.004,
        **SLOW,
    },
    "neurons": {"neuron_model": "LIFTorch", "neuron_kwargs": {"learning_window": 0.2, "max_spikes_per_dt": 3}},
    "step": {"neuron_kwargs": {"spike_generation_fn": "StepPWL"}},
    "recurrent": {"neuron_kwargs": {"has_rec": True}, "size_hidden_layers": [12], "time_constants_per_layer": [2]},
    "vmem": {"output": "vmem"},
    "vmem-unrounded": {"output": "vmem", "quantize_time_constants": False, "train_time_constants": True},
}
"""Every option of SynNet's constructor, each at some value that is not its default."""


def synnet(seed: int = 0, n_classes: int = 4, n_channels: int = 16, **options: Any) -> Any:
    """A SynNet with options of its constructor; classes and functions by name."""
    from rockpool.nn import modules
    from rockpool.nn.modules.torch import lif_torch
    from rockpool.nn.networks import SynNet

    torch = _random(seed)
    if "neuron_model" in options:
        options["neuron_model"] = getattr(modules, options["neuron_model"])
    given = dict(options.get("neuron_kwargs") or {})
    if "spike_generation_fn" in given:
        given["spike_generation_fn"] = getattr(lif_torch, given["spike_generation_fn"])
    net = SynNet(n_classes=n_classes, n_channels=n_channels, **{**options, "neuron_kwargs": given or None})
    for weight in net.parameters("weights")["seq"].values():
        if "weight" in weight:  # as after training: so that every layer fires
            weight["weight"].data *= 20
        else:  # recurrent; on a grid, where sums are exact in any order
            weight["w_rec"].data = torch.round(weight["w_rec"].data * 16) / 64
    return net


def steps() -> Any:
    """Steps of 4 ms, and a residual block right after weights."""
    from rockpool.nn.combinators import Residual, Sequential
    from rockpool.nn.modules import ExpSynTorch, LIFTorch, LinearTorch

    torch = _random(0)
    first, second = _grid(torch, (16, 12), 0.3, True), _grid(torch, (12, 12), 0.3, True)
    block = Residual(LinearTorch((12, 12), weight=second), LIFTorch(12, dt=0.004))
    return Sequential(
        LinearTorch((16, 12), weight=first), block, ExpSynTorch(12, tau=0.03, dt=0.004), LIFTorch(12, dt=0.004)
    )


def alone() -> Any:
    """One module and no container."""
    torch = _random(0)
    return _lif(torch, 16, 1, "LIFTorch", 31)


def own() -> Any:
    """A module of one's own: nothing but its forward knows the order of its layers."""
    from rockpool.nn.modules import LinearTorch, TorchModule

    class Own(TorchModule):
        def __init__(self) -> None:
            super().__init__(shape=(16, 4))
            self.fc = LinearTorch((16, 4))
            self.act = _lif(_random(0), 4, 1, "LIFTorch", 31)

        def forward(self, data: Any) -> Any:
            return self.act(self.fc(data)[0])[0]

    return Own()


def odd_spikes() -> Any:
    """A spike function that nobody knows."""
    from rockpool.nn.combinators import Sequential
    from rockpool.nn.modules.torch.lif_torch import StepPWL

    class Other(StepPWL):
        pass

    return Sequential(_lif(_random(0), 16, 1, "LIFTorch", 31, spike_generation_fn=Other))


SAVED: dict[str, Any] = {
    "chain1": lambda: chain(),
    "chain3": lambda: chain(n_syn=3, kind="LIFBitshiftTorch"),
    "recurrent": lambda: recurrent(exact=True, strength=0.05),
    "residual": residual,
    "nested": nested,
    "alone": alone,
    "own": own,
    "steps": steps,
    **{f"synnet-{name}": lambda name=name: synnet(**SYNNETS[name]) for name in SYNNETS},
}


TRAPS: dict[str, dict[str, Any]] = {
    "cap": {"max_spikes_per_dt": float("inf")},
    "zero": {"threshold": 0.0},
    "negative": {"threshold": -1.0},
    "noise": {"noise_std": 0.5},
}


def trap(kind: str) -> Any:
    """A layer of neurons that Rockpool runs without a word, to no sense."""
    from rockpool.nn.combinators import Sequential
    from rockpool.nn.modules import LIFTorch, LinearTorch

    torch = _random(0)
    neurons = LIFTorch(6, dt=DT, **{"max_spikes_per_dt": 31, **TRAPS[kind]})
    return Sequential(LinearTorch((16, 6), weight=_grid(torch, (16, 6), 0.2, True)), neurons)


def undeclared() -> Any:
    """has_rec false, w_rec not 0: as a file of a recurrent network is when it is loaded into another."""
    net = chain()
    torch = _random(4)
    net[1].w_rec.data = torch.round(torch.randn(24, 24) * 8) / 64
    return net


if __name__ == "__main__":
    import warnings

    warnings.simplefilter("ignore")
    for name, factory in {**SAVED, "undeclared": undeclared}.items():
        factory().save(Path(sys.argv[1]) / f"{name}.json")
