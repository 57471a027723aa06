"""Blocks that count their events."""


def grid(*shape):
    """Weights of -3/8 .. 5/8."""
    import torch

    count = torch.arange(torch.Size(shape).numel()).reshape(shape)
    return ((count * 7 + 3) % 9 - 3) / 8


def params(**more):
    """A CUBA neuron."""
    return {"threshold": 1.0, "current_decay": 0.25, "voltage_decay": 0.03, **more}


def chain(*blocks, scale=1.0):
    """Blocks one after another, as lava-dl's tutorials have them, with weights of a grid."""
    import torch

    class Chain(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.blocks = torch.nn.ModuleList(blocks)

        def forward(self, x):
            for block in self.blocks:
                x = block(x)
            return x

    return filled(Chain(), scale)


def filled(net, scale):
    """Every weight that learns, and the two parts of a normalised one."""
    for name, each in net.named_parameters():
        if name.endswith(("synapse.weight", "real.weight", "imag.weight", "weight_v")) and each.numel() > 9:
            each.data = grid(*each.shape) * scale
        elif name.endswith("weight_g"):
            each.data = 0 * each.data + scale
    return net


def network():
    from lava.lib.dl.slayer.block import cuba

    return chain(cuba.Dense(params(), 6, 6, count_log=True))
