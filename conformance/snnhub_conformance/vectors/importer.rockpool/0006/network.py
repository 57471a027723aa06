"""LIFTorch, shifts."""


def grid(*shape):
    """Weights of -3/8 .. 5/8."""
    import torch

    count = torch.arange(torch.Size(shape).numel()).reshape(shape)
    return ((count * 7 + 3) % 9 - 3) / 8


def linear(before, after, **given):
    from rockpool.nn.modules import LinearTorch

    return LinearTorch((before, after), weight=grid(before, after), **given)


def network():
    from rockpool.nn.combinators import Sequential
    from rockpool.nn.modules import LIFTorch

    return Sequential(linear(4, 6), LIFTorch(6, leak_mode='bitshifts', dash_mem=2.0, dash_syn=1.0, dt=1e-3))
