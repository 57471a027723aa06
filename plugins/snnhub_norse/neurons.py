"""One of norse's modules with a state, to its op: of one step or of whole sequences, with or without weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from snnhub.findings import note
from snnhub.ir.graph import Port
from snnhub.ir.tensor import Tensor
from snnhub.torchnet.framework import Neuron
from snnhub.torchnet.signals import RefusedError, Signal
from snnhub.torchnet.site import Site, array

from snnhub_norse.cells import Cell, of
from snnhub_norse.coefficients import checked, coefficient

SETTING, EXP = "SNN-3540", "SNN-3542"
EXPONENTIAL = ("LIFExCell", "LIFAdExCell")
RESETS = {"reset_value": "value", "reset_subtract": "subtract"}
Params = dict[str, Tensor]


def neuron(cell: Cell, *, sequence: bool = False, weights: str = "") -> Neuron:
    """How the generic importer holds a module: ``weights`` are "recurrent", "linear" (LILinearCell) or none."""

    def check(module: Any) -> None:
        _ensure(module, cell)

    def handle(module: Any, signal: Signal, site: Site) -> Mapping[str, Signal]:
        return _handled(module, signal, site, cell, weights)

    def outputs(module: Any, result: Any) -> Mapping[str, Any]:
        return _returned(module, result, cell, sequence)

    return Neuron(
        handle,
        check,
        outputs,
        0 if sequence else None,
        keeps=False,
        watch=_watched if sequence else lambda module: None,
        spikes=("s",) if cell.out == "s" else (),
    )


def _ensure(module: Any, cell: Cell) -> None:
    """Raise ``RefusedError`` for a step that was put in place of norse's, and for numbers in another precision."""
    step = getattr(module, "activation", None)
    name = getattr(step, "__name__", type(step).__name__)
    if step is not None and (name not in cell.steps or not step.__module__.startswith("norse.")):
        allowed = f"Held: {', '.join(cell.steps)}."
        raise RefusedError(SETTING, f"{type(module).__name__} with the step {name}, which is not its own", allowed)
    for name in ("input_weights", "recurrent_weights"):
        values = getattr(module, name, None)
        if values is not None and str(values.dtype) != "torch.float32":
            raise RefusedError(SETTING, f"{name} is {values.dtype}", "Convert the network with net.float().")
    first = getattr(module, "state_fallback", None)
    if first is not None and not getattr(first, "__module__", "").startswith("norse."):
        words = f"{type(module).__name__} with a first state of its own"
        raise RefusedError(SETTING, words, "Keep norse's initial_state.")
    if cell.op == "LIFBoxCell":
        reset_of(module)
    for name, item in cell.read(module).items():
        checked(name, item)


def _handled(module: Any, signal: Signal, site: Site, cell: Cell, weights: str) -> Mapping[str, Signal]:
    arriving = _weighted(module, signal, site) if weights else signal
    params = {name: coefficient(name, item, arriving.features) for name, item in cell.read(module).items()}
    choices: dict[str, Any] = dict(cell.choices)
    if cell.op not in ("LIFBoxCell", "IAFCell", "LICell", "LIBoxCell"):
        choices["recurrent"] = weights == "recurrent"
    op, params, choices = _form(module, f"norse.{cell.op}", params, choices)
    port = site.builder.node(site.name, op, arriving.port, params=params, origin=site.origin, **choices)
    if cell.op in EXPONENTIAL:
        words = "exp of the potential in every step: its last bit may be another one than torch's"
        site.builder.findings.append(note(EXP, site.name, words, bound="one unit in the last place"))
    if weights == "recurrent":
        _fed_back(module, port, site)
    made = {cell.out: arriving.moved(port, arriving.features)}
    return made | {name: arriving.moved(Port(site.name, name), arriving.features) for name in cell.states}


def _form(module: Any, op: str, params: Params, choices: dict[str, Any]) -> tuple[str, Params, dict[str, Any]]:
    """The profiles' op where a reset goes to 0, since chips and NIR know it; else the one that says it all."""
    if op not in ("norse.LIFBoxCell", "norse.IAFCell"):
        return op, params, choices
    reset = reset_of(module) if op == "norse.LIFBoxCell" else "value"
    rest = "v_leak" if op == "norse.LIFBoxCell" else "v_reset"
    if reset == "value" and not np.any(params["v_reset"].array) and not negative_zero(params[rest]):
        return op.removesuffix("Cell"), {name: item for name, item in params.items() if name != "v_reset"}, {}
    if op == "norse.LIFBoxCell":
        choices["reset"] = reset
    if reset == "subtract":
        params = {name: item for name, item in params.items() if name != "v_reset"}
    return op, params, choices


def negative_zero(item: Tensor) -> bool:
    """Whether a potential starts at -0, whose sign norse's reset loses and the profiles' op keeps."""
    return bool(np.any(np.signbit(item.array) & (item.array == 0)))


def reset_of(module: Any) -> str:
    """How a LIFBoxCell resets. Raises ``RefusedError`` for a function of the user."""
    method = module.p.reset_method
    name = getattr(method, "__name__", type(method).__name__)
    if name not in RESETS or not method.__module__.startswith("norse."):
        raise RefusedError(SETTING, f"reset_method {name}", "Held: reset_value, reset_subtract.")
    return RESETS[name]


def _weighted(module: Any, signal: Signal, site: Site) -> Signal:
    weight = array(module.input_weights)
    return _dense(f"{site.name}/input", weight, signal, site)


def _dense(name: str, weight: Tensor, signal: Signal, site: Site) -> Signal:
    port = site.builder.node(
        name,
        "core.Dense",
        signal.port,
        params={"weight": weight},
        origin=site.origin,
        bias=False,
        accumulate="exact",
        shift=0,
    )
    return signal.moved(port, (*signal.features[:-1], weight.shape[0]))


def _fed_back(module: Any, spikes: Port, site: Site) -> None:
    """Recurrent weights: spikes of the step before, joined to the current after what arrives."""
    name = f"{site.name}/recurrent"
    port = site.builder.node(
        name,
        "core.Dense",
        spikes,
        params={"weight": array(module.recurrent_weights)},
        origin=site.origin,
        delay=1,
        bias=False,
        accumulate="exact",
        shift=0,
    )
    site.builder.edge(port, Port(site.name, "r"))


def _returned(module: Any, result: Any, cell: Cell, sequence: bool) -> Mapping[str, Any]:
    """What a call returned, by name. A sequence has its states in every step only where they were recorded."""
    out, state = result
    if sequence and not module.record_states:
        return {cell.out: out}
    return {cell.out: out, **{name: of(state, path) for name, path in cell.states.items()}}


def _watched(module: Any) -> None:
    module.record_states = True
