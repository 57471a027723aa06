"""Settings of neurons that change their meaning. What only training sees (surrogate gradients, detaching),
and what only says how to compute (step mode, storing of potentials) does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from snnhub.torchnet.signals import RefusedError


@dataclass(frozen=True)
class Expected:
    """What a kind of neuron may have. ``numbers``: attributes that must be plain numbers; ``learned``: parameters
    or buffers, each one number; ``states``: where every memory starts, a number or the attribute that says so.
    ``fires``: whether its surrogate function decides on spikes when the network is evaluated.
    """

    numbers: tuple[str, ...] = ()
    learned: tuple[str, ...] = ()
    states: Mapping[str, float | str] | None = None
    fires: bool = True


REST = {"v": "v_reset"}
PARABOLA = ("tau", "v_c", "a0", "v_rest")
EXPECTED: dict[str, Expected] = {
    "IFNode": Expected((), (), REST),
    "SimpleIFNode": Expected((), (), {"v": 0.0}),
    "LIFNode": Expected(("tau",), (), REST),
    "SimpleLIFNode": Expected(("tau",), (), {"v": 0.0}),
    "OTTTLIFNode": Expected(("tau",), (), REST, fires=False),
    "SLTTLIFNode": Expected(("tau",), (), REST, fires=False),
    "ParametricLIFNode": Expected((), ("w",), REST),
    "KLIFNode": Expected(("tau",), ("k",), REST),
    "QIFNode": Expected(PARABOLA, (), REST),
    "EIFNode": Expected(("tau", "delta_T", "theta_rh", "v_rest"), (), REST),
    "IzhikevichNode": Expected((*PARABOLA, "w_rest", "tau_w", "a", "b"), (), {**REST, "w": "w_rest"}),
    "RAFNode": Expected(("b", "omega", "dt"), (), {**REST, "u": 0.0}),
    "CUBALIFNode": Expected(("c_decay", "v_decay"), (), {**REST, "c": 0.0}),
    "CubaLIFNode": Expected(
        ("s_scale", "v_threshold_eps"),
        ("current_decay", "voltage_decay"),
        {"current_state": 0.0, "voltage_state": 0.0},
    ),
    "SynapseFilter": Expected((), ("w",), {"out_i": 0.0}, fires=False),
}
STRAIGHT = (-1.0, -1e-30, 0.0, 1e-30, 1.0)
"""Distances to the threshold; a spike belongs to the last three."""


def _refuse(message: str, remedy: str) -> None:
    raise RefusedError("SNN-3009", message, remedy)


def check_cell(kind: str, module: Any) -> None:
    """Raise ``RefusedError`` if a neuron has a setting that its op cannot say."""
    expected = EXPECTED[kind]
    if getattr(module, "_neuron_precision", None) is not None:
        _refuse("reduced neuron precision is set", "Import the network in f32.")
    numbers = ("v_threshold", "v_reset", *expected.numbers, *(("tau",) if kind == "SynapseFilter" else ()))
    for name in numbers:
        value = getattr(module, name, None)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            _refuse(f"{name} is {type(value).__name__}, not a number", "One number per layer can be held.")
    _learned(module, expected)
    _states(module, expected)
    if expected.fires:
        _fires(module.surrogate_function)
    SPECIAL.get(kind, lambda _: None)(module)


def _learned(module: Any, expected: Expected) -> None:
    for name, value in (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)):
        if name not in expected.learned:
            _refuse(f"{type(module).__name__} has a tensor {name}", "Use the neuron as SpikingJelly defines it.")
        if value is not None and value.ndim:
            _refuse(f"{name} has shape {list(value.shape)}", "One number per layer can be held.")


def _states(module: Any, expected: Expected) -> None:
    """States must start where the op lets them start: a reset value set by hand is not in the graph."""
    for name, start in (expected.states or {}).items():
        wanted = start if isinstance(start, float) else getattr(module, start)
        wanted = 0.0 if wanted is None else wanted  # a soft reset starts at 0
        found = module._memories_rv.get(name)
        if isinstance(found, bool) or not isinstance(found, int | float) or found != wanted:
            _refuse(
                f"{name} starts at {found}, not at {wanted}",
                "Give v_reset to the constructor, and leave set_reset_value alone.",
            )


def _fires(surrogate: Any) -> None:
    """The forward of a surrogate must be a step: 0 below the threshold, 1 from it on."""
    import torch

    name = type(surrogate).__name__
    try:
        with torch.no_grad():
            found = surrogate(torch.tensor(STRAIGHT)).tolist()
    except Exception:  # noqa: BLE001  whatever it raises, it does not fire as neurons do
        found = None
    if found != [float(distance >= 0) for distance in STRAIGHT]:
        _refuse(
            f"surrogate_function {name} does not give 0 below the threshold and 1 from it on",
            "Use a surrogate of SpikingJelly with spiking=True.",
        )


def _simple(module: Any) -> None:
    """These start at 0 whatever v_reset is."""
    if module.v_reset not in (None, 0):
        _refuse(f"v_reset is {module.v_reset} and v starts at 0", "Use IFNode or LIFNode, which start at v_reset.")


def _simple_leaky(module: Any) -> None:
    _simple(module)
    if module.v_reset is None:
        _refuse("v_reset=None, with which SimpleLIFNode cannot compute", "Use LIFNode.")


def _no_norm(module: Any) -> None:
    if module.norm is not None:
        _refuse("norm is set", "Normalise before the neuron, with BatchNorm2d behind the synapse.")


def _single_step(module: Any) -> None:
    if module.step_mode == "m":
        _refuse("OTTTLIFNode cannot take whole sequences, even in SpikingJelly", "Set its step_mode to 's'.")


SPECIAL: dict[str, Callable[[Any], None]] = {
    "SimpleIFNode": _simple,
    "SimpleLIFNode": _simple_leaky,
    "OTTTLIFNode": _single_step,
    "CubaLIFNode": _no_norm,
}
CELLS: dict[str, Callable[[Any], None]] = {kind: partial(check_cell, kind) for kind in EXPECTED}
