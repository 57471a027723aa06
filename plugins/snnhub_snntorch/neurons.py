"""snnTorch's neurons as nodes: which op, with which numbers. Equations are the ops'."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from snnhub.ir.graph import Port
from snnhub.ir.tensor import Tensor
from snnhub.torchnet.framework import Neuron
from snnhub.torchnet.layers import LAYERS
from snnhub.torchnet.signals import Signal
from snnhub.torchnet.site import Site, array

from snnhub_snntorch import attributes
from snnhub_snntorch.numbers import factor, per_neuron

Signals = dict[str, Signal]


def _node(
    op: str,
    signal: Signal,
    site: Site,
    params: Mapping[str, Tensor],
    names: tuple[str, ...],
    **choices: Any,
) -> Signals:
    """The neuron itself, and a signal for each of its outputs."""
    site.builder.node(site.name, op, {"x": signal.port}, params=params, origin=site.origin, **choices)
    return {name: signal.moved(Port(site.name, name), signal.features) for name in names}


def _threshold(module: Any, signal: Signal) -> dict[str, Tensor]:
    return {"v_threshold": per_neuron("threshold", module.threshold, signal.features)}


def _factors(module: Any, signal: Signal, site: Site, *names: str) -> dict[str, Tensor]:
    found = {name: factor(name, getattr(module, name), signal.features, site) for name in names}
    return found | _threshold(module, signal)


def _resets(module: Any) -> dict[str, str | bool]:
    return {"reset": attributes.reset(module), "reset_delay": bool(module.reset_delay)}


def leaky(module: Any, signal: Signal, site: Site) -> Signals:
    """``snntorch.LeakyMem``."""
    params, graded = _factors(module, signal, site, "beta"), attributes.graded(module)
    if graded:
        params["grade"] = per_neuron("graded_spikes_factor", module.graded_spikes_factor, signal.features)
    names = ("spk" if graded else "s", "mem")
    return _node("snntorch.LeakyMem", signal, site, params, names, **_resets(module), graded=graded)


def synaptic(module: Any, signal: Signal, site: Site) -> Signals:
    """``snntorch.SynapticMem``."""
    params = _factors(module, signal, site, "alpha", "beta")
    return _node("snntorch.SynapticMem", signal, site, params, ("s", "mem", "syn"), **_resets(module))


def alpha(module: Any, signal: Signal, site: Site) -> Signals:
    """``snntorch.Alpha``; the gain is what torch works out in every step from the same two numbers."""
    import torch

    params = _factors(module, signal, site, "alpha", "beta")
    with torch.no_grad():
        log_alpha, log_beta = (torch.log(item.clamp(0, 1)) for item in (module.alpha, module.beta))
        gain = log_alpha / (log_beta - log_alpha) + 1
    params["gain"] = per_neuron("tau_alpha", gain, signal.features).described(
        "torch: log(alpha) / (log(beta) - log(alpha)) + 1"
    )
    names = ("s", "mem", "syn_exc", "syn_inh")
    return _node("snntorch.Alpha", signal, site, params, names, reset=attributes.reset(module))


def lapicque(module: Any, signal: Signal, site: Site) -> Signals:
    """``snntorch.Lapicque``."""
    numbers = {"r": module.R, "c": module.C, "time_step": module.time_step}
    params = {name: per_neuron(name, value, signal.features) for name, value in numbers.items()}
    params |= _threshold(module, signal)
    return _node("snntorch.Lapicque", signal, site, params, ("s", "mem"), reset=attributes.reset(module))


def delta(module: Any, signal: Signal, site: Site) -> Signals:
    """``snntorch.DeltaLeaky``. It does not clamp beta."""
    params = {
        "beta": per_neuron("beta", module.beta, signal.features),
        "delta_threshold": per_neuron("delta_threshold", module.delta_threshold, signal.features),
    }
    return _node("snntorch.DeltaLeaky", signal, site, params, ("s", "mem"))


def rleaky(module: Any, signal: Signal, site: Site) -> Signals:
    """``snntorch.RLeaky`` with its layer, or ``snntorch.RLeakyOneToOne``."""
    params = _factors(module, signal, site, "beta")
    return _recurrent("snntorch.RLeaky", module, signal, site, params, ("s", "mem"), _resets(module))


def rsynaptic(module: Any, signal: Signal, site: Site) -> Signals:
    """``snntorch.RSynaptic`` with its layer, or ``snntorch.RSynapticOneToOne``."""
    params = _factors(module, signal, site, "alpha", "beta")
    choices = {"reset": attributes.reset(module)}
    return _recurrent("snntorch.RSynaptic", module, signal, site, params, ("s", "mem", "syn"), choices)


def _recurrent(
    op: str,
    module: Any,
    signal: Signal,
    site: Site,
    params: Mapping[str, Tensor],
    names: tuple[str, ...],
    choices: Mapping[str, str | bool],
) -> Signals:
    kind = type(module.recurrent).__name__
    if kind == "RecurrentOneToOne":
        given = {**params, "w_rec": per_neuron("V", module.recurrent.V, signal.features)}
        return _node(f"{op}OneToOne", signal, site, given, names, **choices)
    found = _node(op, signal, site, params, names, **choices)
    _loop(LAYERS[kind], module.recurrent, found["s"], site)
    return found


def _loop(handler: Any, layer: Any, spikes: Signal, site: Site) -> None:
    """The layer between a neuron's output of the step before and its port ``r``."""
    builder = site.builder
    path = replace(site.origin, path=f"{site.origin.path}.recurrent".removeprefix("."))
    known = len(builder.edges)
    back = handler(layer, spikes, Site(f"{site.name}/recurrent", path, builder))
    builder.edges[known:] = [replace(edge, delay=1) for edge in builder.edges[known:]]
    builder.edge(back.port, Port(site.name, "r"))


