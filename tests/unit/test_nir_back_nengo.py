"""Nengo's neurons written as NIR: losses by name, the network in the metadata, the same under ``nengo-4``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from snnhub.api.discretise import discretise
from snnhub.api.options import ImportOptions
from snnhub.engine.reference import prepare
from snnhub.errors import UnsupportedError
from snnhub.hub.catalogue import register_ops
from snnhub.ir.digest import network_digest
from snnhub.ir.graph import Graph
from snnhub.ir.tensor import tensor
from snnhub_nir.reader import import_nir
from snnhub_nir.writer import export_nir

from tests.networks.nir_nets import DT, Net, affine, chain, continuous, integrate, lif, stimulus, weights
from tests.networks.nir_zoo import loop, zoo

SPREAD = np.linspace(1, 2, 3)
TOP = affine(weights(5, 4, 1))
NETS: dict[str, Net] = {
    "lif": zoo()["lif"],
    "lif of its own": chain(lif(3, "f8", tau=2e-3 * SPREAD, r=3 * SPREAD, leak=0.2, th=0.7), shape=[3]),
    "if": chain(integrate(3, r=7e3, th=SPREAD), shape=[3]),
    "mlp": chain(TOP, lif(5), affine(weights(3, 5, 2), np.ones(3)), integrate(3, r=1e4), shape=[4], out=[3]),
    "recurrent": loop(lif(6, r=20.0, th=1.0), lif(3, r=20.0)),
}


def steps(net: Net) -> Graph:
    register_ops()
    return discretise(continuous(net), DT, "nengo-4")


def spikes(graph: Graph, net: Net) -> np.ndarray:
    return np.asarray(prepare(graph).run(stimulus(net, 60, 3).astype("f8"), record=["output"])[0]["output"])


@pytest.mark.parametrize("name", list(NETS))
def test_the_metadata_have_the_network_and_the_fields_its_numbers(name: str, tmp_path: Path) -> None:
    net = NETS[name]
    graph, path = steps(net), tmp_path / "a.nir"
    with pytest.raises(UnsupportedError, match="NIR does not say") as caught:
        export_nir(graph, path)
    assert not path.exists()
    neurons = [node.id for node in graph.nodes if node.op.startswith("nengo.")]
    assert [(item.code, item.place) for item in caught.value.findings] == [
        ("SNN-4506", place) for place in neurons
    ]
    found = export_nir(graph, path, {"lossy": "true"})
    assert {item.code for item in found} == {"SNN-4506"}
    again = import_nir(path, ImportOptions())
    assert network_digest(again) == network_digest(graph)
    expected = spikes(graph, net)
    assert expected.any()
    np.testing.assert_array_equal(spikes(again, net), expected)
    plain = import_nir(path, ImportOptions(given={"ignore_metadata": "true"}))
    made = discretise(plain, DT, "nengo-4")
    np.testing.assert_array_equal(spikes(made, net), expected)
    for node in graph.nodes:
        for key, item in node.params:
            there = node.id if node.id in made.node else f"n{node.id}"  # NIR's readers want letters
            other = made.node[there].param[key].array
            assert np.array_equal(np.broadcast_to(item.array, other.shape), other), f"{node.id}/{key}"


def test_a_refractory_time_is_a_loss_of_its_own(tmp_path: Path) -> None:
    graph = steps(NETS["lif"])
    waits = [
        replace(node, params=tuple((k, tensor(np.array(2e-3)) if k == "t_ref" else v) for k, v in node.params))
        for node in graph.nodes
    ]
    graph = replace(graph, nodes=tuple(waits))
    found = export_nir(graph, tmp_path / "a.nir", {"lossy": "true"})
    assert [(item.code, item.old) for item in found if "refractory" in item.message] == [
        ("SNN-4506", "up to 0.002 s")
    ]
    assert network_digest(import_nir(tmp_path / "a.nir", ImportOptions())) == network_digest(graph)
    plain = import_nir(tmp_path / "a.nir", ImportOptions(given={"ignore_metadata": "true"}))
    x = NETS["lif"]
    assert spikes(discretise(plain, DT, "nengo-4"), x).sum() > spikes(graph, x).sum()


def test_a_time_constant_that_is_none(tmp_path: Path) -> None:
    graph = steps(NETS["lif"])
    broken = [
        replace(node, params=tuple((k, tensor(np.array(0.0)) if k == "tau" else v) for k, v in node.params))
        for node in graph.nodes
    ]
    with pytest.raises(UnsupportedError, match="tau is not above 0") as caught:
        export_nir(replace(graph, nodes=tuple(broken)), tmp_path / "a.nir", {"lossy": "true"})
    assert [item.code for item in caught.value.findings] == ["SNN-4501"]
