"""Networks of steps written as NIR and read again: bit for bit, or refused by name; what others read of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from snnhub import convert
from snnhub.api.discretise import discretise
from snnhub.api.options import ImportOptions
from snnhub.cli.main import invoke
from snnhub.engine.reference import prepare
from snnhub.errors import FormatError, UnsupportedError
from snnhub.hub.catalogue import register_ops
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.continuous import is_continuous
from snnhub.ir.digest import network_digest
from snnhub.ir.graph import Graph, Port
from snnhub.ir.numtype import F32, integer
from snnhub.ir.tensor import tensor
from snnhub.ops.registry import REGISTRY
from snnhub_nir import restored, semantics
from snnhub_nir.reader import import_nir
from snnhub_nir.writer import export_nir

from tests.build import loihi_mlp, mlp
from tests.networks.multispike_nets import SHAPES, network, raster
from tests.networks.nir_nets import DT, continuous, stimulus
from tests.networks.nir_zoo import zoo

F = np.float32
STEP = 1e-3


@pytest.fixture(autouse=True, scope="module")
def ops() -> None:
    register_ops()


def read(path: Path, **given: Any) -> Graph:
    return import_nir(path, ImportOptions(**given))


def written(graph: Graph, folder: Path, **chosen: str) -> tuple[Path, dict[str, list[str]]]:
    """The file, and what was found, places by code."""
    path = folder / "net.nir"
    told: dict[str, list[str]] = {}
    for finding in export_nir(graph, path, chosen):
        told.setdefault(finding.code, []).append(finding.place)
    return path, told


def refused(graph: Graph, folder: Path) -> dict[str, list[str]]:
    """Why it is not written without ``lossy``: places by code."""
    with pytest.raises(UnsupportedError) as caught:
        export_nir(graph, folder / "refused.nir")
    assert not (folder / "refused.nir").exists()
    told: dict[str, list[str]] = {}
    for finding in caught.value.findings:
        told.setdefault(finding.code, []).append(finding.place)
    return told


def neurons(op: str, params: dict[str, Any], size: int = 7, **attributes: Any) -> Graph:
    """Dense, a layer of neurons, Dense, the same again."""
    random = np.random.default_rng(len(op))
    builder = GraphBuilder("net", REGISTRY)
    port, before = builder.input((5,), F32), 5
    given = {
        name: tensor(np.asarray(value, np.int32 if isinstance(value, int) else F))
        for name, value in params.items()
    }
    for number in range(2):
        weight = tensor(random.normal(0.2, 0.6, (size, before)).astype(F))
        dense: dict[str, Any] = {"bias": bool(number), "accumulate": "exact", "shift": 0}
        bias = {"bias": tensor(random.normal(0, 0.1, size).astype(F))} if number else {}
        port = builder.node(f"block/{number}.fc", "core.Dense", port, params={"weight": weight, **bias}, **dense)
        port = builder.node(f"block/{number}.n", op, port, params=given, **attributes)
        before = size
    builder.output(port)
    return replace(builder.graph(), dt=STEP)


FIRE: dict[str, Any] = {"reset": "value", "compare": "ge"}
LIF = {"tau": 3.3, "v_threshold": 0.9, "v_reset": -0.1}
CUBA = {"u_factor": 0.7, "v_factor": 0.91, "v_threshold": 1.1, "v_reset": 0.05}
COMPLETE: dict[str, tuple[str, Callable[[], Graph]]] = {
    "IF": ("spikingjelly-2", lambda: neurons("core.IF", {"v_threshold": 1.5, "v_reset": 0.1}, **FIRE)),
    "LIF": ("spikingjelly-2", lambda: neurons("core.LIF", LIF, decay_input=True, **FIRE)),
    "LIF, input whole": ("spikingjelly-2", lambda: neurons("core.LIF", LIF, decay_input=False, **FIRE)),
    "CubaLIF": ("spikingjelly-2", lambda: neurons("core.CubaLIF", CUBA, arithmetic="float", **FIRE)),
    "Leaky": ("snntorch-1", lambda: snntorch("Leaky", {"beta": 0.83, "v_threshold": 1.2}, reset="zero")),
    "Synaptic": ("snntorch-1", lambda: snntorch("Synaptic", {"alpha": 0.6, "beta": 0.83, "v_threshold": 1.2})),
}


def snntorch(op: str, params: dict[str, Any], **attributes: Any) -> Graph:
    return replace(neurons(f"snntorch.{op}", params, **attributes), dt=1e-4)


def same_spikes(a: Graph, b: Graph, steps: int = 80) -> int:
    """Spikes of both, after all were found equal."""
    x = np.random.default_rng(1).normal(1.0, 3.0, (steps, 3, *a.inputs[0].shape)).astype(F)
    found, expected = (prepare(graph).run(x, record=["output"])[0]["output"] for graph in (b, a))
    np.testing.assert_array_equal(found, expected)
    return int(expected.sum())


@pytest.mark.parametrize("name", list(COMPLETE))
def test_what_nir_can_say_comes_back_and_is_read_by_the_profile(name: str, tmp_path: Path) -> None:
    """The graph bit by bit from the metadata; the same spikes from the plain fields alone."""
    profile, make = COMPLETE[name]
    graph = make()
    path, told = written(graph, tmp_path)
    assert told == {"SNN-4511": ["net"]}
    again = read(path)
    assert network_digest(again) == network_digest(graph)
    assert [finding.code for finding in again.findings] == ["SNN-4513"]
    plain = read(path, profile=profile)
    assert is_continuous(plain)
    made = discretise(plain, graph.dt, profile)
    assert same_spikes(graph, made) > 40
    assert [node.op for node in made.nodes] == [node.op for node in graph.nodes]


@pytest.mark.parametrize("name", ["mlp", "lif", "lif64", "if", "cuba_u64", "conv", "lif_leak"])
def test_nirs_own_steps_come_back(name: str, tmp_path: Path) -> None:
    """A file, discretised by nir-euler, written, and read by nir-euler: the same network each time."""
    net = zoo()[name]
    graph = discretise(continuous(net), DT, "nir-euler")
    path, told = written(graph, tmp_path)
    assert set(told) == {"SNN-4511"}, told
    assert network_digest(read(path)) == network_digest(graph)
    made = discretise(read(path, profile="nir-euler"), DT, "nir-euler")
    x = stimulus(net, 40, 1)[:, None]
    found, expected = (prepare(item).run(x, record=["output"])[0]["output"] for item in (made, graph))
    np.testing.assert_array_equal(found, expected)


SOFT = {"tau": 3.3, "v_threshold": 0.9}
FIXED: dict[str, Any] = {"u_decay": 900, "v_decay": 300, "v_threshold": 1.0, "v_reset": 0.0, "scale": 64.0}
LOSSY: dict[str, tuple[set[str], Callable[[], Graph]]] = {
    "soft reset": (
        {"SNN-4506"},
        lambda: neurons("core.LIF", SOFT, decay_input=True, reset="subtract", compare="ge"),
    ),
    "states of integers": ({"SNN-4510"}, lambda: neurons("core.CubaLIF", FIXED, arithmetic="fixed", **FIRE)),
    "no reset": ({"SNN-4506"}, lambda: neurons("core.IF", {"v_threshold": 1.0}, reset="none", compare="ge")),
    "spikes above the threshold": (
        {"SNN-4512"},
        lambda: neurons("core.LIF", LIF, decay_input=True, reset="value", compare="gt"),
    ),
    "leak as a factor": (
        {"SNN-4508"},
        lambda: neurons(
            "core.LIFCoeff", {"leak": 0.3, "v_threshold": 1.0, "v_reset": 0.0}, decay_input=True, **FIRE
        ),
    ),
    "no dt": ({"SNN-4509"}, lambda: replace(neurons("core.LIF", LIF, decay_input=True, **FIRE), dt=None)),
    "soft reset of snnTorch": (
        {"SNN-4506"},
        lambda: snntorch("Leaky", {"beta": 0.83, "v_threshold": 1.2}, reset="subtract"),
    ),
    "times per neuron": (
        {"SNN-4512"},
        lambda: neurons("core.LIF", {**LIF, "tau": np.linspace(2, 9, 7)}, decay_input=True, **FIRE),
    ),
}


@pytest.mark.parametrize("name", list(LOSSY))
def test_what_nir_cannot_say_is_refused_by_name_and_kept_under_lossy(name: str, tmp_path: Path) -> None:
    codes, make = LOSSY[name]
    graph = make()
    reasons = refused(graph, tmp_path)
    assert set(reasons) == codes
    if codes != {"SNN-4512"}:
        assert set(reasons.popitem()[1]) == {"block/0.n", "block/1.n"}
    path, told = written(graph, tmp_path, lossy="true")
    assert set(told) == codes
    again = read(path)
    assert network_digest(again) == network_digest(graph)
    assert same_spikes(graph, again) > 20


@pytest.mark.parametrize("shape", SHAPES)
def test_rockpools_neurons_keep_bias_times_and_dt(shape: str, tmp_path: Path) -> None:
    """Every shape of network comes back. Of those without loops or several synapses, the plain fields give the
    same spikes under rockpool-3.
    """
    graph = network(shape, seed=2, bias=0.2)
    path, told = written(graph, tmp_path, lossy="true")
    assert {"SNN-4506", "SNN-4514"} <= set(told)
    assert ("SNN-4507" in told) == (shape in ("recurrent", "loop"))
    again = read(path)
    assert network_digest(again) == network_digest(graph)
    assert again.dt == STEP
    if shape in ("one", "two", "three", "residual", "deep"):
        made = discretise(read(path, profile="rockpool-3"), STEP, "rockpool-3")
        x = raster(graph.inputs[0].shape[0])
        found, expected = (prepare(item).run(x, record=["output"])[0]["output"] for item in (made, graph))
        np.testing.assert_array_equal(found, expected)
        assert expected.sum() > 0


def test_delays_loops_held_frames_and_integers_have_their_places(tmp_path: Path) -> None:
    builder = GraphBuilder("net", REGISTRY)
    port = builder.input((4,), integer(0, 15))
    weight = {"weight": tensor(np.ones((4, 4), np.int8))}
    sums: dict[str, Any] = {"bias": False, "accumulate": "exact", "shift": 0}
    first = builder.node("fc", "core.Dense", port, params=weight, **{**sums, "shift": 2})
    params = {"v_threshold": tensor(F(1)), "v_reset": tensor(F(0))}
    spikes = builder.node("n", "core.IF", first, params=params, delay=3, **FIRE)
    loop = {"weight": tensor(np.eye(4, dtype=F) / 3)}
    back = builder.node("rec", "core.Dense", spikes, params=loop, **sums)
    builder.edge(back, Port("n", "x"), 2)
    builder.output(spikes)
    graph = builder.graph(dt=STEP)
    graph = replace(graph, inputs=(replace(graph.inputs[0], hold=5),))
    reasons = refused(graph, tmp_path)
    assert reasons["SNN-4510"] == ["input", "fc", "fc"]
    assert reasons["SNN-4507"] == ["input", "fc.y -> n.x (delay 3)", "rec.y -> n.x (delay 2)"]
    path, _ = written(graph, tmp_path, lossy="true")
    assert network_digest(read(path)) == network_digest(graph)
    plain = read(path, profile="nir-euler")
    (delay,) = (node for node in plain.nodes if node.op == "ct.Delay")
    assert delay.param["delay"].array.tolist() == [3 * STEP] * 4
    assert plain.node["fc"].param["weight"].dtype == np.int8


def test_what_nothing_in_nir_stands_for_is_refused_with_lossy_too(tmp_path: Path) -> None:
    whole = neurons("core.CubaLIF", CUBA | {"v_factor": 1.0}, arithmetic="float", **FIRE)
    for graph, places in ((loihi_mlp(), {"n0", "n1"}), (whole, {"block/0.n", "block/1.n"})):
        with pytest.raises(UnsupportedError) as caught:
            export_nir(graph, tmp_path / "a.nir", {"lossy": "true"})
        unsayable = {finding.place for finding in caught.value.findings if finding.code == "SNN-4501"}
        assert unsayable == places
        assert not (tmp_path / "a.nir").exists()


def test_a_mean_pool_a_sum_of_two_and_odd_names(tmp_path: Path) -> None:
    """Nodes that only pass on are edges in the file; names are plain there and come back."""
    builder = GraphBuilder("net", REGISTRY)
    port = builder.input((2, 6, 6), F32)
    pool: dict[str, Any] = {
        "kernel": (2, 2),
        "stride": (2, 2),
        "padding": (0, 0),
        "ceil_mode": False,
        "count_include_pad": True,
    }
    weight = np.random.default_rng(0).normal(0, 1, (2, 2, 3, 3)).astype(F)
    conv: dict[str, Any] = {"stride": (1, 1), "padding": (1, 1), "dilation": (1, 1), "groups": 1}
    bent = builder.node(
        "1.a/b", "core.Conv", port, params={"weight": tensor(weight)}, bias=False, accumulate="exact", **conv
    )
    both = builder.node("sum", "core.Add", {"a": bent, "b": port})
    params = {"v_threshold": tensor(F(1)), "v_reset": tensor(F(0))}
    spikes = builder.node("1.a.b", "core.IF", both, params=params, **FIRE)
    mean = builder.node("pool", "core.AvgPool", spikes, **pool)
    builder.output(builder.node("flat", "core.Flatten", mean, start=0, end=2))
    graph = builder.graph(dt=STEP)
    path, told = written(graph, tmp_path)
    assert network_digest(read(path)) == network_digest(graph)
    assert set(told) == {"SNN-4511"}
    with h5py.File(path) as file:
        edges = file["node/edges"].asstr()[()].tolist()
    assert edges == [
        ["input", "n1_a_b"],
        ["n1_a_b", "n1_a_b_2"],
        ["input", "n1_a_b_2"],
        ["n1_a_b_2", "pool"],
        ["pool", "flat"],
        ["flat", "output"],
    ]
    made = discretise(read(path, profile="spikingjelly-2"), STEP, "spikingjelly-2")
    assert same_spikes(graph, made, 30) > 100


def test_changed_files_are_refused_and_read_without_the_metadata(tmp_path: Path) -> None:
    path, _ = written(COMPLETE["LIF"][1](), tmp_path)
    plain = read(path, given={"ignore_metadata": "true"})
    assert is_continuous(plain)
    with h5py.File(path, "r+") as file:
        group = file["node/nodes"]
        name = next(name for name in group if "tau" in group[name])
        group[name]["tau"][0] *= 2
    with pytest.raises(FormatError) as caught:
        read(path)
    assert [finding.code for finding in caught.value.findings] == ["SNN-3511"]
    assert is_continuous(read(path, given={"ignore_metadata": "true"}))


def broken(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Documents that ``restored`` must refuse, each with one thing wrong."""
    fields = document["fields"]
    node, name, own, field = fields[0]
    graph = document["graph"]
    return {
        "no digest": {key: value for key, value in document.items() if key != "digest"},
        "another key": {**document, "more": 1},
        "another digest": {**document, "digest": "sha256:" + "0" * 64},
        "graph is a list": {**document, "graph": []},
        "graph without nodes": {**document, "graph": {**graph, "nodes": []}},
        "graph with another delay": {**document, "graph": {**graph, "edges": graph["edges"][:-1]}},
        "field left out": {**document, "fields": fields[1:]},
        "field twice": {**document, "fields": [*fields, fields[0]]},
        "field of no node": {**document, "fields": [[node, name, "nowhere", field], *fields[1:]]},
        "no such field": {**document, "fields": [[node, name, own, "none"], *fields[1:]]},
        "another field": {**document, "fields": [[node, name, *fields[-1][2:]], *fields[1:]]},
        "parameter that is none": {**document, "fields": [*fields, [node, "none", own, field]]},
        "field of three words": {**document, "fields": [[node, name, own], *fields[1:]]},
        "numbers as names": {**document, "fields": [[1, 2, 3, 4], *fields[1:]]},
        "fields are a text": {**document, "fields": "all"},
    }


