"""Recordings of other tools compared: axes, dt, events, searched lags, kinds, units, silence, pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snnhub
from snnhub.api.compare import Comparison, compare_recordings
from snnhub.cli.main import invoke
from snnhub.compare.lag import Train, search
from snnhub.compare.relation import relate
from snnhub.errors import FormatError, MissingPeerError, UsageError
from snnhub.ir.rung import Rung
from snnhub.plot.letters import text_raster
from snnhub_formats.traces import read_traces

from tests.build import mlp, spikes
from tests.conftest import SHARED

TRACES = SHARED / "nir"
EQUAL = {"nengo", "norse", "snntorch", "spinnaker2"}
LATE = {"lava_cpu_fixed", "lava_cpu_float", "lava_loihi_fixed", "spyx"}
APART = {"rockpool", "sinabs"}


def raster(shape: tuple[int, ...] = (40, 6), rate: float = 0.2, seed: int = 1) -> Any:
    return spikes(shape, rate, seed)


def later(array: Any, lag: int) -> Any:
    moved = np.zeros_like(array)
    moved[lag:] = array[: len(array) - lag]
    return moved


def codes(result: Comparison) -> set[str]:
    return {finding.code for finding in result.findings}


@pytest.fixture
def published() -> dict[str, Path]:
    """The eleven published traces of one LIF neuron, by platform; they are not part of the project."""
    if not TRACES.is_dir():
        pytest.skip(f"{TRACES} is not here")
    return {path.stem.removeprefix("01_lif__lif_"): path for path in sorted(TRACES.glob("01_lif__lif_*.csv"))}


def test_the_eleven_published_traces(published: dict[str, Path]) -> None:
    """Of the NIR paper's traces four are equal to the exact solution, four are one step late, two are apart."""
    assert set(published) == {"exact"} | EQUAL | LATE | APART
    reference = published.pop("exact")
    result = compare_recordings(reference, *published.values(), dt="1e-4", columns="input,v,spike")
    found = dict(zip(published, result.pairs, strict=False))
    assert {name for name, pair in found.items() if pair.reached is Rung.SPIKES} == EQUAL
    assert {name for name, pair in found.items() if pair.reached is Rung.SPIKES_LAG} == LATE
    assert {name for name, pair in found.items() if pair.reached is Rung.DIVERGED} == APART
    assert {found[name].lag for name in LATE} == {1}
    for name in APART:
        first = found[name].first
        assert first is not None
        assert (first.key, first.step, first.a, first.b) == ("spike", 450, 0, 1)
        assert found[name].worst_overlap == pytest.approx(2 / 6)
    assert len(result.pairs) == 11 * 10 // 2
    assert not result.passed
    voltage = next(row for row in found["lava_loihi_fixed"].rows if row.key == "v")
    assert voltage.relation is not None
    assert voltage.relation.other_unit
    assert voltage.relation.factor == pytest.approx(16_000, rel=0.02)
    assert voltage.lag == 1
    of_sinabs = [f for f in found["sinabs"].findings if f.code == "SNN-5106"]
    assert "factor 0.04, throughout" in of_sinabs[0].message


def test_a_trace_with_itself_is_bits(published: dict[str, Path], tmp_path: Path) -> None:
    copy = tmp_path / "copy.csv"
    copy.write_bytes(published["exact"].read_bytes())
    result = compare_recordings(published["exact"], copy)
    assert result.pairs[0].reached is Rung.BITS
    assert {"SNN-5101", "SNN-5103", "SNN-5104"} <= codes(result)


def test_spikes_equal_while_a_state_has_another_unit() -> None:
    s, v = raster(), np.random.default_rng(0).normal(size=(40, 6))
    result = compare_recordings({"n/s": s, "n/v": v}, {"n/s": s, "n/v": 16043 * v})
    pair = result.pairs[0]
    assert pair.reached is Rung.SPIKES
    assert pair.missed is Rung.BITS
    assert (
        "differs by a factor 16043, throughout" in next(f for f in result.findings if f.code == "SNN-5110").message
    )
    with pytest.raises(UsageError, match="show no such rung"):
        compare_recordings({"s": s}, {"s": s}, expect="decision")
    assert not compare_recordings({"n/v": v}, {"n/v": 2 * v}).passed
    shifted = relate(v, 3 * v + 7)
    assert shifted is not None
    assert (round(shifted.factor or 0, 6), round(shifted.offset, 6)) == (3, 7)
    noise = relate(v, np.random.default_rng(1).normal(size=(40, 6)))
    assert noise is not None
    assert noise.factor is None
    assert not noise.other_unit


