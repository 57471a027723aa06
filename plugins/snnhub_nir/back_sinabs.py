"""sinabs' neurons and sums over windows as NIR has them: times of one step, exact for an input held over the step.

sinabs 3.1.3 reads ``tau`` as a number of steps, no ``r`` of LIF and IF, and ``r`` = 1 only of LI (``sinabs.nir``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from math import prod

import numpy as np
from snnhub.findings import Finding
from snnhub.ir.graph import Graph, Node, Port
from snnhub.ir.op import Shape
from snnhub.ir.tensor import Array, Tensor, tensor

from snnhub_nir.back_layers import STEP, Place, UnsayableError, Written, average, full

GAIN = "SNN-4530"
NEARBY = 4
"""How many f32 on both sides of a time constant are tried."""
PROFILE = "sinabs-3"
NEURONS = ("sinabs.LIF", "sinabs.IAF", "sinabs.ExpLeak", "sinabs.Neuron", "sinabs.Leaky")
F = np.float32


def neuron(place: Place) -> Written:
    """IF, LIF, CubaLIF; without spikes I, LI, CubaLI. What the fields do not say is a loss, each by its name.

    Raises ``UnsayableError`` for a synapse before an integrator, and factors that are no exp(-1 / tau).
    """
    node = place.node
    spikes, synapse = node.op not in ("sinabs.ExpLeak", "sinabs.Leaky"), node.attribute.get("synapse") == "exp"
    alpha, gain = _number(node, "alpha"), _number(node, "gain")
    integrates = bool((alpha == 1).all())
    if integrates and synapse:
        raise UnsayableError("a synapse before an integrator; NIR has one before a leaky neuron only")
    fields, lost = (_firing(place), list(_step(place))) if spikes else ({}, [])
    if node.attribute.get("floor"):
        lost.append(place.lost(STEP, "the potential has a floor; NIR's has none", old=_spread(node, "v_min")))
    if integrates:
        return Written("IF" if spikes else "I", fields | _all(place, r=gain / place.dt), tuple(lost))
    tau, lose = _tau(alpha, "alpha") * place.dt, 1 - alpha
    fields |= _all(place, r=gain / lose, v_leak=0.0)
    if synapse:
        factor = _number(node, "alpha_syn")
        taus = {"tau_syn": _tau(factor, "alpha_syn") * place.dt, "tau_mem": tau}
        fields |= _all(place, **taus, w_in=factor / (1 - factor))
        return Written("CubaLIF" if spikes else "CubaLI", fields, tuple(lost))
    fields |= _all(place, tau=tau)
    if not spikes and bool((fields["r"].array != 1).any()):
        words = "sinabs reads LI with r = 1 alone, and adds the input as it is"
        lost.append(place.lost(GAIN, words, old=f"r = {fields['r'].array.max():g}", new="r = 1"))
        fields |= _all(place, r=1.0)
    return Written("LIF" if spikes else "LI", fields, tuple(lost))


def _firing(place: Place) -> dict[str, Tensor]:
    """Thresholds stay f32: from f64 ones sinabs computes in f64."""
    threshold = place.node.param["v_threshold"].array
    full(threshold, place.leaving)  # refuses shapes that do not fit
    return {
        "v_threshold": tensor(np.broadcast_to(threshold, place.leaving).copy()),
        "v_reset": full(0.0, place.leaving),
    }


def _step(place: Place) -> Iterator[Finding]:
    """What a spike does here and not in NIR, where one spike resets to v_reset."""
    node = place.node
    spikes = str(node.attribute.get("spikes", "multi"))
    if spikes != "single":
        most = f"up to {node.param['max_spikes'].array.max():g}" if spikes == "max" else "any number of"
        yield place.lost(STEP, f"{most} spikes per step; NIR has one")
    if node.attribute.get("reset", "subtract") == "reset":
        if node.param["v_reset"].array.any():
            words = "v_reset is added in every step, spike or not; NIR resets to it"
            yield place.lost(STEP, words, old=_spread(node, "v_reset"), new="v_reset = 0")
        return
    taken = "v_subtract" if "v_subtract" in node.param else "v_threshold"
    words = "a spike takes potential away (soft reset); NIR resets to v_reset"
    yield place.lost(STEP, words, old=f"{_spread(node, taken)} per spike", new="v_reset = 0")
    if node.op == "sinabs.IAF":
        yield place.lost(STEP, "the potential has a floor, -v_threshold; NIR's has none")


def _number(node: Node, name: str) -> Array:
    """A parameter in f64; 1 where the op has none."""
    item = node.param.get(name)
    return np.asarray(1.0 if item is None else item.array, np.float64)


def _spread(node: Node, name: str) -> str:
    values = node.param[name].array
    low, high = values.min(), values.max()
    return f"{name} = {low:g}" if low == high else f"{name} = {low:g} .. {high:g}"


def _all(place: Place, **numbers: Array | float) -> dict[str, Tensor]:
    return {name: full(np.asarray(value), place.leaving) for name, value in numbers.items()}


def _tau(factor: Array, name: str) -> Array:
    """Steps of a factor exp(-1 / tau): of the f32 nearby, one that sinabs makes the same f32 factor of."""
    if not bool(np.all((factor > 0) & (factor < 1))):
        raise UnsayableError(f"{name} is not between 0 and 1 for all neurons: no time constant says so")
    exact = -1 / np.log(factor)
    nearest, found = exact.astype(F), exact
    for steps in sorted(range(-NEARBY, NEARBY + 1), key=abs, reverse=True):
        tau = nearest + F(steps) * np.spacing(nearest)
        found = np.where(_exp(F(-1) / tau) == factor, tau, found)
    return np.asarray(found)


def _exp(exponent: Array) -> Array:
    """The f32 exp of torch where it is installed, whose last bit may be another; else rounded once from f64."""
    exponent = np.asarray(exponent, F)
    if find_spec("torch") is None:
        return np.asarray(np.exp(exponent.astype(np.float64)).astype(F))
    import torch

    return np.asarray(torch.exp(torch.from_numpy(np.array(exponent))).numpy())


def sums(graph: Graph) -> Mapping[str, Node]:
    """Means over windows that only a factor reads which makes sums of them, by that factor: sinabs' SumPool2d."""
    found: dict[str, Node] = {}
    for node in graph.nodes:
        before = graph.into.get(Port(node.id, "x"), ()) if node.op == "core.Scale" else ()
        mean = graph.node.get(before[0].src.node) if len(before) == 1 and not before[0].delay else None
        if mean is None or mean.op != "core.AvgPool" or len(graph.fed_by(mean.id)) != 1:
            continue
        factor, padded = prod(mean.integers("kernel")), any(mean.integers("padding"))
        if (
            not padded
            and bool((node.param["scale"].array == factor).all())
            and not node.param["shift"].array.any()
        ):
            found[node.id] = mean
    return found


def sum_pool(mean: Node, dt: float, arriving: Shape, leaving: Shape) -> Written:
    """SumPool2d. Raises ``UnsayableError`` where a mean over these windows is none of NIR's."""
    written = average(Place(mean, dt, arriving, leaving))
    return Written("SumPool2d", written.fields, written.losses)
