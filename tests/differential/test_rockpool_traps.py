"""Live Rockpool: what it does without a word, and that it is refused here, told here, or done right."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snnhub.api.options import ImportOptions
from snnhub.api.remote import open_worker
from snnhub.errors import UnsupportedError
from snnhub.peers.protocol import Worker
from snnhub_rockpool.importer import import_model

from tests.differential.rockpool_runs import NETS, bring, differences, inside, recorded, spikes_of, stimulus

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("rockpool")]

OBSERVED = f"""
import json, sys, warnings
warnings.simplefilter("ignore")
sys.path.insert(0, {str(NETS.parent)!r})
import numpy as np, torch
import rockpool_nets
from rockpool.nn.modules import LIFTorch, LinearTorch
folder, seen = sys.argv[1], {{}}
x = torch.from_numpy(np.random.default_rng(0).poisson(2.0, (2, 50, 16)).astype("float32"))
for kind in rockpool_nets.TRAPS:
    net = rockpool_nets.trap(kind)
    net.save(f"{{folder}}/{{kind}}.json")
    out = net(x)[0].detach()
    seen[kind] = [bool(torch.isnan(out[:, 0]).any()), float(torch.nan_to_num(out).min()), float(out.nansum())]
net = rockpool_nets.chain()
first, second = net(x)[0].detach(), net(x)[0].detach()
seen["again"] = [bool((first[0] != second[0]).any()), bool((net(x[:1])[0] != first[:1]).any())]
one = rockpool_nets.chain()
one(x[:1])
states = [one(x[:1].repeat(3, 1, 1))[0] for _ in range(1)]
seen["batch"] = bool((states[0][0] == states[0][1]).all() and (states[0][0] != first[0]).any())
small, large = LinearTorch((3, 4)), LinearTorch((3, 9))
small.save(f"{{folder}}/small.json")
large.load(f"{{folder}}/small.json")
seen["size"] = list(large.weight.shape)
LIFTorch(4, dt=0.001, threshold=3.0).save(f"{{folder}}/lif.json")
other = LIFTorch(4, dt=0.002)
other.load(f"{{folder}}/lif.json")
seen["load"] = [other.dt, float(other.threshold.ravel()[0])]
print(json.dumps(seen))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where Rockpool saves its networks."""
    return tmp_path_factory.mktemp("traps")


@pytest.fixture(scope="module")
def seen(rockpool: None, folder: Path) -> dict[str, Any]:
    """What Rockpool did."""
    lines = inside("-W", "ignore", "-c", OBSERVED, str(folder)).splitlines()
    found: dict[str, Any] = json.loads(lines[-1])
    return found


@pytest.fixture(scope="module")
def worker(rockpool: None) -> Iterator[Worker]:
    """One Rockpool process for all runs."""
    with open_worker("rockpool") as opened:
        yield opened


@pytest.mark.parametrize(
    ("kind", "code", "nan", "negative"),
    [
        ("cap", "SNN-3204", True, False),
        ("zero", "SNN-3205", True, False),
        ("negative", "SNN-3205", False, True),
        ("noise", "SNN-3206", False, False),
    ],
)
def test_networks_that_rockpool_runs_to_nonsense(
    worker: Worker, seen: dict[str, Any], folder: Path, kind: str, code: str, nan: bool, negative: bool
) -> None:
    """It goes on with NaN or negative spikes; here the network is refused, live and as a file."""
    assert seen[kind][0] == nan
    assert (seen[kind][1] < 0) == negative
    path = folder / f"{kind}.json"
    assert ("Infinity" in path.read_text()) == (kind == "cap")
    with pytest.raises(UnsupportedError) as live:
        bring(worker, "trap", kind=kind)
    with pytest.raises(UnsupportedError) as stored:
        import_model(path, ImportOptions())
    for problem in (live.value, stored.value):
        assert {(finding.code, finding.place.partition("/")[0]) for finding in problem.findings} == {
            (code, "1_LIFTorch")
        }


def test_a_second_run_starts_from_rest_here_and_not_there(worker: Worker, seen: dict[str, Any]) -> None:
    """Rockpool goes on from the state of the first sample of the batch before."""
    assert seen["again"] == [True, True]
    assert seen["batch"]
    graph, options, source = bring(worker, "chain")
    runs = [recorded(worker, graph, options, source, stimulus()) for _ in range(2)]
    for theirs in runs:
        assert spikes_of(differences(graph, theirs, stimulus())) == 0


LIVE = f"""
import sys, warnings
warnings.simplefilter("ignore")
sys.path.insert(0, {str(NETS.parent)!r})
import numpy as np, torch
import rockpool_nets
from snnhub.api.options import ImportOptions
from snnhub.api.request import RunRequest
from snnhub.engine.reference import prepare
from snnhub.engine.stimulus import read_stimulus
from snnhub_rockpool.importer import import_model
from snnhub_rockpool.runner import run_model
net = rockpool_nets.chain()
x = np.random.default_rng(0).poisson(0.7, (60, 3, 16)).astype(np.float32)
net(torch.from_numpy(x.swapaxes(0, 1) * 5))
left = net[1].vmem.clone()
graph = import_model(net, ImportOptions())
theirs = run_model(RunRequest(graph, read_stimulus(x, graph.inputs[0]), ("*",), net))
ours, _ = prepare(graph).run(x, record=list(theirs))
wrong = [key for key in theirs if not np.array_equal(ours[key], theirs[key])]
print(left.any().item(), torch.equal(left, net[1].vmem), wrong)
"""


def test_a_live_network_that_has_run_before_is_run_from_rest_and_keeps_its_state() -> None:
    assert inside("-c", LIVE).strip() == "True True []"


def test_what_loading_leaves_alone(seen: dict[str, Any], folder: Path) -> None:
    """Sizes are not looked at, and dt stays that of the constructor; both are read from the file here."""
    assert seen["size"] == [3, 4]
    assert seen["load"] == [0.002, 3.0]
    structure = folder / "S.json"
    structure.write_text(json.dumps({"net": [{"path": "", "class": "LIFTorch"}]}))
    graph = import_model(folder / "lif.json", ImportOptions(given={"structure": str(structure)}))
    assert graph.dt == 0.001
    alpha = graph.node["net"].param["alpha"].array
    assert np.allclose(alpha, np.exp(-0.001 / 0.02), atol=1e-6)


def test_dropout_is_stored_as_on_and_removed(worker: Worker, folder: Path) -> None:
    graph, options, source = bring(worker, "synnet", p_dropout=0.9)
    found = [finding for finding in graph.findings if finding.code == "SNN-3005"]
    assert [(finding.place, finding.old) for finding in found] == [("seq/0_dropout", "stored as on")]
    theirs = recorded(worker, graph, options, source, stimulus())
    assert spikes_of(differences(graph, theirs, stimulus())) == 0
