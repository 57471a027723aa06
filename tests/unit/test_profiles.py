"""Profiles without their frameworks: the descriptor says what the arithmetic does, and nothing is silent."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snnhub.api.discretise import discretise, profiles
from snnhub.cli.main import invoke
from snnhub.compare.align import spike_keys
from snnhub.engine.reference import prepare
from snnhub.errors import UnsupportedError, UsageError
from snnhub.ir.graph import Graph
from snnhub.ir.tensor import Array, tensor
from snnhub.ops.registry import REGISTRY
from snnhub_profiles import exponential
from snnhub_profiles.rules import RULES

from tests.networks.nir_nets import DT, Net, affine, chain, continuous, cuba, integrate, lif, neuron, weights
from tests.networks.nir_zoo import loop, zoo

KINDS: dict[str, tuple[str, Any]] = {
    "LIF": lif(1, tau=2e-3, r=20.0, th=1.0),
    "IF": integrate(1, r=1e4),
    "CubaLIF": cuba(1, r=20.0, w_in=10.0),
}
"""What every framework takes, if it takes the type at all."""
NAMES = sorted(RULES)
SPIKING = [(name, kind) for name in NAMES for kind in KINDS if kind in RULES[name].descriptor["nodes"]]


def made(kind: str, profile: str, **changed: Any) -> Graph:
    """One neuron in steps. snnTorch takes no IF but of r = 1."""
    _, fields = KINDS[kind]
    if (profile, kind) == ("snntorch-1", "IF"):
        fields = {**fields, "r": np.ones(1, "f4")}
    fields = {**fields, **{name: np.full(1, value, "f4") for name, value in changed.items()}}
    return discretise(continuous(chain((kind, fields), shape=[1])), DT, profile)


def threshold_of(graph: Graph) -> str:
    """The parameter that holds a neuron's threshold, or its gain where the threshold is 1."""
    names = graph.nodes[-1].param
    return next(name for name in ("v_threshold", "threshold", "gain") if name in names)


def with_threshold(graph: Graph, value: float) -> Graph:
    """The same neuron with a threshold of ``value``."""
    node, name = graph.nodes[-1], threshold_of(graph)
    number = np.asarray(1 / value if name == "gain" else value, node.param[name].dtype)
    return replace(graph, nodes=(*graph.nodes[:-1], node.with_params(**{name: tensor(number.reshape(1))})))


def run(graph: Graph, values: list[float]) -> tuple[Array, Array]:
    """Spikes and potentials of one neuron."""
    state = "vmem" if graph.nodes[-1].op == "core.MultiSpikeLIF" else "v"
    keys = [f"{graph.nodes[-1].id}/{name}" for name in ("s", state)]
    found, _ = prepare(graph).run(np.array(values, "f4")[:, None], record=keys)
    return found[keys[0]][:, 0], found[keys[1]][:, 0]


@pytest.mark.parametrize(("profile", "kind"), [pair for pair in SPIKING if pair[0] != "nengo-4"])
def test_the_descriptor_says_what_a_step_does(profile: str, kind: str) -> None:
    """Comparison at equality, reset, spikes per step and latency, found out by running one neuron."""
    says = RULES[profile].descriptor["nodes"][kind]
    late = int(says["latency"])
    graph = made(kind, profile)
    _, quiet = run(with_threshold(graph, 1e6), [1.0, 0.0])
    h = float(quiet[0])
    assert h > 0
    spikes, _ = run(with_threshold(graph, h), [1.0, 0.0])
    assert bool(spikes[late]) is (says["compare"] == "ge")
    if not late and says["compare"] == "ge":
        above = float(np.nextafter(np.float32(h), np.float32(np.inf)))
        assert not run(with_threshold(graph, above), [1.0])[0].any()
    spikes, potential = run(with_threshold(graph, h / 3.5), [1.0, 0.0])
    assert spikes[:late].sum() == 0
    assert int(spikes[late]) == (3 if "many" in str(says["spikes_per_step"]) else 1)
    if late:
        return  # what the input of the next step adds is in v, too
    expected = {"value": 0.0, "subtract": h - h / 3.5 * int(spikes[0])}[str(says["reset"]).split()[0]]
    assert potential[0] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("profile", "kind"), SPIKING)
