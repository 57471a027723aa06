"""Order-robustness against live SpikingJelly, which sums in f32 in torch's order.

Random weights: most runs are robust, and then every spike is equal. Weights on a grid whose sums land on the
threshold: ties are flagged, and wherever SpikingJelly differs, the first bins of a sample that do are among them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snnhub
from snnhub.api.options import ImportOptions
from snnhub.cli.main import invoke
from snnhub.compare.align import spike_keys
from snnhub.engine.reference import prepare
from snnhub.engine.robust.certificate import EXACT, Robustness
from snnhub.engine.robust.certify import certify
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array
from snnhub.ir.topology import topological_order

from tests.conftest import EXAMPLE
from tests.golden.freeze import digits

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("spikingjelly")]
STEPS, SAMPLES, WIDTH, LAYERS = 50, 4, 64, 3
GRID, BINARY_GRID = 0.05, 0.0625


def network(kind: str, grid: float, seed: int) -> Any:
    """Three dense layers of 64 neurons."""
    import torch
    from spikingjelly.activation_based import functional, layer, neuron
    from torch import nn

    torch.manual_seed(seed)
    modules: list[Any] = []
    for _ in range(LAYERS):
        dense = layer.Linear(WIDTH, WIDTH, bias=False)
        weight = torch.randn(WIDTH, WIDTH) * 0.2 + 0.03
        dense.weight.data = torch.round(weight / grid) * grid if grid else weight
        cells = {
            "IF": lambda: neuron.IFNode(),
            "IF, soft": lambda: neuron.IFNode(v_reset=None),
            "LIF": lambda: neuron.LIFNode(tau=2.0),
            "LIF, tau 3": lambda: neuron.LIFNode(tau=3.0, decay_input=False),
        }
        modules += [dense, cells[kind]()]
    net = nn.Sequential(*modules)
    functional.set_step_mode(net, "m")
    return net


@dataclass
class Held:
    """A run in both: the certificate, differing bins, and first differing bins of samples that no tie explains."""

    certificate: Robustness
    different: int
    samples: int
    unexplained: list[tuple[str, int, int, tuple[int, ...]]]
    spikes: int


def held(net: Any, x: Array) -> Held:
    options = ImportOptions(input_shape=x.shape[2:])
    graph = snnhub.import_model(net, "spikingjelly", x.shape[2:])
    plan = prepare(graph)
    ours, _ = plan.run(x, record=plan.record_keys())
    theirs = snnhub.run(
        net, x, runner="spikingjelly", record="all", from_="spikingjelly", options=options
    ).recording
    certificate = certify(graph, x)
    rank = {name: number for number, name in enumerate(topological_order(graph))}
    nodes = sorted((k for k in spike_keys(graph) if "/" in k), key=lambda key: rank[key.rpartition("/")[0]])
    result = Held(certificate, 0, 0, [], sum(int(ours[key].sum()) for key in nodes))
    for sample in range(x.shape[1]):
        wrong = {key: (ours[key][:, sample] != theirs[key][:, sample]) for key in nodes}
        result.different += sum(int(found.sum()) for found in wrong.values())
        if any(found.any() for found in wrong.values()):
            result.samples += 1
            step = min(int(np.argwhere(found)[0][0]) for found in wrong.values() if found.any())
            first = next(key for key in nodes if wrong[key][step].any())
            for place in np.argwhere(wrong[first][step]):
                index = tuple(int(i) for i in place)
                if not certificate.flagged(first, step, sample, index):
                    result.unexplained.append((first, step, sample, index))
    return result


def shown(seed: int) -> Array:
    return (np.random.default_rng(seed).random((STEPS, SAMPLES, WIDTH)) < 0.3).astype(np.float32)


@pytest.mark.parametrize(("kind", "least"), [("IF", 7), ("IF, soft", 1), ("LIF", 8), ("LIF, tau 3", 8)])
def test_random_weights_are_mostly_robust(kind: str, least: int) -> None:
    """Only the neuron that never forgets, IF with a reset by subtraction, gathers bounds over all 50 steps."""
    runs = [held(network(kind, grid=0, seed=seed), shown(seed)) for seed in range(10)]
    robust = [run for run in runs if run.certificate.robust]
    print(f"\n{kind}: {len(robust)} of {len(runs)} robust, ties {[run.certificate.ties for run in runs]}")
    assert all(run.spikes > 1000 for run in runs)
    assert [run.different for run in robust] == [0] * len(robust)
    assert [run.unexplained for run in runs if run.unexplained] == []
    assert len(robust) >= least


@pytest.mark.parametrize("kind", ["IF", "IF, soft", "LIF", "LIF, tau 3"])
def test_weights_on_a_grid_tie_and_every_divergence_starts_at_one(kind: str) -> None:
    runs = [held(network(kind, grid=GRID, seed=seed), shown(seed)) for seed in range(10)]
    print(
        f"\n{kind}: ties {[run.certificate.ties for run in runs]}, networks that differ "
        f"{sum(run.different > 0 for run in runs)}, bins {sum(run.different for run in runs)}"
    )
    assert [run.unexplained for run in runs if run.unexplained] == []
    assert not any(run.certificate.robust for run in runs if run.different)
    assert all(run.certificate.ties > 0 for run in runs)


@pytest.mark.parametrize("kind", ["IF", "IF, soft", "LIF", "LIF, tau 3"])
def test_sums_on_a_binary_grid_are_certain_even_at_the_threshold(kind: str) -> None:
    """Every order gives the same sum, so that sums which hit the threshold decide nothing."""
    for seed in range(3):
        run = held(network(kind, grid=BINARY_GRID, seed=seed), shown(seed))
        assert run.certificate.robust
        assert run.certificate.reason == EXACT
        assert run.different == 0
        assert run.spikes > 1000


def test_every_row_of_the_matrix() -> None:
    """All neurons and layers, on spikes and on numbers: no divergence that a tie does not explain, and the same
    spikes wherever the run is robust.
    """
    from tests.networks.features import FEATURES, SHAPE
    from tests.networks.features import network as feature

    found: dict[str, Held] = {}
    for name in FEATURES:
        for analog in (False, True):
            random = np.random.default_rng(0)
            x = random.random((12, 3, *SHAPE)) < 0.4 if not analog else random.normal(0.3, 1, (12, 3, *SHAPE))
            held_one = x[:1] if name.startswith("frame held") else x
            found[f"{name} {analog}"] = held(feature(name), held_one.astype(np.float32))
    robust = sum(run.certificate.robust for run in found.values())
    print(f"\n{robust} of {len(found)} robust")
    print({name: str(run.certificate) for name, run in found.items() if not run.certificate.robust})
    assert {name: run.unexplained for name, run in found.items() if run.unexplained} == {}
    assert not any(run.different for run in found.values() if run.certificate.robust)
    assert robust > 60


def test_the_shipped_network_is_robust_on_digits() -> None:
    """Trained weights, 100 digits: 15.8 million decisions, none of which the order of a sum can change."""
    options = ImportOptions(weights=EXAMPLE / "weights.pt", settings={"channels": "16"}, input_shape=(1, 28, 28))
    x = digits("images", 100)
    result = snnhub.verify(
        f"{EXAMPLE}/model.py:csnn", stimulus=x, against="spikingjelly", options=options, robust=True
    )
    assert result.robust is not None
    assert result.robust.closest is not None
    print(f"\n{result.robust}, {result.robust.decided} decisions")
    assert result.robust.robust
    assert result.robust.decided > 15_000_000
    assert result.robust.closest.ratio > 1
    assert result.verdict.reached is Rung.SPIKES
    assert result.explained is None
    assert "SNN-5201" in {finding.code for finding in result.findings}


def test_verify_says_that_a_divergence_is_a_tie(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "x.npy", shown(0))
    source = "tests.differential.test_robust:on_a_grid"
    arguments = ["verify", source, "--against", "spikingjelly", "--input", str(tmp_path / "x.npy"), "--robust"]
    arguments += ["--input-shape", str(WIDTH)]
    assert invoke([*arguments, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["robust"]["robust"] is False
    assert found["robust"]["explains"] is True
    first = found["robust"]["first_tie"]
    assert first["margin"] <= first["bound"]
    assert {"SNN-5202", "SNN-5203"} <= {finding["code"] for finding in found["findings"]}
    assert invoke(arguments) == 1
    text = capsys.readouterr().out
    assert "order-robust: no" in text
    assert "the first spike that differs is a tie that the engine flagged" in text


def on_a_grid() -> Any:
    """A factory for the command line."""
    return network("IF", grid=GRID, seed=0)
