"""RF."""


def grid(*shape):
    """Weights of -3/8 .. 5/8."""
    import torch

    count = torch.arange(torch.Size(shape).numel()).reshape(shape)
    return ((count * 7 + 3) % 9 - 3) / 8


def turning(**more):
    """A resonator."""
    return {"threshold": 0.5, "period": 7.0, "decay": 0.05, **more}


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
    from lava.lib.dl.slayer.block import rf

    return chain(rf.Dense(turning(), 6, 6), rf.Dense(turning(), 6, 5))