def test_ignored_fields_change_nothing_and_are_losses(profile: str, kind: str) -> None:
    """A field that the descriptor lists as ignored changes nothing; others do, or are refused."""
    graph = made(kind, profile)
    ignores = RULES[profile].descriptor["nodes"][kind]["ignores"]
    for name in KINDS[kind][1]:
        value = float(KINDS[kind][1][name][0]) * 1.5 + 0.25
        try:
            other = made(kind, profile, **{name: value})
        except UnsupportedError:
            assert name not in ignores
            continue
        assert (other.network() == graph.network()) is (name in ignores), name
        if name in ignores:
            told = {f.code for f in other.findings if name in f.place or f.place.endswith("/r")}
            assert told & {"SNN-2601", "SNN-2602"}, name


@pytest.mark.parametrize("profile", NAMES)
def test_every_coefficient_has_a_recipe_and_every_profile_a_descriptor(profile: str) -> None:
    item = {each.name: each for each in profiles()}[profile]
    says = item.descriptor()
    assert set(says) >= {"profile", "frameworks", "dt", "numerics", "nodes", "graph"}
    assert set(says["graph"]) == {"cycle_step", "before_start", "fan_in", "multi_output", "start_node"}
    json.dumps(dict(says))
    for kind, node in says["nodes"].items():
        keys = "op coefficients ignores gain initial compare reset reset_time spikes_per_step latency"
        assert set(node) >= set(keys.split()), kind
        name, _, version = node["op"].partition("/")
        assert REGISTRY(name, int(version)) is not None
        if kind in KINDS:
            assert made(kind, profile).nodes[-1].kind == node["op"]
            assert all(value.recipe for _, value in made(kind, profile).nodes[-1].params)


def test_euler_and_exponential_are_the_equations() -> None:
    """Against an independent loop in f64: the same spikes where no potential is near its threshold."""
    net = chain(lif(4, tau=2e-3, r=3.0, leak=0.1, th=0.6, reset=-0.2), shape=[4])
    x = np.random.default_rng(0).normal(0.4, 1, (200, 4)).astype("f4")
    for profile, c in (("nir-euler", 0.05), ("exponential", 1 - np.exp(-0.05))):
        found, _ = prepare(discretise(continuous(net), DT, profile)).run(x, record=["output"])
        v, spikes = np.zeros(4), []
        for frame in x:
            v = v + c * (0.1 - v + 3 * frame)
            spikes.append(v > 0.6)
            v = np.where(spikes[-1], -0.2, v)
        np.testing.assert_array_equal(found["output"].astype(bool), spikes)
        assert 20 < found["output"].sum() < 600


def test_spyx_rounds_once_and_norse_twice() -> None:
    """The programs say so: f32 words of a decaying potential differ in the last bit."""
    decay = chain(lif(1, tau=3e-3, th=1e6), shape=[1])
    graph = discretise(continuous(decay), DT, "spyx-1")
    found, _ = prepare(graph).run(np.full((50, 1), 0.3, "f4"), record=["0/v"])
    beta, x, v = graph.nodes[0].param["beta"].array[0], np.float32(0.3), np.float32(0)
    for step in range(50):
        v = np.float32(float(beta) * float(v) + float(x))  # exact in f64 up to one rounding, then f32
        assert found["0/v"][step, 0] == pytest.approx(v, abs=0)


def codes(graph: Graph) -> dict[str, str]:
    """Severity by code."""
    return {finding.code: finding.severity.value for finding in graph.findings}


def test_what_contradicts_nir_is_a_loss() -> None:
    assert codes(made("LIF", "norse-1")) == {"SNN-2601": "loss"}
    assert codes(made("LIF", "norse-1", r=1.0)) == {}
    assert codes(made("IF", "snntorch-1"))["SNN-2603"] == "loss"
    assert codes(made("LIF", "sinabs-3"))["SNN-2602"] == "loss"
    wide = chain(affine(weights(3, 4, 1, dtype="f8")), lif(3), shape=[4], out=[3])
    assert codes(discretise(continuous(wide), DT, "norse-1")) == {"SNN-2608": "note"}
    assert codes(discretise(continuous(zoo()["lif"]), 1e-3, "snntorch-1"))["SNN-2609"] == "loss"
    assert codes(discretise(continuous(zoo()["scale"]), DT, "norse-1"))["SNN-2605"] == "loss"


def test_without_torch_a_coefficient_may_be_a_last_bit_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exponential, "find_spec", lambda name: None)
    graph = made("LIF", "sinabs-3")
    assert codes(graph)["SNN-2606"] == "note"
    assert "exp in f64" in graph.nodes[0].param["alpha"].recipe


