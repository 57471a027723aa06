"""Networks of snnTorch: one for each neuron and attribute that can be held, and for each reason to refuse."""

from __future__ import annotations

from typing import ClassVar

from snnhub_conformance.generate import torch_sources

LOOP = '''
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
'''


class Source(torch_sources.Source):
    """A network of snnTorch's modules."""

    imports: ClassVar[tuple[str, ...]] = ("import snntorch as snn",)


def hidden(neuron: str, stored: bool = True, *findings: str) -> Source:
    """A sequence of two layers; ``neuron`` in both, the state inside."""
    parts = ("linear(4, 6)", neuron, "linear(6, 3)", neuron)
    return Source(torch_sources.chained("nn.Sequential", *parts), stored, findings=findings)


def leaky(more: str, stored: bool = True, *findings: str) -> Source:
    return hidden(f"snn.Leaky({more}, init_hidden=True)", stored, *findings)


def refused(neuron: str, code: str) -> Source:
    return Source(f"nn.Sequential(linear(4, 6), {neuron})", refused=(code, "1"))


BETAS = "torch.linspace(0.5, 0.95, 6)"
ONE = "nn.Sequential(linear(4, 6), {})"
NETWORKS: dict[str, Source] = {
    "Leaky, subtract": leaky("beta=0.9"),
    "Leaky, subtract at once": leaky("beta=0.9, reset_delay=False, threshold=0.3"),
    "Leaky, zero": leaky("beta=0.85, reset_mechanism='zero'"),
    "Leaky, zero at once": leaky("beta=0.85, reset_mechanism='zero', reset_delay=False"),
    "Leaky, none": leaky("beta=0.5, reset_mechanism='none'"),
    "Leaky, numbers per neuron": Source(
        ONE.format(f"snn.Leaky(beta={BETAS}, threshold=0.5 + torch.arange(6) / 8, init_hidden=True)")
    ),
    "Leaky, beta above 1": leaky("beta=1.25", True, "SNN-3534"),
    "Synaptic": hidden("snn.Synaptic(alpha=0.8, beta=0.7, init_hidden=True)"),
    "Synaptic, zero": hidden("snn.Synaptic(alpha=0.8, beta=0.7, reset_mechanism='zero', init_hidden=True)"),
    "Alpha": hidden("snn.Alpha(alpha=0.9, beta=0.8, threshold=0.4, init_hidden=True)", False),
    "Lapicque": hidden("snn.Lapicque(R=5.1, C=5e-3, time_step=1e-3, threshold=0.1, init_hidden=True)", False),
    "RLeaky, one to one": hidden("snn.RLeaky(beta=0.9, V=0.5, all_to_all=False, init_hidden=True)"),
    "in a loop over time": Source("Net()", more=LOOP),
}
REFUSED: dict[str, Source] = {
    "inhibition": refused("snn.Leaky(beta=0.9, inhibition=True, init_hidden=True)", "SNN-3530"),
    "SLSTM": refused("snn.SLSTM(6, 6, init_hidden=True)", "SNN-3531"),
    "a spike of the user": refused(
        "snn.Leaky(beta=0.9, spike_grad=lambda x: (x > 0.5).float(), init_hidden=True)", "SNN-3532"
    ),
}
