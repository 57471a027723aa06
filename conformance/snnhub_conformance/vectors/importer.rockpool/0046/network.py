"""Own module without a graph."""


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


def own(says=True):
    """Two branches whose spikes add up; says its graph."""
    from rockpool.nn.modules import TorchModule

    class Own(TorchModule):
        def __init__(self):
            super().__init__(shape=(4, 3))
            self.left, self.one, self.right, self.two = linear(4, 3), neurons(3), linear(4, 6), neurons(3, 2)

        def forward(self, x):
            return self.one(self.left(x)[0])[0] + self.two(self.right(x)[0])[0]

        def as_graph(self):
            from rockpool.graph import AliasConnection, GraphHolder, connect_modules

            if not says:
                return super().as_graph()
            left, one, right, two = (each.as_graph() for each in (self.left, self.one, self.right, self.two))
            connect_modules(left, one)
            connect_modules(right, two)
            connect_modules(GraphHolder(left.input_nodes, left.input_nodes, "x", None), right)
            AliasConnection(two.output_nodes, one.output_nodes, "sum", None)
            return GraphHolder(left.input_nodes, one.output_nodes, "own", self)

    return Own()


def network():
    return own(False)
