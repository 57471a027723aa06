"""One file under every profile, without frameworks: who agrees, refusals as data, silence, claims, the page."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import snnhub
from snnhub.api import agree_live
from snnhub.api.agree import Agreement
from snnhub.api.agree_live import Conformity, protocol
from snnhub.api.agree_pairs import agrees, pair_json
from snnhub.api.agree_runs import run_profile
from snnhub.api.agree_stimulus import digest_of, stimulus_by
from snnhub.api.discretise import discretise
from snnhub.cli.main import invoke
from snnhub.engine.reference import prepare
from snnhub.errors import MissingPeerError, UsageError
from snnhub.ir.rung import Rung
from snnhub.peers.recipe import read_recipe
from snnhub_profiles import switches
from snnhub_profiles.frameworks import CALLS

from tests.networks.nir_nets import DT, chain, continuous, cuba, lif
from tests.networks.nir_zoo import zoo

FORMULA = "uniform:seed=1,steps=60"


@pytest.fixture(scope="module")
def lif_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One layer of LIF neurons whose threshold few inputs reach."""
    return zoo()["lif"].write(tmp_path_factory.mktemp("agree") / "lif.nir")


@pytest.fixture(scope="module")
def result(lif_file: Path) -> Agreement:
    """That file under all profiles."""
    return snnhub.agree(lif_file, FORMULA, DT, live=False)


def test_groups_are_those_whose_every_spike_is_equal(result: Agreement, lif_file: Path) -> None:
    """Judged beside runs of the engine that know nothing of groups."""
    graph = continuous(zoo()["lif"])
    x, _ = stimulus_by(FORMULA, tuple(graph.inputs[0].shape))
    ran = [run.profile for run in result.runs if not run.refused]
    spikes = {n: prepare(discretise(graph, DT, n)).run(x, record=["output"])[0]["output"] for n in ran}
    for pair in result.pairs:
        same = np.array_equal(spikes[pair.a], spikes[pair.b])
        assert agrees(pair) == same, (pair.a, pair.b)
        assert any({pair.a, pair.b} <= set(group) for group in result.groups) == same
        if not same and not pair.lag:
            assert pair.first is not None
            assert pair.first.step == np.argwhere(spikes[pair.a] != spikes[pair.b])[0][0]
    assert {"nir-euler", "norse-1", "snntorch-1"} <= set(result.groups[0])
    assert len(result.groups) >= 3
    assert len(result.pairs) == len(ran) * (len(ran) - 1) // 2


def test_refusals_are_data(result: Agreement) -> None:
    refused = {run.profile: run.refused for run in result.runs if run.refused}
    assert set(refused) == {"rockpool-3"}
    assert ("0", "the importer asks for a field tau_mem, which LIF does not have") in refused["rockpool-3"]
    told = json.loads(json.dumps(result.to_json()))
    (entry,) = (item for item in told["profiles"] if item["profile"] == "rockpool-3")
    assert entry["refused"][0]["reason"]
    assert entry["spikes"] is None
    assert all("rockpool-3" not in (pair["a"], pair["b"]) for pair in told["pairs"])


def test_no_pair_claims_more_than_its_spikes(result: Agreement) -> None:
    told = {pair_json(pair)["reached"] for pair in result.pairs}
    assert "bits" not in told
    assert {"spikes", "diverged"} <= told


def test_one_of_several_spikes_per_step_is_compared_neuron_by_neuron(tmp_path: Path) -> None:
    """Sinabs' counts have no bound; they are spikes of the same nodes all the same."""
    path = zoo()["mlp"].write(tmp_path / "mlp.nir")
    found = snnhub.agree(path, FORMULA, DT, profiles=["sinabs-3", "nir-euler"], live=False)
    (pair,) = found.pairs
    assert [row.key for row in pair.rows] == ["1/s", "3/s"]
    assert pair.reached is Rung.DIVERGED


def test_silence_is_no_agreement(lif_file: Path) -> None:
    found = snnhub.agree(lif_file, np.zeros((20, 6), "f4"), DT, live=False)
    assert found.groups == ()
    assert all(pair.silent and not agrees(pair) for pair in found.pairs)
    silent = [item.place for item in found.findings if item.code == "SNN-5424"]
    assert sorted(silent) == sorted(run.profile for run in found.runs if not run.refused)


