"""The core over many steps and samples: equal to ``snnhub_xylo.definition`` in every value."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from snnhub.engine.kernels import Context, StatefulKernel
from snnhub.ir.tensor import Array

from snnhub_xylo.core import CAP_HIDDEN, CAP_INPUT, CAP_OUTPUT, Core, Ints, leak, wrap16
from snnhub_xylo.firing import Aliased, Firing, Potential
from snnhub_xylo.ordered import OrderedSum


def prepare(context: Context) -> StatefulKernel:
    """The kernel of ``xylo.Core/1`` for one node."""
    kernel = CoreKernel(Core.of(context.node))
    dtypes = {name: type_.numpy for name, type_ in context.types.items()}

    def run(inputs: Mapping[str, Array], states: dict[str, Array], wanted: frozenset[str]) -> Mapping[str, Array]:
        x = inputs["x"]
        kept = {name: np.empty((len(x), *states[name].shape), dtypes[name]) for name in wanted}
        kept |= {
            name: np.empty((*x.shape[:2], size), dtypes[name])
            for name, size in (("s", kernel.core.hidden), ("s_out", kernel.core.outputs))
        }
        now = {name: array.astype(np.int64) for name, array in states.items()}
        for step, events in enumerate(x):
            values = kernel.step(events.astype(np.int64), now)
            for name, array in kept.items():
                array[step] = values[name]
        for name, array in states.items():
            array[...] = now[name]
        return kept

    return run


class CoreKernel:
    """A core with its weights arranged: input channels and hidden neurons are the sources of hidden currents."""

    def __init__(self, core: Core) -> None:
        self.core = core
        hidden, synapses = core.hidden, core.synapses
        into = [wrap16(core.weights_in << core.shift_in), wrap16(core.weights_rec << core.shift_rec)]
        caps = np.repeat([CAP_INPUT, CAP_HIDDEN], [core.inputs, hidden])
        # synapse by synapse, so that each is a contiguous part of the targets
        weights = np.concatenate(into).transpose(0, 2, 1).reshape(-1, synapses * hidden)
        self._hidden = OrderedSum(weights, caps)
        self._output = OrderedSum(wrap16(core.weights_out << core.shift_out), caps[core.inputs :])
        self._dash_syn = core.dash_syn.T.reshape(-1)
        self._potential = Potential(core.version, core.dash_mem, core.bias)
        self._potential_out = Potential(core.version, core.dash_mem_out, core.bias_out)
        self._fire = Aliased(core.threshold, core.alias)
        self._fire_out = Firing(core.threshold_out, CAP_OUTPUT)
        self._names = ("isyn", "isyn2")[:synapses]

    def step(self, x: Ints, state: dict[str, Ints]) -> dict[str, Ints]:
        """Move ``state`` (samples, neurons) on by a step with ``x`` (samples, channels). Returns it with the
        spikes.
        """
        hidden, pending = self.core.hidden, state["pending"]
        counts = np.concatenate([np.minimum(x, CAP_INPUT), pending], axis=1)
        currents = self._hidden.add(np.concatenate([state[name] for name in self._names], axis=1), counts)
        currents = currents - leak(currents, self._dash_syn)
        parts = [currents[:, first : first + hidden] for first in range(0, currents.shape[1], hidden)]
        total = parts[0] if len(parts) == 1 else parts[0] + parts[1]
        s, vmem = self._fire.fire(self._potential.moved(state["vmem"], total))
        out = self._output.add(state["isyn_out"], pending)
        out = out - leak(out, self.core.dash_syn_out)
        s_out, vmem_out = self._fire_out.fire(self._potential_out.moved(state["vmem_out"], out))
        state.update(zip(self._names, parts, strict=True))
        state.update(vmem=vmem, isyn_out=out, vmem_out=vmem_out, pending=s)
        return {**state, "s": s, "s_out": s_out}
