"""Parts of a Rockpool network to a graph: a node per layer, a Dense per synapse, recurrence as a delayed Dense."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from snnhub.errors import UnsupportedError
from snnhub.findings import Finding, Severity, error, info, of_severity
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Decoder, Graph, Origin, Port, Provenance
from snnhub.ir.numtype import F32
from snnhub.ir.op import OpLookup
from snnhub.ir.tensor import Array, Tensor, tensor

from snnhub_rockpool.neurons import Reader, leak_mode, shared
from snnhub_rockpool.part import (
    BITSHIFT,
    DROPOUT,
    EXP_SYN,
    LEAVES,
    LINEAR,
    NEURONS,
    RESIDUAL,
    SEQUENTIAL,
    WIRED,
    Part,
    first_width,
    is_synnet,
    whole,
    width_after,
)

TORCH_ORDER = 3
"""Up to so many currents torch adds from left to right; more in another order."""
THRESHOLD_OUT = 2**15 - 1
"""SynNet's threshold of an output layer whose membrane potential is the output."""
WHOLE = "residual"
"""Node of the sum of a network that is one residual block."""
F32_NAME = "float32"


@dataclass(frozen=True)
class Signal:
    """What flows between modules. ``port``: None as long as it is the product of a Linear that nobody asked for:
    where synapses share it out, it is computed for each of them alone.
    """

    width: int
    port: Port | None
    linear: Part | None = None
    source: Port | None = None


