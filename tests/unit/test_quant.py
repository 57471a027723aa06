"""The quantisation report: numbers of the passes' own tables, spikes counted anew, verdicts, refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snnhub
from snnhub.api.quant import quant
from snnhub.api.quant_report import DEAD, OK, SATURATED, UNKNOWN, QuantResult, judged
from snnhub.cli.main import invoke
from snnhub.compare.align import Pair
from snnhub.compare.tally import Tally
from snnhub.engine.reference import prepare
from snnhub.errors import SnnhubError, UnsupportedError, UsageError
from snnhub.hub.loader import load
from snnhub.hub.objects import Method, Option, Target
from snnhub.hub.objects_check import object_problem
from snnhub.ir.graph import Decoder, Graph
from snnhub.ir.tensor import Array, tensor
from snnhub_formats.container import save

from tests.build import loihi_mlp, mlp, spikes
from tests.conftest import EXAMPLE, ROOT, SHARED
from tests.golden.freeze import digits
from tests.networks.multispike_nets import network, raster

CSNN = ROOT / "tests" / "golden" / "v1_0" / "mnist_csnn.snn"
LARGE = (8, 40, 4)
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Run a command in this process; exit code, standard output, standard error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = invoke([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def stored(graph: Graph, folder: Path, name: str = "net") -> Path:
    path = folder / f"{name}.snn"
    save(graph, path)
    return path


def reported(graph: Graph, folder: Path, target: str, x: Array | None = None, **options: Any) -> QuantResult:
    return quant(stored(graph, folder), target, calibration=x, **options)


def own_rows(result: QuantResult, method: str, table: str) -> list[dict[str, Any]]:
    return [dict(row) for row in result.method(method).tables[table]]


@pytest.fixture(scope="module")
def mnist() -> tuple[QuantResult, Array]:
    """The trained CSNN for Loihi."""
    x = digits("calibration", 6)
    return quant(CSNN, "loihi2", calibration=x), x


def test_mnist_for_loihi_is_what_convert_and_verify_tell(mnist: tuple[QuantResult, Array], tmp_path: Path) -> None:
    """The rows of ``convert``'s own table, and the spikes that ``verify`` counts between network and file."""
    result, x = mnist
    for name, data in (("calibrated", x), ("largest-scale", None)):
        rows = snnhub.convert(CSNN, tmp_path / f"{name}.net", calibration=data).tables["loihi layers"]
        method = result.method(name)
        assert [{"layer": layer.layer, **layer.numbers} for layer in method.layers] == rows
        assert own_rows(result, name, "loihi layers") == rows
        verdict = snnhub.verify(CSNN, tmp_path / f"{name}.net", stimulus=x).verdict
        measured = {row.a_key: row for row in verdict.rows}
        for layer in method.layers:
            row, tally = measured[f"{layer.layer}/s"], layer.tally
            assert tally is not None
            assert (tally.a_spikes, tally.b_spikes, tally.overlap) == (row.a_spikes, row.b_spikes, row.overlap)
            assert layer.verdict == OK
            if data is not None:  # what the pass itself saw when it chose the scale
                assert tally.overlap == pytest.approx(layer.numbers["overlap"], abs=1e-12)
        count = method.decisions
        assert count is not None
        assert (count.total, count.equal, count.ties) == (
            verdict.decisions,
            verdict.decisions_equal,
            verdict.ties,
        )
    assert result.best == "calibrated"
    assert (result.method("calibrated").overlap or 0) > (result.method("largest-scale").overlap or 0) > 0.8