def test_values_are_compared_where_there_are_no_spikes(tmp_path: Path) -> None:
    path = zoo()["li"].write(tmp_path / "li.nir")
    found = snnhub.agree(path, FORMULA, DT, profiles=["nir-euler", "exponential"], live=False)
    (pair,) = found.pairs
    assert [row.key for row in pair.rows] == ["output"]
    assert not agrees(pair)


def test_a_claim_names_file_stimulus_and_protocol(result: Agreement, lif_file: Path) -> None:
    assert result.claim.file == f"sha256:{hashlib.sha256(lif_file.read_bytes()).hexdigest()}"
    assert result.claim.protocol == protocol().digest
    x, formula = stimulus_by(FORMULA, (6,))
    assert (result.claim.stimulus, result.claim.formula) == (digest_of(x), formula)
    (claim,) = (item for item in result.findings if item.code == "SNN-5420")
    assert all(digest in claim.message for digest in (result.claim.file, result.claim.stimulus))
    again = snnhub.agree(lif_file, x, DT, profiles=["norse-1"], live=False)
    assert again.claim.stimulus == result.claim.stimulus


def test_formulas_are_the_same_numbers_everywhere() -> None:
    """Written out by hand from the generator's words; the digests are frozen."""
    x, told = stimulus_by("uniform:seed=7,steps=3,low=-1,high=3", (2,))
    words = [int(word) for word in np.random.PCG64(7).random_raw(6)]
    byhand = [np.float32(-1 + 4 * ((word >> 11) / 2**53)) for word in words]
    assert x.ravel().tolist() == byhand
    assert told == "uniform:seed=7,steps=3,low=-1,high=3"
    b, told = stimulus_by("bernoulli:rate=0.25,steps=400", (5,))
    assert set(np.unique(b)) == {0.0, 1.0}
    assert 0.2 < b.mean() < 0.3
    assert told == "bernoulli:seed=0,steps=400,rate=0.25,value=1"
    assert digest_of(x) == "sha256:7558a83872c3b85ce7b1df9aa70791d03ac9a9f1e3350557cfe0e1fd3838737e"


@pytest.mark.parametrize(
    "formula", ["gauss", "uniform:steps=0", "uniform:seed=1.5", "uniform:rate=1", "uniform:low"]
)
def test_formulas_that_are_none(formula: str) -> None:
    with pytest.raises(UsageError):
        stimulus_by(formula, (2,))


def test_the_protocol_pins_what_the_environment_installs() -> None:
    """Versions as in the recipe; every framework with an importer, under the profile that was made for it."""
    told = protocol()
    pins = dict(
        text.split("==") for line in read_recipe(told.environment.path()).steps for text in line if "==" in text
    )
    for name, item in told.content["frameworks"].items():
        assert name in item["versions"]
        for package, version in item["versions"].items():
            assert pins[package] == version, (name, package)
    assert set(told.content["frameworks"]) == set(CALLS) - {"nengo"}
    assert {"norse-1": "norse", "spyx-1": "spyx"}.items() <= told.profiles.items()
    assert agree_live._other_versions(told, pins) == []
    (odd,) = agree_live._other_versions(told, {**pins, "norse": "1.2.0"})
    assert (odd.code, odd.old, odd.new) == ("SNN-5425", "1.1.0", "1.2.0")


def test_kept_claims_are_about_this_protocol_and_these_formulas() -> None:
    kept = json.loads((protocol().environment.path().parent / "agreement" / "claims.json").read_text())
    shapes = {"01_lif__lif_norse.nir": (1,), "03_rnn__braille_noDelay_bias_zero.nir": (12,)}
    assert {item["claim"]["source"] for item in kept["claims"]} == set(shapes)
    for item in kept["claims"]:
        x, formula = stimulus_by(item["claim"]["formula"], shapes[item["claim"]["source"]])
        assert (digest_of(x), formula) == (item["claim"]["stimulus"], item["claim"]["formula"])
        assert item["claim"]["protocol"] == protocol().digest
        assert set(item["frameworks"]) == set(protocol().content["frameworks"])


