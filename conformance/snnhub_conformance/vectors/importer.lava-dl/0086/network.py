"""Bootstrap in the mode sample."""


def grid(*shape):
    """Weights of -3/8 .. 5/8."""
    import torch

    count = torch.arange(torch.Size(shape).numel()).reshape(shape)
    return ((count * 7 + 3) % 9 - 3) / 8


def params(**more):
    """A CUBA neuron."""
    return {"threshold": 1.0, "current_decay": 0.25, "voltage_decay": 0.03, **more}


def moded(*blocks, scale=1.0):
    """Blocks of bootstrap, each with its mode."""
    import torch

    class Moded(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.blocks = torch.nn.ModuleList(blocks)

        def forward(self, x, mode):
            for block, now in zip(self.blocks, mode):
                x = block(x, mode=now)
            return x

    return filled(Moded(), scale)


def filled(net, scale):
    """Every weight that learns, and the two parts of a normalised one."""
    for name, each in net.named_parameters():
        if name.endswith(("synapse.weight", "real.weight", "imag.weight", "weight_v")) and each.numel() > 9:
            each.data = grid(*each.shape) * scale
        elif name.endswith("weight_g"):
            each.data = 0 * each.data + scale
    return net


def network():
    from lava.lib.dl import bootstrap

    return moded(bootstrap.block.cuba.Dense(params(), 6, 6))
