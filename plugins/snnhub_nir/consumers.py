"""What the importers of frameworks take of NIR: a graph rewritten into the common part, and refused beyond it.

Measured on the released importers (``docs/nir.md`` has the versions). ``Rule.lost`` tells apart what an importer
refuses or crashes at, which is never written for it, and what it takes and computes otherwise, which is written
under ``lossy``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from snnhub.errors import UnsupportedError
from snnhub.findings import Finding, error, loss, note
from snnhub.ir.analysis import analyse
from snnhub.ir.continuous import METADATA
from snnhub.ir.graph import Graph, Node
from snnhub.ops.registry import REGISTRY

from snnhub_nir import common_part, semantics

Test = Callable[[Node, Graph], bool]
SNNTORCH_DT = 1e-4
"""The one length of a step that snnTorch's importer knows."""
SPIKINGJELLY_DT = 1e-4
"""What SpikingJelly's importer takes where no dt is given to it."""
CLOSE = 1e-6
"""SpikingJelly's tolerance."""
PLAIN = ("Input", "Output", "Affine", "LIF")


def _not(name: str, value: float) -> Test:
    return lambda node, graph: name in node.param and bool((node.param[name].array != value).any())


def _mixed(name: str) -> Test:
    return lambda node, graph: name in node.param and len(set(node.param[name].array.reshape(-1).tolist())) > 1


def _any_mixed(node: Node, graph: Graph) -> bool:
    return any(_mixed(name)(node, graph) for name in node.param if not name.startswith(METADATA))


def _steps(node: Node) -> list[float]:
    """The lengths of a step that SpikingJelly takes this node with; none if it takes any.

    It wants r = 1 / dt of IF, r = 1 or tau / dt of LIF, r = tau_mem / dt and w_in = tau_syn / dt of CubaLIF.
    """
    value = {name: float(item.array.reshape(-1)[0]) for name, item in node.param.items() if item.size}
    if node.op == "ct.LIF" and value.get("r") != 1:
        return [value["tau"] / value["r"]] if value.get("r") else [0.0]
    if node.op == "ct.IF":
        return [1 / value["r"]] if value.get("r") else [0.0]
    if node.op == "ct.CubaLIF":
        pairs = ((value["tau_mem"], value["r"]), (value["tau_syn"], value["w_in"]))
        return [tau / factor if factor else 0.0 for tau, factor in pairs]
    return []


def _steps_differ(node: Node, graph: Graph) -> bool:
    every = [step for item in graph.nodes for step in _steps(item)]
    return bool(_steps(node)) and (min(every) <= 0 or max(every) > min(every) * (1 + CLOSE))


def _gains(node: Node, graph: Graph) -> bool:
    if not {"r", "tau"} <= set(node.param):
        return False
    return len(set((node.param["r"].array / node.param["tau"].array).reshape(-1).tolist())) > 1


def _other_gain(node: Node, graph: Graph) -> bool:
    gain = node.param["tau_mem"].array / SNNTORCH_DT
    return not np.allclose(gain, node.param["r"].array, rtol=1e-5, atol=0)


def _not_last(node: Node, graph: Graph) -> bool:
    ends = {item.id for item in graph.nodes if item.op == "ct.Output"}
    return any(edge.dst.node not in ends for edge in graph.fed_by(node.id))


def _in_space(name: str) -> Test:
    """Whether Python's ``any`` fails on a field: it has rows of more than one number."""
    return lambda node, graph: name in node.param and int(np.prod(node.param[name].shape[1:])) > 1


def _too_fast(node: Node, graph: Graph) -> bool:
    """Whether no dt that the other nodes allow is below the time constants of this one."""
    steps = [step for item in graph.nodes for step in _steps(item)]
    times = [node.param[name].array.min() for name in ("tau", "tau_mem", "tau_syn") if name in node.param]
    return bool(steps and times) and max(steps) >= min(times) * (1 + CLOSE * (node.op == "ct.CubaLIF"))


def _always(node: Node, graph: Graph) -> bool:
    return True


def _loops(node: Node, graph: Graph) -> bool:
    return node.id in _behind(graph, node.id)


def _behind(graph: Graph, start: str) -> set[str]:
    found: set[str] = set()
    pending = [start]
    while pending:
        for edge in graph.fed_by(pending.pop()):
            if edge.dst.node not in found:
                found.add(edge.dst.node)
                pending.append(edge.dst.node)
    return found


def _fan_in(node: Node, graph: Graph) -> bool:
    return len(graph.feeding(node.id)) > 1


@dataclass(frozen=True, slots=True)
class Rule:
    """What an importer does not do as NIR says, for nodes of these types. ``lost``: it goes on regardless."""

    types: tuple[str, ...]
    test: Test
    words: str
    lost: bool = True


@dataclass(frozen=True, slots=True)
class Consumer:
    """An importer: the types that it takes, and its rules. ``remarks``: what NIR's text leaves open, or what shows
    at the threshold only, and is told without being refused.
    """

    version: str
    types: tuple[str, ...]
    rules: tuple[Rule, ...]
    remarks: tuple[Rule, ...] = ()


