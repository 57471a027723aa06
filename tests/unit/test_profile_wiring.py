"""What importers make of edges and of a file's shapes, without them: sets of hashes, nir.read, graphs within."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snnhub.api.discretise import discretise
from snnhub.api.load import load_graph
from snnhub.cli.main import invoke
from snnhub.errors import UnsupportedError
from snnhub.ir.graph import Graph
from snnhub_profiles.hash_order import difference_order, set_order
from snnhub_profiles.odd import DOMAIN

from tests.networks.nir_nets import DT, Net, affine, chain, continuous, cuba, integrate, lif, weights
from tests.networks.nir_zoo import loop, zoo

LETTERS = "abcXYZ019._é漢😀"


def pairs_of(seed: int) -> list[tuple[str, str]]:
    """Pairs of names, up to 60 of them."""
    chosen = random.Random(seed)  # noqa: S311  no secret

    def word() -> str:
        return "".join(chosen.choice(LETTERS) for _ in range(chosen.randint(0, 20)))

    return [(word(), chosen.choice(("output", "lif"))) for _ in range(chosen.randint(1, 60))]


def test_sets_of_pairs_have_cpythons_order() -> None:
    """Another process, whose hash seed is 0, goes through the same sets."""
    every = [pairs_of(seed) for seed in range(40)]
    names = [[name for pair in pairs[: 2 + seed] for name in pair] for seed, pairs in enumerate(every)]
    gone = [set(each[5:]) for each in names] + [set(each[:3]) for each in names]
    parted = f"[list(set(each) - less) for each, less in zip({names!r} * 2, {gone!r})]"
    program = f"print([list(set(pairs)) for pairs in {every!r}], {parted})"
    told = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    differences = [difference_order(each, less) for each, less in zip(names * 2, gone, strict=True)]
    assert told.stdout.strip() == f"{[set_order(pairs) for pairs in every]} {differences}"
    assert sum(map(len, differences)) > 500


def refusal(net: Net, profile: str) -> UnsupportedError:
    with pytest.raises(UnsupportedError) as caught:
        discretise(continuous(net), DT, profile)
    return caught.value


def codes(problem: UnsupportedError) -> set[str]:
    return {item.code for item in problem.findings}


def test_a_starting_point_that_addresses_decide_is_chance() -> None:
    assert codes(refusal(zoo()["rec_cuba"], "sinabs-3")) >= {"SNN-2616"}


def test_the_first_of_several_returned_values_is_said() -> None:
    made = discretise(continuous(zoo()["two_out"]), DT, "spikingjelly-2")
    (told,) = [item for item in made.findings if item.code == "SNN-2615"]
    assert told.old == "c, b"
    assert {edge.src.node for edge in made.edges if edge.dst.node == "output"} == {"c"}


def test_a_program_that_never_ends_is_refused() -> None:
    base = zoo()["lif"]
    net = Net({**base.nodes, "more": base.nodes["output"]}, [*base.edges, (base.edges[0][1], "more")])
    assert "never returns" in str(refusal(net, "snntorch-1"))


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("stride", [2, 1], "shapes"),
        ("weight", np.ones((3, 1, 3, 3), "f4"), "shapes"),
        ("input_shape", None, "missing"),
    ],
)
def test_files_that_nir_read_refuses(field: str, value: Any, words: str) -> None:
    """Shapes that do not fit, and a field that only its reader insists on."""
    base = zoo()["conv"]
    kind, fields = base.nodes["0"]
    changed = {**fields, field: value} if value is not None else {k: v for k, v in fields.items() if k != field}
    net = Net({**base.nodes, "0": (kind, {k: np.asarray(v) for k, v in changed.items()})}, base.edges)
    problem = refusal(net, "norse-1")
    assert "nir.read refuses" in str(problem)
    assert words in str(problem)


def test_nodes_without_ends_get_them(tmp_path: Path) -> None:
    """As nir.read adds them."""
    path = Net({"0": lif(3)}, []).write(tmp_path / "bare.nir")
    made = discretise(load_graph(path, continuous=True).graph, DT, "norse-1")
    assert made.inputs[0].shape == (3,)
    assert [node.op for node in made.nodes] == ["norse.LIFBox"]


def nested(profile: str, tmp_path: Path, **shapes: int) -> Graph:
    inner = loop(lif(6, r=20.0, th=1.0), lif(3))
    nodes: dict[str, Any] = {
        "input": ("Input", {"shape": np.array([4])}),
        "sub": ("NIRGraph", {"graph": inner}),
        "w": affine(weights(2, 3, 1)),
        "z": lif(2),
        "out": ("Output", {"shape": np.array([2])}),
    }
    net = Net(nodes, [("input", "sub"), ("sub", "w"), ("w", "z"), ("z", "out")])
    path = net.write(tmp_path / "nested.nir")
    return discretise(load_graph(path, continuous=True).graph, DT, profile)


@pytest.mark.parametrize("profile", ["norse-1", "nir-euler"])
def test_graphs_within_graphs_run(profile: str, tmp_path: Path) -> None:
    made = nested(profile, tmp_path)
    assert {"sub/lif", "sub/w_rec", "z"} <= {node.id for node in made.nodes}
    assert [(edge.src.node, edge.dst.node) for edge in made.edges if edge.delay] == [("sub/w_rec", "sub/lif")]


def test_numbers_that_no_op_takes_bring_their_program() -> None:
    for profile, layer in (
        ("norse-1", lif(3, tau=0.0)),
        ("sinabs-3", integrate(3, th=0.0)),
        ("norse-1", cuba(3, th=np.nan)),
    ):
        made = discretise(continuous(chain(layer, shape=[3])), DT, profile)
        (node,) = made.nodes
        assert node.op.startswith(DOMAIN + ".")
        assert node.program is not None
        assert "SNN-2617" in {item.code for item in made.findings}


def test_profiles_without_a_dt_need_none(tmp_path: Path) -> None:
    path = zoo()["lif"].write(tmp_path / "n.nir")
    source = load_graph(path, continuous=True).graph
    assert discretise(source, None, "sinabs-3").dt is None
    given = discretise(source, DT, "sinabs-3")
    assert [item.severity.value for item in given.findings if item.code == "SNN-2609"] == ["note"]
    assert "SNN-3505" not in {item.code for item in given.findings}


def test_input_that_is_no_array_is_an_error_of_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = zoo()["lif"].write(tmp_path / "n.nir")
    (tmp_path / "x.npy").write_text("hello")
    arguments = ["run", str(path), "--profile", "norse-1", "--dt", "1e-4", "--input", str(tmp_path / "x.npy")]
    assert invoke(arguments) == 2
    assert "not a NumPy array" in capsys.readouterr().err


def test_an_input_of_10_to_the_12_says_its_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = zoo()["lif"]
    large = {"shape": np.array([10**12])}
    path = Net({**base.nodes, "input": ("Input", large)}, base.edges).write(tmp_path / "n.nir")
    assert invoke(["inspect", str(path)]) == 1
    assert "1000000000000" in capsys.readouterr().err.replace("\n", "")
