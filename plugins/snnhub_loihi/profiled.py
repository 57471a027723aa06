"""Neurons that a profile made of a NIR file, and norse's own, in the form that the lowering knows. Known by name.

All of them are, in exact arithmetic, ``h = v (1 - c) + g x``, or with a current ``i = i (1 - c_syn) + g_syn x``
and ``h = v (1 - c) + g i``; a spike where h > v_threshold, then 0 (``snnhub_profiles.ops.nirstep``, ``norse``).
norse's LIFCell is that with g_syn = 1, and keeps the current after its decay; what recurs joins what arrives.
States divided by the gain lose it: ``core.LIF`` with tau = 1 / c, ``core.IF`` and ``core.CubaLIF`` with the
threshold divided by the gain. Where that leaves a threshold per neuron, which Loihi does not have, rows of dense
weights take the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from snnhub.findings import Finding, Severity, error, note, of_severity
from snnhub.ir.graph import AttributeValue, Graph, Node, Port
from snnhub.ir.op import OpLookup, StepOp
from snnhub.ir.rewrite import Rewriter
from snnhub.ir.tensor import Array, Tensor, tensor
from snnhub.passes.base import PassContext, PassResult, unchanged

DENSE = "core.Dense"


@dataclass(frozen=True)
class Form:
    """``op``: the neuron of the core set. ``gain``: what a unit of input adds to h, in the end or at once, from a
    function that gives a parameter in f64. ``leak``: the parameter c, if it leaks. ``current``: what the state i
    is per unit of the core neuron's current.
    """

    op: str
    gain: Callable[[Callable[[str], Array]], Array]
    leak: str = ""
    choices: Mapping[str, AttributeValue] = field(default_factory=dict)
    current: Callable[[Callable[[str], Array]], Array] = lambda read: read("c_syn") * read("w_in")


def _current(read: Callable[[str], Array]) -> Array:
    return read("c_syn") * read("w_in") * read("c") * read("r")


WHOLE: Mapping[str, AttributeValue] = {"decay_input": False}
FLOAT: Mapping[str, AttributeValue] = {"arithmetic": "float"}
FORMS = {
    "nirstep.LIF": Form("core.LIF", lambda read: read("c") * read("r"), "c", WHOLE),
    "nirstep.IF": Form("core.IF", lambda read: read("gain")),
    "nirstep.CubaLIF": Form("core.CubaLIF", _current, "c", FLOAT),
    "norse.LIFBox": Form("core.LIF", lambda read: read("c"), "c", WHOLE),
    "norse.IAF": Form("core.IF", lambda read: np.ones(())),
    "norse.CubaLIF": Form("core.CubaLIF", _current, "c", FLOAT),
    "norse.LIFCell": Form(
        "core.CubaLIF", lambda read: read("c"), "c", FLOAT, lambda read: np.asarray(1 - read("c_syn"))
    ),
}


def run(graph: Graph, context: PassContext) -> PassResult:
    """Replace every such neuron. Refuses, all at once, rest and reset other than 0, gains of 0 or less, and
    neurons that differ within a layer where no dense weights of their own are before them.
    """
    neurons = [node for node in graph.nodes if node.op in FORMS]
    findings = [finding for node in neurons for finding in _refused(graph, node)]
    if not neurons or of_severity(findings, Severity.ERROR):
        return unchanged(graph, context, findings)
    rewriter = Rewriter(graph, context.lookup)
    notes = [_written(node, rewriter, context.lookup) for node in neurons]
    return PassResult(rewriter.graph(), rewriter.correspondence(), tuple(notes))


def _read(node: Node, name: str) -> Array:
    return node.param[name].array.astype(np.float64)


def _gain(node: Node) -> Array:
    return np.asarray(FORMS[node.op].gain(lambda name: _read(node, name)))


def _refused(graph: Graph, node: Node) -> Iterator[Finding]:
    """Why a neuron has no equal."""
    for name in ("v_leak", "v_reset"):
        if name in node.param and np.any(_read(node, name)):
            found = f"{name} {_spread(_read(node, name))}"
            words = "Loihi's potential rests at 0 and resets to 0"
            remedy = f"Train with {name} = 0."
            yield error("SNN-2611", node.id, words, old=found, remedy=remedy)
    if node.attribute.get("refractory"):
        words = "the lowering has no neuron that is refractory for steps of its own"
        yield error("SNN-2611", node.id, words, remedy="Use norse's LIFCell.")
    gain = _gain(node)
    if not np.all(np.isfinite(gain) & (gain > 0)):
        words = "the gain of the input must be finite and above 0"
        yield error(
            "SNN-2611", node.id, words, old=f"gain {_spread(gain)}", remedy="Put its sign into the weights."
        )
        return
    leak = FORMS[node.op].leak
    if leak and not np.all((_read(node, leak) > 0) & (_read(node, leak) <= 1)):
        words = "a part of 0 to 1 of the potential must leak in a step"
        yield error(
            "SNN-2611", node.id, words, old=f"{leak} {_spread(_read(node, leak))}", remedy="Choose another dt."
        )
    if any(_single(values) is None for values in (_read(node, "v_threshold") / gain, *_decays(node))):
        for edge in graph.feeding(node.id):
            yield from _no_rows(graph, node, edge.src.node)


def _decays(node: Node) -> list[Array]:
    return [_read(node, name) for name in ("c", "c_syn") if name in node.param]


def _no_rows(graph: Graph, node: Node, source: str) -> Iterator[Finding]:
    """Why what feeds a layer cannot take the factors of its neurons."""
    own = source in graph.node and graph.node[source].op == DENSE
    if own and {edge.dst.node for edge in graph.edges if edge.src.node == source} == {node.id}:
        return
    words = "neurons of a layer may differ only right behind dense weights that lead nowhere else"
    parts = {"v_threshold / gain": _read(node, "v_threshold") / _gain(node)}
    parts |= {name: _read(node, name) for name in ("c", "c_syn") if name in node.param}
    spread = ", ".join(f"{name} {_spread(values)}" for name, values in parts.items() if _single(values) is None)
    remedy = "Give the layer one r, one tau and one v_threshold."
    yield error("SNN-2611", node.id, words, old=f"{spread}, fed by {source}", remedy=remedy)


def _written(node: Node, rewriter: Rewriter, lookup: OpLookup) -> Finding:
    gain, form = _gain(node), FORMS[node.op]
    scaled = _read(node, "v_threshold") / gain
    threshold = _single(scaled)
    bound = "one f32 rounding per coefficient"
    if threshold is None:
        threshold = float(scaled.max())
        for source in dict.fromkeys(edge.src.node for edge in rewriter.into(node.id)):
            _scale_rows(rewriter, source, threshold / scaled)
        bound += " and weight"
    attributes: dict[str, AttributeValue] = {"reset": "value", "compare": "gt", **form.choices}
    schema = lookup(form.op, 1)
    if not isinstance(schema, StepOp):
        raise TypeError(f"{form.op}/1 is not registered")
    for edge in rewriter.into(node.id):  # of two ports, what recurs joins what arrives
        rewriter.retarget(edge, replace(edge, dst=Port(node.id, "x")))
    params = {
        "v_threshold": tensor(threshold, "float32").described("v_threshold / gain, rounded to f32"),
        "v_reset": tensor(0.0, "float32"),
        **_coefficients(node, form),
    }
    rewriter.put(
        replace(
            node,
            op=schema.name,
            version=schema.version,
            attributes=tuple(attributes.items()),
            params=tuple(params.items()),
            program=schema.program(attributes),
        )
    )
    unit = _single(gain) if _single(scaled) is not None else None
    rewriter.match(Port(node.id, "v"), Port(node.id, "v"), None if unit is None else 1 / unit)
    if form.op == "core.CubaLIF":
        arriving = _single(form.current(lambda name: _read(node, name)))
        scale = 1 / arriving if arriving and unit is not None else None
        rewriter.match(Port(node.id, "i"), Port(node.id, "u"), scale)
    words = "the gain of the input moved into the threshold" + (" and the weights" if "weight" in bound else "")
    return note(
        "SNN-2610", node.id, words, old=node.kind, new=f"{form.op}/1, threshold {threshold:.6g}", bound=bound
    )


def _coefficients(node: Node, form: Form) -> dict[str, Tensor]:
    if form.op == "core.LIF":
        return {"tau": _stored(1 / _read(node, "c"), "1 / c")}
    if form.op == "core.IF":
        return {}
    pairs = {"u_factor": "c_syn", "v_factor": "c"}
    return {name: _stored(1 - _read(node, part), f"1 - {part}") for name, part in pairs.items()}


def _stored(values: Array, recipe: str) -> Tensor:
    """One number where all neurons share it."""
    single = _single(values)
    return tensor((values if single is None else np.asarray(single)).astype(np.float32)).described(
        f"{recipe}, rounded to f32"
    )


def _scale_rows(rewriter: Rewriter, source: str, factors: Array) -> None:
    """Multiply what a dense layer gives to every neuron by its factor."""
    synapse = rewriter.nodes[source]
    rows = {"weight": factors.reshape(-1, 1), "bias": factors.reshape(-1)}
    params = {
        name: tensor((_read(synapse, name) * rows[name]).astype(np.float32)).described("times gain / v_threshold")
        for name in rows
        if name in synapse.param
    }
    rewriter.put(synapse.with_params(**params))
    rewriter.match(Port(source, "y"), Port(source, "y"), None)


def _single(values: Array) -> float | None:
    """The value that all share once they are f32, or None."""
    found = np.unique(values.astype(np.float32))
    return float(np.ravel(values)[0]) if found.size == 1 else None


def _spread(values: Array) -> str:
    low, high = float(np.min(values)), float(np.max(values))
    return f"{low:g}" if low == high else f"{low:g} … {high:g}"
