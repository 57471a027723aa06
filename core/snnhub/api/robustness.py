"""Order-robustness in results: the certificate of a loaded network, and what it says about a divergence."""

from __future__ import annotations

from snnhub.api.load import Loaded
from snnhub.compare.verdict import Verdict
from snnhub.engine.robust.certificate import Robustness
from snnhub.engine.robust.certify import certify
from snnhub.engine.stimulus import Stimulus
from snnhub.findings import Finding, info, loss, note
from snnhub.ir.graph import TERMINAL_PORT, Graph, Port


def certificate(loaded: Loaded, stimulus: Stimulus, steps: int | None) -> Robustness:
    """Whether any order of summation gives the same spikes. Raises ``UnsupportedError`` for ops without a rule."""
    return certify(loaded.graph, stimulus.values, steps=steps, lookup=loaded.options.lookup)


def explained(graph: Graph, verdict: Verdict, robustness: Robustness) -> bool | None:
    """Whether the first spike that differs is a flagged tie. None if none differs, or if only the output of that
    sample was compared: then an earlier layer may have diverged first.
    """
    first = verdict.first_spike
    if first is None:
        return None
    if "/" in first.key:
        found = robustness.flagged(first.key, first.step, first.sample, first.index)
        return found if found or robustness.complete else None
    if robustness.robust:
        return False
    (edge,) = graph.into[Port(first.key, TERMINAL_PORT)]  # spikes come over one edge
    source = f"{edge.src.node}/{edge.src.name}"
    return robustness.flagged(source, first.step - edge.delay, first.sample, first.index) or None


def robust_findings(
    graph: Graph, verdict: Verdict | None, robustness: Robustness, explains: bool | None
) -> list[Finding]:
    """The certificate, and what it says about the first spike that differs."""
    found = [_certified(graph, robustness)]
    first = None if verdict is None else verdict.first_spike
    if first is None or explains is None:
        return found
    place = f"step {first.step}, sample {first.sample}, {first.key}{list(first.index)}"
    if explains:
        words = "the first spike that differs is a tie that the engine flagged: the order of a sum decides it"
        return [
            *found,
            info("SNN-5203", place, words, remedy="Compare with --engine torch, in the same call shape."),
        ]
    words = "the first spike that differs is no tie: no order of summation explains it"
    remedy = "Look for other arithmetic: another formula, fused multiply-add, another exp."
    return [*found, loss("SNN-5204", place, words, remedy=remedy)]


def _certified(graph: Graph, robustness: Robustness) -> Finding:
    first = robustness.first
    if first is None:
        words = (
            robustness.reason or f"{robustness.decided} decisions, every order of summation gives the same spikes"
        )
        closest = robustness.closest
        bound = "" if closest is None else f"smallest margin {closest.ratio:.3g} bounds, {closest}"
        return info("SNN-5201", graph.name or "network", words, bound=bound)
    words = f"{robustness.ties} of {robustness.decided} decisions depend on the order in which a sum is added"
    place = f"step {first.step}, sample {first.sample}, {first.key}{list(first.index)}"
    return note("SNN-5202", place, words, bound=f"margin {first.margin:.3g}, bound {first.bound:.3g}")