def test_explanations_are_the_smallest_sets_of_choices(tmp_path: Path) -> None:
    """Single neurons of which one knows by the rules what they choose differently."""
    expected = {
        "lif_r": {
            ("exponential", "nir-euler"): [["scheme"]],
            ("nir-euler", "norse-1"): [["gain"]],
            ("nir-euler", "spyx-1"): [["reset", "reset_time", "latency"]],
        },
        "lif_reset": {("nir-euler", "norse-1"): [["reset"]]},
        "lif_leak": {("nir-euler", "norse-1"): [["initial"]]},
        "cuba_u": {("nir-euler", "spyx-1"): [["latency"]]},
    }
    for name, sets in expected.items():
        path = zoo()[name].write(tmp_path / f"{name}.nir")
        wanted = sorted({profile for pair in sets for profile in pair})
        found = snnhub.agree(path, "uniform:seed=3,steps=60", DT, profiles=wanted, live=False, explain=True)
        told = {(item.a, item.b): item.to_json()["sets"] for item in found.explained}
        assert told.items() >= sets.items(), name


def test_where_the_loop_is_delayed_is_a_choice(tmp_path: Path) -> None:
    """Two wirings of one file, one of them made by hand: the switch is the wiring, and nothing else."""
    graph = discretise(continuous(zoo()["rec_cuba"]), DT, "nir-euler")
    late = replace(graph, edges=tuple(replace(edge, delay=edge.delay and 2) for edge in graph.edges))
    x, _ = stimulus_by("uniform:seed=3,steps=80,low=-1,high=6", tuple(graph.inputs[0].shape))
    assert switches.explain(graph, late, x) == (("wiring",),)


@pytest.mark.parametrize(
    ("name", "profile"), [("lif_leak", "norse-1"), ("cuba", "rockpool-3"), ("if_r", "sinabs-3")]
)
def test_switches_give_the_profiles_own_spikes(name: str, profile: str) -> None:
    """The parametrised neuron is each profile's neuron; without its own setting of a field it is another."""
    graph = discretise(continuous(zoo()[name]), DT, profile)
    x, _ = stimulus_by("uniform:seed=3,steps=60", tuple(graph.inputs[0].shape))
    settings = {node.id: switches.settings_of(node) for node in graph.nodes}
    own = prepare(graph).run(x, record=["output"])[0]["output"]
    same = prepare(switches._with(graph, settings)).run(x, record=["output"])[0]["output"]
    np.testing.assert_array_equal(own, same)
    assert own.any()
    twice = {node: {**values, "gain": 2 * values["gain"]} for node, values in settings.items()}
    other = prepare(switches._with(graph, twice)).run(x, record=["output"])[0]["output"]
    assert not np.array_equal(own, other)


def test_what_is_not_explained_says_why(tmp_path: Path) -> None:
    path = zoo()["lif_r"].write(tmp_path / "lif.nir")
    found = snnhub.agree(path, FORMULA, DT, profiles=["nengo-4", "norse-1"], live=False, explain=True)
    (item,) = found.explained
    assert item.sets == ()
    assert "nengo-4" in item.reason
    assert [finding.place for finding in found.findings if finding.code == "SNN-5428"] == ["nengo-4 and norse-1"]


def test_a_framework_beside_its_profile(lif_file: Path) -> None:
    """Every verdict, on outputs made by hand."""
    graph = continuous(chain(lif(3), shape=[3]))
    x = np.random.default_rng(0).uniform(-1, 3, (50, 3)).astype("f4")
    run = run_profile(graph, "norse-1", DT, x)
    assert run.output is not None
    right = run.output.astype("f4")
    wrong = right.copy()
    wrong[31, 2] = 1 - wrong[31, 2]
    base = Conformity("norse", "norse-1", "")

    def judged(theirs: np.ndarray | None, words: str = "") -> tuple[str, list[str]]:
        found = agree_live._judged(replace(base, output=theirs), run, words, x, True)
        return found.verdict, [item.code for item in found.findings()]

    assert judged(right) == ("equal", [])
    assert judged(wrong) == ("differs", ["SNN-5422"])
    assert judged(right[:, :2]) == ("differs", ["SNN-5422"])
    assert judged(None, "no") == ("only the framework refuses", ["SNN-5421"])
    refused = run_profile(graph, "rockpool-3", DT, x)
    assert agree_live._judged(replace(base, output=right), refused, "", x, True).verdict in agree_live.WRONG
    assert agree_live._judged(base, refused, "no", x, True).verdict == "both refuse"
    silent = run_profile(graph, "norse-1", DT, np.zeros_like(x))
    nothing = agree_live._judged(replace(base, output=right * 0), silent, "", np.zeros_like(x), True)
    assert (nothing.verdict, [item.code for item in nothing.findings()]) == ("silent", ["SNN-5424"])


