"""``difference.slayer``: what slayer and Loihi compute of one network and one input, and where the two part.

Slayer's neurons and Loihi's are different ops. Each pair of cases has both, lowered from one to the other: first
what slayer computes, then what Loihi does, with the finding that the lowering has for it. The words of both say at
which step, in which sample and neuron the first spike differs, or that none does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from snnhub.api.lower import lower
from snnhub.compare.align import spike_keys
from snnhub.engine.reference import prepare
from snnhub.errors import UnsupportedError
from snnhub.hub.loader import load
from snnhub.hub.objects import resolve
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph, Port, Provenance
from snnhub.ir.numtype import F32
from snnhub.ir.op import StepOp
from snnhub.ir.tensor import Array, smallest_integer, tensor
from snnhub.ops.registry import REGISTRY
from snnhub_formats.container import to_bytes

from snnhub_conformance.building import dense
from snnhub_conformance.execute import unreported
from snnhub_conformance.generate.build import eighths, new
from snnhub_conformance.generate.entry import Answer, Family, Refusal
from snnhub_conformance.generate.write import Writer, runner_case

FAMILY, TARGET, STEPS, SAMPLES = "difference.slayer", "loihi2", 24, 2
RULE = {
    "kind": "rule",
    "ref": "lava-dl 0.6.0 against lava-nc 0.10.0; live ones: tests/differential/test_lavadl.py",
}


@dataclass(frozen=True)
class Row:
    """A network of slayer, the finding that its lowering must have, and whether their spikes part.

    ``resets``: Loihi's states are reset as the input arrives, layer by layer: what the finding advises.
    """

    graph: Callable[[], Graph]
    code: str
    comment: str
    parts: bool
    landmine: int | None = None
    resets: bool = False


def slayer(*layers: Mapping[str, Any], scale: float = 1.0, delay: int = 0) -> Graph:
    """Dense layers of 4 CUBA neurons ``n0`` …, each with what differs; ``delay``: between the layers."""
    builder = new("slayer")
    port = builder.input((4,), F32)
    for number, layer in enumerate(layers):
        weight = np.asarray(eighths(4, 4) * np.float32(scale))
        port = dense(builder, f"d{number}", port, weight, delay if number else 0)
        port = _cuba(builder, f"n{number}", port, **layer)
    builder.output(port)
    return builder.graph()


def _cuba(
    builder: GraphBuilder,
    name: str,
    source: Port,
    threshold: float = 1.0,
    current: int = 1024,
    voltage: Any = 128,
    mean: Any = None,
    graded: bool = False,
) -> Port:
    """Neurons of slayer; its epsilon is 0.01 of 1/4096."""
    first = np.float32(np.float32(threshold) + np.float32(0.01 / 4096)) * np.float32(4096)
    params = {
        "current_decay": smallest_integer(np.asarray(current)),
        "voltage_decay": smallest_integer(np.asarray(voltage)),
        "threshold": tensor(first, "float32"),
    }
    if mean is not None:
        params["mean"] = tensor(mean, "float32")
    norm = "none" if mean is None else "mean"
    return builder.node(name, "slayer.CUBA", source, params=params, graded=graded, norm=norm, stepwise=False)


BIASES = (-0.5, 0.25, -0.125, -0.25)
WHOLE = {"threshold": 64.0, "current": 4096, "voltage": 0}
ROWS: dict[str, Row] = {
    "nothing but the step of a synapse": Row(
        partial(slayer, {}, {}), "SNN-2130", "The same integers: equal one and two steps later.", False, 16
    ),
    "bias": Row(
        partial(slayer, {"mean": BIASES}),
        "SNN-2131",
        "slayer's norm acts with the first input, Lava's bias one step before it.",
        True,
    ),
    "bias, states reset as the input arrives": Row(
        partial(slayer, {"mean": BIASES}, {"mean": BIASES[::-1]}),
        "SNN-2131",
        "As Lava's reader does it with reset_interval and reset_offset=1: what a bias did earlier is lost.",
        False,
        resets=True,
    ),
    "threshold 64, no leak": Row(
        partial(slayer, WHOLE, scale=16.0),
        "SNN-2132",
        "slayer fires at 64: a threshold 64 lower is exact.",
        False,
        2,
    ),
    "threshold 64, one leak": Row(
        partial(slayer, {**WHOLE, "voltage": [0, 0, 0, 2048]}, scale=16.0),
        "SNN-2132",
        "slayer fires at 64, Loihi above it. One neuron leaks, so the layer's threshold stays; the others part.",
        True,
        2,
    ),
    "current beyond 2^23": Row(
        partial(slayer, {"threshold": 100.0, "current": 1, "voltage": 0}, scale=500.0),
        "SNN-2133",
        "slayer's u has 64 bits, Lava's wraps at 2^23.",
        True,
    ),
    "delay of outputs": Row(
        partial(slayer, {}, {}, delay=3),
        "SNN-2134",
        "slayer delays what a layer gives, NetX what the next synapse takes.",
        False,
    ),
}


def sigma_delta() -> Graph:
    """Delta encoder, a layer of sigma-delta neurons and decoder of slayer: of real numbers."""
    builder = new("slayer")
    threshold = {"threshold": tensor(0.5, "float32")}
    port = builder.node("in", "slayer.Delta", builder.input((4,), F32), params=threshold)
    port = dense(builder, "d0", port, np.asarray(eighths(4, 4)))
    bias = {"bias": tensor(0.0, "float32")}
    port = builder.node("n0", "slayer.SigmaDelta", port, params={**threshold, **bias}, norm="none")
    builder.output(builder.node("out", "slayer.Sigma", port))
    return builder.graph()


REFUSED: dict[str, tuple[Callable[[], Graph], str, str]] = {
    "graded spikes": (partial(slayer, {"graded": True}), "SNN-2135", "n0"),
    "a mean beyond 16 bits": (partial(slayer, {"mean": [-1024.0, 0, 0, 0]}), "SNN-2135", "n0"),
    "weights that are no multiples of 1/64": (partial(slayer, {}, scale=1 / 16), "SNN-2135", "d0"),
    "sigma-delta neurons, whose input is real": (sigma_delta, "SNN-2138", "n0"),
}
"""What the lowering has no equal for: the code, and where."""


def stimulus() -> Array:
    """0 and 1 by a formula: (time, batch, features)."""
    values = (np.arange(STEPS * SAMPLES * 4) ** 2 % 11 % 3 != 1).astype(np.float32)
    found: Array = values.reshape(STEPS, SAMPLES, 4)
    return found


def add(writer: Writer) -> None:
    """Two runs and a lowering per row, and refusals. Raises ``ValueError`` where a row does not show it."""
    passes = resolve(load().targets[TARGET].lowering)
    family = Family(writer, FAMILY, "target", ("target", TARGET), RULE)
    for title, (make, code, place) in REFUSED.items():
        subject = {"snn": ("model.snn", to_bytes(make()))}
        wanted = Refusal(UnsupportedError, code, place)
        family.add(f"refused: {title}", "It has no equal on Loihi.", subject, wanted)
    for title, row in ROWS.items():
        before = row.graph()
        after, _ = lower(before, passes())
        if missing := unreported((row.code,), after.findings):
            raise ValueError(f"{title}: not reported: {', '.join(missing)}")
        if row.resets:
            after = with_resets(after)
        x = stimulus()
        found = [_ran(graph, x) for graph in (before, after)]
        if not row.resets:
            answer = Answer(after, (row.code,))
            family.add(f"{title}: lowered", row.comment, {"snn": ("model.snn", to_bytes(before))}, answer)
        words = _parting(title, row, after, *found)
        for side, graph, records in zip(("slayer", "Loihi"), (before, after), found, strict=True):
            bare = replace(graph, findings=(), provenance=Provenance(), correspondence=())
            comment = f"{row.comment} {words}"
            case, files = runner_case(
                FAMILY, f"{title}: {side}", comment, bare, {bare.inputs[0].id: x.astype(np.uint8)}, records,
                batched=True, source=RULE, landmine=row.landmine, codes=(row.code,),
            )  # fmt: skip
            writer.add(case, files)


def with_resets(graph: Graph) -> Graph:
    """Every layer of neurons reset each ``STEPS`` steps, first when its input arrives: one step per layer."""
    nodes, arrives = [], 1
    for node in graph.nodes:
        schema = REGISTRY(node.op, node.version)
        if node.op == "loihi.CubaLIF" and isinstance(schema, StepOp):
            given = {**node.attribute, "reset_interval": STEPS, "reset_offset": arrives + 1}
            program = schema.program(given)
            nodes.append(replace(node, attributes=tuple(given.items()), program=program))
            arrives += 1
        else:
            nodes.append(node)
    return replace(graph, nodes=tuple(nodes))


def _ran(graph: Graph, x: Array) -> dict[str, Array]:
    """Every word of the neurons, and the output."""
    program = {node.id: node.program for node in graph.nodes if node.program is not None}
    keys = [f"{name}/{word}" for name, each in program.items() for word in ("u", "v", "s") if word in each.names]
    recording, _ = prepare(graph).run(x, record=[*keys, "output"])
    return {key: np.asarray(recording[key]) for key in (*keys, "output")}


def _parting(title: str, row: Row, after: Graph, ours: dict[str, Array], theirs: dict[str, Array]) -> str:
    """Where the first spikes differ once lags are taken away."""
    places: list[tuple[int, int, int, str]] = []
    lags: dict[str, int] = {}
    for match in after.correspondence:
        key, other = f"{match.old.node}/{match.old.name}", f"{match.new.node}/{match.new.name}"
        if key not in spike_keys(after) or key not in ours:
            continue
        lags[key] = match.lag
        a, b = ours[key][: STEPS - match.lag], theirs[other][match.lag :]
        if not 0 < a.mean() < 1:
            raise ValueError(f"{title}: {key} says nothing: {a.mean()}")
        places += [(int(at[0]), int(at[1]), int(at[2]), key) for at in np.argwhere(a != b)]
    if bool(places) != row.parts or not lags:
        raise ValueError(f"{title}: {len(places)} spikes differ")
    late = ", ".join(f"{key} {lag} steps later" for key, lag in sorted(lags.items()))
    if not places:
        return f"No spike differs: {late}."
    step, sample, neuron, key = min(places)
    return f"They part at step {step} (sample {sample}, {key} of neuron {neuron}); {late}."
