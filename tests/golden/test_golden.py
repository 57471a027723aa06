"""Frozen files of every released format version stay readable and mean the same; programs never change."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import snnhub
from snnhub.api.options import ImportOptions
from snnhub.engine.reference import prepare
from snnhub.ir.graph import Graph
from snnhub.ir.tensor import Array
from snnhub.passes.base import PassContext, run_passes
from snnhub_formats.container import load, to_bytes
from snnhub_loihi.lowering import passes as loihi
from snnhub_netx.arrange import passes as netx
from snnhub_netx.reader import import_netx

from tests.golden.freeze import DIGITS, STEPS, digits, program_digests
from tests.unit.test_container import everything

HERE = Path(__file__).resolve().parent
VERSIONS = sorted(path for path in HERE.iterdir() if path.name.startswith("v"))
CURRENT = HERE / "v1_0"


@pytest.mark.parametrize("folder", VERSIONS, ids=lambda path: path.name)
def test_every_frozen_file_loads(folder: Path) -> None:
    for path in folder.glob("*.snn"):
        assert load(path).nodes


def test_the_file_with_every_field_is_what_it_was() -> None:
    graph = load(CURRENT / "everything.snn")
    assert graph == everything()
    assert to_bytes(graph) == (CURRENT / "everything.snn").read_bytes()


def test_shipped_programs_never_change() -> None:
    """A change of meaning is a new op version; the old one stays."""
    frozen = json.loads((CURRENT / "programs.json").read_text())
    current = program_digests()
    assert {name: current.get(name) for name in frozen} == frozen
    assert set(current) == set(frozen), "freeze the digests of new ops with python -m tests.golden.freeze"


def expected() -> dict[str, Array]:
    with np.load(CURRENT / "mnist_csnn_spikes.npz") as file:
        return {key.replace(".", "/"): file[key] for key in file.files}


def test_the_trained_network_gives_spikingjellys_spikes() -> None:
    """Recorded in SpikingJelly 2.0.0: every spike of every layer on 20 digits, without SpikingJelly here."""
    graph = load(CURRENT / "mnist_csnn.snn")
    wanted = expected()
    recording, _ = prepare(graph).run(digits("images", DIGITS), record=wanted)
    for key, packed in wanted.items():
        np.testing.assert_array_equal(np.packbits(recording[key]), packed, err_msg=key)
    assert len(wanted) == 6


@pytest.fixture(scope="module")
def integer() -> Graph:
    return import_netx(CURRENT / "mnist_csnn.net", ImportOptions())


def test_the_lowering_still_gives_the_frozen_file(integer: Graph) -> None:
    """The frozen file was made with calibration, which takes half a minute: only its form is compared."""
    found = run_passes(load(CURRENT / "mnist_csnn.snn"), [*loihi(), *netx()], PassContext())
    assert [(n.id, n.op) for n in found.nodes] == [(n.id, n.op) for n in integer.nodes]
    assert found.edges == integer.edges
    assert found.decoder == integer.decoder


def test_the_frozen_integer_network_keeps_its_promise(integer: Graph) -> None:
    result = snnhub.verify(CURRENT / "mnist_csnn.snn", CURRENT / "mnist_csnn.net", stimulus=digits("images", 100))
    assert result.passed
    overlaps = {row.a_key: row.overlap for row in result.verdict.rows}
    assert overlaps["conv_fc/1/s"] is not None
    assert overlaps["conv_fc/1/s"] >= 0.98
    assert overlaps["conv_fc/5/s"] is not None
    assert overlaps["conv_fc/5/s"] >= 0.94
    assert result.verdict.decisions_equal is not None
    assert result.verdict.decisions_equal >= 99
    for node in integer.nodes:
        if "weight" in node.param:
            weight = node.param["weight"].array.astype(int)
            assert not (weight % 2).any()
            assert weight.min() >= -256
            assert weight.max() <= 254


def test_the_frozen_integer_network_knows_its_digits() -> None:
    from tests.conftest import EXAMPLE

    result = snnhub.run(CURRENT / "mnist_csnn.net", digits("images", 200), steps=STEPS + 6)
    assert result.decisions is not None
    labels = np.load(EXAMPLE / "digits.npz")["labels"]
    assert (result.decisions.winners == labels).sum() >= 195
