"""diff of factories, imported live: hard against soft reset, and the example against its stored files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import snnhub
from snnhub.api.options import ImportOptions
from snnhub.cli.main import invoke
from snnhub.differences.difference import Section

from tests.conftest import EXAMPLE, ROOT

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("spikingjelly")]
GOLDEN = ROOT / "tests" / "golden" / "v1_0"
FACTORY = """
from spikingjelly.activation_based import layer, neuron
from torch import nn
import torch

def net(v_reset=None, tau=2.0, decay_input=True):
    torch.manual_seed(0)
    def lif():
        return neuron.LIFNode(tau, decay_input, v_reset=v_reset, step_mode="m")
    return nn.Sequential(layer.Linear(6, 5, step_mode="m"), lif(), layer.Linear(5, 4, step_mode="m"), lif())
"""


@pytest.fixture
def factory(tmp_path: Path) -> str:
    (tmp_path / "model.py").write_text(FACTORY)
    return f"{tmp_path / 'model.py'}:net"


def test_hard_against_soft_reset(factory: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["diff", factory, factory, "--input-shape", "6", "--json"]
    assert invoke([*command, "--b-set", "v_reset=0.0"]) == 1
    document = json.loads(capsys.readouterr().out)
    found = {
        (item["what"], item["a"]): (item["old"], item["new"])
        for item in document["differences"]
        if item["section"] == "semantics" and "lines" not in item
    }
    for node in ("1", "3"):
        assert found["attribute reset", node] == ("'subtract'", "'value'")
        assert found["reset", node] == ("v less v_threshold", "v set to v_reset")
        assert found["state v", node] == ("f32, starts at 0.0", "f32, starts at v_reset")
    assert len(found) == 6
    assert document["counts"]["structure"] == 0
    assert document["tensors"] == {"compared": 8, "equal": 8}
    assert invoke(command) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["provenance"] == 0


def test_decay_of_the_input_and_time_constant(factory: str) -> None:
    shape = (6,)
    options = ImportOptions(input_shape=shape)
    other = ImportOptions(input_shape=shape, settings={"decay_input": "False", "tau": "3.0"})
    result = snnhub.diff(factory, factory, options=options, b_options=other)
    words = {item.what: (item.old, item.new) for item in result.of(Section.SEMANTICS) if item.a == "1"}
    assert words["attribute decay_input"] == ("true", "false")
    assert words["input"] == ("divided by tau", "as it is")
    assert "reset" not in words
    assert {(item.a, item.old, item.new) for item in result.of(Section.PARAMETERS)} == {
        ("1/tau", "2.0", "3.0"),
        ("3/tau", "2.0", "3.0"),
    }


def test_the_example_is_what_its_stored_file_says() -> None:
    """The factory of the example, imported now, is the golden network in every bit."""
    options = ImportOptions(input_shape=(1, 28, 28), settings={"channels": "16"}, weights=EXAMPLE / "weights.pt")
    model = f"{EXAMPLE / 'model.py'}:csnn"
    result = snnhub.diff(model, GOLDEN / "mnist_csnn.snn", options=options)
    assert result.equal
    assert {item.section for item in result.differences} <= {Section.PROVENANCE}
    assert snnhub.diff(GOLDEN / "mnist_csnn.snn", model, options=options).equal
    lowered = snnhub.diff(GOLDEN / "mnist_csnn.net", model, options=options)
    assert lowered.alignment.source == "B"
    assert lowered.alignment.count("table") == 13
