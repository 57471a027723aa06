"""Pictures over time: tables equal recordings, marks are what the verdict counts, bytes are stable."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import snnhub
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from snnhub.api.compare import compare_recordings
from snnhub.api.plotted import Plotted
from snnhub.cli.main import invoke
from snnhub.compare.lag import Train
from snnhub.compare.marks import BOTH, COUNTS, ONLY_A, ONLY_B, Marks
from snnhub.errors import MissingPeerError, SnnhubError, UsageError
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph
from snnhub.ir.numtype import F32
from snnhub.ir.recording import Recording
from snnhub.ir.tensor import Array
from snnhub.ops.registry import REGISTRY
from snnhub.passes.base import PassContext, run_passes
from snnhub.plot.window import Window, choose
from snnhub_formats.recording import save_recording
from snnhub_loihi.lowering import passes as loihi

from tests.build import dense, mlp, neurons, spikes
from tests.conftest import SHARED
from tests.networks.xylo_cores import core_graph, random_core

pytest.importorskip("matplotlib")
SVG = "{http://www.w3.org/2000/svg}"


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def dense_from(rows: list[dict[str, str]], column: str, shape: tuple[int, ...]) -> Array:
    """(time, neurons) from the rows of a raster's table."""
    found = np.zeros((shape[0], int(np.prod(shape[1:]))), np.int64)
    for row in rows:
        found[int(row["step"]), int(row["neuron"])] = int(row[column])
    return found


def drawn(path: Path, gid: str) -> int:
    """How many shapes a group of a ``.svg`` has."""
    root = ElementTree.parse(path).getroot()  # noqa: S314  our own file
    group = [item for item in root.iter(f"{SVG}g") if item.get("id") == gid]
    assert len(group) <= 1
    if not group:
        return 0
    defined = {id(item) for definitions in group[0].iter(f"{SVG}defs") for item in definitions.iter()}
    shapes = [item for item in group[0].iter() if item.tag in (f"{SVG}use", f"{SVG}path")]
    return sum(id(item) not in defined for item in shapes)


def groups(path: Path, prefix: str) -> int:
    """How many groups of a ``.svg`` have a name that begins so; all names differ."""
    root = ElementTree.parse(path).getroot()  # noqa: S314  our own file
    names = [str(item.get("id")) for item in root.iter(f"{SVG}g") if item.get("id")]
    assert len(set(names)) == len(names)
    return sum(name.startswith(prefix) for name in names)


def filled(path: Path, colour: str) -> int:
    """How many shapes of a ``.svg`` are filled with a colour."""
    root = ElementTree.parse(path).getroot()  # noqa: S314  our own file
    return sum(f"fill: {colour}" in str(item.get("style")) for item in root.iter(f"{SVG}path"))


def words_in(path: Path) -> str:
    return " ".join(ElementTree.parse(path).getroot().itertext())  # noqa: S314  our own file


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A float network, Loihi's integers of it, and input that tells them apart."""
    place = tmp_path_factory.mktemp("plot")
    graph = mlp((10, 12, 4), seed=3)
    snnhub.save(graph, place / "net.snn")
    snnhub.save(run_passes(graph, loihi(), PassContext()), place / "chip.snn")
    np.save(place / "x.npy", spikes((20, 3, 10)))
    return place


def stimulus(folder: Path) -> Array:
    return np.asarray(np.load(folder / "x.npy"))


TRAINS = hnp.arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 4)), elements=st.integers(0, 3))


@given(TRAINS, TRAINS, st.integers(-4, 4))
def test_marks_are_what_differs_bin_by_bin(a: Array, b: Array, lag: int) -> None:
    """Against a plain comparison of padded rasters, at any lag."""
    width = min(a.shape[1], b.shape[1])
    a, b = a[:, :width], b[:, :width]
    start, end = -max(0, lag), min(a.shape[0], b.shape[0] - lag)
    wanted: dict[tuple[int, int], tuple[int, int]] = {}
    for step in range(start, end):
        for neuron in range(width):
            left = int(a[step, neuron]) if step >= 0 else 0
            right = int(b[step + lag, neuron]) if step + lag >= 0 else 0
            if left or right:
                wanted[step, neuron] = (left, right)
    marks = Marks.of(Train.of(a), Train.of(b), lag)
    assert marks.b is not None
    places = zip(marks.steps.tolist(), marks.elements.tolist(), strict=True)
    counts = zip(marks.a.tolist(), marks.b.tolist(), strict=True)
    assert dict(zip(places, counts, strict=True)) == wanted
    assert marks.different == sum(left != right for left, right in wanted.values())
    kinds = marks.kinds()
    assert np.stack(list(kinds.values())).sum(axis=0).tolist() == [1] * marks.size
    assert int(kinds[BOTH].sum()) == sum(left == right for left, right in wanted.values())
    assert int(kinds[ONLY_A].sum()) == sum(right == 0 for _, right in wanted.values())
    assert int(kinds[COUNTS].sum()) == sum(0 != left != right != 0 for left, right in wanted.values())


