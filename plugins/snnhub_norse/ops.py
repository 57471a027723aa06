"""norse's cells, one step at a time, where the profiles' ``norse.*`` do not fit: a synaptic current, resets to any
value or by subtraction, ports for what recurs, refractory periods, adaptation, membranes that do not spike.

Equations and order: norse 1.1.0, ``norse.torch.functional``; f32, one rounding per operation. A spike is a number
there, and a reset is ``(1 - z) h + z v_reset``: so it is here, with all its bits. What arrives and what recurs are
two ports, since norse adds them to the current one after the other. ``exp`` differs in its last bit between
libraries: nobody may claim ``bits`` for the cells that have it.
"""

from __future__ import annotations

from collections.abc import Callable

from snnhub.ir.numtype import F32
from snnhub.ir.op import Attribute, Attributes, Parameter, Ports, StepOp
from snnhub.ir.program import Slot, State
from snnhub.ir.trace import Body, Namespace, Step, Value, cast, exp, maximum

RECURRENT = Attribute("recurrent", "whether there is a port r beside x, added after it", (True, False))
REFRACTORY = Attribute(
    "refractory", "whether v and spikes are held for rho_reset steps after a spike", (True, False)
)
RESET = Attribute("reset", "to v_reset, or by taking v_threshold away", ("value", "subtract"))

C_MEM = Parameter("c", "dt tau_mem_inv: part of the distance to the goal that a step closes", F32)
C_SYN = Parameter("c_syn", "dt tau_syn_inv: part of the current lost per step", F32)
V_LEAK = Parameter("v_leak", "potential that v leaks to, and starts from (dimensionless)", F32)
V_THRESHOLD = Parameter("v_threshold", "threshold of the membrane potential (dimensionless)", F32)
V_RESET = Parameter("v_reset", "membrane potential after a spike (dimensionless)", F32)
RHO_RESET = Parameter("rho_reset", "steps without a spike after each", F32)
SHARPNESS = Parameter("delta_t", "sharpness of the exponential rise (dimensionless)", F32)
LEAKING = (C_MEM, V_LEAK)
FIRING = (V_THRESHOLD, V_RESET)
EXPONENTIAL = (C_MEM, C_SYN, V_LEAK, SHARPNESS, *FIRING)
C_ADAPT = Parameter("c_adapt", "dt times the inverse time constant of the adaptation", F32)
ADAPTATION = (
    C_ADAPT,
    Parameter("adaptation_current", "coupling of the adaptation to v - v_leak", F32),
    Parameter("adaptation_spike", "rise of the adaptation per spike", F32),
)
THRESHOLD_RISE = (C_ADAPT, Parameter("beta", "rise of the threshold per spike", F32))
CURVED = (
    Parameter("c_v", "tau_inv dt: factor of what moves v", F32),
    Parameter("c_u", "tau_inv dt a: factor of what moves u", F32),
    Parameter("sq", "factor of v squared", F32),
    Parameter("mn", "factor of v", F32),
    Parameter("bias", "constant part of what moves v", F32),
    Parameter("b", "goal of u per unit of v", F32),
    Parameter("d", "rise of u per spike", F32),
    *FIRING,
    Parameter("v_start", "membrane potential before the first step", F32),
    Parameter("u_start", "recovery variable before the first step", F32),
)


def _spike(distance: Value) -> Value:
    """1.0 above 0, else 0.0: norse's ``heaviside``."""
    return cast(cast(distance > 0.0, "int"), "f32")


def _mixed(z: Value, otherwise: Value, then: Value) -> Value:
    """``otherwise`` where z is 0, ``then`` where it is 1, as norse weighs them."""
    found: Value = (1.0 - z) * otherwise + z * then
    return found


def _arrived(start: Value, inputs: tuple[Value, ...]) -> Value:
    for value in inputs:
        start = start + value
    return start


def _out(z: Value) -> dict[str, Value]:
    return {"s": z > 0.0}


def _decayed(current: Value, param: Namespace) -> Value:
    found: Value = current + (-param.c_syn) * current
    return found


