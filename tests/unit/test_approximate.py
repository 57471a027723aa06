"""Approximations: their names, what they may not be combined with, what they cost, what a refusal says of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snnhub
from snnhub.api.approximate import ask, listing
from snnhub.api.lower import choose_exporter
from snnhub.cli.main import invoke
from snnhub.engine.reference import prepare
from snnhub.errors import LossError, UnsupportedError, UsageError
from snnhub.findings import Finding, Severity
from snnhub.hub.loader import load
from snnhub.hub.objects import Approximation, Target, resolve
from snnhub.hub.objects_check import object_problem
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph
from snnhub.ir.numtype import F32
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY

from tests.build import dense, scalar
from tests.networks.soft_reset import digits, graph

CALIBRATION, X = digits("calibration", 20), digits(count=24)


def refusal(net: Graph, folder: Path, to: str, **given: Any) -> tuple[Finding, ...]:
    """The findings of a conversion that is refused; nothing is written."""
    source, path = folder / "net.snn", folder / "out"
    snnhub.save(net, source)
    with pytest.raises(UnsupportedError) as caught:
        snnhub.convert(source, path, to=to, **given)
    assert not path.exists()
    return tuple(caught.value.findings)


def one(findings: tuple[Finding, ...], code: str) -> Finding:
    found = [item for item in findings if item.code == code]
    assert len(found) == 1, f"{code}: {found}"
    return found[0]


def converted(net: Graph, folder: Path, to: str, *names: str, **given: Any) -> Any:
    source = folder / "net.snn"
    snnhub.save(net, source)
    path = folder / f"out{'.net' if to == 'netx' else '.xylo.json'}"
    return snnhub.convert(source, path, to=to, approximate=names, **given)


def share(a: Array, b: Array) -> float:
    left, right = a.astype(int), b.astype(int)
    return float(np.minimum(left, right).sum() / np.maximum(left, right).sum())


def test_every_approximation_stands_for_options_of_its_target() -> None:
    found = {(row["target"], row["name"]) for row in listing()}
    assert {("loihi2", "hard-reset"), ("xylo-a2", "soft-reset"), ("xylo-imu", "relay-currents")} <= found
    for target in load().targets.values():
        for item in target.approximations:
            assert object_problem(target, Target) == ""
            assert resolve(item.concerns)(graph("if")) is not None
            assert item.doc


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (Approximation("no name", "", {"reset": "zero"}, "a:b"), "no usable name"),
        (Approximation("a", "", {"reset": "never"}, "a:b"), "no option reset=never"),
        (Approximation("a", "", {}, "a:b"), "at least one"),
        (Approximation("a", "", {"reset": "zero"}, "nothing"), "module:function"),
        ("text", "tuple of Approximation"),
    ],
)
def test_a_plugin_with_a_bad_approximation_is_told(item: Any, words: str) -> None:
    target = replace(load().targets["loihi2"], approximations=(item,))
    assert words in object_problem(target, Target)


@pytest.mark.parametrize("to", ["netx", "xylo-a2", "snn"])
def test_unknown_names_say_what_there_is(to: str) -> None:
    with pytest.raises(UsageError) as caught:
        ask(choose_exporter(None, to), ["any", "soft-rest"], {})
    problem = caught.value
    assert problem.found == "any, soft-rest"
    assert problem.allowed == {"netx": "hard-reset", "snn": "none"}.get(
        to, "soft-reset, relay-currents, skewed-skips"
    )
    assert problem.exit_code == 2


def test_choices_that_contradict_each_other_are_refused() -> None:
    exporter = choose_exporter(None, "netx")
    with pytest.raises(UsageError, match="contradict") as caught:
        ask(exporter, ["hard-reset"], {"reset": "refuse"})
    assert caught.value.found == "--reset refuse and --approximate hard-reset, which is --reset zero"
    assert ask(exporter, ["hard-reset"], {"reset": "zero"}).options == {"reset": "zero"}
    assert ask(exporter, [], {"reset": "refuse"}).names == ()


def test_it_is_a_front_for_the_option(tmp_path: Path) -> None:
    """The same network comes out of both, and both say the same losses."""
    named = converted(graph("if"), tmp_path, "netx", "hard-reset", calibration=CALIBRATION)
    option = converted(graph("if"), tmp_path, "netx", calibration=CALIBRATION, lowering={"reset": "zero"})
    assert named.graph.network() == option.graph.network()
    assert {f.code for f in named.findings} - {f.code for f in option.findings} == {"SNN-5301"}
    assert option.cost is None
    assert option.to_json()["approximations"] is None


@pytest.mark.parametrize(
    ("kind", "to", "names", "keys"),
    [
        ("if", "netx", ("hard-reset",), {"1": "layer1/s", "3": "layer2/s"}),
        ("hard", "xylo-a2", ("soft-reset",), {"1": "xylo/s", "3": "xylo/s_out"}),
        ("hard", "xylo-a3", ("soft-reset", "relay-currents"), {"3": "xylo/s_out"}),
    ],
)
def test_the_cost_is_the_overlap_of_both_networks(
    kind: str, to: str, names: tuple[str, ...], keys: dict[str, str], tmp_path: Path
) -> None:
    """Computed here from two runs of the engine, at the lag of each layer, on the written file."""
    net = graph(kind)
    result = converted(net, tmp_path, to, *names, calibration=CALIBRATION, measure=X)
    cost, after = result.cost, snnhub.load(result.output)
    assert cost is not None
    lag = {match.old.node: match.lag for match in result.graph.correspondence if match.new.name.startswith("s")}
    a, _ = prepare(net).run(X, record=[f"{name}/s" for name in cost.layers])
    b, _ = prepare(after).run(X.astype(np.uint8), record=sorted(keys.values()), steps=len(X) + 9)
    for name, key in keys.items():
        before = a[f"{name}/s"]
        later = b[key][lag[name] :][: len(X)]
        assert cost.layers[name].overlap == pytest.approx(share(before, later), abs=1e-12)
        assert cost.layers[name].a_spikes == int(before.sum()) > 300
    assert 0 < min(tally.overlap for tally in cost.layers.values()) < 0.9
    scores = [spikes.sum(axis=0, dtype=int) for spikes in (a["3/s"], b[keys["3"]][lag["3"] :][: len(X)])]
    assert cost.decisions is not None
    assert cost.decisions.equal == int((scores[0].argmax(1) == scores[1].argmax(1)).sum())
    found = one(result.findings, "SNN-5301")
    assert found.severity is Severity.LOSS
    assert f"{cost.layers['3'].overlap:.4f} in 3" in found.bound


def test_the_cost_is_in_json_and_in_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    snnhub.save(graph("if"), tmp_path / "a.snn")
    np.save(tmp_path / "x.npy", X)
    out = tmp_path / "a.net"
    arguments = ["convert", str(tmp_path / "a.snn"), "-o", str(out), "--approximate", "hard-reset"]
    assert invoke([*arguments, "--input", str(tmp_path / "x.npy"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)["approximations"]
    assert said["names"] == ["hard-reset"]
    assert said["data"] == "the input"
    assert said["samples"] == X.shape[1]
    assert said["worst_overlap"] == min(layer["overlap"] for layer in said["layers"].values())
    stages = [stage for stage in snnhub.load(out).provenance.stages if stage.name == "approximate"]
    assert dict(stages[0].options)["approximations"] == "hard-reset"
    assert f"{said['worst_overlap']:.4f}" in dict(stages[0].options)["lowest spike overlap"]
    assert invoke([*arguments, "--input", str(tmp_path / "x.npy")]) == 0
    text = capsys.readouterr().out
    assert "approximated: hard-reset" in text
    assert "measured on: the input" in text


def test_without_input_it_says_so(tmp_path: Path) -> None:
    result = converted(graph("if"), tmp_path, "netx", "hard-reset")
    assert one(result.findings, "SNN-5302").bound == "not measured"
    assert result.to_json()["approximations"] == {"names": ["hard-reset"], "measured": False}
    stages = [stage for stage in snnhub.load(result.output).provenance.stages if stage.name == "approximate"]
    assert dict(stages[0].options)["measured on"] == "nothing"


def test_strict_refuses_it(tmp_path: Path) -> None:
    with pytest.raises(LossError):
        converted(graph("if"), tmp_path, "netx", "hard-reset", measure=X, strict=True)


def test_with_nothing_to_change_it_is_a_remark(tmp_path: Path) -> None:
    result = converted(graph("hard"), tmp_path, "netx", "hard-reset", calibration=CALIBRATION)
    assert "nothing to change" in one(result.findings, "SNN-5305").message
    assert not {"SNN-5301", "SNN-5302"} & {f.code for f in result.findings}


def test_a_refusal_offers_the_nearest_and_measures_it(tmp_path: Path) -> None:
    """The cost in the refusal is that of the conversion which it offers, on the same samples."""
    findings = refusal(graph("if"), tmp_path, "netx", calibration=CALIBRATION[:, :16])
    offer = one(findings, "SNN-5303")
    assert offer.message.startswith("nearest: --approximate hard-reset (")
    result = converted(graph("if"), tmp_path, "netx", "hard-reset", calibration=CALIBRATION[:, :16])
    assert result.cost is not None
    assert offer.bound == result.cost.words()
    many = one(refusal(graph("if"), tmp_path, "netx", calibration=CALIBRATION), "SNN-5303")
    assert many.bound.endswith("measured on the first 16 of 20 samples of the calibration data")


def test_a_refusal_without_input_says_how_to_measure(tmp_path: Path) -> None:
    offer = one(refusal(graph("hard"), tmp_path, "xylo-imu"), "SNN-5303")
    assert offer.bound == "not measured"
    assert offer.remedy == "Pass --approximate soft-reset with --calibrate X.npy to convert and measure it."


def test_what_was_refused_by_choice_is_not_offered(tmp_path: Path) -> None:
    findings = refusal(graph("if"), tmp_path, "netx", lowering={"reset": "refuse"})
    assert "SNN-5303" not in {f.code for f in findings}


def wide(size: int) -> Graph:
    """Hard resets on more inputs than Xylo has."""
    builder, random = GraphBuilder("wide", REGISTRY), np.random.default_rng(0)
    port = builder.input((size,), F32)
    for number, (before, after) in enumerate(((size, 12), (12, 4))):
        port = dense(builder, f"d{number}", port, random.normal(0.2, 0.4, (after, before)).astype(np.float32))
        params = {"v_threshold": scalar(1.0), "v_reset": scalar(0.0)}
        port = builder.node(f"n{number}", "core.IF", port, params=params, reset="value", compare="ge")
    builder.output(port)
    return builder.graph()


def test_reasons_behind_the_first_ones_are_told(tmp_path: Path) -> None:
    """40 inputs are too many for Xylo, which the resets would have hidden."""
    findings = refusal(wide(40), tmp_path, "xylo-a2")
    assert {f.code for f in findings if f.severity is Severity.ERROR} == {"SNN-2425", "SNN-2201"}
    assert one(findings, "SNN-5304").message.startswith("refused with --approximate soft-reset too")
    assert "SNN-5303" not in {f.code for f in findings}
    assert {f.code for f in refusal(wide(16), tmp_path, "xylo-a2")} >= {"SNN-2425", "SNN-5303"}


def folded(window: bool) -> Graph:
    """A layer whose input decay cannot be folded, and far behind it a soft reset."""
    builder, random = GraphBuilder("folded", REGISTRY), np.random.default_rng(0)
    port = builder.input((6,), F32)
    params: dict[str, Any] = {"tau": scalar(2.0), "v_threshold": scalar(1.0), "v_reset": scalar(0.0)}
    choice: dict[str, Any] = {"reset": "value", "compare": "ge", "decay_input": window}
    port = builder.node("first", "core.LIF", port, params=params, **choice)
    for number in range(2):
        port = dense(builder, f"d{number}", port, random.normal(0.2, 0.4, (6, 6)).astype(np.float32))
        soft = {"v_threshold": scalar(1.0)}
        port = builder.node(f"n{number}", "core.IF", port, params=soft, reset="subtract", compare="ge")
    builder.output(port)
    return builder.graph()


def test_stages_behind_a_refusal_add_their_reasons(tmp_path: Path) -> None:
    """The fold refuses; the check behind it still sees the soft resets, and is silent beside the first place."""
    findings = refusal(folded(True), tmp_path, "netx")
    errors = {(f.code, f.place) for f in findings if f.severity is Severity.ERROR}
    assert ("SNN-2007", "first") in errors
    assert {("SNN-2101", "n0"), ("SNN-2101", "n1")} <= errors
    assert ("SNN-2101", "first") not in errors


def test_the_list_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["convert", "x", "--to", "xylo-a3", "--approximate", "list"]) == 0
    text = capsys.readouterr().out
    assert "soft-reset" in text
    assert "--reset subtract" in text
    assert "hard-reset" not in text
    assert invoke(["convert", "x", "--approximate", "list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["approximations"]
    assert {"loihi2", "xylo-a2", "xylo-imu", "xylo-a3", "dynapse2"} == {row["target"] for row in rows}
    assert invoke(["convert", "x", "--to", "snn", "--approximate", "list"]) == 0
    assert "no approximations" in capsys.readouterr().out


def test_names_on_the_command_line_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    snnhub.save(graph("hard"), tmp_path / "a.snn")
    base = ["convert", str(tmp_path / "a.snn"), "--to", "xylo-a2", "--dry-run", "--json", "--approximate"]
    assert invoke([*base, "soft-reset, relay-currents"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["approximations"] == {"names": ["soft-reset", "relay-currents"], "measured": False}
    assert invoke([*base, "any"]) == 2
    assert json.loads(capsys.readouterr().out)["allowed"] == "soft-reset, relay-currents, skewed-skips"
