"""LIFTorch, recurrence not declared."""


def grid(*shape):
    """Weights of -3/8 .. 5/8."""
    import torch

    count = torch.arange(torch.Size(shape).numel()).reshape(shape)
    return ((count * 7 + 3) % 9 - 3) / 8


def linear(before, after, **given):
    from rockpool.nn.modules import LinearTorch

    return LinearTorch((before, after), weight=grid(before, after), **given)


def spread(*shape):
    """1/2, 3/4, 7/8 by turns."""
    import torch

    count = torch.arange(torch.Size(shape).numel()).reshape(shape)
    return 1 - 0.5 ** (count % 3 + 1)


def neurons(size, n_syn=1, **given):
    """LIF neurons with decays as they are stored."""
    import torch
    from rockpool.nn.modules import LIFTorch

    values = {"leak_mode": "decays", "alpha": spread(size), "beta": spread(size, n_syn), "max_spikes_per_dt": 31}
    values["threshold"] = 0.5 + torch.arange(size) / 4
    return LIFTorch((size * n_syn, size), dt=1e-3, **{**values, **given})


def undeclared(layer):
    """As a file of a recurrent network makes it of a layer that is not."""
    layer.w_rec.data = grid(*layer.w_rec.shape) / 4
    return layer


def network():
    from rockpool.nn.combinators import Sequential

    return Sequential(linear(4, 6), undeclared(neurons(6)))