def test_chunks_of_samples_change_nothing(
    mnist: tuple[QuantResult, Array], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts that are added up a sample at a time are those of all samples at once."""
    monkeypatch.setattr("snnhub.api.quant_measure.CHUNK_BYTES", 1)
    result, x = mnist
    told: list[str] = []
    again = quant(
        CSNN,
        "loihi2",
        calibration=x,
        methods=["largest-scale"],
        progress=lambda label, done, total: told.append(label),
    )
    before = result.method("largest-scale")
    assert [layer.to_json() for layer in again.methods[0].layers] == [layer.to_json() for layer in before.layers]
    assert again.methods == (before,)
    assert told.count("measuring largest-scale") == 6


def test_without_calibration(call: Call) -> None:
    result = quant(CSNN, "loihi2")
    assert result.best is None
    assert result.reading == ""
    assert "needs calibration" in result.method("calibrated").reason
    layers = result.method("largest-scale").layers
    assert len(layers) == 6
    assert {layer.verdict for layer in layers} == {UNKNOWN}
    code, out, _ = call("quant", CSNN, "--target", "loihi2")
    assert code == 0
    assert "not measured" in out
    assert "best: nothing was measured" in out
    with pytest.raises(UsageError, match="needs them"):
        quant(CSNN, "loihi2", methods=["calibrated"])


@pytest.mark.parametrize("target", ["xylo-a2", "xylo-imu", "xylo-a3"])
@pytest.mark.parametrize("shape", ["two", "residual"])
def test_xylo_has_the_numbers_of_convert(shape: str, target: str, tmp_path: Path) -> None:
    graph, x = network(shape, 3, LARGE), raster(8, samples=6, seed=4)
    result = reported(graph, tmp_path, target, x)
    assert [method.name for method in result.methods] == ["global", "per-neuron", "auto"]
    assert result.best is not None
    for method in result.methods:
        converted = snnhub.convert(
            tmp_path / "net.snn",
            to=target,
            dry_run=True,
            calibration=x,
            lowering={"quantiser": method.name},
        )
        assert {name: [dict(row) for row in rows] for name, rows in method.tables.items()} == converted.tables
        numbers = {row["layer"]: row for row in converted.tables["xylo layers"]}
        for layer in method.layers:
            row = numbers[layer.layer]
            assert layer.numbers["scale"] == row["scale"]
            assert layer.numbers["quantiser"] == method.name
            assert 1 < layer.numbers["levels"] <= layer.numbers["levels_available"] == 256
            assert layer.tally is not None
            assert layer.tally.a_spikes > 0


def test_the_first_layer_of_xylo_has_the_mismatch_of_the_ladder(tmp_path: Path) -> None:
    """Without a lag, what is counted here and what the ladder counts are the same spikes."""
    result = reported(network("two", 3, LARGE), tmp_path, "xylo-a2", raster(8, samples=6, seed=4))
    for method in result.methods:
        first = method.layers[0]
        (row,) = [row for row in own_rows(result, method.name, "xylo ladder") if row["layer"] == first.layer]
        assert first.tally is not None
        assert first.tally.mismatch == pytest.approx(row["integers"])
        assert first.tally.a_spikes == row["spikes"]


def test_levels_and_clips_of_xylo_are_those_of_the_core(tmp_path: Path) -> None:
    from snnhub_xylo.core import Core

    path = stored(network("two", 3, LARGE), tmp_path)
    converted = snnhub.convert(path, to="xylo-a2", dry_run=True, lowering={"quantiser": "global"})
    core = Core.of(converted.graph.nodes[0])
    (row,) = [row for row in converted.tables["xylo layers"] if row["layer"] == "n1"]
    weights = core.weights_rec[:40, 40:80]
    assert row["levels"] == np.unique(weights[weights != 0]).size + bool(row["zeros"])
    assert row["clipped"] == 0


def test_rockpools_synnet_for_xylo() -> None:
    folder = SHARED / "rockpool"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here")
    with np.load(folder / "rasters.npz") as file:
        names = [name for name in sorted(file.files) if name.startswith("calibration")][:4]
        x = np.stack([file[name] for name in names], axis=1)
    source = folder / "to_deploy_inXylo.json"
    result = quant(source, "xylo-a2", calibration=x)
    converted = snnhub.convert(source, to="xylo-a2", dry_run=True, calibration=x)
    assert {name: list(rows) for name, rows in result.method("auto").tables.items()} == converted.tables
    assert [layer.layer for layer in result.method("auto").layers] == [
        f"seq/{name}_neurons" for name in ("0", "1", "2", "out")
    ]
    overlaps = {method.name: method.overlap or 0 for method in result.methods}
    assert overlaps[result.best or ""] == max(overlaps.values())
    assert overlaps["auto"] > overlaps["global"] > 0.6
    # neurons that only hear inhibition: their potentials lie at the lower end of 16 bits
    second = result.method("per-neuron").layers[1]
    assert second.verdict == SATURATED
    assert second.tally is not None
    assert second.tally.at_limit["vmem"].low > 1000
    assert second.tally.at_limit["vmem"].high == 0


def with_weights(graph: Graph, name: str, change: Callable[[Array], Array]) -> Graph:
    weight = graph.node[name].param["weight"].array
    nodes = tuple(
        node.with_params(weight=tensor(change(weight).astype(weight.dtype))) if node.id == name else node
        for node in graph.nodes
    )
    return replace(graph, nodes=nodes)


def drowned(weight: Array) -> Array:
    """One weight that nothing uses is so large that the others become 0 at its scale."""
    weight = weight / 1000
    weight[0, 0] = -4000
    return weight


def test_a_dead_layer_is_named(tmp_path: Path, call: Call) -> None:
    """At one scale for the chip, a layer with a huge weight leaves nothing of the others: it falls silent."""
    graph = network("two", 3, LARGE)
    threshold = tensor(np.full(40, 0.0005, np.float32))
    nodes = tuple(node.with_params(threshold=threshold) if node.id == "n0" else node for node in graph.nodes)
    graph = with_weights(replace(graph, nodes=nodes), "d1", drowned)
    x = raster(8, samples=6, seed=4)
    before, _ = prepare(graph).run(x, record=["n0/s"])
    assert before["n0/s"].any()
    result = reported(graph, tmp_path, "xylo-a2", x)
    first = result.method("global").layers[0]
    assert first.numbers["zeros"] == first.numbers["weights"] - 1
    assert first.verdict == DEAD
    assert "no spike of" in first.why
    assert result.best != "global"
    _, out, _ = call("quant", tmp_path / "net.snn", "--target", "xylo-a2", "--calibrate", _saved(x, tmp_path))
    assert f"dead: {first.layer}, global: no spike of" in out


def test_a_layer_whose_weights_all_became_0_is_dead_without_data(tmp_path: Path) -> None:
    graph = mlp((6, 5, 4))
    params = {"v_threshold": tensor(np.array(1e6, np.float32))}
    nodes = tuple(node.with_params(**params) if node.id == "n0" else node for node in graph.nodes)
    layers = reported(replace(graph, nodes=nodes), tmp_path, "loihi2").method("largest-scale").layers
    assert [layer.verdict for layer in layers] == [DEAD, UNKNOWN]


def test_a_saturated_layer_is_named(tmp_path: Path) -> None:
    """Strong inhibition without a leak drives potentials to the lower end of their range."""
    graph = with_weights(mlp((6, 5, 4)), "fc0", lambda weight: -np.abs(weight))
    graph = with_weights(graph, "fc0", lambda weight: np.vstack([np.full((1, 6), 0.5), weight[1:]]))
    x = spikes((600, 2, 6), 0.9)
    result = reported(graph, tmp_path, "loihi2", x, methods=["largest-scale"])
    first = result.method("largest-scale").layers[0]
    assert first.verdict == SATURATED
    assert first.tally is not None
    ends = first.tally.at_limit["v"]
    after, _ = prepare(lowered(tmp_path)).run(x, record=["n0/v"], steps=601)
    assert ends.low == np.count_nonzero(after["n0/v"][1:] == 1 - 2**23) > 0
    assert ends.high == 0
    assert "at the lower end" in first.why


def lowered(folder: Path) -> Graph:
    from snnhub.passes.base import PassContext, run_passes
    from snnhub_loihi.lowering import passes

    return run_passes(snnhub.load(folder / "net.snn"), passes(), PassContext())


def test_a_lowered_network_has_nothing_to_quantise(tmp_path: Path, call: Call) -> None:
    result = reported(loihi_mlp(), tmp_path, "loihi2", spikes((12, 4, 6)))
    for method in result.methods:
        assert method.overlap in (None, 1.0)
        assert not method.tables
        assert {layer.layer for layer in method.layers} == {"n0", "n1"}
    path = _saved(spikes((12, 4, 6)), tmp_path)
    out = call("quant", tmp_path / "net.snn", "--target", "loihi2", "--calibrate", path)[1]
    assert "nothing was quantised" in out


def test_spikes_beyond_what_an_output_can_give_are_saturation(tmp_path: Path) -> None:
    """An output neuron of Xylo fires once a step; the float one wants to fire twice in some."""
    graph, x = network("one", 3, LARGE), raster(8, samples=6, seed=4, rate=2.0)
    before, _ = prepare(graph).run(x, record=["n1/s"])
    wanted = np.count_nonzero(before["n1/s"] > 1)
    assert wanted
    result = reported(graph, tmp_path, "xylo-a2", x, methods=["per-neuron"])
    last = result.methods[0].layers[-1]
    assert last.layer == "n1"
    assert last.verdict == SATURATED
    assert last.tally is not None
    assert 0 < last.tally.at_limit["s_out"].high <= wanted
    assert "of s_out" in last.why


def test_a_layer_read_by_its_potential_has_no_verdict(tmp_path: Path) -> None:
    graph = replace(network("two", 3, LARGE), decoder=Decoder("sum", quantity="n2/vmem"))
    result = reported(graph, tmp_path, "xylo-a2", raster(8, samples=6, seed=4))
    for method in result.methods:
        assert [layer.verdict for layer in method.layers][-1] == UNKNOWN
        assert "potential" in method.layers[-1].why
        assert method.decisions is not None
        assert method.decisions.total == 6


def test_a_tally_counts_neurons() -> None:
    """One falls silent, one fires in every step and did not, one does and nearly did, one is equal."""
    steps, samples = 10, 3
    a, b = (np.zeros((steps, samples, 4), np.uint8) for _ in range(2))
    a[3, 0, 0] = 1
    b[:, :, 1:3] = 1
    a[1:, :, 2] = 1
    a[2, :, 3] = b[2, :, 3] = 2
    whole, parts = Tally(), Tally()
    whole.add(Pair("n/s", "n/s", a, b, spikes=True))
    for sample in range(samples):
        parts.add(Pair("n/s", "n/s", a[:, sample : sample + 1], b[:, sample : sample + 1], spikes=True))
    for tally in (whole, parts):
        assert (tally.neurons, tally.fell_silent, tally.stuck) == (4, 1, 1)
        assert (tally.a_spikes, tally.b_spikes) == (1 + 27 + 6, 60 + 6)
        assert (tally.both, tally.either) == (27 + 6, 1 + 60 + 6)
        assert tally.overlap == 33 / 67
        assert tally.mismatch == 34 / 34
        assert tally.quiet
    assert whole == parts
    assert whole.to_json() == parts.to_json()
    assert judged("n", {}, whole, "").verdict == SATURATED


@pytest.mark.parametrize("target", ["xylo-a2", "xylo-a3"])
def test_refusals_name_every_reason(target: str, call: Call) -> None:
    with pytest.raises(UnsupportedError) as caught:
        snnhub.convert(CSNN, to=target, dry_run=True)
    with pytest.raises(UnsupportedError) as ours:
        quant(CSNN, target)
    nearest = {item for item in caught.value.findings if item.code in ("SNN-5303", "SNN-5304")}
    assert set(ours.value.findings) == set(caught.value.findings) - nearest  # which is for convert to offer
    assert str(ours.value) == str(caught.value)
    code, out, err = call("quant", CSNN, "--target", target)
    assert code == 4
    assert out == ""
    assert "SNN-2425" in err
    assert err.count("SNN-2406") == call("convert", CSNN, "--to", target, "--dry-run")[2].count("SNN-2406") > 4
    document = json.loads(call("quant", CSNN, "--target", target, "--json")[1])
    assert document["error"] == "UnsupportedError"
    assert len(document["findings"]) == len(ours.value.findings)


def test_options_of_the_target_are_for_all_methods(call: Call, tmp_path: Path) -> None:
    """Soft resets are refused, unless an option says to approximate them; methods keep theirs to themselves."""
    path = stored(network("two", 3, LARGE), tmp_path)
    assert call("quant", path, "--target", "loihi2")[0] == 4
    code, out, _ = call("quant", path, "--target", "loihi2", "--reset", "zero")
    assert code == 0
    assert "largest-scale" in out
    code, _, err = call("quant", path, "--target", "xylo-a2", "--quantiser", "global")
    assert code == 2
    assert "--method" in err


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"target": "loihi3"}, "loihi3"),
        ({"target": "loihi2", "methods": ["best"]}, "largest-scale, calibrated"),
        ({"target": "loihi2", "lowering": {"quantiser": "auto"}}, "quantiser"),
        ({"target": "loihi2", "calibration": np.zeros((8, 3, 27, 28), np.uint8)}, "27"),
        ({"target": "loihi2", "calibration": np.zeros((8, 3, 1, 27, 28), np.uint8)}, "wrong shape"),
        ({"target": "loihi2", "calibration": np.full((8, 3, 1, 28, 28), np.nan)}, "NaN"),
        ({"target": "loihi2", "calibration": np.zeros((1, 28, 28), np.uint8)}, "[time, 1, 28, 28]"),
    ],
)
def test_wrong_use(given: dict[str, Any], words: str) -> None:
    with pytest.raises(SnnhubError) as caught:
        quant(CSNN, **given)
    assert words in str(caught.value)
    assert caught.value.exit_code == 2


def test_the_command_prints_one_document(mnist: tuple[QuantResult, Array], call: Call, tmp_path: Path) -> None:
    result, x = mnist
    before = sorted(tmp_path.iterdir())
    path = _saved(x, tmp_path)
    arguments = ["quant", CSNN, "--target", "loihi2", "--calibrate", path]
    code, out, err = call(*arguments, "--json")
    assert code == 0
    assert err == ""
    document = json.loads(out)
    assert document | {"source": ""} == json.loads(json.dumps(result.to_json())) | {"source": ""}
    assert document["best"] == "calibrated"
    code, out, _ = call(*arguments, "-v", "--method", "largest-scale")
    assert code == 0
    assert "SNN-2108" in out
    assert "largest-scale*" in out
    assert "6 of 6" in out
    assert "the only method that was measured" in out
    assert sorted(tmp_path.iterdir()) == [*before, path], "nothing is written"


def test_the_page_shows_what_the_command_prints(call: Call, tmp_path: Path) -> None:
    """docs/quant.md: the tables there are those of the command on the trained network."""
    page = (ROOT / "docs" / "quant.md").read_text()
    path = _saved(digits("calibration", 20), tmp_path)
    out = call("quant", EXAMPLE.parents[2] / "tests/golden/v1_0/mnist_csnn.snn", "--target", "loihi2",
               "--calibrate", path)[1]  # fmt: skip
    for line in out.splitlines()[1:]:
        assert line.rstrip() in page


def _saved(x: Array, folder: Path) -> Path:
    path = folder / "x.npy"
    np.save(path, x)
    return path


def _coarse(**more: Any) -> Target:
    return Target("acme", "a chip", entry="acme:spec", lowering="acme:passes", **more)


@pytest.mark.parametrize(
    ("methods", "words"),
    [
        ((Method("a", "x"), Method("a", "y")), "name of its own"),
        ((Method("a b", "x"),), "name of its own"),
        ((Method("a", "x", {"grid": "1"}),), "no option grid=1"),
        ((Method("a", "x", {"kind": "3"}),), "no option kind=3"),
        ((Method("a", "x", calibration="maybe"),), "maybe"),
        (("a",), "tuple of Method"),
    ],
)
def test_methods_that_cannot_be_used_are_reported(methods: Any, words: str) -> None:
    kind = Option("kind", "which", "1", ("1", "2"))
    assert words in object_problem(_coarse(methods=methods, options=(kind,)), Target)
    assert not object_problem(_coarse(methods=(Method("a", "x", {"kind": "2"}),), options=(kind,)), Target)


def test_a_target_without_methods_takes_part(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One method, the lowering as it is; other code than the target's own is not asked."""
    hub = load()
    bare = replace(hub.targets["loihi2"], name="bare", methods=())
    monkeypatch.setitem(hub.targets, "bare", bare)
    x = spikes((12, 6, 6))
    result = reported(mlp(), tmp_path, "bare", x)
    assert [method.name for method in result.methods] == ["default"]
    assert result.best == "default"
    same = quant(tmp_path / "net.snn", "loihi2", calibration=x, methods=["calibrated"])
    assert result.methods[0].layers == same.methods[0].layers
    monkeypatch.setitem(hub.targets, "bare", replace(bare, lowering=""))
    with pytest.raises(UsageError, match="no lowering"):
        quant(tmp_path / "net.snn", "bare")


def test_one_method_refused_beside_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, call: Call) -> None:
    """What one method cannot take is shown with its reasons; the others are reported all the same."""
    hub = load()
    methods = (Method("hard", "as it is"), Method("soft", "approximated", {"reset": "zero"}))
    monkeypatch.setitem(hub.targets, "loihi2", replace(hub.targets["loihi2"], methods=methods))
    result = reported(network("two", 3, LARGE), tmp_path, "loihi2")
    assert result.method("hard").refused
    assert not result.method("soft").refused
    assert len(result.method("soft").layers) == 3
    code, out, _ = call("quant", tmp_path / "net.snn", "--target", "loihi2")
    assert code == 0
    assert "refused" in out
    assert "SNN-2115" in out or "SNN-2101" in out