@given(st.integers(1, 50), st.integers(1, 50), st.integers(0, 60), st.integers(0, 60))
def test_windows_hold_the_first_difference(size: int, most: int, step: int, neuron: int) -> None:
    step, neuron = min(step, size - 1), min(neuron, size - 1)
    found = choose(Window(0, size, 0, size), most, most, (step, neuron))
    assert found.steps == found.neurons == min(size, most)
    assert found.first_step <= step < found.first_step + found.steps
    assert found.first_neuron <= neuron < found.first_neuron + found.neurons
    assert 0 <= found.first_step <= size - found.steps


@pytest.mark.parametrize("seed", range(5))
def test_the_table_of_a_raster_is_the_recording(seed: int, tmp_path: Path) -> None:
    graph, x = mlp((8, 9, 5), seed=seed), spikes((15, 8), seed=seed)
    snnhub.save(graph, tmp_path / "net.snn")
    result = snnhub.plot_raster(tmp_path / "net.snn", tmp_path / "r.svg", stimulus=x)
    recording = snnhub.run(tmp_path / "net.snn", x, record="all").recording
    rows = rows_of(tmp_path / "r.csv")
    for number, key in enumerate(("n0/s", "n1/s")):
        own = [row for row in rows if row["a"] == key]
        assert np.array_equal(dense_from(own, "spikes_a", recording[key].shape), recording[key])
        assert {row["mark"] for row in own} == {"spikes"}
        assert drawn(tmp_path / "r.svg", f"panel{number}-spikes") == len(own) == int(recording[key].sum())
    assert [row["a"] for row in result.rows] == ["n0/s", "n1/s"]  # the output repeats n1/s
    output = snnhub.plot_raster(tmp_path / "net.snn", tmp_path / "o.svg", stimulus=x, quantities=["output"])
    assert output.rows[0] == result.rows[1] | {"a": "output"}
    assert result.pictures == (tmp_path / "r.svg",)
    assert result.tables == (tmp_path / "r.csv",)


def test_marked_mismatches_are_those_of_the_verdict(folder: Path, tmp_path: Path) -> None:
    x = stimulus(folder)
    verdict = snnhub.verify(folder / "net.snn", folder / "chip.snn", stimulus=x).verdict
    result = snnhub.plot_raster(folder / "net.snn", tmp_path / "r.svg", stimulus=x, against=folder / "chip.snn")
    assert verdict.first_spike is not None
    assert result.facts["sample"] == verdict.first_spike.sample
    assert result.facts["first_divergence"]["step"] == verdict.first_spike.step
    counted = {item.a_key: item for item in verdict.rows if item.spikes}
    for row in result.rows:
        wanted = counted[row["a"]]
        assert (row["b"], row["lag"], row["different"]) == (wanted.b_key, wanted.lag, wanted.different)
    total = 0
    for sample in range(3):
        path = tmp_path / f"s{sample}.svg"
        found = snnhub.plot_raster(
            folder / "net.snn", path, stimulus=x, against=folder / "chip.snn", sample=sample
        )
        table = rows_of(path.with_suffix(".csv"))
        for number, row in enumerate(found.rows):
            marked = sum(drawn(path, f"panel{number}-{kind}") for kind in ("only-A", "only-B", "other-count"))
            own = [item for item in table if item["a"] == row["a"]]
            assert marked == row["sample"]["different"] == sum(item["mark"] != BOTH for item in own)
            assert drawn(path, f"panel{number}-first") == (marked > 0)
            total += marked
    assert total == sum(item.different for key, item in counted.items() if key != "output") > 0