V_RESET = Rule(("IF", "LIF", "CubaLIF"), _not("v_reset", 0), "v_reset is ignored")
V_LEAK = Rule(("LIF", "CubaLIF", "LI", "CubaLI"), _not("v_leak", 0), "v_leak is ignored")
R_IGNORED = Rule(("IF", "LIF"), _not("r", 1), "r is ignored")
W_IN = Rule(("CubaLIF", "CubaLI"), _not("w_in", 1), "w_in is ignored")
SUBTRACT = Rule(("IF", "LIF", "CubaLIF"), _always, "the threshold is subtracted at a spike, instead of a reset")
OUTPUT = Rule(("Output",), _fan_in, "only one of several edges into the output is used")

CONSUMERS = {
    "snntorch": Consumer(
        "1.0.0",
        (*PLAIN, "Linear", "Flatten", "AvgPool2d", "CubaLIF", "IF"),
        (
            Rule(("IF",), _always, "an integrator is read as a leaky neuron of decay 0.9"),
            Rule(("IF",), _not("r", 1), "r other than 1 is refused", lost=False),
            Rule(("IF",), _not_last, "it answers a tuple, which no other layer takes", lost=False),
            Rule(("LIF", "CubaLIF"), _not("v_leak", 0), "v_leak other than 0 is refused", lost=False),
            Rule(("LIF", "CubaLIF", "IF"), _mixed("v_threshold"), "thresholds per neuron are refused", lost=False),
            Rule(("LIF", "CubaLIF", "Affine"), _loops, "loops cannot be built", lost=False),
            Rule(("CubaLIF",), _other_gain, "r other than tau_mem / 1e-4 is refused", lost=False),
            Rule(("LIF",), _gains, "the smallest r / tau of a layer is taken for all of its neurons"),
            V_RESET,
            OUTPUT,
        ),
    ),
    "norse": Consumer(
        "1.1.0",
        (*PLAIN, "Linear", "Conv2d", "Flatten", "SumPool2d", "IF", "CubaLIF"),
        (
            R_IGNORED,
            V_RESET,
            Rule(("CubaLIF",), _not("v_leak", 0), "v_leak is added to the synaptic current, too"),
            Rule(("LIF", "CubaLIF"), _not("v_leak", 0), "the potential begins at v_leak"),
            OUTPUT,
        ),
        (Rule(("IF",), _always, "a step adds the whole input, however long it is: r = 1 is read as r = 1 / dt"),),
    ),
    "spikingjelly": Consumer(
        "2.0.0",
        (*PLAIN, "Linear", "Conv1d", "Conv2d", "Flatten", "AvgPool2d", "IF", "CubaLIF"),
        (
            Rule(("LIF", "IF", "CubaLIF"), _any_mixed, "numbers per neuron are refused", lost=False),
            Rule(("Conv1d", "Conv2d"), _not("groups", 1), "groups of channels are refused", lost=False),
            Rule(("CubaLIF",), _not("v_leak", 0), "v_leak other than 0 is refused", lost=False),
            Rule(
                ("LIF", "CubaLIF"),
                _too_fast,
                "a time constant is below the dt that r and w_in ask for",
                lost=False,
            ),
            Rule(
                ("LIF", "IF", "CubaLIF"), _steps_differ, "no dt fits all of r, tau and w_in: refused", lost=False
            ),
            Rule(
                ("LIF",),
                lambda node, graph: (
                    {"v_leak", "v_reset"} <= set(node.param)
                    and bool((node.param["v_leak"].array != node.param["v_reset"].array).any())
                ),
                "v_leak other than v_reset is refused",
                lost=False,
            ),
            OUTPUT,
        ),
        (Rule(("LIF", "IF", "CubaLIF"), _always, "a potential that just reaches the threshold fires (>=)"),),
    ),
    "sinabs": Consumer(
        "3.1.3",
        (*PLAIN, "Conv1d", "Conv2d", "Flatten", "SumPool2d", "IF", "LI"),
        (
            Rule(("LIF", "LI"), _always, "tau is read as a number of steps"),
            SUBTRACT,
            R_IGNORED,
            Rule(("LIF", "LI"), _not("v_leak", 0), "v_leak other than 0 is refused", lost=False),
            Rule(("LI",), _not("r", 1), "r other than 1 is refused", lost=False),
            Rule(
                ("LIF", "LI"), _in_space("v_leak"), "v_leak over several axes cannot be told to be 0", lost=False
            ),
            Rule(("Conv1d",), _always, "weights are taken for tensors, which they are not", lost=False),
            Rule(("Affine", "LIF", "IF"), _loops, "loops are refused", lost=False),
        ),
    ),
    "spyx": Consumer(
        "1.0.0",
        (*PLAIN, "Linear", "Conv2d", "Flatten", "SumPool2d", "IF", "CubaLIF", "Scale"),
        (
            SUBTRACT,
            R_IGNORED,
            V_LEAK,
            W_IN,
            Rule(("Conv2d", "SumPool2d"), _always, "channels are last there, and first in the file", lost=False),
            Rule(("Input",), lambda node, graph: len(graph.fed_by(node.id)) > 1, "only one path is followed"),
        ),
    ),
    "rockpool": Consumer(
        "3.1.0",
        ("Input", "Output", "Affine", "Linear", "CubaLIF", "LI"),
        (
            Rule(("LI",), _always, "tau is cut to whole seconds"),
            SUBTRACT,
            W_IN,
            Rule(("CubaLIF",), _not("v_leak", 0), "v_leak is added as a bias"),
            OUTPUT,
        ),
    ),
}