def test_broken_metadata_are_refused_whatever_is_wrong(tmp_path: Path) -> None:
    path, _ = written(COMPLETE["CubaLIF"][1](), tmp_path)
    plain = read(path, given={"ignore_metadata": "true"})
    content = semantics.content_of(plain)
    assert content is not None
    assert restored.restored(content[restored.KEY], plain, REGISTRY) is not None
    for name, document in broken(json.loads(json.dumps(content[restored.KEY]))).items():
        export_nir(semantics.attached(plain, {restored.KEY: document}), path)
        with pytest.raises(FormatError) as caught:
            read(path)
        assert {finding.code for finding in caught.value.findings} == {"SNN-3511"}, name
        assert is_continuous(read(path, given={"ignore_metadata": "true"})), name


def test_numbers_that_are_plain_fields_are_stored_once(tmp_path: Path) -> None:
    """A weight of 1 MB is in the file once; the rest is a few kB."""
    graph = neurons("core.LIF", LIF, size=500, decay_input=True, **FIRE)
    path, _ = written(graph, tmp_path, compression="none")
    plain = read(path, given={"ignore_metadata": "true"})
    text = str(plain.node["%"].attribute[semantics.KEY])
    assert len(text) < 12_000
    content = json.loads(text)["content"][restored.KEY]
    assert ["block/1.fc", "weight", "block_1_fc", "weight"] in content["fields"]
    assert network_digest(read(path)) == network_digest(graph)


