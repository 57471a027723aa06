"""Fixtures: real data made by others, peers, and the op registry with all plugins."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

# MKL and OpenMP may take fewer threads on a busy machine, and sums in f32 then come out in another order
os.environ.setdefault("MKL_DYNAMIC", "FALSE")
os.environ.setdefault("OMP_DYNAMIC", "FALSE")

import pytest
from hypothesis import settings
from snnhub.hub.catalogue import register_ops
from snnhub.hub.loader import load

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "docs" / "examples" / "mnist_csnn"
SHARED = ROOT.parent / "shared" / "data"
REQUIRE_PEERS = os.environ.get("SNNHUB_REQUIRE_PEERS") == "1"
collect_ignore = (
    ["differential/test_layers.py", "differential/test_proof.py", "differential/test_torchnet.py"]
    if find_spec("torch") is None and not REQUIRE_PEERS
    else []
)
"""Modules of peer tests that define torch modules; where peers are required, their absence is a failure."""

settings.register_profile("snnhub", deadline=None, print_blob=True, max_examples=60)
settings.load_profile("snnhub")


register_ops()  # as the library does when it loads a file; test modules build graphs when they are collected


@pytest.fixture(scope="session")
def netx_data() -> Path:
    """Files and recordings made with Lava by others; they are not part of the project."""
    folder = SHARED / "netx"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here")
    return folder


def need_peer(name: str) -> None:
    """Skip without the peer, unless peers are required: then its absence is a failure."""
    availability = load().runners[name].availability()
    if availability.ok:
        return
    message = f"{name}: {availability.reason}. {availability.hint}"
    if REQUIRE_PEERS:
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def lava() -> None:
    """A live Lava environment."""
    need_peer("lava")


@pytest.fixture(scope="session")
def xylosim() -> None:
    """A live xylosim environment."""
    need_peer("xylosim")


@pytest.fixture(scope="session")
def spikingjelly() -> None:
    """SpikingJelly in this interpreter."""
    need_peer("spikingjelly")


@pytest.fixture(scope="session")
def rockpool() -> None:
    """Rockpool in an environment of its own."""
    need_peer("rockpool")


@pytest.fixture(scope="session")
def dynapse2() -> None:
    """Rockpool with jax in an environment of its own."""
    need_peer("dynapsim")
