"""A reset of the user."""


def network():
    import torch
    import norse.torch as norse
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

    return norse.SequentialState(linear(4, 6), norse.LIFBoxCell(norse.LIFBoxParameters(reset_method=torch.add)))
