"""A Rockpool network whose neurons fire as often per step as they like, as NIR's reader in Rockpool has it."""

from __future__ import annotations

from typing import Any


def uncapped() -> Any:
    """Two layers with biases, mixed thresholds and mixed time constants; weights on a grid of 1/64."""
    import torch
    from rockpool.nn.combinators import Sequential
    from rockpool.nn.modules import LIFTorch, LinearTorch

    torch.manual_seed(1)

    def weights(*shape: int) -> Any:
        return torch.round(torch.randn(shape) * 0.15 * 64) / 64

    def neurons(size: int) -> Any:
        times = {"tau_mem": 0.002 + 0.02 * torch.rand(size), "tau_syn": 0.002 + 0.02 * torch.rand(size, 1)}
        values = {"threshold": 0.3 + torch.rand(size), "bias": 0.05 * torch.randn(size)}
        return LIFTorch((size, size), dt=1e-3, max_spikes_per_dt=2**16, **times, **values)

    return Sequential(
        LinearTorch((16, 24), weight=weights(16, 24)),
        neurons(24),
        LinearTorch((24, 6), weight=weights(24, 6), bias=torch.full((6,), 1 / 64), has_bias=True),
        neurons(6),
    )