def test_on_the_console(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``convert`` there and back, refused without ``--lossy``, with the step that ``--dt`` gives."""
    convert_to = tmp_path / "net.nir"
    source = tmp_path / "net.snn"
    convert(written(LOSSY["soft reset"][1](), tmp_path, lossy="true")[0], source)
    assert invoke(["convert", str(source), "-o", str(convert_to)]) == 4
    assert "SNN-4506" in "".join(capsys.readouterr())
    assert invoke(["convert", str(source), "-o", str(convert_to), "--lossy"]) == 0
    assert invoke(["diff", str(source), str(convert_to)]) == 0
    timeless = tmp_path / "timeless.snn"
    convert(written(mlp(), tmp_path, lossy="true")[0], timeless)
    assert invoke(["convert", str(timeless), "-o", str(convert_to)]) == 4
    assert invoke(["convert", str(timeless), "-o", str(convert_to), "--dt", "1e-3", "--for", "spikingjelly"]) == 0
    assert read(convert_to).dt == STEP


def test_for_a_framework_that_reads_otherwise_it_is_refused_too(tmp_path: Path) -> None:
    graph = COMPLETE["LIF"][1]()
    for consumer, code in (("spikingjelly", None), ("norse", "SNN-4504"), ("rockpool", "SNN-4503")):
        if code is None:
            written(graph, tmp_path, **{"for": consumer})
            assert network_digest(read(tmp_path / "net.nir")) == network_digest(graph)
            continue
        with pytest.raises(UnsupportedError) as caught:
            export_nir(graph, tmp_path / "b.nir", {"for": consumer})
        assert code in {finding.code for finding in caught.value.findings}