def test_both_sides_are_in_the_table_at_the_lag(folder: Path, tmp_path: Path) -> None:
    x = stimulus(folder)[:, 1]
    snnhub.plot_raster(folder / "net.snn", tmp_path / "r.png", stimulus=x, against=folder / "chip.snn")
    rows = [row for row in rows_of(tmp_path / "r.csv") if row["a"] == "n1/s"]
    left = snnhub.run(folder / "net.snn", x, record="all").recording["n1/s"]
    lag = int(rows[0]["lag"])
    right = snnhub.run(folder / "chip.snn", x, record="all", steps=len(x) + lag).recording[rows[0]["b"]]
    assert lag == 2
    assert np.array_equal(dense_from(rows, "spikes_a", left.shape), left)
    assert np.array_equal(dense_from(rows, "spikes_b", left.shape), right[lag:])


def test_pictures_are_the_same_bytes_every_time(folder: Path, tmp_path: Path) -> None:
    """In every format, whatever the settings of the user's matplotlib; and each is what its suffix says."""
    import matplotlib
    from matplotlib.image import imread

    x, other = stimulus(folder), folder / "chip.snn"

    def draw(name: str) -> list[Path]:
        paths = [tmp_path / f"{name}.{suffix}" for suffix in ("svg", "png", "pdf")]
        snnhub.plot_raster(folder / "net.snn", paths, stimulus=x, against=other)
        snnhub.plot_vmem(folder / "net.snn", tmp_path / f"{name}-v.svg", stimulus=x, against=other)
        snnhub.plot_weights(folder / "net.snn", tmp_path / f"{name}-w.svg", against=other)
        snnhub.plot_utilisation(other, tmp_path / f"{name}-u.svg", "loihi2")
        return sorted(tmp_path.glob(f"{name}[.-]*"))

    first = draw("a")
    with matplotlib.rc_context({"font.size": 20, "axes.grid": True, "lines.linewidth": 9, "figure.dpi": 30}):
        second = draw("b")
    assert len(first) == len(second) == 10  # one table for three pictures
    for one, two in zip(first, second, strict=True):
        assert one.read_bytes() == two.read_bytes(), one.name
    assert imread(tmp_path / "a.png").shape[2] == 4
    for path in tmp_path.glob("a*.svg"):
        assert ElementTree.parse(path).getroot().tag == f"{SVG}svg"  # noqa: S314  our own file
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")


def test_large_layers_are_cut_and_it_is_said(tmp_path: Path) -> None:
    """The window goes to the first divergence; what differs outside is counted."""
    a = spikes((300, 200), 0.2)
    b = a.copy()
    b[250, 180] ^= 1
    b[299, 0] ^= 1
    result = snnhub.plot_raster({"s": a}, tmp_path / "r.svg", against={"s": b}, steps=40, neurons=20)
    (row,) = result.rows
    first, last = row["drawn"]["neurons"]
    assert last - first == 20
    assert first <= 180 < last
    assert row["drawn"]["steps"][0] <= 250 < row["drawn"]["steps"][1]
    assert row["drawn"]["first_divergence"] == 250
    marked = sum(row["drawn"]["marks"][kind] for kind in (ONLY_A, ONLY_B, COUNTS))
    assert (row["different"], marked) == (2, 1)
    (finding,) = [item for item in result.findings if item.code == "SNN-6201"]
    assert f"neurons {first} to {last - 1} of 200" in finding.message
    assert "1 of them differ" in finding.message
    table = rows_of(tmp_path / "r.csv")
    assert len(table) == sum(row["drawn"]["marks"].values())
    assert all(first <= int(item["neuron"]) < last for item in table)


def test_more_spike_trains_than_panels(tmp_path: Path) -> None:
    """Those that differ are drawn, in order."""
    a = {f"l{number:02}/s": spikes((9, 4), seed=number + 1) for number in range(15)}
    b = {**a, "l14/s": spikes((9, 4), seed=99)}
    result = snnhub.plot_raster(a, tmp_path / "r.png", against=b)
    assert [row["a"] for row in result.rows] == [*(f"l{number:02}/s" for number in range(11)), "l14/s"]
    assert any(item.code == "SNN-6201" and "l11/s, l12/s, l13/s" in item.message for item in result.findings)
    only = snnhub.plot_raster(a, tmp_path / "q.png", quantities=["l12/s"])
    assert [row["a"] for row in only.rows] == ["l12/s"]


