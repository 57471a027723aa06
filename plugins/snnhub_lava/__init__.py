"""Lava as a live peer: runs NetX files on Lava's bit-accurate CPU models of Loihi, in its own environment."""

from __future__ import annotations

from collections.abc import Iterable

from snnhub.hub import Availability, Environment, Option, Runner, hookimpl

ENVIRONMENT = Environment(
    "lava",
    "Lava 0.10 and Lava-DL 0.6 on Python 3.11, beside SpikingJelly 2.0",
    "snnhub_lava:lava.toml",
    worker="snnhub_lava.worker:main",
)

WHOLE = {"types": ["int", "bool"]}
CAPABILITIES = {
    "ops": [
        "loihi.CubaLIF/1",
        "loihi.Delta/1",
        "loihi.SigmaDelta/1",
        "loihi.Sigma/1",
        "loihi.RF/1",
        "loihi.RFIzhikevich/1",
    ],
    "types": ["int", "bool"],
    "transforms": {"core.Dense/1": WHOLE, "core.Conv/1": WHOLE, "core.Flatten/1": WHOLE},
    "batch": True,
    "limits": {"inputs": 1, "delay": 63},
}
"""Of such graphs it runs those that a NetX file can hold; the exporter refuses the others with reasons."""


def _available() -> Availability:
    from snnhub.peers.env import status
    from snnhub.peers.recipe import read_recipe

    found = status(read_recipe(ENVIRONMENT.path()))
    if found.state == "ready":
        return Availability(True)
    return Availability(False, f"environment lava is {found.state}", "Run: snnhub env create lava")


@hookimpl
def snnhub_register_environments() -> Iterable[Environment]:
    return (ENVIRONMENT,)


@hookimpl
def snnhub_register_runners() -> Iterable[Runner]:
    return (
        Runner(
            "lava",
            "Lava's netx reader and fixed-point CPU simulation of Loihi",
            entry="snnhub_lava.runner:run_lava",
            takes="netx",
            availability=_available,
            level="R4",
            capabilities=CAPABILITIES,
            packs=True,
            options=(
                Option("reset_interval", "reset all neurons every so many steps", "never"),
                Option("reset_offset", "phase of the reset", "0"),
                Option("num_layers", "load only the first so many layers of the file", "all"),
                Option("batch", "how samples are run: auto, reset (one after the other) or restart", "auto"),
            ),
        ),
    )
