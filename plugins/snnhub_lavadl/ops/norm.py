"""slayer's neuron norms as part of an op: what arrives, less a mean, over a power of two.

Source: ``MeanOnlyBatchNorm`` and ``WgtScaleBatchNorm`` of lava-dl 0.6.0 (``slayer/neuron/norm``) in eval mode, one
rounding per operation in f32. ``snnhub_lavadl.neurons.norm`` reads their quantised statistics.
"""

from __future__ import annotations

from snnhub.ir.numtype import F32
from snnhub.ir.op import Attribute, Attributes, Parameter
from snnhub.ir.trace import Namespace, Value

NORM = Attribute("norm", "none; mean: a mean is taken away; scale: then divided by std", ("none", "mean", "scale"))


def normed(x: Value, param: Namespace, norm: str, prefix: str = "") -> Value:
    """``x`` (f32, in units of the threshold) after the norm. ``prefix`` tells the norms of one op apart."""
    if norm == "none":
        return x
    mean: Value = getattr(param, f"{prefix}mean")
    return (x - mean) / getattr(param, f"{prefix}std") if norm == "scale" else x - mean


def norm_parameters(attributes: Attributes, *prefixes: str) -> tuple[Parameter, ...]:
    """``mean`` and ``std`` of the norm that the attributes choose, once per prefix."""
    names = {"mean": ("mean",), "scale": ("mean", "std")}.get(str(attributes.get("norm")), ())
    docs = {
        "mean": "mean that the norm takes away, a multiple of 1/32",
        "std": "power of two that the norm divides by",
    }
    return tuple(Parameter(f"{prefix}{name}", docs[name], F32) for prefix in prefixes or ("",) for name in names)
