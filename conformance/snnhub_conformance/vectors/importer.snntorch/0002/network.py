"""Leaky, subtract."""


def network():
    import torch
    import snntorch as snn
    from torch import nn

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

    return nn.Sequential(
        linear(4, 6),
        snn.Leaky(beta=0.9, init_hidden=True),
        linear(6, 3),
        snn.Leaky(beta=0.9, init_hidden=True),
    )