def parallel(module: Any, signal: Signal, site: Site) -> Signals:
    """``snntorch.LeakyParallel`` between the two layers of its ``nn.RNN``."""
    rnn, features = module.rnn, (*signal.features[:-1], module.hidden_size)
    moved = signal.moved(_dense(rnn, "ih", signal.port, site), features)
    params, graded = _threshold(module, moved), attributes.graded(module)
    if graded:
        params["grade"] = per_neuron("graded_spikes_factor", module.graded_spikes_factor, features)
    names = ("spk" if graded else "s", "mem")
    found = _node("snntorch.LeakyParallel", moved, site, params, names, graded=graded)
    known = len(site.builder.edges)
    back = _dense(rnn, "hh", found["mem"].port, site)
    site.builder.edges[known:] = [replace(edge, delay=1) for edge in site.builder.edges[known:]]
    site.builder.edge(back, Port(site.name, "r"))
    del found["mem"]
    return found


def _dense(rnn: Any, which: str, source: Port, site: Site) -> Port:
    params = {"weight": array(getattr(rnn, f"weight_{which}_l0"))}
    if rnn.bias:
        params["bias"] = array(getattr(rnn, f"bias_{which}_l0"))
    path = replace(site.origin, path=f"{site.origin.path}.rnn".removeprefix("."))
    choices: dict[str, Any] = {"bias": bool(rnn.bias), "accumulate": "exact", "shift": 0}
    name = f"{site.name}/{which}"
    return site.builder.node(name, "core.Dense", source, params=params, origin=path, **choices)


def _outputs(*states: str) -> Any:
    """Spikes that a call returned, and what the module holds after it. Graded spikes are ``spk``."""

    def read(module: Any, result: Any) -> Mapping[str, Any]:
        spikes = result[0] if isinstance(result, tuple) else result
        held = {name: getattr(module, name) for name in states}
        return {"spk" if attributes.graded(module) else "s": spikes, **held}

    return read


def _of_delta(module: Any, result: Any) -> Mapping[str, Any]:
    spikes, (mem, _) = result
    return {"s": spikes, "mem": mem}


def _never(module: Any, signal: Signal, site: Site) -> Mapping[str, Signal]:
    attributes.no_step(module)
    return {}


SPIKES = ("s", "spk")
NEURONS: Mapping[str, Neuron] = {
    "Leaky": Neuron(leaky, attributes.neuron, _outputs("mem"), spikes=SPIKES),
    "Synaptic": Neuron(synaptic, attributes.neuron, _outputs("syn", "mem")),
    "Alpha": Neuron(alpha, attributes.neuron, _outputs("syn_exc", "syn_inh", "mem")),
    "Lapicque": Neuron(lapicque, attributes.neuron, _outputs("mem")),
    "RLeaky": Neuron(rleaky, attributes.recurrent, _outputs("mem")),
    "RSynaptic": Neuron(rsynaptic, attributes.recurrent, _outputs("syn", "mem")),
    "DeltaLeaky": Neuron(delta, attributes.delta, _of_delta),
    "LeakyParallel": Neuron(parallel, attributes.parallel, _outputs(), sequence=0, spikes=SPIKES),
    **{name: Neuron(_never, attributes.no_step) for name in attributes.NO_FORM},
}
"""By class name."""
