"""Sources of SpikingJelly networks, as text: one per layer and neuron that can be held, one per reason to refuse.

Weights follow a formula on a grid of eighths, so that every sum of currents is exact in any order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

HEAD = '''"""{title}."""


def on_grid(net, mode):
    """Weights and biases of -3/8 .. 5/8, norms that divide by a half."""
    import torch
    from spikingjelly.activation_based import functional
    from torch import nn

    for module in net.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.track_running_stats:
            module.running_mean = torch.full_like(module.running_mean, 0.25)
            module.running_var = torch.full_like(module.running_var, 0.25 - module.eps)
            if module.affine:
                nn.init.constant_(module.bias, 0.125)
        elif isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)):
            for parameter in module.parameters(recurse=False):
                count = torch.arange(parameter.numel()).reshape(parameter.shape)
                parameter.data = ((count * 7 + 3) % 9 - 3) / 8
    functional.set_step_mode(net, mode)
    return net.eval()
'''
PLAIN = """

def network():
{imports}

    return on_grid({body}, "{mode}"){tail}
"""
OWN = """

def network():
{imports}

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
{parts}

        def forward(self, x):
{steps}

    return on_grid(Network(), "m")
"""
NAMES = {
    "torch": "import torch",
    "layer": "from spikingjelly.activation_based import layer",
    "neuron": "from spikingjelly.activation_based import neuron",
    "nn": "from torch import nn",
    "F": "from torch.nn import functional as F",
}
"""What a network may name, and the line that brings it, inside the factory: a framework is a peer."""


def imports(body: str) -> str:
    """The lines for what ``body`` names."""
    return "\n".join(f"    {line}" for name, line in NAMES.items() if re.search(rf"(?<![\w.]){name}\.", body))


@dataclass(frozen=True)
class Source:
    """A network: what is inside ``nn.Sequential``, or parts and a forward. ``shape``: of one input.

    ``refused``: code and place, for those that cannot be imported.
    """

    shape: tuple[int, ...]
    body: str = ""
    parts: str = ""
    forward: str = ""
    refused: tuple[str, str] = ("", "")
    mode: str = "m"
    findings: tuple[str, ...] = ()
    landmine: int | None = None
    tail: str = ""

    def text(self, title: str) -> str:
        """The file ``network.py``."""
        head = HEAD.format(title=title[:1].upper() + title[1:])
        if self.forward:
            parts = "\n".join(f"            {line.strip()}" for line in self.parts.split(";"))
            steps = "\n".join(f"            {line.strip()}" for line in self.forward.split(";"))
            lines = imports(f"nn.Module {self.parts} {self.forward}")
            return head + OWN.format(imports=lines, parts=parts, steps=steps)
        body = f"nn.Sequential({self.body})"
        return head + PLAIN.format(imports=imports(body), body=body, mode=self.mode, tail=self.tail)


LINE, IMAGE, BLOCK, VECTOR = (2, 6), (2, 4, 4), (1, 4, 3, 2), (4,)
IF = "neuron.IFNode()"
CONV = "layer.Conv2d(2, 2, 3, padding=1, bias=False)"
START = f"{CONV}, {IF}"
END = "layer.Flatten(), layer.Linear({}, 4, bias=False), neuron.IFNode({})"


def dense(cells: str, landmine: int | None = None) -> Source:
    """A dense layer and neurons."""
    return Source(VECTOR, f"layer.Linear(4, 6), {cells}", landmine=landmine)


def between(middle: str, size: int, v_threshold: float = 1.0, **more: Any) -> Source:
    """Convolution, neurons, what is tested, dense, neurons."""
    return Source(IMAGE, f"{START}, {middle}, {END.format(size, v_threshold)}", **more)


def joined(forward: str) -> Source:
    """Two branches and a forward that joins them."""
    parts = (
        f"self.stem, self.n0 = {CONV}, {IF}; self.conv, self.n1 = {CONV}, {IF}; self.head, self.n2 = {CONV}, {IF}"
    )
    return Source(IMAGE, "", parts, f"x = self.n0(self.stem(x)); y = self.n1(self.conv(x)); {forward}")


NEURONS: dict[str, Source] = {
    "IFNode": dense("neuron.IFNode()", 1),
    "IFNode, threshold 0.75": dense("neuron.IFNode(v_threshold=0.75)"),
    "IFNode, v_reset -0.25": dense("neuron.IFNode(v_reset=-0.25)"),
    "IFNode, soft reset": dense("neuron.IFNode(v_reset=None)", 3),
    "LIFNode": dense("neuron.LIFNode()"),
    "LIFNode, decay_input off": dense("neuron.LIFNode(decay_input=False)"),
    "LIFNode, soft reset, tau 4": dense("neuron.LIFNode(tau=4.0, v_reset=None)"),
    "ParametricLIFNode": dense("neuron.ParametricLIFNode()"),
    "KLIFNode": dense("neuron.KLIFNode()"),
    "KLIFNode, scale_reset": dense("neuron.KLIFNode(True, v_reset=None)"),
    "QIFNode": dense("neuron.QIFNode()"),
    "EIFNode": dense("neuron.EIFNode()"),
    "IzhikevichNode": dense("neuron.IzhikevichNode(a=0.25, b=0.125)"),
    "RAFNode": dense("neuron.RAFNode()"),
    "CUBALIFNode": dense("neuron.CUBALIFNode()"),
    "SynapseFilter": dense("layer.SynapseFilter(2.0), neuron.IFNode(2.0)"),
    "SimpleIFNode": dense("neuron.SimpleIFNode()"),
    "SimpleLIFNode": dense("neuron.SimpleLIFNode(2.0, decay_input=False)"),
    "SLTTLIFNode": Source(VECTOR, "layer.Linear(4, 6), neuron.SLTTLIFNode(decay_input=False)", mode="s"),
    "in training": Source(VECTOR, f"layer.Linear(4, 6), {IF}", tail=".train()", findings=("SNN-3006", "SNN-3008")),
    "module named input": Source(
        VECTOR,
        "",
        f"self.input = layer.Linear(4, 6); self.n = {IF}",
        "return self.n(self.input(x))",
        findings=("SNN-3007 input",),
    ),
    "single-step mode": Source(
        VECTOR, "layer.Linear(4, 6), neuron.LIFNode(), layer.Linear(6, 3), neuron.IFNode()", mode="s", landmine=20
    ),
}
LAYERS: dict[str, Source] = {
    "Linear": Source(VECTOR, f"layer.Linear(4, 6, bias=False), {IF}, layer.Linear(6, 3), {IF}"),
    "Conv1d": Source(LINE, f"layer.Conv1d(2, 3, 3, stride=2, padding=1), {IF}, layer.Conv1d(3, 2, 2), {IF}"),
    "Conv2d": Source(
        IMAGE, f"{START}, layer.Conv2d(2, 4, 3, stride=2, padding=2, dilation=2, groups=2), {IF}", landmine=13
    ),
    "Conv2d, same": Source(IMAGE, f"layer.Conv2d(2, 2, 3, padding='same'), {IF}"),
    "Conv3d": Source(BLOCK, f"layer.Conv3d(1, 2, (3, 2, 1), padding=(1, 0, 0)), {IF}"),
    "BatchNorm1d": Source(LINE, f"layer.Conv1d(2, 3, 3), layer.BatchNorm1d(3), {IF}"),
    "BatchNorm1d behind Linear": Source(VECTOR, f"layer.Linear(4, 6), layer.BatchNorm1d(6), {IF}"),
    "BatchNorm2d": Source(IMAGE, f"{CONV}, layer.BatchNorm2d(2), {IF}", landmine=28),
    "BatchNorm2d, affine off": Source(IMAGE, f"{CONV}, layer.BatchNorm2d(2, affine=False), {IF}"),
    "BatchNorm3d": Source(BLOCK, f"layer.Conv3d(1, 2, (2, 2, 1)), layer.BatchNorm3d(2), {IF}"),
    "AvgPool1d": Source(LINE, f"layer.Conv1d(2, 2, 3, padding=1), {IF}, layer.AvgPool1d(2), neuron.IFNode(0.5)"),
    "AvgPool2d": between("layer.AvgPool2d(2)", 8),
    "AvgPool2d, padded": between("layer.AvgPool2d(2, 2, 1, ceil_mode=True)", 18, landmine=15),
    "AvgPool3d": Source(
        BLOCK, f"layer.Conv3d(1, 2, (1, 2, 1)), {IF}, layer.AvgPool3d((2, 1, 2)), neuron.IFNode(0.5)"
    ),
    "MaxPool1d": Source(LINE, f"layer.Conv1d(2, 2, 3, padding=1), {IF}, layer.MaxPool1d(2), neuron.IFNode(2.0)"),
    "MaxPool2d": between("layer.MaxPool2d(2)", 8),
    "MaxPool2d, dilated": between("layer.MaxPool2d(2, 1, 1, dilation=2)", 32, 12.0),
    "MaxPool3d": Source(
        BLOCK, f"layer.Conv3d(1, 2, (1, 2, 1)), {IF}, layer.MaxPool3d((2, 1, 2)), neuron.IFNode(2.0)"
    ),
    "AdaptiveAvgPool2d": between("layer.AdaptiveAvgPool2d(2)", 8),
    "Upsample": between("layer.Upsample(scale_factor=2)", 128, 20.0),
    "ZeroPad2d": between("nn.ZeroPad2d((1, 0, 0, 1))", 50, 8.0),
    "Dropout": between("layer.Dropout(0.5)", 32, findings=("SNN-3005 2",)),
    "Flatten": Source(IMAGE, END.format(32, 8.0), landmine=14),
    "Unflatten": Source((8,), f"nn.Unflatten(2, (2, 4)), layer.Conv1d(2, 2, 3), {IF}"),
    "VotingLayer": Source(VECTOR, f"layer.Linear(4, 8), {IF}, layer.VotingLayer(2), layer.Linear(4, 4), {IF}"),
    "ReLU": Source(VECTOR, f"layer.Linear(4, 6), nn.ReLU(), layer.Linear(6, 3), {IF}"),
    "SeqToANNContainer": Source(
        IMAGE, f"layer.SeqToANNContainer(nn.Conv2d(2, 2, 3, padding=1), nn.AvgPool2d(2)), {IF}"
    ),
    "MultiStepContainer": Source(VECTOR, "layer.Linear(4, 6), layer.MultiStepContainer(neuron.IFNode())"),
    "LinearRecurrentContainer": Source(
        VECTOR,
        "layer.Linear(4, 6), layer.LinearRecurrentContainer(neuron.IFNode(), 6, 6, bias=False)",
    ),
}
FORWARDS: dict[str, Source] = {
    "forward: sum": joined("return self.n2(self.head(x + y))"),
    "forward: product": joined("return self.n2(self.head(x * y))"),
    "forward: IAND": joined("return self.n2(self.head(x * (1.0 - y)))"),
    "forward: numbers": joined("return self.n2(self.head((2 - x * 0.5) / 4 + 0.5 * y - 0.125))"),
    "forward: relu": joined("return self.n2(self.head(F.relu(x - y)))"),
    "forward: cat": joined("return self.n2(self.head(torch.cat([x, y], 3)))"),
    "forward: mean over space": joined(
        "x, y = x.mean((-2, -1), keepdim=True), y.mean((-2, -1), keepdim=True); return self.n2(self.head(x + y))"
    ),
    "forward: view": joined("y = y.view(y.shape[0], y.shape[1], 2, 2, 8); return self.n2(self.head(y))"),
    "forward: mean over time": joined("return self.n2(self.head(x)).mean(0)"),
}


def no(body: str, code: str, place: str, shape: tuple[int, ...] = VECTOR, mode: str = "m") -> Source:
    return Source(shape, body, refused=(code, place), mode=mode)


def never(forward: str, code: str, place: str = "") -> Source:
    """A forward that cannot be held."""
    parts = "self.n0, self.n1 = neuron.IFNode(), neuron.LIFNode(); self.fc = layer.Linear(4, 4)"
    return Source(IMAGE, "", parts, forward, (code, place))


REFUSED: dict[str, Source] = {
    "Tanh": no("layer.Linear(4, 4), nn.Tanh()", "SNN-3002", "1"),
    "ConvTranspose2d": no("layer.ConvTranspose2d(2, 2, 3)", "SNN-3002", "0", IMAGE),
    "GroupNorm": no("layer.GroupNorm(1, 2)", "SNN-3002", "0", IMAGE),
    "AdaptiveMaxPool2d": no("nn.AdaptiveMaxPool2d(2)", "SNN-3002", "0", IMAGE, "s"),
    "GatedLIFNode": no("neuron.GatedLIFNode(4)", "SNN-3002", "0"),
    "PSN": no("neuron.PSN(4)", "SNN-3002", "0"),
    "MaskedPSN": no("neuron.MaskedPSN(2, 4)", "SNN-3002", "0"),
    "TernaryIFNode": no("neuron.TernaryIFNode()", "SNN-3002", "0"),
    "padding_mode": no("layer.Conv2d(2, 2, 3, padding=1, padding_mode='circular')", "SNN-3009", "0", IMAGE),
    "even kernel, same": no("layer.Conv2d(2, 2, 2, padding='same')", "SNN-3009", "0", IMAGE),
    "batch statistics": no("layer.BatchNorm2d(2, track_running_stats=False)", "SNN-3009", "0", IMAGE),
    "divisor_override": no("layer.AvgPool2d(2, divisor_override=3)", "SNN-3009", "0", IMAGE),
    "return_indices": no("nn.MaxPool2d(2, return_indices=True)", "SNN-3009", "0", IMAGE, "s"),
    "linear upsampling": no("layer.Upsample(scale_factor=2, mode='bilinear')", "SNN-3009", "0", IMAGE),
    "upsampling by 1.5": no(f"{START}, layer.Upsample(scale_factor=1.5)", "SNN-3009", "2", IMAGE),
    "padding with 0.5": no("nn.ConstantPad2d(1, 0.5)", "SNN-3009", "0", IMAGE, "s"),
    "sum of two sizes": replace(
        joined("return self.n2(self.head(x.mean((-2, -1), keepdim=True) + y))"), refused=("SNN-3010", "add")
    ),
    "flatten of everything": no(f"nn.Flatten(0), {IF}", "SNN-3003", "0"),
    "neuron used twice": Source(
        VECTOR,
        "",
        "self.fc = layer.Linear(4, 4); self.n = neuron.IFNode()",
        "return self.n(self.fc(self.n(self.fc(x))))",
        ("SNN-3004", "n"),
    ),
    "overwritten in place": never("a, b = self.n0(x), self.n1(x); return a.add_(b) + a", "SNN-3025"),
    "relu in place": never("a = self.n0(x); return a + F.relu(a, inplace=True) + a", "SNN-3025"),
    "other output in each call": Source(
        VECTOR,
        "",
        "self.n = neuron.IFNode(); self.calls = 0",
        "self.calls += 1; return self.n(x) * self.calls",
        ("SNN-3026", ""),
    ),
    "mean over the batch": never("return self.n0(x).mean(1)", "SNN-3003"),
    "mean over everything": never("return self.n0(x).mean()", "SNN-3003"),
    "on after the mean over time": never("return self.n1(self.n0(x).mean(0))", "SNN-3003"),
    "time and batch swapped": never("return self.n0(x).view(x.shape[1], x.shape[0], 2, 4, 4)", "SNN-3003"),
    "squeeze": never("return self.n0(x).squeeze()", "SNN-3003"),
    "one step of time": never("return self.n0(x)[0]", "SNN-3002"),
    "division by 3": never("return self.n0(x) / 3", "SNN-3002"),
    "alpha": never("return torch.add(self.n0(x), x, alpha=2)", "SNN-3002"),
    "number beyond f32": never("return self.n0(x) + 1e40", "SNN-3002"),
    "bilinear interpolation": never(
        "y = F.interpolate(self.n0(x).flatten(0, 1), scale_factor=2, mode='bilinear'); return y", "SNN-3009"
    ),
    "dropout that is always on": never("return F.dropout(self.n0(x))", "SNN-3009"),
    "branch on data": never("return self.n0(x) if x.sum() > 0 else x", "SNN-3002"),
}
