"""A case as text: what goes in, what must come out, and a raster of its spikes."""

from __future__ import annotations

import numpy as np
from snnhub.ir.pretty import lines as listing
from snnhub.ir.tensor import Array
from snnhub_formats import container

from snnhub_conformance.case import Case
from snnhub_conformance.diagnose import MISTAKES

WIDTH = 100


def describe(case: Case) -> str:
    """Everything about a case that a person needs to repeat it by hand."""
    text = [f"{case.id}  {case.title}", case.comment, f"level {case.level}, rung {case.expect.rung}", ""]
    if case.expect.result == "invalid":
        text += [f"must be refused: {case.expect.error} {case.expect.code} {case.expect.place}".rstrip(), ""]
    if "snn" in case.subject and case.kind == "runner":
        graph = container.load(case.path(case.subject["snn"]))
        for node in graph.nodes:
            settings = ", ".join(f"{name}={value}" for name, value in node.attributes)
            text.append(f"{node.id}: {node.kind} {settings}")
            text += [f"  {name} = {_shown(tensor.array)}" for name, tensor in node.params]
            if node.program is not None:
                text += [f"  {line}" for line in listing(node.program)]
        text.append("")
    for title, arrays in (("in", case.stimulus()), ("out", case.records())):
        text += [f"{title:3} {key} {list(array.shape)}: {_shown(array)}" for key, array in arrays.items()]
    if case.flags:
        text += ["", "notices:", *(f"  {flag}: {MISTAKES.get(flag, '')}" for flag in case.flags)]
    return "\n".join(text)


def _shown(array: Array) -> str:
    text = np.array2string(array, max_line_width=10**6, threshold=40, edgeitems=6, separator=" ").replace("\n", "")
    return text if len(text) <= WIDTH else text[: WIDTH - 2] + " …"
