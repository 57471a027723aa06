"""The entry of the torch engine as a runner."""

from __future__ import annotations

from snnhub.api.neutral import EVERYTHING
from snnhub.api.request import RunRequest
from snnhub.ir.recording import Recording


def run_torch(request: RunRequest) -> Recording:
    """Run the graph of the request in torch's own kernels, called as the options say.

    Raises ``UsageError`` for options that do not fit and ``MissingPeerError`` for a device that is not here.
    """
    from snnhub.engine.torch_engine.plan import prepare_torch
    from snnhub.engine.torch_engine.settings import read_settings

    plan = prepare_torch(request.graph, read_settings(request.options), request.import_options.lookup)
    keys = plan.record_keys() if EVERYTHING in request.record else request.record
    values = request.stimulus.values if request.stimulus.batched else request.stimulus.values[:, 0]
    recording, _ = plan.run(values, record=keys, steps=request.steps, progress=request.progress)
    findings = (*request.stimulus.findings, *recording.findings)
    return Recording(recording.arrays, recording.batched, "torch", findings, recording.keep)
