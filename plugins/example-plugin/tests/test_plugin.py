"""What the contracts cannot know: that a file means what the README says, and that refusals name everything."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import snnhub
from networks import FILE, adaptive
from snnhub.errors import FormatError, UnsupportedError
from snnhub.ir.graph import Edge
from snnhub_example.writer import write


def test_a_file_means_what_it_says(tmp_path: Path) -> None:
    """The first layer of the sample by hand: input (1, 0, 1) gives currents 1.5 and 0.75 in every step."""
    path = tmp_path / "a.json"
    path.write_text(FILE)
    x = np.tile(np.array([1, 0, 1], np.uint8), (3, 1))
    found = snnhub.run(path, x, record=["first/s", "first/v", "first/b"], runner="example").recording
    assert found["first/s"].tolist() == [[1, 0], [1, 1], [1, 0]]
    assert found["first/v"].tolist() == [[0, 0.75], [0, 0], [0, 0.75]]
    assert found["first/b"].tolist() == [[0.25, 0], [0.4375, 0.25], [0.578125, 0.1875]]


def test_the_engine_agrees_in_every_bit(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write(adaptive("subtract", (20, 30, 10)), path)
    x = np.random.default_rng(0).random((50, 8, 20)).astype(np.float32)
    result = snnhub.verify(path, stimulus=x, against="example")
    assert str(result.verdict.reached.value) == "bits"
    assert result.passed


def test_what_the_file_does_not_say_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(FILE)
    findings = snnhub.inspect(tmp_path / "a.json").findings
    assert {f.place for f in findings if f.code == "SNN-3109"} >= {
        "second/decay",
        "second/beta",
        "first/v_threshold",
    }


def test_every_problem_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    broken = (
        FILE.replace('"decay": 0.5', '"decay": "slow"').replace('"subtract"', '"none"').replace("0.5]]", "true]]")
    )
    (tmp_path / "a.json").write_text(broken)
    with pytest.raises(FormatError) as caught:
        snnhub.inspect(tmp_path / "a.json")
    places = {finding.place for finding in caught.value.findings}
    assert places == {"layers/0/decay", "layers/1/reset", "layers/1/weight"}


def test_every_reason_against_a_network_is_told_at_once(tmp_path: Path) -> None:
    graph = adaptive()
    first, *rest = graph.edges
    late = replace(graph, edges=(Edge(first.src, first.dst, 2), *rest), inputs=(replace(graph.inputs[0], hold=4),))
    with pytest.raises(UnsupportedError) as caught:
        write(late, tmp_path / "a.json")
    assert len(caught.value.findings) == 2
    assert not (tmp_path / "a.json").exists()
