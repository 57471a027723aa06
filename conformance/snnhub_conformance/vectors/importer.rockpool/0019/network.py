"""LIFBitshiftTorch."""


def grid(*shape):
    """Weights of -3/8 .. 5/8."""
    import torch

    count = torch.arange(torch.Size(shape).numel()).reshape(shape)
    return ((count * 7 + 3) % 9 - 3) / 8


def linear(before, after, **given):
    from rockpool.nn.modules import LinearTorch

    return LinearTorch((before, after), weight=grid(before, after), **given)


def shifting(size, **given):
    """LIF neurons whose decays are shifts of bits."""
    import torch
    from rockpool.nn.modules import LIFBitshiftTorch

    taus = {"tau_mem": 0.002 * 2.0 ** (torch.arange(size) % 3), "tau_syn": 0.004}
    return LIFBitshiftTorch((size, size), **taus, dt=1e-3, max_spikes_per_dt=31, **given)


def network():
    from rockpool.nn.combinators import Sequential

    return Sequential(linear(4, 6), shifting(6), linear(6, 3), shifting(3))
