"""Files written ``--for`` a framework, given to it: taken with the dt that was told, and what its profile says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from snnhub.api.load import load_graph
from snnhub.api.options import ImportOptions
from snnhub.errors import UnsupportedError
from snnhub.hub.catalogue import register_ops
from snnhub.peers.protocol import Worker
from snnhub_nir.writer import export_nir

from tests.differential.nir_peer import FRAMEWORK, in_their_call_shape, open_frameworks, theirs
from tests.networks.nir_nets import DT, Net, chain, continuous, integrate, lif, stimulus
from tests.networks.nir_zoo import zoo

pytestmark = [pytest.mark.peer]
NAMES: tuple[str, ...] = (
    "lif",
    "if",
    "if_r",
    "if_reset",
    "cuba_u",
    "mlp",
    "conv",
    "conv_if",
    "rec_lif",
    "skip",
    "named",
    "mlp_if",
)
NAMES += ("lif_fast", "lif_leak", "rec_if", "li_r", "sum_pool")
OWN = {
    "one dt of 1 ms": chain(lif(4, r=3.0, tau=3e-3, th=1.0), shape=[4]),
    "IF of 2 ms": chain(integrate(4, r=500.0, th=2.0), shape=[4]),
    "IF of 1 ms, slower LIF": chain(integrate(4, r=1e3), lif(4), shape=[4]),
}
LEAST = {"snntorch": 4, "norse": 8, "spikingjelly": 9, "sinabs": 6, "rockpool": 1}


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """One process for all frameworks."""
    register_ops()
    with open_frameworks() as opened:
        yield opened


def told_dt(net: Net, framework: str, path: Path) -> float | None:
    """Write the file; the dt that its framework has to be given. None where it is refused."""
    try:
        found = export_nir(continuous(net), path, {"for": framework, "lossy": "true"})
    except UnsupportedError:
        return None
    said = [item.new for item in found if item.code == "SNN-4515"]
    return float(said[0].removesuffix(" s")) if said else DT


@pytest.mark.parametrize("profile", ["snntorch-1", "norse-1", "spikingjelly-2", "sinabs-3", "rockpool-3"])
def test_it_takes_what_was_written_for_it(profile: str, worker: Worker, tmp_path: Path) -> None:
    framework, taken = FRAMEWORK[profile], 0
    for name, net in {**{name: zoo()[name] for name in NAMES}, **OWN}.items():
        path = tmp_path / "a.nir"
        dt = told_dt(net, framework, path)
        if dt is None:
            continue
        x = stimulus(net, 40, 1)
        found = theirs(worker, framework, path, x, dt)
        assert not isinstance(found, str), f"{name}: {found}"
        graph = load_graph(path, options=ImportOptions(profile=profile, dt=dt)).graph
        np.testing.assert_array_equal(in_their_call_shape(graph, x).reshape(found.shape), found, err_msg=name)
        taken += 1
    assert taken >= LEAST[framework]
