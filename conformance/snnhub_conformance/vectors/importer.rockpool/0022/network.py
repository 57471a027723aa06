"""LinearTorch, bias."""

import torch
from rockpool.nn.combinators import Residual, Sequential
from rockpool.nn.modules import ExpSynTorch, LIFBitshiftTorch, LIFTorch, LinearTorch, TorchModule
from rockpool.nn.modules.torch.dropout import TimeStepDropout
from rockpool.nn.networks import SynNet


def grid(*shape):
    """Weights of -3/8 .. 5/8."""
    count = torch.arange(torch.Size(shape).numel()).reshape(shape)
    return ((count * 7 + 3) % 9 - 3) / 8


def linear(before, after, **given):
    return LinearTorch((before, after), weight=grid(before, after), **given)


def spread(*shape):
    """1/2, 3/4, 7/8 by turns."""
    count = torch.arange(torch.Size(shape).numel()).reshape(shape)
    return 1 - 0.5 ** (count % 3 + 1)


def neurons(size, n_syn=1, **given):
    """LIF neurons with decays as they are stored."""
    values = {"leak_mode": "decays", "alpha": spread(size), "beta": spread(size, n_syn), "max_spikes_per_dt": 31}
    values["threshold"] = 0.5 + torch.arange(size) / 4
    return LIFTorch((size * n_syn, size), dt=1e-3, **{**values, **given})


def undeclared(layer):
    """As a file of a recurrent network makes it of a layer that is not."""
    layer.w_rec.data = grid(*layer.w_rec.shape) / 4
    return layer


def shifting(size, **given):
    """LIF neurons whose decays are shifts of bits."""
    taus = {"tau_mem": 0.002 * 2.0 ** (torch.arange(size) % 3), "tau_syn": 0.004}
    return LIFBitshiftTorch((size, size), **taus, dt=1e-3, max_spikes_per_dt=31, **given)


def leaking(size, n_syn=1, **given):
    """LIF neurons with time constants."""
    taus = {"tau_mem": 0.004 + torch.arange(size) / 1000, "tau_syn": 0.003}
    return LIFTorch((size * n_syn, size), **taus, dt=1e-3, max_spikes_per_dt=31, **given)


def synnet(**given):
    net = SynNet(n_classes=3, n_channels=4, size_hidden_layers=[6], time_constants_per_layer=[2], **given)
    for layer in net.seq.modules().values():
        if isinstance(layer, LinearTorch):
            layer.weight.data = grid(*layer.shape)
    return net


class Own(TorchModule):
    """Two branches whose spikes add up; says its graph."""

    def __init__(self, says=True):
        super().__init__(shape=(4, 3))
        self.left, self.one, self.right, self.two = linear(4, 3), neurons(3), linear(4, 6), neurons(3, 2)
        self.says = says

    def forward(self, x):
        return self.one(self.left(x)[0])[0] + self.two(self.right(x)[0])[0]

    def as_graph(self):
        from rockpool.graph import AliasConnection, GraphHolder, connect_modules

        if not self.says:
            return super().as_graph()
        left, one, right, two = (each.as_graph() for each in (self.left, self.one, self.right, self.two))
        connect_modules(left, one)
        connect_modules(right, two)
        connect_modules(GraphHolder(left.input_nodes, left.input_nodes, "x", None), right)
        AliasConnection(two.output_nodes, one.output_nodes, "sum", None)
        return GraphHolder(left.input_nodes, one.output_nodes, "own", self)


def network():
    return Sequential(linear(4, 6, has_bias=True, bias=torch.arange(6) / 32), neurons(6))