class Build:
    """Builds one graph. ``findings`` of the source come first; ``output`` is ``spikes``, ``vmem`` or None."""

    def __init__(self, name: str, framework: str, lookup: OpLookup, findings: Sequence[Finding]) -> None:
        self.builder = GraphBuilder(name, lookup)
        self.builder.findings += findings
        self.reader = Reader()
        self.version = framework
        self._products: dict[str, Port] = {}

    def run(self, root: Part, output: str | None, provenance: Provenance) -> Graph:
        """The graph. Raises ``UnsupportedError`` with every layer that cannot be held."""
        root = whole(root)
        width = first_width(root)
        errors: list[Finding] = []
        if width is None and not of_severity(self.builder.findings, Severity.ERROR):
            words = "nothing says how many inputs the network has"
            errors.append(error("SNN-3208", self.builder.name, words))
        signal = self._part(root, Signal(width or 1, self.builder.input((width or 1,), F32)))
        self.builder.findings += self.reader.found
        errors += of_severity(self.builder.findings, Severity.ERROR)
        decoder = self._decoder(root, output, errors)
        if errors:
            more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
            raise UnsupportedError(
                f"{errors[0].message}{more}", where=errors[0].place, remedy=errors[0].remedy, findings=errors
            )
        self.builder.output(self._port(signal))
        return self.builder.graph(decoder=decoder, dt=self._dt(), provenance=provenance)

    def _part(self, part: Part, signal: Signal) -> Signal:
        if part.kind in (SEQUENTIAL, RESIDUAL):
            after = signal
            for inner in part.parts:
                after = self._part(inner, after)
            return self._residual(part, signal, after) if part.kind == RESIDUAL else after
        if part.kind == WIRED:
            return self._wired(part, signal)
        if part.kind not in LEAVES:  # refused by whoever made the parts
            return signal
        if part.kind == DROPOUT:
            words = "time step dropout is for training; removed"
            state = "on" if part.values.get("training") is True else "off"
            self.builder.findings.append(info("SNN-3005", part.path, words, old=f"stored as {state}"))
            return signal
        if part.kind == LINEAR:
            return self._linear(part, signal)
        if part.kind == EXP_SYN:
            return self._synapse(part, signal)
        return self._neurons(part, signal)

    def _node(self, path: str, op: str, sources: Any, params: dict[str, Tensor], at: Part, **choice: Any) -> Port:
        origin = Origin("rockpool", self.version, at.path.replace("/", "."))
        return self.builder.node(path, op, sources, params=params, origin=origin, **choice)

    def _dense(self, path: str, source: Port, weight: Array, bias: Array | None, at: Part) -> Port:
        """``weight``: (in, out) as Rockpool has it."""
        params = {"weight": tensor(np.ascontiguousarray(weight.T), F32_NAME)}
        if bias is not None:
            params["bias"] = tensor(np.broadcast_to(bias, weight.shape[1:]), F32_NAME)
        choice = {"bias": bias is not None, "accumulate": "exact", "shift": 0}
        return self._node(path, "core.Dense", source, params, at, **choice)

    def _linear(self, part: Part, signal: Signal) -> Signal:
        weight = self.reader.array(part, "weight")
        bias = part.values.get("bias")
        offset = None if bias is None else self.reader.array(part, "bias")
        fits = weight.ndim == 2 and weight.size and weight.shape[0] == signal.width
        if not fits or (offset is not None and offset.shape not in ((), weight.shape[1:])):
            shapes = f"{list(weight.shape)}" + ("" if offset is None else f", bias {list(offset.shape)}")
            words = f"sizes do not agree: {signal.width} features arrive at weights {shapes}"
            self.reader.found.append(error("SNN-3208", part.path, words))
            return Signal(weight.shape[1] if weight.ndim == 2 else signal.width, self._port(signal))
        values = {"weight": weight, **({} if offset is None else {"bias": offset})}
        made = Part(part.path, LINEAR, values)
        return Signal(weight.shape[1], None, made, self._port(signal))

    def _port(self, signal: Signal) -> Port:
        """The whole of a signal."""
        if signal.port is not None:
            return signal.port
        part, source = signal.linear, signal.source
        assert part is not None and source is not None  # noqa: S101, PT018  what has no port is a Linear
        if part.path not in self._products:
            weight, bias = part.values["weight"], part.values.get("bias")
            self._products[part.path] = self._dense(part.path, source, weight, bias, part)
        return self._products[part.path]

    def _share(self, signal: Signal, part: Part, n_syn: int) -> list[Port]:
        """What each synapse gets: feature n · n_syn + k goes to synapse k of neuron n."""
        if n_syn == 1:
            return [self._port(signal)]
        linear, source = signal.linear, signal.source
        if linear is not None and source is not None:
            weight, bias = linear.values["weight"], linear.values.get("bias")
            each = [
                None if bias is None else np.broadcast_to(bias, weight.shape[1:])[k::n_syn] for k in range(n_syn)
            ]
            return [
                self._dense(f"{linear.path}/syn{k + 1}", source, weight[:, k::n_syn], each[k], linear)
                for k in range(n_syn)
            ]
        words = f"features go to {n_syn} synapses by turns, through weights of 0 and 1"
        self.builder.findings.append(info("SNN-3215", part.path, words))
        chosen, port = np.eye(signal.width, dtype=F32_NAME), self._port(signal)
        return [
            self._dense(f"{part.path}/syn{k + 1}", port, chosen[:, k::n_syn], None, part) for k in range(n_syn)
        ]

    def _wired(self, part: Part, signal: Signal) -> Signal:
        """A container by its wires."""
        made = [signal]
        for inner, wires in zip(part.parts, part.wires, strict=False):
            made.append(self._part(inner, self._sum([made[k] for k in wires], inner)))
        return self._sum([made[k] for k in part.wires[-1]], part)

    def _sum(self, signals: Sequence[Signal], part: Part) -> Signal:
        """What arrives at a part, added up from left to right."""
        total = signals[0]
        for number, other in enumerate(signals[1:], start=1):
            if total.width != other.width:
                words = f"signals of {total.width} and {other.width} features add up here"
                self.reader.found.append(error("SNN-3208", part.path, words))
                return total
            path = f"{part.path or 'net'}/sum{number}"
            sources = {"a": self._port(total), "b": self._port(other)}
            total = Signal(total.width, self._node(path, "core.Add", sources, {}, part))
        return total

    def _residual(self, part: Part, before: Signal, after: Signal) -> Signal:
        if before.width != after.width:
            words = f"a residual block takes {before.width} features and gives {after.width}"
            self.reader.found.append(error("SNN-3208", part.path, words))
            return after
        sources = {"a": self._port(after), "b": self._port(before)}
        return Signal(after.width, self._node(part.path or WHOLE, "core.Add", sources, {}, part))

    def _synapse(self, part: Part, signal: Signal) -> Signal:
        beta, recipe = self.reader.synapse(part)
        if beta.ndim and beta.shape != (signal.width,):
            words = f"sizes do not agree: {signal.width} features arrive at {list(beta.shape)} synapses"
            self.reader.found.append(error("SNN-3208", part.path, words))
            return signal
        params = {"beta": _coefficient(shared(beta), recipe)}
        self._computed(part)
        return Signal(signal.width, self._node(part.path, "core.ExpSyn", self._port(signal), params, part))

    def _computed(self, part: Part) -> None:
        worked_out = part.decays is None and part.kind != BITSHIFT
        if worked_out and leak_mode(part.values) == "taus":
            words = "decays were worked out without torch: about one of 80 differs from torch's by the last bit"
            remedy = "Import the live network (--from rockpool with its factory) to have torch's own."
            self.builder.findings.append(info("SNN-3210", part.path, words, remedy=remedy))

    def _neurons(self, part: Part, signal: Signal) -> Signal:
        found = self.reader.neurons(part, signal.width)
        if found is None:  # refused; the rest is looked at as if it had fitted
            return Signal(width_after(part, signal.width), self._port(signal))
        self._computed(part)
        sources = {_numbered("x", k): port for k, port in enumerate(self._share(signal, part, found.n_syn))}
        params = {"alpha": _coefficient(found.alpha, found.recipe), "bias": tensor(found.bias, F32_NAME)}
        params |= {_numbered("beta", k): _coefficient(beta, found.recipe) for k, beta in enumerate(found.betas)}
        params["threshold"] = tensor(found.threshold, F32_NAME)
        choice = {"n_syn": found.n_syn, "recurrent": found.w_rec is not None, "max_spikes": found.max_spikes}
        port = self._node(part.path, "core.MultiSpikeLIF", sources, params, part, **choice)
        if found.w_rec is not None:
            self._recur(part, port, found.w_rec, found.n_syn)
        if found.n_syn > TORCH_ORDER or found.w_rec is not None:
            what = f"{found.n_syn} currents" if found.w_rec is None else "recurrent spikes"
            words = (
                f"torch adds up {what} in an order of its own: last bits may differ from the reference engine's"
            )
            self.builder.findings.append(info("SNN-3212", part.path, words))
        return Signal(found.size, port)

    def _recur(self, part: Part, port: Port, w_rec: Array, n_syn: int) -> None:
        for k in range(n_syn):
            name = f"{part.path}/rec" if n_syn == 1 else f"{part.path}/rec{k + 1}"
            params = {"weight": tensor(np.ascontiguousarray(w_rec[:, k::n_syn].T), F32_NAME)}
            choice: dict[str, Any] = {"bias": False, "accumulate": "exact", "shift": 0}
            origin = Origin("rockpool", self.version, f"{part.path.replace('/', '.')}.w_rec")
            out = self.builder.node(name, "core.Dense", port, params=params, origin=origin, delay=1, **choice)
            self.builder.edge(out, Port(part.path, _numbered("r", k)))

    def _dt(self) -> float | None:
        steps = self.reader.dts
        if len(steps) > 1:
            words = ", ".join(f"{dt:g} s in {path}" for dt, path in steps.items())
            self.builder.findings.append(info("SNN-3213", self.builder.name, f"layers differ in dt: {words}"))
            return None
        return next(iter(steps), None)

    def _decoder(self, root: Part, output: str | None, errors: list[Finding]) -> Decoder:
        """Spike counts decide, or the mean of the last layer's membrane potentials."""
        last = next((part for part in reversed(list(root.leaves())) if part.kind != DROPOUT), root)
        neurons = last.kind in NEURONS
        high = neurons and bool(np.all(np.asarray(last.values.get("threshold")) == THRESHOLD_OUT))
        if output is None and is_synnet(root) and high:
            words = f"a threshold of {THRESHOLD_OUT} is taken for SynNet's output='vmem'; the file does not say"
            remedy = "Pass --option output=spikes if it is not."
            self.builder.findings.append(info("SNN-3209", last.path, words, remedy=remedy))
            output = "vmem"
        if output == "vmem" and not neurons:
            errors.append(error("SNN-3209", last.path, "output=vmem needs neurons in the last layer"))
        if output == "vmem":
            return Decoder("mean", quantity=f"{last.path}/vmem")
        return Decoder("sum" if neurons else "mean")


def _numbered(name: str, k: int) -> str:
    return name if k == 0 else f"{name}{k + 1}"


def _coefficient(values: Array, recipe: str) -> Tensor:
    return replace(tensor(values, F32_NAME), recipe=recipe)
