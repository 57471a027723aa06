"""Weights as Lava has them after its packing, with a finding for everything that the packing changes."""

from __future__ import annotations

import numpy as np
from snnhub.findings import Finding, loss
from snnhub.ir.tensor import Array

from snnhub_netx.packing import Effective, effective, effective_recurrent, loadable


def packed(
    place: str, weights: dict[str, Array], findings: list[Finding], recurrent: Array | None = None
) -> tuple[Effective, ...]:
    """What Lava computes with for each of ``weights`` (by name in the file, each packed by itself) and, behind the
    only one, for the ``recurrent`` weights that are packed together with it.
    """
    found: list[Effective] = []
    for name, weight in weights.items():
        whole = {name: weight} if recurrent is None else {name: weight, f"{name}_rec": recurrent}
        if not loadable(np.hstack(list(whole.values()))):
            message = "all weights are 0: Lava's reader fails on this file (OverflowError)"
            findings.append(loss("SNN-3110", f"{place}/{name}", message))
            found += [Effective(part, 0) for part in whole.values()]
            continue
        parts = (effective(weight),) if recurrent is None else effective_recurrent(weight, recurrent)
        for (key, given), part in zip(whole.items(), parts, strict=True):
            findings += _changed(f"{place}/{key}", given, part)
        found += parts
    return tuple(found)


def _changed(place: str, weight: Array, part: Effective) -> list[Finding]:
    scaled = weight << part.shift
    changed = int(np.count_nonzero(part.weight != scaled))
    if not changed:
        return []
    worst = np.unravel_index(int(np.abs(part.weight - scaled).argmax()), weight.shape)
    return [
        loss(
            "SNN-3111",
            place,
            f"Lava computes with other weights: {changed} of {weight.size} differ, worst at "
            f"{[int(i) for i in worst]}",
            old=str(int(weight[worst])),
            new=f"{float(part.weight[worst]) / 2**part.shift:g}",
            remedy="Lava loses weights of matrices without a positive entry; snnhub writes them safely.",
        )
    ]