@pytest.mark.parametrize("lag", [-16, -3, 1, 2, 16])
def test_a_lag_is_found_either_way_and_said_to_be_searched(lag: int) -> None:
    a, b = (raster(), later(raster(), lag)) if lag > 0 else (later(raster(), -lag), raster())
    result = compare_recordings({"s": a}, {"s": b}, expect="spikes+lag")
    assert (result.pairs[0].reached, result.pairs[0].lag) == (Rung.SPIKES_LAG, lag)
    assert result.passed
    finding = next(f for f in result.findings if f.code == "SNN-5107")
    assert "searched for" in finding.message
    assert not compare_recordings({"s": a}, {"s": b}).passed
    assert compare_recordings({"s": a}, {"s": b}, max_lag=abs(lag) - 1).pairs[0].reached is Rung.DIVERGED


def test_spikes_before_the_lag_are_not_overlooked() -> None:
    """A spike of b in the first steps, which a shift would move out of sight, still is one too many."""
    a = raster()
    b = later(a, 3)
    b[1, 2] = 1
    pair = compare_recordings({"s": a}, {"s": b}).pairs[0]
    assert pair.reached is Rung.DIVERGED
    assert pair.rows[0].lag == 3
    assert pair.first is not None
    assert (pair.first.step, pair.first.index, pair.first.a, pair.first.b) == (-2, (2,), 0, 1)


def test_a_lag_is_not_claimed_from_too_few_spikes_or_when_several_fit() -> None:
    one, other = np.zeros((2, 30, 1), np.uint8)
    one[10], other[12] = 1, 1
    result = compare_recordings({"s": one}, {"s": other})
    assert result.pairs[0].reached is Rung.DIVERGED
    assert result.pairs[0].lag == 0
    assert "a lag needs 2" in next(f for f in result.findings if f.code == "SNN-5108").message
    one[:], other[:] = 0, 0
    one[[10, 14]], other[[8, 12, 16]] = 1, 1
    result = compare_recordings({"s": one}, {"s": other})
    assert result.pairs[0].reached is Rung.DIVERGED
    assert "-2, +2; none was claimed" in next(f for f in result.findings if f.code == "SNN-5108").message


def test_regular_trains_that_are_equal_need_no_lag() -> None:
    train = np.zeros((30, 1), np.uint8)
    train[::5] = 1
    found = search(Train.of(train), Train.of(train))
    assert (found.used.lag, found.used.jaccard, found.ties) == (0, 1.0, ())


def test_silence_is_never_equal() -> None:
    empty, v = np.zeros((20, 3), np.uint8), np.random.default_rng(0).normal(size=(20, 3))
    result = compare_recordings({"s": empty}, {"s": empty})
    pair = result.pairs[0]
    assert pair.reached is None
    assert pair.silent
    assert not result.passed
    assert pair.rows[0].overlap is None
    assert "SNN-5109" in codes(result)
    assert compare_recordings({"s": empty, "v": v}, {"s": empty, "v": v + 1e-9}).pairs[0].reached is None
    assert compare_recordings({"s": empty}, {"s": raster((20, 3))}).pairs[0].reached is Rung.DIVERGED
    both = compare_recordings({"a/s": empty, "b/s": raster()}, {"a/s": empty, "b/s": raster()})
    assert both.pairs[0].reached is Rung.BITS
    assert "SNN-5109" in codes(both)


