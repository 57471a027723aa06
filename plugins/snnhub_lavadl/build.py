"""Blocks of slayer to a graph: synapse, neurons and delay of each, one after another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from snnhub.errors import UnsupportedError
from snnhub.findings import Finding, Severity, error, info, loss, of_severity
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Decoder, Graph, Origin, Port, Provenance
from snnhub.ir.numtype import F32
from snnhub.ir.op import OpLookup
from snnhub.ir.tensor import Array, Tensor, smallest_integer, tensor

from snnhub_lavadl.chain import Block
from snnhub_lavadl.neurons import READERS, sigma_delta
from snnhub_lavadl.neurons.part import NeuronPart
from snnhub_lavadl.ops.delay import MAX_DELAY
from snnhub_lavadl.synapses import EXACT, Reach, Step, dense, reach, steps, summed_weight, used_weight

NEURONS = "lava.lib.dl.slayer.neuron."
WEIGHTED = ("Dense", "Conv", "ConvT", "Pool", "Unpool", "Output", "Affine")
HALVES = {
    ("sigma_delta.Neuron", "Input"): sigma_delta.read_delta,
    ("sigma_delta.Neuron", "Output"): sigma_delta.read_sigma,
}
"""Neurons of which a block runs a part only."""
SPIKES, INPUT, REAL = "spikes", "input", "real"


@dataclass(frozen=True)
class Signal:
    """What a block gives. ``delay``: steps that it is late. ``kind``: 0 and 1, the network's input, or any f32."""

    port: Port
    delay: int
    shape: tuple[int, ...]
    kind: str


