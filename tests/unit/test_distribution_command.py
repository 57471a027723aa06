"""``snnhub distribution``, draws of mismatch for any network, runners, and ``verify`` where statistics is
expected.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import snnhub
from snnhub.api.draws import draws
from snnhub.api.neutral import run_engine
from snnhub.api.request import RunRequest
from snnhub.cli.main import invoke
from snnhub.errors import UnsupportedError, UsageError
from snnhub.hub.loader import load
from snnhub.hub.objects import Runner
from snnhub.ir.recording import Recording
from snnhub.ir.rung import Rung

from tests.build import mlp, spikes
from tests.networks.dynapsim_numbers import layer, raster, raw, save

Call = Callable[..., tuple[int, str]]
RATE = {
    "type": "object",
    "properties": {
        "mean": {"type": "number"},
        "low": {"type": "number"},
        "high": {"type": ["number", "null"]},
        "runs": {"type": "integer"},
        "spikes": {"type": "integer"},
    },
    "required": ["mean", "low", "high", "runs", "spikes"],
    "additionalProperties": False,
}
ANSWER = {"enum": ["equivalent", "different", "undecided"]}
ROW = {
    "type": "object",
    "properties": {
        "neuron": {"type": "integer"},
        "a": RATE,
        "b": RATE,
        **{name: {"type": "number"} for name in ("ratio", "low", "high", "p", "p_different")},
        "answer": ANSWER,
        "block": {"type": "integer", "minimum": 1},
    },
    "required": ["neuron", "a", "b", "ratio", "low", "high", "p", "p_different", "answer", "block"],
    "additionalProperties": False,
}
RATIO = {
    "type": "object",
    "properties": {
        "most": {"type": "integer"},
        "least": {"type": "integer"},
        "ratio": {"type": ["number", "null"]},
        "winner": {"type": ["integer", "null"]},
    },
    "required": ["most", "least", "ratio", "winner"],
    "additionalProperties": False,
}
RATIOS = {
    "type": ["object", "null"],
    "properties": {"each": {"type": "array", "items": RATIO}, "median": {"type": ["number", "null"]}},
    "required": ["runs", "median", "infinite", "silent", "each"],
}
SCHEMA = {
    "type": "object",
    "properties": {
        "a": {"type": "string"},
        "b": {"type": "string"},
        "passed": {"type": "boolean"},
        "verdict": {
            "type": "object",
            "properties": {
                "reached": {"enum": ["distribution", "diverged"]},
                "answer": ANSWER,
                "margin": {"type": "number"},
                "alpha": {"type": "number"},
                "runs": {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2},
                "samples": {"type": "integer"},
                "paired": {"type": "boolean"},
                "seconds": {"type": ["number", "null"]},
                "rows": {"type": "array", "items": ROW, "minItems": 1},
            },
            "required": ["reached", "answer", "margin", "alpha", "runs", "samples", "paired", "seconds", "rows"],
        },
        "ratios": {"type": "object", "properties": {"a": RATIOS, "b": RATIOS}, "required": ["a", "b"]},
    },
    "required": ["a", "b", "reading", "record", "passed", "verdict", "ratios", "findings"],
    "additionalProperties": True,
}


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Run ``snnhub distribution`` in this process; exit code and standard output."""

    def run(*arguments: object) -> tuple[int, str]:
        capsys.readouterr()
        code = invoke(["distribution", *(str(argument) for argument in arguments)])
        return code, capsys.readouterr().out

    return run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An analog network, one with neurons that hardly differ, one with weaker weights, a network that is not
    analog, and noise for both.
    """
    place = tmp_path_factory.mktemp("distribution")
    arrays = {**layer(3, 8, spread=0.0), **raw(3)}
    arrays["w_in"] = np.abs(arrays["w_in"]) * np.float32(2)
    del arrays["w_rec"]
    save(place / "net.npz", arrays)
    twins = np.repeat(arrays["w_in"][:, :1], 3, axis=1) * np.array([1, 1.01, 1.02], np.float32)
    save(place / "twins.npz", {**arrays, "w_in": twins})
    save(place / "weak.npz", {**arrays, "w_in": arrays["w_in"] * np.float32(0.1)})
    x = np.stack([raster(300, 8, seed, 0.1) for seed in range(12)], axis=1)
    np.save(place / "x.npy", x)
    np.save(place / "first.npy", x.swapaxes(0, 1))
    np.save(place / "one.npy", x[:, 0])
    snnhub.save(mlp((10, 12, 4), seed=3), place / "mlp.snn")
    np.save(place / "spikes.npy", spikes((30, 12, 10)))
    return place


def test_the_same_network_is_equivalent_and_says_margin_and_runs(call: Call, folder: Path) -> None:
    code, out = call(folder / "net.npz", folder / "net.npz", "--input", folder / "x.npy")
    assert code == 0
    assert "verdict: equivalent (margin 1.25, level 0.05, 12 and 12 runs, in pairs)" in out
    assert "rates are per second" in out
    assert "SNN-5401" in out
    assert "bits" not in out
    code, swapped = call(
        folder / "net.npz", folder / "net.npz", "--input", folder / "first.npy", "--samples-first"
    )
    assert (code, swapped) == (0, out)


def test_another_network_is_different(call: Call, folder: Path) -> None:
    code, out = call(folder / "net.npz", folder / "weak.npz", "--input", folder / "x.npy", "--json")
    document = json.loads(out)
    assert (code, document["passed"], document["verdict"]["answer"]) == (1, False, "different")
    jsonschema.validate(document, SCHEMA)
    counts = snnhub.run(folder / "net.npz", np.load(folder / "x.npy")).recording["output"].sum(axis=(0, 1))
    assert [row["a"]["spikes"] for row in document["verdict"]["rows"]] == counts.tolist()
    assert len(document["ratios"]["a"]["each"]) == 12


def test_copies_with_mismatch_on_either_side(call: Call, folder: Path) -> None:
    common = ["--input", folder / "x.npy", "--margin", 1.4, "--runs", 4, "--seed", 3, "--json"]
    code, out = call(folder / "net.npz", "--mismatch-b", 0.05, *common)
    first = json.loads(out)
    jsonschema.validate(first, SCHEMA)
    assert (code, first["verdict"]["runs"], first["verdict"]["samples"]) == (0, [1, 4], 12)
    assert "SNN-5405" in {finding["code"] for finding in first["findings"]}
    assert json.loads(call(folder / "net.npz", "--mismatch-b", 0.05, *common)[1]) == first
    code, out = call(folder / "net.npz", folder / "net.npz", "--mismatch-a", 0.05, "--mismatch-b", 0.05, *common)
    both = json.loads(out)
    words = [finding["message"] for finding in both["findings"] if finding["code"] == "SNN-5405"]
    assert [word[:2] + word.partition("from ")[2][:6] for word in words] == ["A:seed 3", "B:seed 4"]
    assert both["verdict"]["rows"][0]["b"] == first["verdict"]["rows"][0]["b"]
    assert both["verdict"]["rows"][0]["a"] != both["verdict"]["rows"][0]["b"]


def test_draw_k_is_the_same_however_many_there_are(folder: Path) -> None:
    graph = snnhub.import_model(folder / "net.npz", source="dynapse2")
    few, many = draws(graph, 2, 0.05, 7), draws(graph, 5, 0.05, 7)
    assert [item.network() for item in few] == [item.network() for item in many[:2]]
    assert len({item.network() for item in many}) == 5
    assert draws(graph, 1, 0.05, 8)[0].network() != few[0].network()


def test_only_analog_networks_have_mismatch(call: Call, folder: Path) -> None:
    code, _ = call(folder / "mlp.snn", "--mismatch-b", 0.05, "--input", folder / "spikes.npy")
    assert code == 4
    with pytest.raises(UnsupportedError, match="how copies of its device differ"):
        draws(mlp(), 2, 0.05, 0)
    with pytest.raises(UsageError, match="no such draws"):
        draws(mlp(), 0, 0.05, 0)


def test_any_spiking_network_has_rates(call: Call, folder: Path) -> None:
    code, out = call(folder / "mlp.snn", folder / "mlp.snn", "--input", folder / "spikes.npy")
    assert code == 0
    assert "rates are per sample" in out
    code, out = call(
        folder / "mlp.snn", "--against", "engine", "--input", folder / "spikes.npy", "--record", "n0/s", "--json"
    )
    assert (code, json.loads(out)["b"]) == (0, f"engine: {folder / 'mlp.snn'}")


def test_what_cannot_be_asked(call: Call, folder: Path) -> None:
    net, x = folder / "net.npz", folder / "x.npy"
    assert call(net, "--input", x)[0] == 2
    assert call(net, net, "--against", "engine", "--input", x)[0] == 2
    assert call(net, net, "--input", folder / "one.npy")[0] == 2
    assert call(net, net, "--input", folder / "one.npy", "--samples-first")[0] == 2
    assert call(net, net, "--input", x, "--mismatch-a", 0)[0] == 2
    assert call(net, net, "--input", x, "--record", "layer0/imem")[0] == 2
    graph = snnhub.import_model(net, source="dynapse2")
    with pytest.raises(UsageError, match="this runner runs none"):
        snnhub.distribution(net, None, np.load(x), against="dynapsim", mismatch_b=0.05, from_="dynapse2")
    with pytest.raises(UsageError, match="one network"):
        snnhub.distribution([graph, graph], graph, np.load(x), mismatch_a=0.05)


def noisy(request: RunRequest) -> Recording:
    """A runner that loses spikes, other ones every time."""
    found = run_engine(request)
    rng = np.random.default_rng(noisy.calls)  # type: ignore[attr-defined]
    noisy.calls += 1  # type: ignore[attr-defined]
    output = found["output"] * (rng.random(found["output"].shape) < 0.97)
    return replace(found, arrays={"output": output.astype(found["output"].dtype)})


def test_a_runner_that_varies_is_asked_several_times(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noisy.calls = 0  # type: ignore[attr-defined]
    runner = Runner("noisy", "", f"{__name__}:noisy", deterministic=False)
    monkeypatch.setitem(load().runners, "noisy", runner)
    x = np.load(folder / "x.npy")
    result = snnhub.distribution(folder / "net.npz", None, x, against="noisy", runs=6)
    assert noisy.calls == 6  # type: ignore[attr-defined]
    assert result.verdict.runs == (1, 6)
    assert result.passed
    assert "SNN-5406" in {finding.code for finding in result.findings}
    graph = snnhub.import_model(folder / "net.npz", source="dynapse2")
    drawn = snnhub.distribution(graph, None, x, against="engine", mismatch_b=0.05, runs=3, margin=1.5)
    assert drawn.verdict.runs == (1, 3)


def test_verify_tests_rates_where_statistics_is_expected(folder: Path) -> None:
    x = np.load(folder / "x.npy")
    graph = snnhub.import_model(folder / "twins.npz", source="dynapse2")
    snnhub.save(draws(graph, 1, 0.02, 1)[0], folder / "chip.snn")
    found = snnhub.verify(folder / "twins.npz", folder / "chip.snn", stimulus=x, expect="distribution")
    assert (found.verdict.reached, found.passed) == (Rung.DISTRIBUTION, True)
    assert "SNN-5401" in {finding.code for finding in found.findings}
    strict = snnhub.verify(folder / "twins.npz", folder / "chip.snn", stimulus=x, expect="spikes")
    assert (strict.verdict.reached, strict.passed) == (Rung.DIVERGED, False)
    other = snnhub.verify(folder / "twins.npz", folder / "weak.npz", stimulus=x, expect="distribution")
    assert (other.verdict.reached, other.passed) == (Rung.DIVERGED, False)
    assert "do not" in next(finding.message for finding in other.findings if finding.code == "SNN-5401")
    alone = [x[:, k : k + 1] for k in range(6)]  # some sample is decided otherwise
    single = [
        snnhub.verify(folder / "twins.npz", folder / "chip.snn", stimulus=one, expect="distribution")
        for one in alone
    ]
    assert {(item.verdict.reached, item.passed) for item in single} <= {
        (Rung.DECISION, True),
        (Rung.DIVERGED, False),
    }
    assert "SNN-5404" in {finding.code for item in single for finding in item.findings}
