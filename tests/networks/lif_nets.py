"""Networks of LIF layers as numbers, for graphs here and for LIFJax in Rockpool: made once, from seeds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Decoder, Graph, Port
from snnhub.ir.numtype import F32
from snnhub.ir.tensor import Array, tensor
from snnhub.ops.registry import REGISTRY

F = np.float32
MOST = 65536
"""Rockpool's default of spikes per step."""


@dataclass(frozen=True, eq=False)
class LifLayer:
    """``weight`` (in, n), ``w_rec`` (n, n) or None; time constants in s, arrays (n,), f32."""

    weight: Array
    tau_mem: Array
    tau_syn: Array
    threshold: Array
    bias: Array
    w_rec: Array | None = None


@dataclass(frozen=True, eq=False)
class LifNet:
    """``rate``: probability of a spike of an input channel per step, as its rasters are drawn."""

    name: str
    layers: tuple[LifLayer, ...]
    rate: float
    dt: float = 1e-3

    def raster(self, steps: int, seed: int, samples: int = 1) -> Array:
        """Bernoulli spikes (steps, samples, inputs), f32; channels differ in rate by a factor of 4."""
        random = np.random.default_rng((seed, len(self.layers)))
        inputs = self.layers[0].weight.shape[0]
        rates = self.rate * np.geomspace(0.5, 2, inputs)
        return (random.random((steps, samples, inputs)) < rates).astype(F)

    def arrays(self) -> dict[str, Array]:
        """By ``layer/name``, as the peer reads them."""
        found: dict[str, Array] = {"dt": np.array(self.dt), "count": np.array(len(self.layers))}
        for number, layer in enumerate(self.layers):
            for name in ("weight", "tau_mem", "tau_syn", "threshold", "bias", "w_rec"):
                value = getattr(layer, name)
                if value is not None:
                    found[f"{number}/{name}"] = value
        return found


def graph_of(net: LifNet) -> Graph:
    """The network as an importer has it: Dense and core.MultiSpikeLIF."""
    builder = GraphBuilder(net.name, REGISTRY)
    port = builder.input((net.layers[0].weight.shape[0],), F32)
    for number, layer in enumerate(net.layers):
        port = _dense(builder, f"{number}_LinearJax", port, layer.weight)
        params = {
            "alpha": np.exp(-F(net.dt) / layer.tau_mem),
            "beta": np.exp(-F(net.dt) / layer.tau_syn),
            "threshold": layer.threshold,
            "bias": layer.bias,
        }
        name, recurrent = f"{number}_LIFJax", layer.w_rec is not None
        port = builder.node(
            name,
            "core.MultiSpikeLIF",
            {"x": port},
            params={key: tensor(value.astype(F)) for key, value in params.items()},
            n_syn=1,
            recurrent=recurrent,
            max_spikes=MOST,
        )
        if layer.w_rec is not None:
            builder.edge(_dense(builder, f"{name}/w_rec", port, layer.w_rec, 1), Port(name, "r"))
    builder.output(port)
    return builder.graph(decoder=Decoder("sum"), dt=net.dt)


def _dense(builder: GraphBuilder, name: str, source: Port, weight: Array, delay: int = 0) -> Port:
    params = {"weight": tensor(np.ascontiguousarray(weight.T))}
    choice: dict[str, Any] = {"bias": False, "accumulate": "exact", "shift": 0}
    return builder.node(name, "core.Dense", source, params=params, delay=delay, **choice)


def digits_net() -> LifNet:
    """16-60-8 with the weights of a SpikingJelly network that was trained to read digits (``soft_lif.npz``): leak
    of tau 4 steps, and a current of half a step, as LIFJax has no neuron without one.
    """
    with np.load(Path(__file__).with_name("soft_lif.npz")) as file:
        weights = [file[name].T for name in ("0.weight", "2.weight")]
    tau_mem, tau_syn = F(-1e-3 / np.log(0.75)), F(0.5e-3)
    beta = np.exp(-F(1e-3) / tau_syn)
    layers = []
    for weight in weights:
        size = weight.shape[1]
        scaled = (weight * (1 - beta) / beta).astype(F)
        ones = np.ones(size, F)
        layers.append(LifLayer(scaled, ones * tau_mem, ones * tau_syn, ones, ones * 0))
    return LifNet("digits", tuple(layers), 0.3)


def random_net(
    name: str,
    seed: int,
    sizes: tuple[int, ...],
    *,
    rate: float = 0.03,
    target: float = 30.0,
    mean: float = 0.3,
    taus: tuple[float, float] = (0.02, 0.01),
    spread: float = 0.0,
    recurrent: bool = False,
    bias: float = 0.0,
) -> LifNet:
    """Layers of ``sizes`` (inputs first); weights normal around ``mean`` standard deviations, scaled so that each
    layer fires at ``target`` Hz on average. ``spread``: of log time constants from neuron to neuron.
    """
    random = np.random.default_rng(seed)
    layers: list[LifLayer] = []
    net = LifNet(name, (), rate)
    for inputs, size in zip(sizes, sizes[1:], strict=False):
        weight = random.normal(mean, 1, (inputs, size))
        tau_mem, tau_syn = (
            (tau * np.exp(random.normal(0, spread, size) if spread else np.zeros(size))).astype(F) for tau in taus
        )
        w_rec = random.normal(0, 0.3, (size, size)) if recurrent else None
        layer = LifLayer(weight, tau_mem, tau_syn, np.ones(size, F), np.full(size, bias, F))
        layers.append(_scaled(replace(net, layers=tuple(layers)), layer, w_rec, target))
    return replace(net, layers=tuple(layers))


def _scaled(net: LifNet, layer: LifLayer, w_rec: Array | None, target: float) -> LifLayer:
    """Bisection of the weights' scale on one raster."""
    from snnhub.engine.reference import prepare

    def made(scale: float) -> LifLayer:
        rec = None if w_rec is None else (w_rec * scale).astype(F)
        return replace(layer, weight=(layer.weight * scale).astype(F), w_rec=rec)

    low, high = 1e-4, 10.0
    for _ in range(12):
        scale = float(np.sqrt(low * high))
        trial = replace(net, layers=(*net.layers, made(scale)))
        probe = replace(trial, layers=trial.layers) if net.layers else trial
        found, _ = prepare(graph_of(probe), REGISTRY).run(probe.raster(400, 99))
        mean = float(found["output"].mean()) / net.dt
        low, high = (scale, high) if mean < target else (low, scale)
    return made(float(np.sqrt(low * high)))