def test_axes_are_said_noticed_or_refused(tmp_path: Path) -> None:
    a = raster((40, 6))
    np.save(tmp_path / "a.npy", a)
    np.save(tmp_path / "b.npy", a.T)
    files = tmp_path / "a.npy", tmp_path / "b.npy"
    noticed = compare_recordings(*files)
    assert noticed.pairs[0].reached is Rung.BITS
    turned = next(f for f in noticed.findings if f.code == "SNN-5102")
    assert turned.severity.value == "loss"
    assert turned.place == "b.npy:output"
    said = compare_recordings(*files, axes={"": "time,neuron", "b.npy": "neuron,time"})
    assert said.pairs[0].reached is Rung.BITS
    assert {f.severity.value for f in said.findings if f.code == "SNN-5102"} == {"info"}
    told = compare_recordings({"output": a, "axes": np.array(["time", "neuron"])}, {"output": a.T})
    assert (
        "which says that time is its first axis" in next(f for f in told.findings if f.code == "SNN-5102").message
    )
    wrong = compare_recordings(*files, axes="time,neuron")
    assert wrong.pairs[0].reached is None
    assert wrong.pairs[0].problems == (
        "output (time 40, neuron 6) and output (time 6, neuron 40) cannot be compared",
    )
    with pytest.raises(UsageError, match="nothing has these axes"):
        compare_recordings(*files, axes="time,batch,neuron")
    with pytest.raises(UsageError, match="time among them"):
        compare_recordings(*files, axes="neuron,batch")
    with pytest.raises(UsageError, match="no recording of this name"):
        compare_recordings(*files, axes={"c.npy": "time,neuron"})


def test_a_square_raster_is_not_turned_but_the_likely_mistake_is_named() -> None:
    a = raster((9, 9))
    result = compare_recordings({"s": a}, {"s": a.T})
    assert result.pairs[0].reached is Rung.DIVERGED
    assert "it was not turned" in next(f for f in result.findings if f.code == "SNN-5102").message


def test_batch_axes_and_flattened_features() -> None:
    a = raster((20, 3, 4))
    said = compare_recordings(
        {"s": a}, {"s": a.transpose(1, 0, 2)}, axes={"A": "time,batch,neuron", "B": "batch,time,neuron"}
    )
    assert said.pairs[0].reached is Rung.BITS
    flat = compare_recordings({"s": a}, {"s": a.reshape(20, 12)})
    assert flat.pairs[0].reached is Rung.BITS
    assert "in another shape" in " ".join(f.message for f in flat.findings)


def test_different_dt_is_refused(tmp_path: Path) -> None:
    a = raster()
    np.savez(tmp_path / "a.npz", s=a, dt=1e-3)
    np.savez(tmp_path / "b.npz", s=a, dt=1e-4)
    np.savez(tmp_path / "c.npz", s=a)
    with pytest.raises(UsageError, match="steps of different length"):
        compare_recordings(tmp_path / "a.npz", tmp_path / "b.npz")
    with pytest.raises(UsageError, match="states another dt"):
        compare_recordings(tmp_path / "a.npz", tmp_path / "b.npz", dt="1e-4")
    assert "SNN-5104" in codes(compare_recordings(tmp_path / "a.npz", tmp_path / "c.npz"))
    assert "SNN-5104" not in codes(
        compare_recordings(tmp_path / "a.npz", tmp_path / "c.npz", dt={"c.npz": "1e-3"})
    )
    with pytest.raises(UsageError, match="positive number of seconds"):
        compare_recordings(tmp_path / "c.npz", tmp_path / "a.npz", dt="fast")


def test_event_lists_are_put_on_the_grid(tmp_path: Path) -> None:
    a = raster((50, 7))
    steps, units = np.nonzero(a)
    mixed = np.random.default_rng(0).permutation(len(steps))
    np.savez(tmp_path / "grid.npz", s=a)
    np.savez(tmp_path / "ev.npz", times=steps[mixed], units=units[mixed])
    result = compare_recordings(tmp_path / "grid.npz", tmp_path / "ev.npz", rename={"spikes": "s"})
    assert result.pairs[0].reached is Rung.BITS
    seconds = {"spikes/times": steps * 1e-3 + 1e-9, "spikes/units": units}
    with pytest.raises(UsageError, match="length of a step is not known"):
        compare_recordings({"spikes": a}, seconds)
    timed = compare_recordings({"spikes": a}, seconds, dt="1e-3")
    assert timed.pairs[0].reached is Rung.BITS
    assert "times in s" in next(f for f in timed.findings if f.code == "SNN-5111").message
    between = compare_recordings({"spikes": a}, {**seconds, "spikes/times": steps * 1e-3 + 3e-4}, dt="1e-3")
    assert "lie between two steps" in " ".join(f.message for f in between.findings)
    twice = {"times": np.append(steps, steps[0]), "units": np.append(units, units[0])}
    doubled = compare_recordings({"spikes": a}, twice)
    assert doubled.pairs[0].reached is Rung.DIVERGED
    assert "more than one event" in " ".join(f.message for f in doubled.findings)
    both = compare_recordings(
        {"times": steps, "units": units}, {"times": steps * 1000, "units": units}, time_unit="us", dt="1e-3"
    )
    assert both.pairs[0].reached is Rung.DIVERGED