class Build:
    """Builds one graph."""

    def __init__(self, name: str, framework: str, lookup: OpLookup, findings: Sequence[Finding]) -> None:
        self.builder = GraphBuilder(name, lookup)
        self.found = self.builder.findings
        self.found += findings
        self.version = framework
        self.inputs: list[int] = []
        self.exact: list[str] = []
        self.inexact: list[str] = []

    def run(self, blocks: Sequence[Block], provenance: Provenance, hold: int = 0) -> Graph:
        """The graph. ``hold``: steps in which one input is shown. Raises ``UnsupportedError`` with every block
        and setting that cannot be held.
        """
        shape = blocks[0].before
        signal = Signal(self.builder.input(shape, F32, hold=hold), 0, shape, INPUT)
        for number, block in enumerate(blocks):
            signal = self._block(block, replace(signal, shape=block.before), number == len(blocks) - 1)
        errors = of_severity(self.found, Severity.ERROR)
        if errors:
            more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
            first = errors[0]
            raise UnsupportedError(
                f"{first.message}{more}", where=first.place, remedy=first.remedy, findings=errors
            )
        self.builder.output(signal.port, delay=signal.delay)
        self._claim()
        reduce = "sum" if signal.kind == SPIKES else "mean"
        return self.builder.graph(decoder=Decoder(reduce), provenance=provenance)

    def _block(self, block: Block, signal: Signal, last: bool) -> Signal:
        if block.kind in WEIGHTED:
            return self._weighted(block, signal)
        known = {
            "Input": self._input,
            "Flatten": self._flatten,
            "Average": self._average,
            "Recurrent": self._recurrent,
            "KWTA": self._winners,
        }
        if block.kind in known:
            return known[block.kind](block, signal)
        if block.kind == "TimeDecimation":
            return self._decimation(block, signal, last)
        words = f"block {block.kind} is not known"
        self.found.append(error("SNN-3303", block.path, words))
        return replace(signal, shape=block.after)

    def _node(
        self, block: Block, name: str, op: str, sources: Any, params: Mapping[str, Tensor], **more: Any
    ) -> Port:
        path = f"{block.path}/{name}" if name else block.path
        origin = Origin("lava-dl", self.version, block.path.replace("/", "."))
        return self.builder.node(path, op, sources, params=params, origin=origin, **more)

    def _step(self, block: Block, step: Step, signal: Signal) -> Signal:
        params = {} if step.weight is None else {"weight": tensor(step.weight, "float32")}
        more = dict(step.attributes)
        port = self._node(block, step.name, step.op, signal.port, params, delay=signal.delay, **more)
        return replace(signal, port=port, delay=0)

    def _synapse(self, block: Block, synapse: Any, signal: Signal, suffix: str = "") -> Signal:
        """The transforms of one real synapse."""
        made = steps(synapse, type(synapse).__name__, block.before, block.after, block.path)
        if isinstance(made, Finding):
            self.found.append(made)
            return signal
        for step in made:
            signal = self._step(block, replace(step, name=step.name + suffix), signal)
        return signal

    def _weighted(self, block: Block, signal: Signal) -> Signal:
        synapse = block.module.synapse
        names = ("real", "imag") if synapse.complex else ("",)
        made = []
        for name in names:
            one = getattr(synapse, name) if name else synapse
            self._prove(block, [reach(summed_weight(one))], signal.kind)
            made.append(self._synapse(block, one, signal, f"_{name}" if name else ""))
        silent = block.bootstrap and block.kind == "Affine"
        if silent or getattr(block.module, "dynamics", True) is not True:  # slayer hands on the imaginary part
            return Signal(made[-1].port, 0, block.after, REAL)
        return self._neurons(block, [signal.port for signal in made])

    def _neurons(self, block: Block, ports: Sequence[Port], stepwise: bool = False) -> Signal:
        neuron = block.module.neuron
        part = self._part(neuron, block)
        if part is None:
            return Signal(ports[0], 0, block.after, SPIKES)
        self.found += part.findings
        attributes = dict(part.attributes)
        if stepwise and "stepwise" in attributes:
            attributes["stepwise"] = True
        elif stepwise:
            words = f"recurrence with {part.op} is not known"
            self.found.append(error("SNN-3303", block.path, words))
        params = {name: _tensor(values) for name, values in part.params.items()}
        sources = dict(zip(part.inputs, ports, strict=True))
        port = self._node(block, "", part.op, sources, params, **attributes)
        program = self.builder.nodes[-1].program
        binary = program is not None and program.output_type(port.name).is_bool
        signal = Signal(port, 0, block.after, SPIKES if binary else REAL)
        return self._delayed(block, signal)

    def _part(self, neuron: Any, block: Block) -> NeuronPart | None:
        kind = type(neuron)
        name = f"{kind.__module__.removeprefix(NEURONS)}.{kind.__qualname__}"
        reader = HALVES.get((name, block.kind)) or READERS.get(name)
        if reader is None:
            words = f"neuron {name} is none of {', '.join(READERS)}"
            self.found.append(error("SNN-3303", block.path, words))
            return None
        try:
            return reader(neuron, block.path)
        except UnsupportedError as problem:
            self.found += problem.findings
            return None

    def _delayed(self, block: Block, signal: Signal) -> Signal:
        """``delay_shift`` is one step on the edges that follow; an axonal delay comes after it."""
        never = block.kind in ("Output", "Affine") or (signal.kind == REAL and block.kind == "Input")
        shifted = int(not never and getattr(block.module, "delay_shift", False) is True)
        delay = None if block.bootstrap else getattr(block.module, "delay", None)
        if delay is None:
            return replace(signal, delay=signal.delay + shifted)
        given = delay.delay.detach().cpu().numpy().astype(np.float64) / float(delay.sampling_time)
        whole = np.trunc(given).astype(np.int64)
        if np.any(whole != given):
            words = "slayer cuts delays off to whole steps"
            self.found.append(
                info("SNN-3309", block.path, words, old=f"up to {given.max():g}", new=f"{whole.max()}")
            )
        if whole.min() < 0 or whole.max() > MAX_DELAY:
            words = f"delays of {whole.min()} .. {whole.max()} steps, allowed 0 .. {MAX_DELAY}"
            self.found.append(error("SNN-3306", block.path, words))
            return signal
        if np.unique(whole).size == 1:
            return replace(signal, delay=signal.delay + shifted + int(whole.reshape(-1)[0]))
        spread = whole.reshape(-1, *[1] * (len(block.after) - 1))
        if signal.kind == SPIKES:
            params = {"delay": smallest_integer(spread)}
            port = self._node(block, "delay", "slayer.Delay", signal.port, params)
            return replace(signal, port=port, delay=shifted)
        return self._graded_delay(block, signal, spread, shifted)

    def _graded_delay(self, block: Block, signal: Signal, whole: Array, shifted: int) -> Signal:
        """Values of some channels at a time, 0 elsewhere, which add up again after their delays."""
        zero, one = tensor(0.0, "float32"), tensor(1.0, "float32")
        parts = []
        for steps_ in np.unique(whole):
            chosen = {"scale": tensor((whole == steps_).astype(np.float32)), "shift": zero}
            parts.append((int(steps_), self._node(block, f"delay_d{steps_}", "core.Scale", signal.port, chosen)))
        (first, port), *rest = parts
        added = self._node(block, "delay", "core.Scale", port, {"scale": one, "shift": zero}, delay=first)
        for steps_, other in rest:
            self.builder.edge(other, Port(added.node, "x"), steps_)
        return replace(signal, port=added, delay=shifted)

    def _input(self, block: Block, signal: Signal) -> Signal:
        module = block.module
        if module.neuron is None:
            return replace(signal, delay=signal.delay + int(module.delay_shift is True))
        hook = getattr(module.pre_hook_fx, "__func__", None)
        if getattr(hook, "__name__", "") != "quantize_8bit":
            words = "a pre_hook_fx of its own on real input"
            self.found.append(error("SNN-3303", block.path, words, remedy="Leave the neuron's quantize_8bit."))
            return replace(signal, shape=block.after)
        values = {}
        for name, default in (("weight", 1.0), ("bias", 0.0)):
            given = getattr(module, name)
            values[name] = default if given is None else float(module.pre_hook_fx(given).detach().reshape(-1)[0])
        params = {name: tensor(value, "float32") for name, value in values.items()}
        port = self._node(block, "transform", "slayer.Input", signal.port, params, delay=signal.delay)
        return self._neurons(block, [port])

    def _flatten(self, block: Block, signal: Signal) -> Signal:
        attributes = {"start": 0, "end": len(block.before) - 1}
        return replace(self._step(block, Step("", "core.Flatten", attributes), signal), shape=block.after)

    def _average(self, block: Block, signal: Signal) -> Signal:
        """The mean over each of some groups of neurons."""
        groups = block.after[0]
        each = prod(block.before) // groups
        window = {"kernel": (each,), "stride": (each,), "padding": (0,)}
        for step in (
            Step("groups", "core.Reshape", {"shape": (groups, each)}),
            Step("mean", "core.AvgPool", {**window, "ceil_mode": False, "count_include_pad": True}),
            Step("", "core.Reshape", {"shape": (groups,)}),
        ):
            signal = self._step(block, step, signal)
        return replace(signal, shape=block.after, kind=REAL)

    def _decimation(self, block: Block, signal: Signal, last: bool) -> Signal:
        factor = block.module.factor
        if last:
            words = (
                f"means over bins of {factor} steps are taken by whoever reads the output; the graph gives steps"
            )
            self.found.append(info("SNN-3305", block.path, words))
        else:
            words = "time decimation changes the clock of the layers behind it"
            self.found.append(error("SNN-3303", block.path, words, remedy="Put it last."))
        return signal

    def _recurrent(self, block: Block, signal: Signal) -> Signal:
        module = block.module
        forward, back = used_weight(module.input_synapse), used_weight(module.recurrent_synapse)
        if getattr(module.input_synapse, "complex", False):
            self.found.append(error("SNN-3303", block.path, "slayer has no complex recurrence"))
            return replace(signal, shape=block.after)
        self._prove(block, [reach(forward), reach(back)], signal.kind)
        given = self._synapse(block, module.input_synapse, signal)
        return self._loop(block, given.port, dense(back.reshape(len(back), -1), "recurrent"), None)

    def _winners(self, block: Block, signal: Signal) -> Signal:
        """K winners take all: inhibition of all by all and a constant, which both come back a step later."""
        import torch

        module, neuron = block.module, block.module.neuron
        count, winners = module.num_neurons, module.num_winners
        with torch.no_grad():
            module.clamp()
            weight = (1 + module.self_excitation) * torch.eye(count) - 1
            constant = torch.FloatTensor([neuron.threshold * (count - 2 * winners) / count / neuron.w_scale])
            if neuron.quantize_8bit is not None:
                weight, constant = neuron.quantize_8bit(weight), neuron.quantize_8bit(constant)
        back, bias = weight.detach().numpy(), constant.numpy()
        forward = used_weight(module.synapse)
        self._prove(block, [reach(forward), reach(back), reach(bias.reshape(1, 1))], signal.kind)
        given = self._synapse(block, module.synapse, signal)
        return self._loop(block, given.port, dense(back, "recurrent"), np.broadcast_to(bias, (count,)))

    def _loop(self, block: Block, port: Port, back: Step, bias: Array | None) -> Signal:
        """Neurons that get their own spikes of the step before."""
        signal = self._neurons(block, [port], stepwise=True)
        if back.weight is None:
            raise TypeError("a loop has weights")
        params = {"weight": tensor(back.weight, "float32")}
        if bias is not None:
            params["bias"] = tensor(bias, "float32")
        attributes = {**back.attributes, "bias": bias is not None}
        spikes = Port(block.path, "s")
        out = self._node(block, back.name, back.op, spikes, params, delay=1, **attributes)
        self.builder.edge(out, Port(block.path, "x"))
        return signal

    def _prove(self, block: Block, reaches: Sequence[Reach], kind: str) -> None:
        """Whether all sums of a layer are exact in f32 in any order, so that its words are slayer's own."""
        grid = min(item.grid for item in reaches)
        terms = sum(float(np.ldexp(item.terms, item.grid - grid)) for item in reaches)
        limit = Reach(terms, grid).input
        if kind == REAL:
            self.inexact.append(f"{block.path} (its input is real)")
        elif limit < 1:
            self.inexact.append(
                f"{block.path} (largest sum of weights {np.ldexp(terms, grid):g} in steps of 2^{grid})"
            )
        else:
            self.exact.append(block.path)
            if kind == INPUT:
                self.inputs.append(limit)

    def _claim(self) -> None:
        """What is known of sums before anything has run."""
        if self.inexact:
            words = f"sums of weights not shown to be exact in f32: {', '.join(self.inexact)}"
            remedy = "Quantise the weights (the blocks do unless pre_hook_fx says otherwise)."
            self.found.append(loss("SNN-3311", self.builder.name, words, bound="spikes", remedy=remedy))
        if self.exact:
            words = f"every sum is below {EXACT} steps of its weights, so exact in f32 in any order: "
            limit = f", for whole-number input up to {min(self.inputs)}" if self.inputs else ""
            self.found.append(info("SNN-3310", self.builder.name, f"{words}{', '.join(self.exact)}{limit}"))


def _tensor(values: Array) -> Tensor:
    """Integers in the smallest dtype, floats in their own."""
    array = np.asarray(values)
    array = array.reshape(()) if array.size == 1 else array
    return smallest_integer(array) if array.dtype.kind in "iu" else tensor(array)
