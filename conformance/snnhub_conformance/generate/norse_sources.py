"""Networks of norse: one for each cell and option that can be held, and for each reason to refuse."""

from __future__ import annotations

from typing import ClassVar

from snnhub_conformance.generate import torch_sources

RECURRENT = """
def recurrent(cell):
    cell.input_weights.data, cell.recurrent_weights.data = grid(6, 4), grid(6, 6) / 2
    return cell
"""
LOOP = '''
class Net(nn.Module):
    """States passed by hand over a loop."""

    def __init__(self):
        super().__init__()
        self.fc1, self.lif1 = linear(4, 6), norse.LIFCell(norse.LIFParameters(v_th=torch.tensor(0.125)))
        self.fc2, self.lif2 = linear(6, 3), norse.LIFBoxCell(norse.LIFBoxParameters(v_th=torch.tensor(0.0625)))

    def forward(self, x):
        first = second = None
        spikes = []
        for step in range(x.shape[0]):
            z, first = self.lif1(self.fc1(x[step]), first)
            z, second = self.lif2(self.fc2(z), second)
            spikes.append(z)
        return torch.stack(spikes)
'''


class Source(torch_sources.Source):
    """A network of norse's modules."""

    imports: ClassVar[tuple[str, ...]] = ("import norse.torch as norse",)


def stateful(first: str, second: str, *findings: str, more: str = "") -> Source:
    """A SequentialState of two layers with weights and a cell each."""
    parts = ("linear(4, 6)", first, "linear(6, 3)", second)
    return Source(torch_sources.chained("norse.SequentialState", *parts), findings=findings, more=more)


def twice(cell: str, *findings: str) -> Source:
    return stateful(cell, cell, *findings)


def box(more: str) -> str:
    return f"norse.LIFBoxCell(norse.LIFBoxParameters({more}))"


def lif(kind: str, parameters: str, more: str) -> str:
    return f"norse.{kind}(norse.{parameters}({more}))"


NETWORKS: dict[str, Source] = {
    "LIFBoxCell": twice(box("v_th=torch.tensor(0.0625)")),
    "LIFBoxCell, reset to a value": twice(box("v_th=torch.tensor(0.125), v_reset=torch.tensor(-0.25)")),
    "LIFBoxCell, rest": twice(box("v_th=torch.tensor(0.25), v_leak=torch.tensor(0.125)")),
    "LIFBoxCell, numbers per neuron": stateful(
        box("v_th=torch.arange(1, 7) / 32, tau_mem_inv=100.0 + torch.arange(6) * 25"),
        box("v_th=torch.tensor(0.05)"),
    ),
    "LIFBoxCell, subtract": twice(
        box("v_th=torch.tensor(0.0625), reset_method=norse.functional.reset.reset_subtract")
    ),
    "LIFCell": twice(lif("LIFCell", "LIFParameters", "v_th=torch.tensor(0.125)")),
    "LIFCell, dt": twice("norse.LIFCell(norse.LIFParameters(v_th=torch.tensor(0.25)), dt=0.002)"),
    "LIFRefracCell": twice(
        "norse.LIFRefracCell(norse.LIFRefracParameters(norse.LIFParameters(v_th=torch.tensor(0.125)),"
        " torch.tensor(3)))"
    ),
    "LSNNCell": twice(lif("LSNNCell", "LSNNParameters", "v_th=torch.tensor(0.125), beta=torch.tensor(0.05)")),
    "IAFCell": twice(lif("IAFCell", "IAFParameters", "v_th=torch.tensor(1.25)")),
    "LIFRecurrentCell": Source(
        "norse.SequentialState("
        "recurrent(norse.LIFRecurrentCell(4, 6, norse.LIFParameters(v_th=torch.tensor(0.125)))))",
        more=RECURRENT,
    ),
    "in a loop over time": Source("Net()", more=LOOP),
}
REFUSED: dict[str, Source] = {
    "a reset of the user": Source(
        f"norse.SequentialState(linear(4, 6), {box('reset_method=torch.add')})", refused=("SNN-3540", "1")
    ),
    "numbers in f64": Source(
        f"norse.SequentialState(linear(4, 6), {box('v_th=torch.ones(6).double()')})", refused=("SNN-3541", "1")
    ),
}
