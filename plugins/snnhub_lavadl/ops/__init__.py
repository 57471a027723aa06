"""slayer's neurons as step ops: one module per family."""

from __future__ import annotations

from snnhub.ir.op import OpSchema

from snnhub_lavadl.ops.adaptive_resonate import ADRF, ADRF_IZHIKEVICH
from snnhub_lavadl.ops.alif import ALIF
from snnhub_lavadl.ops.cuba import CUBA, INTEGRATOR
from snnhub_lavadl.ops.delay import DELAY
from snnhub_lavadl.ops.encode import INPUT
from snnhub_lavadl.ops.resonate import RF, RF_IZHIKEVICH
from snnhub_lavadl.ops.sigma_delta import DELTA_ENCODER, SIGMA_DECODER, SIGMA_DELTA

OPS: tuple[OpSchema, ...] = (
    *(CUBA, INTEGRATOR, DELAY),
    *(ALIF, RF, RF_IZHIKEVICH, ADRF, ADRF_IZHIKEVICH),
    *(SIGMA_DELTA, DELTA_ENCODER, SIGMA_DECODER, INPUT),
)