def test_a_loop_is_delayed_where_the_framework_delays_it() -> None:
    """The same network: depth first in file order, by the alphabet, or into the neuron."""
    net = loop(cuba(6, r=20.0, w_in=10.0), cuba(3, r=20.0, w_in=10.0))

    def delayed(of: Net, profile: str) -> list[str]:
        graph = discretise(continuous(of), DT, profile)
        told = [finding.place for finding in graph.findings if finding.code == "SNN-2604"]
        assert told == [f"{edge.src.node} -> {edge.dst.node}" for edge in graph.edges if edge.delay]
        return [str(edge) for edge in graph.edges if edge.delay]

    assert delayed(net, "norse-1") == ["w_rec.y -> lif.x (delay 1)"]
    assert delayed(net, "spikingjelly-2") == ["w_rec.y -> lif.x (delay 1)"]
    assert delayed(net, "nir-euler") == ["w_rec.y -> lif.x (delay 1)"]
    with pytest.raises(UnsupportedError, match="graph that has to wait"):
        discretise(continuous(net), DT, "snntorch-1")


def test_all_refusals_come_at_once() -> None:
    net = chain(lif(3, leak=0.5), neuron("LI", 3, tau=2e-3, r=1.0, v_leak=0.0), shape=[3])
    with pytest.raises(UnsupportedError) as caught:
        discretise(continuous(net), DT, "snntorch-1")
    assert [(f.code, f.place) for f in caught.value.findings] == [("SNN-3601", "0"), ("SNN-3601", "1")]
    with pytest.raises(UsageError, match="positive"):
        discretise(continuous(net), 0.0, "norse-1")
    with pytest.raises(UsageError, match="length of a step"):
        discretise(continuous(net), None, "norse-1")


def test_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a profile: exit 2 and the list. With one: steps, semantics, and what two frameworks differ in."""
    path = str(zoo()["lif_r"].write(tmp_path / "net.nir"))
    np.save(tmp_path / "x.npy", np.ones((20, 6), "f4"))
    step, x = ["--dt", "1e-4"], str(tmp_path / "x.npy")
    assert invoke(["run", path, "--input", x]) == 2
    refused = capsys.readouterr().err
    assert all(name in refused for name in NAMES)
    out = str(tmp_path / "net.snn")
    convert = ["convert", path, "--from", "nir", "--option", "profile=norse-1", "--option", "dt=1e-4", "-o", out]
    assert invoke(convert) == 0
    assert invoke(["run", out, "--input", x]) == 0
    assert invoke(["inspect", path, "--semantics", "--profile", "norse-1", *step]) == 0
    assert "norse.LIFBox/1" in capsys.readouterr().out
    assert invoke(["diff", path, "--profile", "norse-1", "--profile", "snntorch-1", *step]) == 1
    told = capsys.readouterr().out
    assert "snntorch.Leaky" in told
    assert "in the threshold, the smallest of the layer" in " ".join(told.split())
    assert invoke(["inspect", path, "--profile", "norse-1", "--profile", "spyx-1", *step]) == 2
    assert invoke(["diff", path, "--profile", "norse-1", *step]) == 2


@pytest.mark.parametrize(("profile", "kind"), SPIKING)
def test_spikes_count_as_spikes(profile: str, kind: str) -> None:
    """Counted, compared and certified as such, several in a step, too."""
    graph = made(kind, profile)
    trains = {
        f"{node.id}/s" for node in graph.nodes if node.program is not None and "s" in dict(node.program.outputs)
    }
    assert trains
    assert trains <= spike_keys(graph)


def test_inspect_prints_the_program_with_its_coefficients(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = chain(lif(2, tau=2e-3), shape=[2]).write(tmp_path / "a.nir")
    assert invoke(["inspect", str(path), "--semantics", "--profile", "norse-1", "--dt", "1e-4"]) == 0
    told = capsys.readouterr().out
    assert "= v + c * (x + v_leak - v)" in told
    assert "0/c = 0.05   float32(0.0001) * (1 / float32(tau)), both in float32" in told


def test_what_breaks_an_importer_is_refused_with_its_place() -> None:
    """No edge at all, and weights of integers, which SpikingJelly's importer cannot put into its parameters."""
    whole = continuous(chain(lif(4), shape=[4]))
    bare = replace(whole, nodes=tuple(n for n in whole.nodes if n.id in ("%", "input~")), edges=(), outputs=())
    with pytest.raises(UnsupportedError, match="no Input to start from"):
        discretise(bare, DT, "spyx-1")
    whole = continuous(chain(affine(np.ones((4, 4), "i1")), lif(4, r=20.0), shape=[4]))
    with pytest.raises(UnsupportedError, match="weight must be of floats") as caught:
        discretise(whole, DT, "spikingjelly-2")
    assert [finding.place for finding in caught.value.findings if finding.code == "SNN-3601"] == ["0"]
    assert discretise(whole, DT, "norse-1").nodes
