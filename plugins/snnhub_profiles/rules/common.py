"""Transforms that torch's importers share, and the words of descriptors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from snnhub_profiles import transforms
from snnhub_profiles.layer import Layer
from snnhub_profiles.rules.rule import Make
from snnhub_profiles.source import Item

TERMINALS: Mapping[str, Make] = {
    "Input": lambda item, dt: transforms.passed_on(item),
    "Output": lambda item, dt: transforms.passed_on(item),
}


def dense(item: Item, dt: float) -> Layer:
    """Linear or Affine in f32."""
    return transforms.dense(item)


def conv(item: Item, dt: float) -> Layer:
    """Conv1d or Conv2d in f32."""
    return transforms.conv(item)


def average(item: Item, dt: float) -> Layer:
    """AvgPool2d."""
    return transforms.average(item)


def average_of_pairs(item: Item, dt: float) -> Layer:
    """AvgPool2d of an importer that takes kernel, stride and padding apart."""
    transforms.pairs(item, "kernel_size", "stride", "padding")
    return transforms.average(item)


def lp_sum(item: Item, dt: float) -> Layer:
    """SumPool2d by way of a mean."""
    return transforms.lp_sum(item)


EXECUTOR = {
    "cycle_step": "the edge into the node that runs first, depth first from the input in file order",
    "before_start": "nothing is added",
    "fan_in": "sum, sources in file order",
    "multi_output": "the value of the node that runs last",
    "start_node": "the one node without a source",
}
PROGRAM = {
    "cycle_step": "the edge into the node of several sources that comes first in the alphabet",
    "before_start": "zero",
    "fan_in": "sum of two; the order of more is left to chance",
    "multi_output": "one edge, which one is left to chance",
    "start_node": "Input",
}


def torch_numbers(call: str = "one call per step, batch 1") -> dict[str, Any]:
    """The descriptor's ``numerics`` of a torch framework."""
    return {"type": "f32", "fma": False, "exp": None, "sum": f"torch.nn.functional, {call}"}
