"""Discretise: from continuous time to steps, by a profile that says what each framework makes of the equations."""

from __future__ import annotations

import math
from dataclasses import replace

import snnhub
from snnhub.errors import UsageError
from snnhub.hub.catalogue import find, register_ops, require
from snnhub.hub.loader import Hub, load
from snnhub.hub.objects import Profile
from snnhub.ir.continuous import is_continuous
from snnhub.ir.graph import Graph, Stage


def profiles(hub: Hub | None = None) -> tuple[Profile, ...]:
    """The registered profiles, by name."""
    return tuple(item for _, item in sorted((hub or load()).profiles.items()))


def discretise(graph: Graph, dt: float | None, profile: str) -> Graph:
    """``graph`` in steps of ``dt`` seconds, as ``profile`` computes them. Coefficients carry their recipe; what
    contradicts the source's own words is a finding ``loss``. A graph that has steps already comes back as it is.
    ``dt`` may be None where the graph has one, or where the profile knows only one.

    Raises ``UsageError`` for an unknown profile or a dt that is no positive number, and ``UnsupportedError``, with
    every reason, where the profile refuses the network.
    """
    register_ops()
    item = find(load().profiles, profile, "profile")
    dt = next((value for value in (dt, graph.dt, item.dt) if value is not None), None)
    if dt is None:
        raise UsageError("a profile needs the length of a step", where=profile, remedy="Pass --dt SECONDS")
    if not (math.isfinite(dt) and dt > 0):
        raise UsageError("dt must be a positive number of seconds", found=f"{dt:g}")
    if not is_continuous(graph):
        return graph
    require(item)
    made: Graph = item.resolve()(graph, dt, profile)
    stage = Stage(f"discretise {profile}", snnhub.__version__, (("dt", repr(dt)), ("framework", item.framework)))
    return replace(made, provenance=made.provenance.after(stage))


def profile_needed(where: str) -> UsageError:
    """The error where a network in continuous time comes without a profile: the list, one line each."""
    lines = "".join(f"\n  {item.name:16} {item.summary}" for item in profiles())
    return UsageError(
        "the network is in continuous time: what one step computes is not in the file",
        where=where,
        allowed=lines or "no profile is installed",
        remedy="Choose one: --profile NAME --dt SECONDS",
    )