@pytest.mark.parametrize(
    ("times", "units", "words"),
    [
        (np.array([1, -2]), np.array([0, 0]), "from 0 on"),
        (np.array([1, 2]), np.array([0]), "one length"),
        (np.array([1.0, np.nan]), np.array([0, 0]), "NaN"),
        (np.array([1, 2**40]), np.array([0, 2**20]), "too many steps"),
    ],
)
def test_broken_event_lists(times: Any, units: Any, words: str) -> None:
    with pytest.raises(FormatError, match=words):
        compare_recordings({"spikes": raster()}, {"times": times, "units": units})


def test_kinds_by_name_by_value_and_as_said() -> None:
    whole = np.random.default_rng(0).integers(0, 9, (30, 4))
    by_value = compare_recordings({"layer0": whole}, {"layer0": whole})
    assert by_value.pairs[0].rows[0].kind == "spikes"
    assert "SNN-5103" in codes(by_value)
    said = compare_recordings({"layer0": whole}, {"layer0": whole}, states=["layer0"])
    assert said.pairs[0].rows[0].kind == "state"
    assert "SNN-5103" not in codes(said)
    assert compare_recordings({"n/u": whole}, {"n/u": whole}).pairs[0].rows[0].kind == "state"
    with pytest.raises(UsageError, match="of this name"):
        compare_recordings({"n/u": whole}, {"n/u": whole}, spikes=["n/w"])


def test_spikes_of_another_height_are_compared_by_time() -> None:
    a = raster()
    result = compare_recordings({"s": a}, {"s": a * 1e4})
    assert result.pairs[0].reached is Rung.BITS
    finding = next(f for f in result.findings if f.code == "SNN-5110")
    assert (finding.old, finding.new) == ("1", "10000")
    counts = a.astype(np.int8)
    counts[np.nonzero(a)[0][0], np.nonzero(a)[1][0]] = 2
    assert compare_recordings({"s": a}, {"s": counts}).pairs[0].reached is Rung.DIVERGED


def test_what_has_no_counterpart_is_said() -> None:
    a = raster((40, 6))
    result = compare_recordings({"s": a, "extra": a}, {"s": a[:30]})
    assert result.pairs[0].reached is Rung.BITS
    messages = " ".join(f.message for f in result.findings if f.code == "SNN-5105")
    assert "extra" in messages
    assert "another number of steps" in messages
    none = compare_recordings({"p": a, "q": a}, {"r": a})
    assert none.pairs[0].reached is None
    assert "no quantity of one name" in none.pairs[0].problems[0]
    assert compare_recordings({"p": a, "q": a}, {"r": a}, rename={"r": "p"}).passed


