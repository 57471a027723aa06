"""A row of layers to a graph: a Dense per linear layer, a step op per DynapSim, recurrence as a delayed Dense."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from snnhub.errors import UnsupportedError
from snnhub.findings import Finding, Severity, error, info, of_severity
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Decoder, Graph, Origin, Port, Provenance
from snnhub.ir.numtype import F32
from snnhub.ir.op import OpLookup
from snnhub.ir.tensor import Array, Tensor, smallest_integer, tensor

from snnhub_dynapse2.chain import Layer, Linear, Neurons, Residual, flat
from snnhub_dynapse2.derive import F, refractory_steps
from snnhub_dynapse2.parameters import BIASES, FACTORS, MOST_BLOCKED, names

POSITIVE = ("It_mem", "Ig_mem", "Ispkthr", "Io", "I_init", "Ut", "c_tau", "utk", "Iscale", "dt")
NOT_NEGATIVE = ("f_charge", "f_discharge", "f_charge_ahp", "f_discharge_ahp", "r_syn", "r_ahp", "r_mem", "t_ref")
MANY = 3
"""So many places are named of those where something holds."""


class Build:
    """Builds one graph. ``findings`` of the source come first; ``framework``: origin of the nodes, and version."""

    def __init__(
        self, name: str, framework: tuple[str, str], lookup: OpLookup, findings: Sequence[Finding]
    ) -> None:
        self.builder = GraphBuilder(name, lookup)
        self.builder.findings += findings
        self.framework = framework

    def run(self, layers: Sequence[Layer], provenance: Provenance) -> Graph:
        """The graph. Raises ``UnsupportedError`` with everything that cannot be held."""
        every = list(flat(layers))
        dt = self._dt(every)
        first = every[0] if every else None
        width = first.weight.shape[0] if isinstance(first, Linear) else first.size if first is not None else 1
        if first is None:
            self._refuse("SNN-3408", self.builder.name, "the network has no layers")
        port = self.builder.input((max(width, 1),), F32)
        port, _ = self._row(layers, port, width)
        self._ensure()
        self.builder.output(port)
        neurons = bool(every) and isinstance(every[-1], Neurons)
        return self.builder.graph(decoder=Decoder("sum" if neurons else "mean"), dt=dt, provenance=provenance)

    def _row(self, layers: Sequence[Layer], port: Port, width: int) -> tuple[Port, int]:
        """Layers one after the other, and how many features come out."""
        for layer in layers:
            if isinstance(layer, Residual):
                inner, size = self._row(layer.layers, port, width)
                if size != width:
                    words = f"{width} features go in, {size} come out, and they are added"
                    self._refuse("SNN-3408", layer.path, words)
                origin = Origin(*self.framework, layer.path.replace("/", "."))
                port = self.builder.node(layer.path, "core.Add", {"a": inner, "b": port}, origin=origin)
                continue
            size = layer.weight.shape[0] if isinstance(layer, Linear) else layer.size
            if size != width:
                self._refuse("SNN-3408", layer.path, f"{width} features arrive at a layer that takes {size}")
            port = self._linear(layer, port) if isinstance(layer, Linear) else self._neurons(layer, port)
            width = layer.weight.shape[1] if isinstance(layer, Linear) else layer.size
        return port, width

    def _refuse(self, code: str, place: str, words: str, remedy: str = "") -> None:
        self.builder.findings.append(error(code, place, words, remedy=remedy))

    def _ensure(self) -> None:
        errors = of_severity(self.builder.findings, Severity.ERROR)
        if errors:
            more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
            where, remedy = errors[0].place, errors[0].remedy
            raise UnsupportedError(f"{errors[0].message}{more}", where=where, remedy=remedy, findings=errors)

    def _dense(
        self, name: str, source: Port, weight: Array, bias: Array | None, path: str, delay: int = 0
    ) -> Port:
        params = {"weight": tensor(np.ascontiguousarray(weight.T), "float32")}
        if bias is not None:
            params["bias"] = tensor(bias, "float32")
        origin = Origin(*self.framework, path.replace("/", "."))
        return self.builder.node(
            name,
            "core.Dense",
            source,
            params=params,
            origin=origin,
            delay=delay,
            bias=bias is not None,
            accumulate="exact",
            shift=0,
        )

    def _linear(self, layer: Linear, source: Port) -> Port:
        return self._dense(layer.path, source, layer.weight, layer.bias, layer.path)

    def _neurons(self, layer: Neurons, source: Port) -> Port:
        self._check(layer)
        self._notice(layer)
        params = {name: stored(name, array, layer.recipe) for name, array in layer.values.items()}
        biases = bool(layer.biases)
        params |= {name: stored(name, array, "") for name, array in layer.biases.items() if name in names(BIASES)}
        origin = Origin(*self.framework, layer.path.replace("/", "."))
        port = self.builder.node(
            layer.path, "dynapse2.DynapSim", source, params=params, origin=origin, biases=biases
        )
        if layer.w_rec is not None:
            path = f"{layer.path}/w_rec"
            back = self._dense(path, port, layer.w_rec, None, path, delay=1)
            self.builder.edge(back, Port(layer.path, "x"))
        return port

    def _dt(self, layers: Sequence[Linear | Neurons]) -> float | None:
        """The one length of a step, in seconds: the shortest decimal that is the stored f32."""
        found = {float(layer.values["dt"]): layer.path for layer in layers if isinstance(layer, Neurons)}
        if len(found) > 1:
            words = "layers differ in dt: " + ", ".join(f"{dt:g} s in {path}" for dt, path in found.items())
            self._refuse("SNN-3407", self.builder.name, words, "Build all layers with one dt.")
        return float(str(F(next(iter(found))))) if found else None

    def _check(self, layer: Neurons) -> None:
        """Numbers that the equations divide by or take the logarithm of; all of them in one finding per tensor."""
        for name, array in layer.values.items():
            low = 0 if name in NOT_NEGATIVE else -np.inf
            good = np.isfinite(array) & ((array > 0) if name in POSITIVE else (array >= low))
            if not good.all():
                worst = array[~good].ravel()[0] if array.ndim else array
                wanted = "above 0" if name in POSITIVE else "0 or above" if name in NOT_NEGATIVE else "finite"
                words = f"{name} must be {wanted}; {int((~good).sum())} of {array.size} are not, such as {worst:g}"
                self._refuse("SNN-3404", f"{layer.path}/{name}", words)
        square = (layer.size, layer.size)
        if layer.w_rec is not None and layer.w_rec.shape != square:
            words = f"w_rec has shape {list(layer.w_rec.shape)}, allowed {list(square)} (row = presynaptic)"
            self._refuse("SNN-3408", f"{layer.path}/w_rec", words)

    def _notice(self, layer: Neurons) -> None:
        spread = [name for name, array in {**layer.values, **layer.biases}.items() if _differs(array)]
        if layer.biases and {"kappa_n", "C_mem", "Io"} & set(spread):
            words = (
                f"mismatch as it was drawn: {len(spread)} numbers differ from neuron to neuron, constants of the "
                "chip among them; imported as they are"
            )
            self.builder.findings.append(info("SNN-3401", layer.path, words))
        self._knife_edge(layer)
        floored = [
            f"{raw} of {int((layer.biases[raw] < layer.values['Io']).sum())} neurons"
            for raw in ("Itau_syn", "Igain_syn", "Itau_ahp", "Igain_ahp", "Itau_mem", "Igain_mem")
            if raw in layer.biases and (layer.biases[raw] < layer.values["Io"]).any()
        ]
        if floored:
            words = f"below the dark current, and raised to it as the model does: {', '.join(floored)}"
            self.builder.findings.append(info("SNN-3405", layer.path, words))
        dead = int((layer.values["n_ref"] >= MOST_BLOCKED).sum())
        if dead:
            words = f"{dead} neurons are blocked for {MOST_BLOCKED} steps or more once they have fired"
            self.builder.findings.append(info("SNN-3402", f"{layer.path}/t_ref", words))

    def _knife_edge(self, layer: Neurons) -> None:
        """Where one f32 step up or down in t_ref changes how many steps are blocked."""
        t_ref, dt = np.asarray(layer.values["t_ref"], F), np.asarray(layer.values["dt"], F)
        if not (np.isfinite(t_ref).all() and float(dt) > 0):
            return
        steps = layer.values["n_ref"]
        near = [refractory_steps(np.nextafter(t_ref, F(way)), dt) for way in (0, np.inf)]
        edge = int(((near[0] != steps) | (near[1] != steps)).sum())
        if edge:
            words = (
                f"t_ref of {edge} neurons is a whole number of steps up to the last bit, and that bit decides how "
                f"many steps are blocked: {int(np.min(steps))} .. {int(np.max(steps))}, stored as n_ref"
            )
            remedy = "Choose Iref so that t_ref is not a whole number of steps."
            self.builder.findings.append(info("SNN-3402", f"{layer.path}/t_ref", words, remedy=remedy))


def _differs(array: Array) -> bool:
    return bool(array.ndim and (array != array.ravel()[0]).any())


def stored(name: str, array: Array, recipe: str) -> Tensor:
    """A parameter as a tensor, 0-d where all neurons share a number; ``recipe`` is that of the four factors."""
    values = array if _differs(array) else np.asarray(array).ravel()[0]
    if name == "n_ref":
        return smallest_integer(np.asarray(values))
    found = tensor(values, "float32")
    return replace(found, recipe=recipe) if name in names(FACTORS) else found
