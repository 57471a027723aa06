"""snnTorch as a framework on torch, for the importer and the runner that all of them share."""

from __future__ import annotations

from typing import Any

from snnhub.api.options import ImportOptions
from snnhub.api.request import RunRequest
from snnhub.ir.graph import Graph
from snnhub.ir.recording import Recording
from snnhub.torchnet.framework import Framework
from snnhub.torchnet.importer import import_network

from snnhub_snntorch.attributes import STATES
from snnhub_snntorch.neurons import NEURONS
from snnhub_snntorch.shortened import shortened


def reset(net: Any) -> None:
    """Bring every neuron to rest: no state, as when it was made. snnTorch's own ``reset`` looks at all networks of
    the process, and at none that was copied.
    """
    import torch

    for module in net.modules():
        states = STATES & vars(module).get("_buffers", {}).keys()
        for name in states:
            setattr(module, name, None if hasattr(module, "mem_prev") else torch.zeros(0))
        if hasattr(module, "mem_prev"):
            module.mem_prev = None


FRAMEWORK = Framework("snntorch", "snnTorch", NEURONS, reset=reset, packages=("snntorch",))


def import_snntorch(source: Any, options: ImportOptions) -> Graph:
    """The graph of a factory reference or of a live network. Raises what ``import_network`` raises."""
    return shortened(import_network(FRAMEWORK, source, options), options.lookup)


def run_snntorch(request: RunRequest) -> Recording:
    """The network itself, recorded under the keys of its graph. Raises what ``run_network`` raises."""
    from snnhub.torchnet.runner import run_network

    return run_network(FRAMEWORK, request)
