"""In a loop over time."""


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

    class Net(nn.Module):
        """Two layers in a loop over time, as in snnTorch's tutorials."""

        def __init__(self):
            super().__init__()
            self.fc1, self.lif1 = linear(4, 6, True), snn.Leaky(beta=0.9, threshold=0.75)
            self.fc2, self.lif2 = linear(6, 3), snn.Synaptic(alpha=0.8, beta=0.7)

        def forward(self, x):
            mem1, (syn2, mem2) = self.lif1.init_leaky(), self.lif2.init_synaptic()
            spikes = []
            for step in range(x.size(0)):
                spk1, mem1 = self.lif1(self.fc1(x[step]), mem1)
                spk2, syn2, mem2 = self.lif2(self.fc2(spk1), syn2, mem2)
                spikes.append(spk2)
            return torch.stack(spikes)

    return Net()