def _held(h: Value, z: Value, state: Namespace, param: Namespace) -> tuple[Value, Value, Value]:
    """Potential, spike and counter of a neuron that may be refractory."""
    mask = _spike(state.rho)
    z_new = (1.0 - mask) * z
    rho = _mixed(z_new, maximum(state.rho - mask, 0.0), param.rho_reset)
    return _mixed(mask, h, state.v), z_new, rho


def _box(x: Value, state: Namespace, param: Namespace, *, reset: str) -> Step:
    h = state.v + param.c * ((x + param.v_leak) - state.v)
    z = _spike(h - param.v_threshold)
    return {"v": _mixed(z, h, param.v_reset if reset == "value" else h - param.v_threshold)}, _out(z)


def _iaf(x: Value, state: Namespace, param: Namespace) -> Step:
    h = state.v + x
    z = _spike(h - param.v_threshold)
    return {"v": _mixed(z, h, param.v_reset)}, _out(z)


def _lif(*arguments: Value, state: Namespace, param: Namespace, refractory: bool) -> Step:
    current = _arrived(state.i, arguments)
    h = state.v + param.c * ((param.v_leak - state.v) + current)
    z = _spike(h - param.v_threshold)
    v = _mixed(z, h, param.v_reset)
    if not refractory:
        return {"i": _decayed(current, param), "v": v}, _out(z)
    v, z, rho = _held(v, z, state, param)
    return {"i": _decayed(current, param), "v": v, "rho": rho}, _out(z)


def _exponential(*arguments: Value, state: Namespace, param: Namespace, adapting: bool, refractory: bool) -> Step:
    current = _arrived(state.i, arguments)
    v = state.v
    rise = param.delta_t * exp((v - param.v_threshold) / param.delta_t)
    drive = (param.v_leak - v) + rise + current
    h = v + param.c * (drive - state.a if adapting else drive)
    z = _spike(h - param.v_threshold)
    following = {"i": _decayed(current, param), "v": _mixed(z, h, param.v_reset)}
    if adapting:
        goal = param.adaptation_current * (v - param.v_leak) - state.a
        following["a"] = (state.a + param.c_adapt * goal) + z * param.adaptation_spike
    if refractory:
        following["v"], z, following["rho"] = _held(following["v"], z, state, param)
    return following, _out(z)


def _lsnn(*arguments: Value, state: Namespace, param: Namespace) -> Step:
    h = state.v + param.c * ((param.v_leak - state.v) + state.i)
    threshold = state.b + param.c_adapt * (param.v_threshold - state.b)
    z = _spike(h - threshold)
    following = {
        "i": _arrived(_decayed(state.i, param), arguments),
        "v": _mixed(z, h, param.v_reset),
        "b": threshold + z * param.beta,
    }
    return following, _out(z)


def _izhikevich(*arguments: Value, state: Namespace, param: Namespace) -> Step:
    v, u = state.v, state.u
    curve = param.sq * (v * v) + param.mn * v + param.bias - u
    h = v + param.c_v * _arrived(curve, arguments)
    drifted = u + param.c_u * (param.b * v - u)
    z = _spike(h - param.v_threshold)
    return {"v": _mixed(z, h, param.v_reset), "u": _mixed(z, drifted, drifted + param.d)}, _out(z)


def _li(x: Value, state: Namespace, param: Namespace) -> Step:
    current = state.i + x
    v = state.v + param.c * ((param.v_leak - state.v) + current)
    return {"i": _decayed(current, param), "v": v}, {"y": v}


def _li_box(x: Value, state: Namespace, param: Namespace) -> Step:
    v = state.v + param.c * ((param.v_leak - state.v) + x)
    return {"v": v}, {"y": v}


def _body(step: Callable[..., Step], **fixed: bool) -> Body:
    """``step`` of one or two inputs, as a body that is traced."""

    def body(*arguments: Value | Namespace, recurrent: bool, **chosen: bool) -> Step:
        *inputs, state, param = arguments
        return step(*inputs, state=state, param=param, **fixed, **chosen)

    return body


def _inputs(attributes: Attributes) -> tuple[Slot, ...]:
    return (Slot("x", F32), *((Slot("r", F32),) if attributes.get("recurrent") else ()))


