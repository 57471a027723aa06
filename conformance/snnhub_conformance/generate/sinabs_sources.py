"""Networks of sinabs: one for each layer and option that can be held, and for each reason to refuse."""

from __future__ import annotations

from typing import ClassVar

from snnhub_conformance.generate import torch_sources


class Source(torch_sources.Source):
    """A network of sinabs's modules."""

    imports: ClassVar[tuple[str, ...]] = ("from sinabs import activation", "from sinabs import layers as sl")


def twice(layer: str, stored: bool, *findings: str) -> Source:
    """Two layers with weights and the same neurons behind each."""
    body = (
        f"nn.Sequential(\n        linear(4, 6),\n        {layer},\n        linear(6, 3),\n        {layer},\n    )"
    )
    return Source(body, stored, findings=findings)


def iaf(more: str = "") -> Source:
    return twice(f"sl.IAF({more})", True)


def lif(more: str) -> Source:
    """Decays are exp by torch, which may end in another bit on another machine."""
    return twice(f"sl.LIF({more})", False)


def refused(layer: str, code: str) -> Source:
    return Source(f"nn.Sequential(linear(4, 6), {layer})", refused=(code, "1"))


NETWORKS: dict[str, Source] = {
    "IAF": iaf("min_v_mem=-1.0"),
    "IAF, no floor": iaf(),
    "IAF, one spike": iaf("spike_fn=activation.SingleSpike"),
    "IAF, two spikes at most": iaf("spike_fn=activation.MaxSpike(2), spike_threshold=torch.tensor(0.25)"),
    "IAF, reset": iaf("reset_fn=activation.MembraneReset(0.125)"),
    "IAF, subtract a value": iaf("reset_fn=activation.MembraneSubtract(0.5)"),
    "IAF, thresholds per neuron": Source(
        "nn.Sequential(linear(4, 6), sl.IAF(spike_threshold=0.25 + torch.arange(6) / 8, min_v_mem=-0.5))"
    ),
    "LIF": lif("tau_mem=10.0, norm_input=False"),
    "LIF, norm_input": lif("tau_mem=5.0, spike_threshold=torch.tensor(0.125)"),
    "LIF, synapse": lif("tau_mem=10.0, tau_syn=4.0, norm_input=False"),
    "LIF, floor": lif("tau_mem=10.0, norm_input=False, min_v_mem=-0.25"),
    "ALIF": twice("sl.ALIF(tau_mem=10.0, tau_adapt=8.0, adapt_scale=0.5, norm_input=False)", False),
    "LIFRecurrent": Source(
        "nn.Sequential(linear(4, 6), sl.LIFRecurrent(tau_mem=10.0, rec_connect=linear(6, 6), norm_input=False))",
        False,
    ),
}
REFUSED: dict[str, Source] = {
    "a spike of the user": refused("sl.IAF(spike_fn=torch.relu)", "SNN-3550"),
    "a reset of the user": refused("sl.IAF(reset_fn=torch.relu)", "SNN-3550"),
    "a threshold of 0": refused("sl.IAF(spike_threshold=torch.tensor(0.0))", "SNN-3551"),
}