def adapted(graph: Graph, consumer: str, lossy: bool, profile: str = "") -> tuple[Graph, tuple[Finding, ...]]:
    """The graph as a framework's importer takes it, and what was changed for that. ``none``: as it is.
    ``profile``: that reads it as the network it was written from; its framework computes that network, whatever
    NIR says of the fields.

    Raises ``UnsupportedError`` with everything that the importer refuses and, unless ``lossy``, with everything
    that it computes otherwise than NIR says; ``GraphError`` for subgraphs that cannot be laid flat.
    """
    if consumer == "none":
        return graph, ()
    chosen = CONSUMERS[consumer]
    content = semantics.content_of(graph)
    changed, findings = common_part.rewritten(semantics.without(graph))
    if "Linear" not in chosen.types:
        changed, more = common_part.without_linear(changed)
        findings += more
    if "AvgPool2d" not in chosen.types and "Conv2d" in chosen.types:
        changed, more = common_part.without_means(changed)
        findings += more
    refused, lost = [], []
    for node, words, forgiven in _beyond(changed, chosen, f"{consumer} {chosen.version}"):
        if not forgiven:
            refused.append(error("SNN-4503", node, words))
        elif profile.startswith(f"{consumer}-"):
            continue
        elif not lossy:
            refused.append(error("SNN-4504", node, words, remedy="Pass --lossy to write it all the same."))
        else:
            lost.append(loss("SNN-4504", node, words))
    if refused:
        count = len(refused)
        words = f"{consumer} does not take {count} thing{'s' if count > 1 else ''}: {refused[0].message}"
        raise UnsupportedError(words, where=refused[0].place, remedy=refused[0].remedy, findings=refused)
    told = [*findings, *lost, *_remarks(changed, consumer)]
    return semantics.attached(changed, content) if content else changed, tuple(told)


def _remarks(graph: Graph, consumer: str) -> Iterator[Finding]:
    """What somebody who gives the file to the importer has to know."""
    chosen = CONSUMERS[consumer]
    name = f"{consumer} {chosen.version}"
    for rule in chosen.remarks:
        kinds = {f"ct.{kind}" for kind in rule.types}
        places = [node.id for node in graph.nodes if node.op in kinds and rule.test(node, graph)]
        if places:
            yield note("SNN-4516", ", ".join(places), f"{name}: {rule.words}")
    if consumer == "spikingjelly":
        yield from _length_of_a_step(graph, name)


def _length_of_a_step(graph: Graph, name: str) -> Iterator[Finding]:
    """The dt that SpikingJelly needs, where it is not its own."""
    steps = [step for node in graph.nodes for step in _steps(node)]
    fastest = min(
        (float(node.param["tau"].array.min()) for node in graph.nodes if node.op == "ct.LIF"), default=1.0
    )
    own = f"{SPIKINGJELLY_DT:g} s"
    if steps and abs(steps[0] - SPIKINGJELLY_DT) > CLOSE * SPIKINGJELLY_DT:
        words = f"{name}: r, w_in and tau fit one length of a step only, which is not the importer's own"
        remedy = f"Import it with dt={steps[0]:g}."
        yield note("SNN-4515", "dt", words, old=own, new=f"{steps[0]:g} s", remedy=remedy)
    elif not steps and fastest <= SPIKINGJELLY_DT:
        words = f"{name}: a tau is not above the importer's own length of a step"
        remedy = f"Import it with a dt below {fastest:g}."
        yield note("SNN-4515", "dt", words, old=own, new=f"{fastest / 2:g} s", remedy=remedy)


def _beyond(graph: Graph, consumer: Consumer, name: str) -> Iterator[tuple[str, str, bool]]:
    """Node, words, and whether the importer goes on."""
    for edge, times in Counter(graph.edges).items():
        if times > 1:
            yield str(edge), f"{name}: an edge occurs {times} times, which NIR's own reader refuses", False
    for op in ("ct.Input", "ct.Output"):
        ends = [node.id for node in graph.nodes if node.op == op]
        if len(ends) != 1:
            yield graph.name, f"{name}: found {len(ends)} nodes {op.removeprefix('ct.')}, allowed 1", False
    wrong = analyse(graph, REGISTRY).problems
    for finding in wrong:
        yield finding.place, f"{name}: {finding.message}, which NIR's own reader refuses", False
    for node in graph.nodes:
        kind = node.op.removeprefix("ct.")
        if kind == "NIRGraph" or any(finding.place.startswith(node.id) for finding in wrong):
            continue
        if kind not in consumer.types:
            yield node.id, f"{name}: {kind} is not read", False
        for rule in consumer.rules:
            if kind in rule.types and rule.test(node, graph):
                yield node.id, f"{name}: {rule.words}", rule.lost
