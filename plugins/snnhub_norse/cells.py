"""What each of norse's cells is: its op, its numbers, and where it keeps its states.

Sources: norse 1.1.0, ``norse.torch.module`` (classes, first states) and ``norse.torch.functional`` (equations).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from snnhub.ir.graph import AttributeValue

from snnhub_norse.coefficients import Number, given, precision, times_dt

Numbers = Mapping[str, Number]
Read = Callable[[Any], Numbers]


@dataclass(frozen=True)
class Cell:
    """``op``: without ``norse.``; ``steps``: the functions of norse that compute it, feed-forward or recurrent.

    ``read``: its parameters from the live module. ``states``: names in the graph, with the path in norse's state.
    ``params``: where norse keeps the numbers of the membrane, behind ``module.p``.
    """

    op: str
    steps: tuple[str, ...]
    read: Read
    states: Mapping[str, str]
    choices: Mapping[str, AttributeValue] = field(default_factory=dict)
    out: str = "s"
    params: str = ""


def of(holder: Any, path: str) -> Any:
    """An attribute by its path."""
    for name in path.split(".") if path else ():
        holder = getattr(holder, name)
    return holder


def _named(holder: Any, **names: str) -> dict[str, Number]:
    return {name: given(holder, source) for name, source in names.items()}


def _firing(p: Any) -> dict[str, Number]:
    return _named(p, v_threshold="v_th", v_reset="v_reset")


def _leaking(p: Any, dt: float) -> dict[str, Number]:
    return {"c": times_dt(p, "tau_mem_inv", dt), "v_leak": given(p, "v_leak")}


def _current(p: Any, dt: float) -> dict[str, Number]:
    return {"c_syn": times_dt(p, "tau_syn_inv", dt)}


def _box(module: Any) -> Numbers:
    return {**_leaking(module.p, module.dt), **_firing(module.p)}


def _iaf(module: Any) -> Numbers:
    return _firing(module.p)


def _li(module: Any) -> Numbers:
    return {**_leaking(module.p, module.dt), **_current(module.p, module.dt)}


def _li_box(module: Any) -> Numbers:
    return _leaking(module.p, module.dt)


def _membrane(p: Any, dt: float) -> dict[str, Number]:
    return {**_leaking(p, dt), **_current(p, dt), **_firing(p)}


def _lif(module: Any) -> Numbers:
    return _membrane(module.p, module.dt)


def _refractory(module: Any) -> Numbers:
    return {**_membrane(module.p.lif, module.dt), "rho_reset": given(module.p, "rho_reset")}


def _exponential(module: Any) -> Numbers:
    return {**_lif(module), "delta_t": given(module.p, "delta_T")}


def _adaptive(p: Any, dt: float) -> dict[str, Number]:
    names = _named(
        p, delta_t="delta_T", adaptation_current="adaptation_current", adaptation_spike="adaptation_spike"
    )
    return {**_membrane(p, dt), **names, "c_adapt": times_dt(p, "tau_ada_inv", dt)}


def _adex(module: Any) -> Numbers:
    return _adaptive(module.p, module.dt)


def _adex_refractory(module: Any) -> Numbers:
    return {**_adaptive(module.p.lif_adex, module.dt), "rho_reset": given(module.p, "rho_reset")}


def _lsnn(module: Any) -> Numbers:
    more = {"c_adapt": times_dt(module.p, "tau_adapt_inv", module.dt), "beta": given(module.p, "beta")}
    return {**_lif(module), **more}


def _izhikevich(module: Any) -> Numbers:
    p, start = module.p, module.spiking_method.s
    v, u = p.tau_inv * module.dt, p.tau_inv * module.dt * p.a
    return {
        "c_v": Number(v, f"{precision(v)}: tau_inv * dt, dt = {module.dt!r}"),
        "c_u": Number(u, f"{precision(u)}: tau_inv * dt * a, dt = {module.dt!r}"),
        **_named(p, sq="sq", mn="mn", bias="bias", b="b", d="d", v_threshold="v_th", v_reset="c"),
        **_named(start, v_start="v", u_start="u"),
    }


V, I_V = {"v": "v"}, {"i": "i", "v": "v"}
HELD = {"i": "lif.i", "v": "lif.v", "rho": "rho"}
HELD_ADEX = {"i": "lif_adex.i", "v": "lif_adex.v", "a": "lif_adex.a", "rho": "rho"}
PLAIN, REFRACTORY = {"refractory": False}, {"refractory": True}

BOX = Cell("LIFBoxCell", ("lif_box_feed_forward_step",), _box, V)
IAF = Cell("IAFCell", ("iaf_feed_forward_step",), _iaf, V)
LI = Cell("LICell", ("li_feed_forward_step",), _li, {"i": "i"}, out="y")
LI_BOX = Cell("LIBoxCell", ("li_box_feed_forward_step",), _li_box, {}, out="y")
LIF = Cell(
    "LIFCell",
    ("lif_feed_forward_step", "lif_feed_forward_adjoint_step", "lif_step", "lif_adjoint_step"),
    _lif,
    I_V,
    PLAIN,
)
LIF_REFRAC = Cell(
    "LIFCell",
    (
        "lif_refrac_feed_forward_step",
        "lif_refrac_feed_forward_adjoint_step",
        "lif_refrac_step",
        "lif_refrac_adjoint_step",
    ),
    _refractory,
    HELD,
    REFRACTORY,
    params="lif",
)
LIF_EX = Cell("LIFExCell", ("lif_ex_feed_forward_step", "lif_ex_step"), _exponential, I_V)
LIF_ADEX = Cell("LIFAdExCell", ("lif_adex_feed_forward_step", "lif_adex_step"), _adex, {**I_V, "a": "a"}, PLAIN)
LIF_ADEX_REFRAC = Cell(
    "LIFAdExCell",
    ("lif_adex_refrac_feed_forward_step", "lif_adex_refrac_step"),
    _adex_refractory,
    HELD_ADEX,
    REFRACTORY,
    params="lif_adex",
)
LSNN = Cell(
    "LSNNCell",
    ("lsnn_feed_forward_step", "lsnn_feed_forward_adjoint_step", "lsnn_step", "lsnn_adjoint_step"),
    _lsnn,
    {**I_V, "b": "b"},
)
IZHIKEVICH = Cell(
    "IzhikevichCell",
    ("izhikevich_feed_forward_step", "izhikevich_recurrent_step"),
    _izhikevich,
    {"v": "v", "u": "u"},
)
