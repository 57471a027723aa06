"""Agreement with the frameworks live: every verdict of one file, in one process of theirs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import snnhub
from snnhub.api.agree_live import protocol

from tests.conftest import SHARED
from tests.differential.nir_peer import open_frameworks
from tests.networks.nir_nets import DT
from tests.networks.nir_zoo import zoo

pytestmark = [pytest.mark.peer]
FORMULA = "uniform:seed=5,steps=80,low=-1,high=3"
FILES = {
    "lif": {"norse", "snntorch", "spikingjelly", "sinabs", "spyx"},
    "cuba_u64": {"norse", "snntorch", "spikingjelly", "spyx", "rockpool"},
    "mlp_grid": {"snntorch", "spikingjelly", "sinabs", "spyx"},
}
"""File, and the frameworks that are to give spikes which their profile gives."""


@pytest.mark.parametrize("name", FILES)
def test_frameworks_are_what_their_profiles_say(name: str, tmp_path: Path) -> None:
    """0 bins differ, the same files are refused, and a framework's silence is no agreement."""
    open_frameworks().close()
    found = snnhub.agree(zoo()[name].write(tmp_path / f"{name}.nir"), FORMULA, DT, live=True)
    assert found.kept, [item.to_json() for item in found.frameworks]
    assert len(found.frameworks) == 6
    equal = {item.framework for item in found.frameworks if item.verdict == "equal"}
    assert equal >= FILES[name]
    assert all(item.spikes for item in found.frameworks if item.verdict == "equal")
    refusing = {run.profile for run in found.runs if run.refused} - {"nengo-4"}  # which has no importer
    assert {item.profile for item in found.frameworks if item.verdict == "both refuse"} == refusing
    assert not any(item.code in ("SNN-5421", "SNN-5422", "SNN-5425") for item in found.findings)
    assert "SNN-5427" in [item.code for item in found.findings]


def test_the_claims_that_are_kept() -> None:
    """The Braille network of the NIR paper: digests and counts as `agreement/claims.json` has them."""
    kept = json.loads((protocol().environment.path().parent / "agreement" / "claims.json").read_text())
    (wanted,) = (item for item in kept["claims"] if "braille" in item["claim"]["source"])
    path = SHARED / "nir" / wanted["claim"]["source"]
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    open_frameworks().close()
    names = ["norse-1", "spikingjelly-2", "rockpool-3", "spyx-1"]
    found = snnhub.agree(path, wanted["claim"]["formula"], wanted["claim"]["dt"], profiles=names, live=True)
    assert {**found.claim.to_json(), "source": path.name} == wanted["claim"]
    assert len(found.frameworks) == 4
    for item in found.frameworks:
        assert item.verdict == "equal"
        assert item.bins == 1400
        told = item.to_json()
        assert {name: told[name] for name in ("verdict", "bins", "different", "spikes")} == wanted["frameworks"][
            item.framework
        ]
