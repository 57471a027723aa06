"""What ``verify`` does where statistics is all that was expected, and spikes are not even the same in their
decisions: the rates of the outputs, over the samples it has run.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from snnhub.compare.distribution import equivalence
from snnhub.compare.rate import LEAST_RUNS
from snnhub.compare.verdict import OUTPUT, Verdict, spike_counts
from snnhub.findings import Finding, info
from snnhub.ir.recording import Recording
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array


def by_rates(
    verdict: Verdict, expected: Rung, a: Recording, b: Recording, seconds: float | None
) -> tuple[Verdict, list[Finding]]:
    """The verdict ``distribution`` instead of ``diverged``, if that is ``expected`` and every output neuron fires
    at the same rate over the samples of both recordings, taken in pairs. Findings have what was tested, or why
    not.
    """
    if expected is not Rung.DISTRIBUTION or verdict.reached is not Rung.DIVERGED or verdict.silent:
        return verdict, []
    counts = _counts(a), _counts(b)
    if counts[0] is None or counts[1] is None or counts[0].shape != counts[1].shape:
        return verdict, [_not_tested("the outputs are no spikes of as many neurons on both sides")]
    if len(counts[0]) < LEAST_RUNS:
        return verdict, [_not_tested("one sample tells nothing of what varies")]
    tested = equivalence(counts[0], counts[1], seconds=seconds, paired=True)
    if tested.reached is Rung.DISTRIBUTION:
        verdict = replace(verdict, reached=Rung.DISTRIBUTION)
    return verdict, list(tested.findings)


def _counts(recording: Recording) -> Array | None:
    """Spikes (samples, neurons) of the output; None if it has none."""
    values = recording.with_batch(OUTPUT) if OUTPUT in recording else None
    if values is None or values.dtype.kind not in "bu":
        return None
    found: Array = spike_counts(values).astype(np.int64).sum(axis=0)
    return found.reshape(values.shape[1], -1)


def _not_tested(why: str) -> Finding:
    words = f"spikes were compared one by one; whether rates are the same was not tested: {why}"
    return info("SNN-5404", "recordings", words, remedy="Run: snnhub distribution, on several samples or draws.")