@pytest.mark.parametrize("late", [0, 3, -2])
def test_recordings_are_lined_up_as_compare_does(late: int, tmp_path: Path) -> None:
    a = spikes((60, 5), 0.2)
    shifted = np.roll(a, late, axis=0)
    if late:
        shifted[slice(0, late) if late > 0 else slice(late, None)] = 0
    shifted[40, 2] ^= 1
    shifted[1, 1] ^= 1
    for name, values in (("a", a), ("b", shifted)):
        save_recording(Recording({"layer/s": values}, False), tmp_path / f"{name}.npz")
    paths = tmp_path / "a.npz", tmp_path / "b.npz"
    wanted = compare_recordings(*paths).pairs[0].rows[0]
    result = snnhub.plot_raster(paths[0], tmp_path / "r.svg", against=paths[1])
    (row,) = result.rows
    assert wanted.lag == late
    assert (row["lag"], row["different"]) == (wanted.lag, wanted.different)
    assert wanted.first is not None
    assert row["drawn"]["first_divergence"] == wanted.first.step
    marked = sum(drawn(tmp_path / "r.svg", f"panel0-{kind}") for kind in ("only-A", "only-B", "other-count"))
    assert marked == wanted.different
    assert result.names == ("a.npz", "b.npz")


def test_a_network_beside_a_recording_of_it(folder: Path, tmp_path: Path) -> None:
    x = stimulus(folder)[:, 0]
    snnhub.run(folder / "net.snn", x, record="all", output=tmp_path / "rec.npz")
    both: tuple[Any, ...] = (folder / "net.snn", tmp_path / "rec.npz")
    for sides in (both, both[::-1]):
        result = snnhub.plot_raster(sides[0], tmp_path / "r.png", stimulus=x, against=sides[1])
        assert {row["a"]: row["different"] for row in result.rows}["n0/s"] == 0
        found = snnhub.plot_vmem(sides[0], tmp_path / "v.png", stimulus=x, against=sides[1])
        assert {row["different"] for row in found.rows} == {0}
    alone = snnhub.plot_raster(tmp_path / "rec.npz", tmp_path / "s.png", quantities=["n0/s"])
    spikes_of = {row["a"]: row["sample"]["spikes_a"] for row in result.rows}
    assert alone.rows[0]["sample"]["spikes_a"] == spikes_of["n0/s"] > 0


def test_recordings_with_a_batch(folder: Path, tmp_path: Path) -> None:
    """Axes are said once; arrays of other ranks with a second axis of that length are read alike."""
    wide = spikes((9, 3, 2, 2))
    save_recording(Recording({"a/s": wide, "b/s": wide.reshape(9, 3, 4)}, True), tmp_path / "rec.npz")
    result = snnhub.plot_raster(tmp_path / "rec.npz", tmp_path / "r.png", axes="time,batch,y,x", sample=2)
    assert [row["sample"]["spikes_a"] for row in result.rows] == [int(wide[:, 2].sum())] * 2
    assert any(item.code == "SNN-5101" and "b/s" in item.message for item in result.findings)
    assert any(item.code == "SNN-6202" and "sample 2 of 3" in item.message for item in result.findings)


def test_counts_that_differ_are_marked_too(tmp_path: Path) -> None:
    """A neuron that fires twice is no neuron that fires once."""
    a = np.zeros((6, 2), np.uint8)
    a[2, 0], a[4, 1] = 2, 1
    b = a.copy()
    b[2, 0] = 1
    result = snnhub.plot_raster({"s": a}, tmp_path / "r.svg", against={"s": b})
    marks = result.rows[0]["drawn"]["marks"]
    assert (marks[COUNTS], marks[BOTH], result.rows[0]["different"]) == (1, 1, 1)
    assert drawn(tmp_path / "r.svg", "panel0-other-count") == 1
    assert "other count 1" in words_in(tmp_path / "r.svg")


def test_a_runner_as_the_second_side(folder: Path, tmp_path: Path) -> None:
    """By ``runner``, or by its name in ``against`` as in ``verify``; nothing is marked where nothing differs."""
    x = stimulus(folder)
    result = snnhub.plot_raster(folder / "net.snn", tmp_path / "r.svg", stimulus=x, runner="engine")
    assert [row["different"] for row in result.rows] == [0, 0]
    assert drawn(tmp_path / "r.svg", "panel0-first") == 0
    assert drawn(tmp_path / "r.svg", "panel0-both") == result.rows[0]["sample"]["spikes_a"] > 0
    other = snnhub.plot_raster(folder / "net.snn", tmp_path / "q.svg", stimulus=x, against="engine")
    assert other.rows == result.rows
    potentials = snnhub.plot_vmem(folder / "net.snn", tmp_path / "v.svg", stimulus=x, runner="engine")
    assert {row["scale"] for row in potentials.rows} == {1.0}


