"""Every norse cell that is held, alone, with parameter sets that show most. Made where norse is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

SIZE, HIDDEN = 17, 11
DEFAULT: Mapping[str, Any] = {}
RESET = {"v_reset": -0.3}
LEAK = {"v_leak": 0.2, "v_reset": 0.1, "v_th": 0.7}
FAST = {"tau_syn_inv": 333.0, "v_th": 0.6}
EACH = {"tau_mem_inv": (30, 300), "v_th": (0.3, 1.2), "v_leak": (-0.1, 0.1), "v_reset": (-0.5, 0.2)}
SETS: Mapping[str, Mapping[str, Any]] = {
    "default": DEFAULT,
    "reset": RESET,
    "leak": LEAK,
    "fast": FAST,
    "each": EACH,
}
BOXES = ("LIFBoxCell", "LIFBoxCell soft", "LIFBoxCell number")
INTEGRATORS = ("IAFCell", "IAF")
CURRENTS = ("LIFCell", "LIF", "LIFRecurrentCell", "LIFRecurrent", "LIFRecurrent autapses", "LIFCell learnable")
REFRACTORY = ("LIFRefracCell", "LIFRefracRecurrentCell", "LIFRefracRecurrent")
ADAPTIVE = ("LSNNCell", "LSNN", "LSNNRecurrentCell", "LSNNRecurrent", "LSNNCell adjoint")
MEMBRANES = ("LICell", "LI", "LILinearCell", "LIBoxCell")
CURVED = ("IzhikevichCell", "Izhikevich", "IzhikevichRecurrentCell", "IzhikevichRecurrent")
EXPONENTIAL = ("LIFExCell", "LIFEx", "LIFExRecurrentCell", "LIFExRecurrent", "LIFAdExCell", "LIFAdEx")
EXPONENTIAL_TOO = ("LIFAdExRecurrentCell", "LIFAdExRecurrent", "LIFAdExRefracCell", "LIFAdExRefracRecurrent")
IMPORTED = ("CubaLIF", "CubaLIF soft")
GAIN = {**dict.fromkeys(BOXES, 8.0), **dict.fromkeys(CURVED, 20.0), **dict.fromkeys(IMPORTED, 6.0)}


def cells() -> list[tuple[str, str, float]]:
    """(class and variant, parameter set, dt) of every cell whose bits are claimed."""
    found = [(kind, name, 1e-3) for kind in BOXES[:2] for name in ("default", "reset", "leak", "each")]
    found += [(kind, name, 1e-3) for kind in INTEGRATORS for name in ("default", "reset")]
    found += [(kind, name, 7e-4) for kind in CURRENTS for name in ("reset", "leak", "fast")]
    found += [(kind, "each", 2e-3) for kind in ("LIFCell", "IAFCell", "LIBoxCell", "CubaLIF")]
    found += [(kind, name, 1e-3) for kind in REFRACTORY + ADAPTIVE for name in ("default", "leak")]
    found += [(kind, name, 1e-3) for kind in MEMBRANES for name in ("default", "leak")]
    found += [(kind, "default", 1e-3) for kind in (*CURVED, *IMPORTED, BOXES[2])]
    return found


def cell(kind: str, name: str, dt: float = 1e-3) -> nn.Module:
    """One cell. ``kind``: class, and a variant behind a space; ``name``: of a parameter set."""
    import torch

    torch.manual_seed(len(kind) + len(name))
    given = {key: _number(value) for key, value in SETS[name].items()}
    return _cell(kind, given, float(dt))


def _number(value: Any) -> Any:
    import torch

    if isinstance(value, tuple):
        return torch.empty(SIZE).uniform_(*value)
    return torch.tensor(value)


def _cell(kind: str, given: dict[str, Any], dt: float) -> nn.Module:
    import norse.torch as norse
    from norse.torch.functional.lif_adex_refrac import LIFAdExRefracParameters
    from norse.torch.functional.lif_refrac import LIFRefracParameters
    from norse.torch.module import lif_adex_refrac

    name, _, variant = kind.partition(" ")
    if name == "CubaLIF":
        return _cuba(given, dt, variant)
    more: dict[str, Any] = {"autapses": True} if variant == "autapses" else {}
    more |= {"adjoint": True} if variant == "adjoint" else {}
    base = name.removesuffix("Cell").removesuffix("Recurrent")
    sizes = (SIZE, HIDDEN) if "Recurrent" in name or "Linear" in name else ()
    if base == "Izhikevich":
        from norse.torch.functional.izhikevich import tonic_bursting

        return _class(norse, name)(*sizes, tonic_bursting, dt=dt)
    parameters = _parameters(norse, base.replace("Refrac", "").replace("Linear", ""), given, variant)
    if "Refrac" in base:
        import torch

        wrap = LIFAdExRefracParameters if "AdEx" in base else LIFRefracParameters
        parameters, norse = wrap(parameters, torch.tensor(3.0)), lif_adex_refrac if "AdEx" in base else norse
    return _class(norse, name)(*sizes, p=parameters, dt=dt, **more)


def _class(module: Any, name: str) -> Any:
    return getattr(module, name)


def _parameters(norse: Any, base: str, given: dict[str, Any], variant: str) -> Any:
    """Parameters of a class: what it knows of ``given``; as learnable tensors or plain numbers on request."""
    from norse.torch.functional.lif_box import LIFBoxParameters
    from norse.torch.functional.reset import reset_subtract
    from torch import nn

    kind = LIFBoxParameters if base == "LIFBox" else getattr(norse, f"{base}Parameters")
    known = {key: value for key, value in given.items() if key in kind._fields}
    if variant == "soft":
        known["reset_method"] = reset_subtract
    if variant == "number":
        known |= {"tau_mem_inv": 77.7, "v_th": 0.73, "v_reset": -0.17}
    if variant == "learnable":
        known["tau_mem_inv"], known["tau_syn_inv"] = (nn.Parameter(_number(value)) for value in (66.0, 123.4))
    return kind(**known)


def _cuba(given: dict[str, Any], dt: float, variant: str) -> nn.Module:
    import norse.torch as norse
    import torch
    from norse.torch.utils.import_nir import CubaLIF

    membrane = _parameters(norse, "LIFBox", given, variant)
    synapse = norse.LIBoxParameters(tau_mem_inv=torch.tensor(200.0), v_leak=membrane.v_leak)
    factors = torch.empty(SIZE).uniform_(0.5, 2), torch.empty(SIZE).uniform_(0.5, 3)
    return CubaLIF(factors[0], norse.LIBoxCell(synapse, dt=dt), factors[1], norse.LIFBoxCell(membrane, dt=dt))


def exponential(kind: str) -> nn.Module:
    """A cell that takes exp in every step."""
    return cell(kind, "default")