def test_the_order_of_sums_excuses_only_where_a_tie_was_flagged() -> None:
    """A layer of weights on a grid: its ties are flagged, and another bin is no excuse, nor is torch's own sum."""
    net = zoo()["mlp_grid"]
    x = np.random.default_rng(0).integers(0, 2, (60, *net.inputs)).astype("f4")
    run = run_profile(continuous(net), "spikingjelly-2", DT, x)
    assert run.robust is not None
    assert run.robust.first is not None, "no tie in this run: choose another stimulus"
    assert run.output is not None
    first = run.robust.first.step
    base = Conformity("spikingjelly", "spikingjelly-2", "")
    later, earlier = run.output.astype("f4"), run.output.astype("f4")
    later[first, 0] = 1 - later[first, 0]
    found = agree_live._judged(replace(base, output=later), run, "", x, False)
    assert (found.verdict, [item.code for item in found.findings()]) == ("differs, order of sums", ["SNN-5423"])
    earlier[first - 1, 0] = 1 - earlier[first - 1, 0]
    assert agree_live._judged(replace(base, output=earlier), run, "", x, False).verdict == "differs"


def test_without_the_environment(lif_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNNHUB_ENVS", str(tmp_path))
    found = snnhub.agree(lif_file, FORMULA, DT, profiles=["norse-1"])
    assert "SNN-5426" in [item.code for item in found.findings]
    assert found.frameworks == ()
    with pytest.raises(MissingPeerError):
        snnhub.agree(lif_file, FORMULA, DT, profiles=["norse-1"], live=True)


def test_what_it_does_not_take(lif_file: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="length of a step"):
        snnhub.agree(lif_file, FORMULA)
    with pytest.raises(UsageError, match="one sample at a time"):
        snnhub.agree(lif_file, np.zeros((5, 2, 6), "f4"), DT)
    with pytest.raises(UsageError, match="profile"):
        snnhub.agree(lif_file, FORMULA, DT, profiles=["norse-9"])
    steps = tmp_path / "steps.snn"
    snnhub.save(discretise(continuous(chain(cuba(2), shape=[2])), DT, "norse-1"), steps)
    with pytest.raises(UsageError, match="has steps already"):
        snnhub.agree(steps, FORMULA, DT)


def test_the_command(lif_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = ["agree", str(lif_file), "--stimulus", FORMULA, "--dt", "1e-4", "--no-live", "--against", "nir-euler"]
    assert invoke([*said, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {pair["a"] for pair in told["pairs"]} == {"nir-euler"}
    assert invoke(said) == 0
    shown = capsys.readouterr().out
    assert "every spike equal: nir-euler, norse-1" in shown
    assert invoke(said[:2]) == 2


def test_the_page_holds_everything_and_no_foreign_markup(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    net = chain(lif(4), shape=[4])
    named = replace(net, nodes={k.replace("0", "<b>0"): v for k, v in net.nodes.items()})
    named = replace(named, edges=[tuple(end.replace("0", "<b>0") for end in edge) for edge in net.edges])  # type: ignore[misc]
    path = named.write(tmp_path / "odd.nir")
    pages = [tmp_path / name for name in ("a.html", "b.html")]
    for page in pages:
        snnhub.agree(path, FORMULA, DT, profiles=["nir-euler", "exponential"], live=False, report=page)
    text = pages[0].read_text()
    assert text == pages[1].read_text()
    assert text.count("<img ") == 2
    assert "<b>" not in text
    assert "<script" not in text
    assert "http" not in text.replace("data:image/svg+xml;base64", "")
    assert "diverged" in text