def test_cores_of_xylo(tmp_path: Path) -> None:
    core, x = random_core(7, (8, 40, 4))
    graph = core_graph(core)
    snnhub.save(graph, tmp_path / "core.snn")
    result = snnhub.plot_raster(tmp_path / "core.snn", tmp_path / "r.png", stimulus=x, sample=1)
    recording = snnhub.run(tmp_path / "core.snn", x, record="all").recording
    rows = rows_of(tmp_path / "r.csv")
    for key in ("xylo/s", "xylo/s_out"):
        values = recording[key][:, 1]
        own = [row for row in rows if row["a"] == key]
        assert np.array_equal(dense_from(own, "spikes_a", values.shape), values)
    assert {row["a"] for row in result.rows} == {"xylo/s", "xylo/s_out"}


def odd(name: str) -> Graph:
    builder = GraphBuilder("odd", REGISTRY)
    port = dense(builder, "d", builder.input((3,), F32), np.ones((3, 3), np.float32))
    builder.output(neurons(builder, name, port))
    return builder.graph()


@pytest.mark.parametrize("name", [r"$\nonsense$", "<&>\"'", "tab\there", "bell\x07", "名前", "x" * 300, "=1+1,2"])
def test_names_from_files_break_no_picture(name: str, tmp_path: Path) -> None:
    snnhub.save(odd(name), tmp_path / "net.snn")
    x = np.ones((4, 3), np.float32)
    paths = [tmp_path / "p.svg", tmp_path / "p.png"]
    pictures: list[Callable[[], Plotted]] = [
        lambda: snnhub.plot_raster(tmp_path / "net.snn", paths, stimulus=x),
        lambda: snnhub.plot_vmem(tmp_path / "net.snn", paths, stimulus=x),
        lambda: snnhub.plot_weights(tmp_path / "net.snn", paths),
    ]
    for number, make in enumerate(pictures):
        result = make()
        words_in(paths[0])
        rows = rows_of(paths[0].with_suffix(".csv"))
        assert rows
        if number < 2:
            assert rows[0]["a"] == result.rows[0]["a"] == f"{name}/{'sv'[number]}"
        paths[0].with_suffix(".csv").unlink()


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no input": ({"stimulus": None}, "a network is run on an input"),
    "silent": ({"stimulus": np.zeros((5, 10))}, "nothing fired"),
    "empty": ({"stimulus": np.zeros((0, 10))}, "input is empty"),
    "unknown quantity": ({"quantities": ["n9/s"]}, "no spike train of this name"),
    "a state": ({"quantities": ["n0/v"]}, "no spike train of this name"),
    "no such sample": ({"sample": 7}, "no such sample"),
    "two second sides": ({"against": "b.snn", "runner": "engine"}, "two sides at most"),
    "unknown runner": ({"runner": "nobody"}, "no runner of this name"),
    "no such file": ({"against": "nothing.snn"}, "cannot be read"),
    "wrong shape": ({"stimulus": np.zeros((5, 11))}, "wrong shape"),
    "axes of no recording": ({"axes": "time,neuron"}, "said of recordings"),
    "unknown option": ({"runner_options": {"speed": "9"}}, "unknown option"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_drawn_is_refused_and_nothing_written(case: str, folder: Path, tmp_path: Path) -> None:
    changed, words = WRONG[case]
    arguments = {"stimulus": stimulus(folder), **changed}
    with pytest.raises(UsageError, match=words):
        snnhub.plot_raster(folder / "net.snn", tmp_path / "r.svg", **arguments)
    assert list(tmp_path.iterdir()) == []


def test_refusals_of_paths(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x, net = stimulus(folder), folder / "net.snn"
    np.savetxt(tmp_path / "rec.csv", spikes((9, 2)), "%d", ",", header="a,b", comments="")
    (tmp_path / "mine.csv").write_text("precious,numbers\n1,2\n")
    recording: dict[str, Any] = {"a": tmp_path / "rec.csv"}
    cases: list[tuple[dict[str, Any], Any, str]] = [
        ({"a": net, "stimulus": x}, tmp_path / "r.gif", "unknown kind of picture"),
        ({"a": net, "stimulus": x}, tmp_path / "none" / "r.svg", "folder does not exist"),
        ({"a": net, "stimulus": x}, [], "no picture was asked for"),
        ({"a": net, "stimulus": x}, tmp_path / "mine.svg", "a file of another kind is there already"),
        (recording, tmp_path / "rec.svg", "would replace what is drawn"),
        ({**recording, "stimulus": x}, tmp_path / "r.svg", "recordings are not run"),
        ({**recording, "runner_options": {"a": "b"}}, tmp_path / "r.svg", "recordings are not imported"),
        ({**recording, "runner": "engine"}, tmp_path / "r.svg", "a recording cannot be run"),
    ]
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    for arguments, output, words in cases:
        with pytest.raises(UsageError, match=words):
            snnhub.plot_raster(output=output, **arguments)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    snnhub.plot_raster(net, tmp_path / "r.svg", stimulus=x)
    snnhub.plot_raster(net, tmp_path / "r.svg", stimulus=x[:9])  # its own table may be replaced
    monkeypatch.setattr("snnhub.plot.canvas.find_spec", lambda name: None)
    with pytest.raises(MissingPeerError, match="snnhub\\[plot\\]"):
        snnhub.plot_raster(net, tmp_path / "m.svg", stimulus=x)


def test_the_commands(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net, chip, x = (str(folder / name) for name in ("net.snn", "chip.snn", "x.npy"))
    out = [str(tmp_path / name) for name in ("p.svg", "p.png")]

    def call(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        return invoke(["plot", *arguments]), capsys.readouterr().out

    code, text = call("raster", net, "--against", chip, "--input", x, "-o", out[0], "-o", out[1])
    assert code == 0
    assert text.count("wrote") == 3
    assert "SNN-6202" in text
    assert Path(out[1]).read_bytes().startswith(b"\x89PNG")
    Path(tmp_path / "p.csv").unlink()
    for arguments in (
        (
            "raster",
            net,
            "--input",
            x,
            "--runner",
            "engine",
            "--neurons",
            "5",
            "--steps",
            "4",
            "--quantity",
            "n0/s",
        ),
        ("vmem", net, "--input", x, "--against", chip, "--worst", "2"),
        ("weights", net, "--against", chip),
        ("utilisation", chip, "--target", "loihi2"),
    ):
        code, text = call(*arguments, "-o", out[0], "--json")
        document = json.loads(text)
        assert code == 0
        assert document["kind"] == arguments[0]
        assert document["pictures"] == out[:1]
        assert document["rows"]
        assert rows_of(Path(document["tables"][0]))
        assert call(*arguments, "-o", out[0])[0] == 0
        Path(tmp_path / "p.csv").unlink()
    code, text = call("raster", net, "--input", x, "--quantity", "n9/s", "-o", out[0], "--json")
    assert (code, json.loads(text)["error"]) == (2, "UsageError")
    assert "n0/s, n1/s" in json.loads(text)["allowed"]
    assert call("raster", net, "--input", x)[0] == 2  # without -o


@pytest.mark.skipif(not (SHARED / "rockpool").is_dir(), reason="../shared/data/rockpool is not here")
def test_the_trained_synnet(tmp_path: Path) -> None:
    source = SHARED / "rockpool" / "to_deploy_inXylo.json"
    x = np.load(SHARED / "rockpool" / "rasters.npz")["test_poisson_2"]
    result = snnhub.plot_raster(source, tmp_path / "r.svg", stimulus=x, from_="rockpool")
    recording = snnhub.run(source, x, from_="rockpool", record="all").recording
    rows = rows_of(tmp_path / "r.csv")
    for row in result.rows:
        own = [item for item in rows if item["a"] == row["a"]]
        values = recording[row["a"]]
        assert np.array_equal(dense_from(own, "spikes_a", values.shape), values)
    assert sum(row["sample"]["spikes_a"] for row in result.rows) > 9000
    found = snnhub.plot_vmem(source, tmp_path / "v.svg", stimulus=x, from_="rockpool", worst=3)
    assert {row["threshold_a"] for row in found.rows} == {1.0}


def test_errors_are_of_the_house(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SnnhubError) as caught:
        snnhub.plot_vmem(folder / "net.snn", tmp_path / "v.svg", stimulus=stimulus(folder), quantities=["n0/q"])
    assert "n0/v, n1/v" in caught.value.allowed
