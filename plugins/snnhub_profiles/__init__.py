"""What every framework makes of a NIR file, as registered discretisation rules, and the frameworks to judge
them by.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from snnhub.hub import Environment, Profile, hookimpl

if TYPE_CHECKING:
    from snnhub.ir.op import OpSchema

ENVIRONMENT = Environment(
    "nir-frameworks",
    "snnTorch, norse, SpikingJelly, sinabs, spyx, Rockpool and Nengo beside nir 1.0.8",
    "snnhub_profiles:nir-frameworks.toml",
    worker="snnhub_profiles.worker:main",
)


@hookimpl
def snnhub_register_environments() -> Iterable[Environment]:
    return (ENVIRONMENT,)


@hookimpl
def snnhub_register_ops() -> Iterable[OpSchema]:
    from snnhub_profiles.ops import OPS

    return OPS


SUMMARIES = {
    "nir-euler": ("", "NIR's equations by forward Euler: v_reset in the same step, v > v_threshold"),
    "exponential": ("", "NIR's equations exactly, for an input held over the step"),
    "snntorch-1": ("snntorch 1.0.0", "dt 1e-4 s; v_reset ignored; IF leaks; the smallest gain of a layer for all"),
    "norse-1": ("norse 1.1.0", "forward Euler; r of LIF and IF ignored; reset to 0"),
    "spikingjelly-2": ("spikingjelly 2.0.0", "forward Euler; v >= v_threshold; refuses what it cannot hold"),
    "sinabs-3": ("sinabs 3.1.3", "tau counts steps; r ignored; several spikes per step; resets subtract"),
    "spyx-1": ("spyx 1.0.0", "r, v_leak, v_reset, w_in ignored; spikes one step late; one chain from 'input'"),
    "rockpool-3": ("rockpool 3.1.0", "dt guessed per layer; exponential; several spikes per step; LIF refused"),
    "nengo-4": ("nengo 4.1.0 (its neurons)", "f64; exact within the step; spikes at their time in it"),
}
"""By name: what it was measured on, and one line of what it does."""


@hookimpl
def snnhub_register_profiles() -> Iterable[Profile]:
    return tuple(
        Profile(
            name,
            words,
            "snnhub_profiles.discretise:discretise",
            level="R3",
            describe="snnhub_profiles.discretise:descriptor",
            framework=framework,
            dt=1e-4 if name == "snntorch-1" else None,
            timeless=name in ("sinabs-3", "rockpool-3"),
            switches="" if name == "nengo-4" else "snnhub_profiles.switches:explain",
        )
        for name, (framework, words) in SUMMARIES.items()
    )
