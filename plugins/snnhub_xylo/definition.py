"""What a step of the core computes, neuron by neuron and spike by spike: the definition of the kernel.

Order matters, since sums saturate: sources act in the order of their numbers, one event after the other. A step:

1. Every input channel, at most 15 events each, adds its weight to currents of hidden neurons.
2. Every hidden neuron's spikes of the *last* step add to currents of hidden neurons, and of output neurons.
3. A current loses its leak; what is left goes into the membrane potential, whose own leak is taken first (v2) or
   in one sum with it (v1).
4. A hidden neuron starts from the spikes that aliases before it have lent it in this step, and fires while its
   potential is at or above the threshold, up to 31; each spike takes the threshold off. An alias gets the spikes
   as its own at once: before it fires if it comes later in the order, else after.
5. An output neuron fires at most once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snnhub_xylo.core import CAP_HIDDEN, CAP_INPUT, CAP_OUTPUT, HIGH, LOW, NO_ALIAS, Core, Ints


@dataclass
class State:
    """Currents ``isyn`` (hidden, synapses) and ``isyn_out``, potentials, and the spikes of the last step."""

    isyn: Ints
    vmem: Ints
    pending: Ints
    isyn_out: Ints
    vmem_out: Ints


def at_rest(core: Core) -> State:
    """Everything at 0."""
    hidden, outputs = core.hidden, core.outputs
    return State(
        np.zeros((hidden, core.synapses), np.int64),
        *(np.zeros(size, np.int64) for size in (hidden, hidden, outputs, outputs)),
    )


def step(core: Core, x: Ints, state: State) -> tuple[Ints, Ints]:
    """Move ``state`` on by one step with ``x`` events per channel. Returns spikes of hidden and output neurons."""
    for channel, count in enumerate(x):
        _add(state.isyn, core.weights_in[channel], int(core.shift_in), min(int(count), CAP_INPUT))
    for source, count in enumerate(state.pending):
        _add(state.isyn, core.weights_rec[source], int(core.shift_rec), int(count))
        _add(state.isyn_out, core.weights_out[source], int(core.shift_out), int(count))
    for neuron in range(core.hidden):
        for synapse in range(core.synapses):
            state.isyn[neuron, synapse] -= leaked(
                int(state.isyn[neuron, synapse]), int(core.dash_syn[neuron, synapse])
            )
        total = int(state.isyn[neuron].sum())
        state.vmem[neuron] = moved(
            core, int(state.vmem[neuron]), int(core.dash_mem[neuron]), total, int(core.bias[neuron])
        )
    s = _fire_hidden(core, state)
    s_out = np.zeros(core.outputs, np.int64)
    for neuron in range(core.outputs):
        current = int(state.isyn_out[neuron])
        current -= leaked(current, int(core.dash_syn_out[neuron]))
        v = moved(
            core, int(state.vmem_out[neuron]), int(core.dash_mem_out[neuron]), current, int(core.bias_out[neuron])
        )
        s_out[neuron], v = fired(v, int(core.threshold_out[neuron]), 0, CAP_OUTPUT)
        state.isyn_out[neuron], state.vmem_out[neuron] = current, v
    state.pending = s
    return s, s_out


def _add(currents: Ints, weights: Ints, shift: int, count: int) -> None:
    """Add a source's weights to its targets, event by event. What a shift moves beyond 16 bits is lost."""
    for place, weight in np.ndenumerate(weights):
        for _ in range(count):
            currents[place] = clipped(int(currents[place]) + wrapped(int(weight) << shift))


def leaked(value: int, dash: int) -> int:
    """The part that a step takes: at least 1 off what is not 0."""
    part = value >> dash
    return part if part or not value else (1 if value > 0 else -1)


def moved(core: Core, v: int, dash: int, current: int, bias: int) -> int:
    """The membrane potential after leak, current and bias, before spikes."""
    if core.version == "v1":
        return clipped(v - leaked(v, dash) + current)
    change = clipped(wrapped(-leaked(v, dash)) + current)
    if bias:
        change = clipped(change + bias)
    return clipped(v + change)


def fired(v: int, threshold: int, count: int, cap: int) -> tuple[int, int]:
    """Spikes and the potential that they leave. ``count``: those that the neuron has already."""
    while v >= threshold and count < cap:
        count, v = count + 1, wrapped(v - threshold)
    return count, v


def _fire_hidden(core: Core, state: State) -> Ints:
    counts = np.zeros(core.hidden, np.int64)
    for neuron in range(core.hidden):
        count, v = fired(int(state.vmem[neuron]), int(core.threshold[neuron]), int(counts[neuron]), CAP_HIDDEN)
        counts[neuron], state.vmem[neuron] = count, v
        target = int(core.alias[neuron])
        if target != NO_ALIAS:
            counts[target] = min(CAP_HIDDEN, int(counts[target]) + count)
    return counts


def clipped(value: int) -> int:
    """Saturated to 16 bits."""
    return max(LOW, min(HIGH, value))


def wrapped(value: int) -> int:
    """The lowest 16 bits, read as a signed number."""
    return ((value - LOW) & 0xFFFF) + LOW