def _states(*given: tuple[str, float | str]) -> Callable[[Attributes], tuple[State, ...]]:
    def states(attributes: Attributes) -> tuple[State, ...]:
        found = tuple(State(name, F32, start) for name, start in given)
        return (*found, State("rho", F32, 0.0)) if attributes.get("refractory") else found

    return states


def _parameters(*given: Parameter) -> Callable[[Attributes], tuple[Parameter, ...]]:
    def parameters(attributes: Attributes) -> tuple[Parameter, ...]:
        found = tuple(item for item in given if item is not V_RESET or attributes.get("reset") != "subtract")
        return (*found, RHO_RESET) if attributes.get("refractory") else found

    return parameters


def _op(
    name: str,
    doc: str,
    body: Body,
    states: tuple[tuple[str, float | str], ...],
    params: tuple[Parameter, ...],
    attributes: tuple[Attribute, ...] = (),
    out: str = "s",
) -> StepOp:
    ports = Ports(("x",), (out,))
    return StepOp(
        f"norse.{name}", 1, doc, body, _inputs, _states(*states), _parameters(*params), attributes, ports
    )


REST, NONE = ("v", "v_leak"), ("i", 0.0)
OPS = (
    _op(
        "LIFBoxCell",
        "norse's LIFBoxCell with any reset: h = v + c ((x + v_leak) - v), from v_leak; spike where "
        "h - v_threshold > 0.",
        _box,
        (REST,),
        (*LEAKING, *FIRING),
        (RESET,),
    ),
    _op(
        "IAFCell",
        "norse's IAFCell with any v_reset, from which it starts: h = v + x.",
        _iaf,
        (("v", "v_reset"),),
        FIRING,
    ),
    _op(
        "LIFCell",
        "norse's LIFCell: j = i + x + r, h = v + c ((v_leak - v) + j), from v_leak; i = j - c_syn j.",
        _body(_lif),
        (NONE, REST),
        (C_MEM, C_SYN, V_LEAK, *FIRING),
        (RECURRENT, REFRACTORY),
    ),
    _op(
        "LIFExCell",
        "norse's LIFExCell: as LIFCell, and delta_t exp((v - v_threshold) / delta_t) joins the current.",
        _body(_exponential, adapting=False, refractory=False),
        (NONE, REST),
        EXPONENTIAL,
        (RECURRENT,),
    ),
    _op(
        "LIFAdExCell",
        "norse's LIFAdExCell: as LIFExCell less an adaptation a, which goes to adaptation_current (v - v_leak) "
        "and rises by adaptation_spike.",
        _body(_exponential, adapting=True),
        (NONE, REST, ("a", 0.0)),
        (*EXPONENTIAL, *ADAPTATION),
        (RECURRENT, REFRACTORY),
    ),
    _op(
        "LSNNCell",
        "norse's LSNNCell: h = v + c ((v_leak - v) + i), i joined by x and r after that; the threshold b goes to "
        "v_threshold, where it starts, and rises by beta with a spike.",
        _body(_lsnn),
        (NONE, REST, ("b", "v_threshold")),
        (C_MEM, C_SYN, V_LEAK, *FIRING, *THRESHOLD_RISE),
        (RECURRENT,),
    ),
    _op(
        "IzhikevichCell",
        "norse's IzhikevichCell: h = v + c_v (sq v^2 + mn v + bias - u + x + r), u += c_u (b v - u), and u += d "
        "with a spike.",
        _body(_izhikevich),
        (("v", "v_start"), ("u", "u_start")),
        CURVED,
        (RECURRENT,),
    ),
    _op(
        "LICell",
        "norse's LICell: j = i + x, v = v + c ((v_leak - v) + j), from v_leak, which is the output; "
        "i = j - c_syn j.",
        _li,
        (NONE, REST),
        (C_MEM, C_SYN, V_LEAK),
        out="y",
    ),
    _op(
        "LIBoxCell",
        "norse's LIBoxCell: v = v + c ((v_leak - v) + x), from v_leak, which is the output.",
        _li_box,
        (REST,),
        LEAKING,
        out="y",
    ),
)