def test_tables(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("# made by hand\nv,spikes\n0.5,0\n1.5,1\n0.25,0\n1.75,1\n")
    traces = read_traces(tmp_path / "a.csv")
    assert list(traces.arrays) == ["v", "spikes"]
    assert traces.arrays["spikes"].tolist() == [0, 1, 0, 1]
    (tmp_path / "b.csv").write_text("0.5,0\n1.5,1\n0.25,0\n1.75,1\n")
    assert (
        compare_recordings(tmp_path / "a.csv", tmp_path / "b.csv", columns="v,spikes").pairs[0].reached
        is Rung.BITS
    )
    for text, words in (
        ("", "empty"),
        ("v,s\n", "no rows"),
        ("1,2\n3,x\n", "not a table"),
        ("1,2\n3\n", "not a table"),
    ):
        (tmp_path / "c.csv").write_text(text)
        with pytest.raises(FormatError, match=words):
            read_traces(tmp_path / "c.csv")
    with pytest.raises(UsageError, match="names do not fit"):
        read_traces(tmp_path / "b.csv", ("v",))
    (tmp_path / "d.csv").write_bytes(b"\0\1\2")
    with pytest.raises(FormatError, match="not a recording"):
        read_traces(tmp_path / "d.csv")
    np.savez(tmp_path / "e.npz", dt=-1.0, s=raster())
    with pytest.raises(FormatError, match="positive"):
        read_traces(tmp_path / "e.npz")


def test_recordings_of_the_engine_need_no_options(tmp_path: Path) -> None:
    graph, x = mlp((10, 12, 4), seed=3), spikes((12, 6, 10))
    snnhub.save(graph, tmp_path / "net.snn")
    snnhub.run(tmp_path / "net.snn", x, record="all", output=tmp_path / "a.npz")
    snnhub.run(tmp_path / "net.snn", x, record="all", output=tmp_path / "b.npz", steps=14)
    result = compare_recordings(tmp_path / "a.npz", tmp_path / "b.npz", expect="bits")
    assert result.passed


def test_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    a = raster()
    b = a.copy()
    b[20, 3] ^= 1
    result = compare_recordings({"s": a}, {"s": b}, {"s": later(a, 1)}, plot=tmp_path / "o.svg")
    text = (tmp_path / "o.svg").read_text()
    assert text.startswith("<?xml")
    assert "stroke-dasharray" in text
    assert result.plot == tmp_path / "o.svg"
    before = (tmp_path / "o.svg").read_bytes()
    compare_recordings({"s": a}, {"s": b}, {"s": later(a, 1)}, plot=tmp_path / "o.svg")
    assert (tmp_path / "o.svg").read_bytes() == before
    panel = next(result.panels())
    lines = text_raster(*panel[1:])
    assert len(lines) == 1 + 6
    assert ("A" if a[20, 3] else "B") in lines[4]
    assert sum(line.count("|") for line in lines[1:]) == int((a & b).sum())
    with pytest.raises(UsageError, match="unknown kind of picture"):
        compare_recordings({"s": a}, {"s": b}, plot=tmp_path / "o.xyz")
    monkeypatch.setattr("snnhub.plot.canvas.find_spec", lambda name: None)
    with pytest.raises(MissingPeerError, match="snnhub\\[plot\\]"):
        compare_recordings({"s": a}, {"s": b}, plot=tmp_path / "p.svg")


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = raster()
    for name, array in (("a", a), ("b", a), ("c", later(a, 1))):
        np.save(tmp_path / f"{name}.npy", array)
    files = [str(tmp_path / f"{name}.npy") for name in "abc"]
    assert invoke(["compare", *files[:2]]) == 0
    assert "verdict: bits" in capsys.readouterr().out
    assert invoke(["compare", files[0], files[2], "--raster"]) == 1
    out = capsys.readouterr().out
    assert "spikes+lag +1" in out
    assert "FAILED" in out
    assert invoke(["compare", *files, "--expect", "spikes+lag"]) == 0
    out = capsys.readouterr().out
    assert "verdict above, overlap below" in out
    assert invoke(["compare", *files, "--json", "--dt", "1e-3", "--dt", "c.npy=1e-3"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert [(p["a"], p["b"], p["reached"]) for p in document["pairs"]] == [
        ("a.npy", "b.npy", "bits"),
        ("a.npy", "c.npy", "spikes+lag"),
        ("b.npy", "c.npy", "spikes+lag"),
    ]
    for arguments, words in (
        ([files[0]], "two recordings"),
        ([files[0], files[0]], "given twice"),
        ([files[0], "nowhere.npy"], "no such file"),
        ([*files, "--dt", "1", "--dt", "2"], "VALUE once"),
        ([*files, "--axes", "time"], "nothing has these axes"),
    ):
        assert invoke(["compare", *arguments]) == 2
        assert words in capsys.readouterr().err


def test_layers_may_each_have_their_own_lag() -> None:
    first, second = raster((40, 6), seed=1), raster((40, 5), seed=2)
    v = np.random.default_rng(0).normal(size=(40, 5))
    a = {"p/s": first, "q/s": second, "q/v": v}
    b = {"p/s": later(first, 1), "q/s": later(second, 2), "q/v": later(v, 2)}
    pair = compare_recordings(a, b).pairs[0]
    assert (pair.reached, pair.lag) == (Rung.SPIKES_LAG, 2)
    assert {row.key: (row.lag, row.different) for row in pair.rows} == {
        "p/s": (1, 0),
        "q/s": (2, 0),
        "q/v": (2, 0),
    }


def test_the_searched_lag_is_the_one_that_the_graphs_predict(tmp_path: Path) -> None:
    """A float network and the integers that it was lowered to: verify computes the lags, compare finds them."""
    graph, x = mlp((10, 16, 16, 6), seed=3), spikes((60, 6, 10), seed=5)
    snnhub.save(graph, tmp_path / "a.snn")
    snnhub.convert(tmp_path / "a.snn", to="netx", output=tmp_path / "b.net")
    predicted = snnhub.verify(tmp_path / "a.snn", tmp_path / "b.net", stimulus=x).verdict
    for name, steps in (("a.snn", 60), ("b.net", 63)):
        snnhub.run(tmp_path / name, x, record="all", output=tmp_path / f"{name}.npz", steps=steps)
    names = {row.b_key: row.a_key for row in predicted.rows}
    result = compare_recordings(tmp_path / "a.snn.npz", tmp_path / "b.net.npz", rename=names, only=names.values())
    assert [row.lag for row in predicted.rows] == [1, 2, 3, 3]
    assert {row.key: row.lag for row in result.pairs[0].rows} == {row.a_key: row.lag for row in predicted.rows}
    overlaps = {row.key: row.overlap for row in result.pairs[0].rows}
    assert overlaps == pytest.approx({row.a_key: row.overlap for row in predicted.rows}, abs=0.01)


def test_networks_are_no_recordings(tmp_path: Path) -> None:
    snnhub.save(mlp(), tmp_path / "a.snn")
    np.save(tmp_path / "b.npy", raster())
    with pytest.raises(UsageError, match="snnhub verify"):
        compare_recordings(tmp_path / "a.snn", tmp_path / "b.npy")


def test_a_column_of_times_is_no_quantity_and_gives_dt(tmp_path: Path) -> None:
    a = raster((30, 1))[:, 0]
    rows = "".join(f"{0.0001 * i:.6g},{spike}\n" for i, spike in enumerate(a))
    (tmp_path / "a.csv").write_text(f"t,spikes\n{rows}")
    np.savez(tmp_path / "b.npz", spikes=a, dt=1e-4)
    result = compare_recordings(tmp_path / "a.csv", tmp_path / "b.npz")
    assert result.pairs[0].reached is Rung.BITS
    assert [list(item.quantities) for item in result.recordings] == [["spikes"], ["spikes"]]
    assert result.recordings[0].dt == pytest.approx(1e-4)
    with pytest.raises(UsageError, match="states another dt"):
        compare_recordings(tmp_path / "a.csv", {"spikes": a}, dt="1e-3")
    with pytest.raises(UsageError, match="steps of different length"):
        compare_recordings({"time": np.arange(30) * 0.5, "s": a}, {"time": np.arange(30) * 0.25, "s": a})
    with pytest.raises(UsageError, match="not evenly spaced"):
        compare_recordings({"time": np.sqrt(np.arange(30)), "s": a}, {"s": a})
    counted = compare_recordings({"step": np.arange(5, 35), "s": a}, {"s": a})
    assert counted.recordings[0].dt is None
    assert "begins later" in " ".join(f.message for f in counted.findings if f.code == "SNN-5105")
    milli = compare_recordings({"time": np.arange(30), "s": a}, {"s": a}, time_unit="ms")
    assert milli.recordings[0].dt == pytest.approx(1e-3)
