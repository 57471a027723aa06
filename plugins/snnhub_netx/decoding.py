"""What decisions are made of where the last layer of a file can never spike.

An Affine block without dynamics is written without a neuron group. Lava's reader then takes ``iDecay`` 0,
``vDecay`` 4096 and ``vThMant`` 2^17: u is the running sum of the block's output times 64 * 64, v stops at
2^23 - 1 and never passes the threshold. The last u hence decides as slayer's mean over time does. An Affine block
with dynamics hands on its voltage, and is written with a threshold that cannot be passed either.
"""

from __future__ import annotations

from dataclasses import replace

from snnhub.errors import UsageError
from snnhub.findings import info
from snnhub.ir.graph import REDUCTIONS, TERMINAL_PORT, Decoder, Graph, Port

from snnhub_netx.document import NO_NEURON, Document

STATES = ("u", "v")
CUBA_LIF = "loihi.CubaLIF"
"""The neurons that have them: a sigma output needs no decoder of a state, its spikes are its sum."""
UNREACHABLE = NO_NEURON["vThMant"]
"""From here on, ``vThMant * 64`` is above 2^23 - 1, where v stops. lava-nc 0.10.0, ``proc/lif/models.py``."""


def with_decoder(graph: Graph, document: Document, wanted: str) -> Graph:
    """The graph with a decoder for a last layer that cannot spike, or with the one that is ``wanted``.

    ``wanted``: ``<reduction>:<state>`` such as ``last:u``; empty to choose. A decoder that snnhub kept in the file
    is left alone unless another one is asked for. Where an averaging layer was left out, outputs are no classes.
    Raises ``UsageError`` for anything else.
    """
    last = graph.into[Port(graph.outputs[0].id, TERMINAL_PORT)][0].src.node
    if wanted:
        return replace(graph, decoder=_asked(wanted, last))
    if graph.decoder is None and "average" in document.left_out:
        return replace(graph, decoder=Decoder("mean", False))
    node = graph.node[last]
    silent = node.op == CUBA_LIF and int(node.param["vThMant"].array.min()) >= UNREACHABLE
    if document.records is not None or graph.decoder is not None or not silent:
        return graph
    bare = document.layers[-1].neuron is None
    decoder = Decoder("last", True, f"{last}/u") if bare else Decoder("mean", True, f"{last}/v")
    told = info(
        "SNN-3140",
        last,
        "the last layer cannot spike: decisions are made of its "
        + ("last current, the sum over time of what reaches it" if bare else "mean voltage"),
        new=f"{decoder.reduce}:{decoder.quantity.rpartition('/')[2]}",
        remedy="Choose another with --option decoder=sum:u, mean:v or last:u.",
    )
    return replace(graph, decoder=decoder).with_findings([told])


def _asked(wanted: str, last: str) -> Decoder:
    reduce, _, state = wanted.partition(":")
    if reduce not in REDUCTIONS or state not in STATES:
        raise UsageError(
            "no such decoder",
            where="--option decoder",
            found=wanted,
            allowed=f"one of {', '.join(REDUCTIONS)}, a colon, and one of {', '.join(STATES)}",
        )
    return Decoder(reduce, True, f"{last}/{state}")
