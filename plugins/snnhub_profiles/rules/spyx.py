"""spyx 1.0.0, ``from_nir``: one chain from the node ``input``; gains, leaks and reset potentials are not read."""

from __future__ import annotations

from typing import Any

from snnhub_profiles.rules.rule import Rule
from snnhub_profiles.rules.spyx_build import build
from snnhub_profiles.wiring import ours

NEURON: dict[str, Any] = {
    "gain": "1",
    "initial": {"v": 0},
    "compare": "gt, of the potential before the input",
    "reset": "subtract v_threshold",
    "reset_time": "next step",
    "spikes_per_step": 1,
    "latency": 1,
}
RECURRENT = "spikes come back through the weights in the step in which they are told; a bias there is ignored"
REASONS = {
    "LI": "spyx takes LI before a Threshold only; both become PSU_LIF, which is never reset",
    "NIRGraph": "spyx takes graphs of four nodes: Input, Output, a neuron and a square weight",
}
NOTHING = ("AvgPool2d", "Conv1d", "CubaLI", "Delay", "I", "Scale", "Threshold")
RULE = Rule(
    "spyx-1",
    {},
    ours,
    {
        "profile": "spyx/1",
        "frameworks": ["spyx>=1.0,<2"],
        "dt": "argument",
        "numerics": {
            "type": "f32",
            "fma": True,
            "exp": None,
            "sum": "XLA's order for one sample on a CPU: fma after fma; convolutions in any order",
        },
        "nodes": {
            "LIF": {
                **NEURON,
                "op": "spyx.LIF/1",
                "recurrent": f"spyx.RLIF/1: {RECURRENT}",
                "coefficients": {"beta": "clip(1 - dt / tau, 0, 1)"},
                "ignores": ["r", "v_leak", "v_reset"],
            },
            "IF": {
                **NEURON,
                "op": "spyx.IF/1",
                "recurrent": f"spyx.RIF/1, in a graph within the graph: {RECURRENT}",
                "coefficients": {},
                "ignores": ["r", "v_reset"],
            },
            "CubaLIF": {
                **NEURON,
                "op": "spyx.CuBaLIF/1",
                "recurrent": f"spyx.RCuBaLIF/1: {RECURRENT}",
                "coefficients": {"alpha": "clip(1 - dt / tau_syn, 0, 1)", "beta": "clip(1 - dt / tau_mem, 0, 1)"},
                "ignores": ["r", "v_leak", "v_reset", "w_in"],
            },
        },
        "axes": "height, width, channels; a file has the channels first",
        "left_out": list(NOTHING),
        "refuses": [{"type": name, "reason": words} for name, words in REASONS.items()],
        "graph": {
            "cycle_step": "none: a loop of LIF or CubaLIF and a weight is one layer; of others spyx never returns",
            "before_start": "zero",
            "fan_in": "the first edge out of each node; others are not read",
            "multi_output": "the end of the chain",
            "start_node": "the node named input",
        },
    },
    build=build,
)
