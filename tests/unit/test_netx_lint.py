"""The lint list of docs/netx.md: every row at reading, and at writing where a network can have it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snnhub
from snnhub.errors import SnnhubError
from snnhub.findings import Finding, Severity
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Port
from snnhub.ir.numtype import SPIKE
from snnhub.ops.registry import REGISTRY
from snnhub.passes.arriving import arriving, held
from snnhub.passes.base import PassContext, run_passes
from snnhub_loihi.lowering import passes as lowering
from snnhub_netx.lint import current_reach
from snnhub_netx.writer import export_netx

from tests.build import conv, cuba, dense, loihi_mlp, mlp
from tests.conftest import ROOT
from tests.networks.netx_files import CUBA, conv_layer, dense_layer, write
from tests.unit.test_netx import arranged, read

EVEN = np.array([[40, -20], [30, 60]])


def layer(**changes: Any) -> dict[str, Any]:
    neuron = {key: changes.pop(key) for key in list(changes) if key in {**CUBA, "wgtExp": 0, "weight_exp": 0}}
    neuron |= {key: changes.pop(key) for key in ("kind", "messageBits") if key in changes}
    if "kind" in neuron:
        neuron["type"] = neuron.pop("kind")
    return dense_layer(changes.pop("weight", EVEN), neuron={**CUBA, **neuron}, **changes)


def spatial(weight: Any, **changes: Any) -> dict[str, Any]:
    return conv_layer(weight, (1, 2, 2), **changes)


KERNEL = np.full((1, 1, 2, 2), 2)
ROWS: list[tuple[str, Severity, dict[str, Any]]] = [
    *[
        ("SNN-3102", Severity.ERROR, {"type": kind, "shape": np.array([2])})
        for kind in ("pool", "average", "convT", "unpool", "concat", "dense_comp", "KWTA", "foo", "affine")
    ],
    ("SNN-3103", Severity.ERROR, layer(kind="ALIF")),
    ("SNN-3106", Severity.LOSS, spatial(KERNEL, delay=np.array([2.0]))),
    ("SNN-3115", Severity.LOSS, layer(delay=np.array([63.0, 0]))),
    ("SNN-3115", Severity.LOSS, layer(delay=np.array([1.5, 0]))),
    ("SNN-3116", Severity.ERROR, layer(delay=np.array([-1.0, 0]))),
    ("SNN-3105", Severity.INFO, layer(refDelay=2)),
    ("SNN-3105", Severity.INFO, layer(wgtExp=3)),
    ("SNN-3105", Severity.INFO, layer(weight_exp=-1)),
    ("SNN-3137", Severity.LOSS, layer(gradedSpike=True)),
    ("SNN-3108", Severity.LOSS, layer(messageBits=8)),
    ("SNN-3110", Severity.LOSS, layer(weight=np.zeros((2, 2)))),
    ("SNN-3111", Severity.LOSS, layer(weight=np.full((2, 2), -8))),
    ("SNN-3111", Severity.LOSS, layer(weight=np.array([[300, -2], [4, 8]]))),
    ("SNN-3111", Severity.LOSS, layer(weight=np.array([[300, 2], [4, 8]]))),
    ("SNN-3139", Severity.INFO, spatial(KERNEL * 200)),
    ("SNN-3112", Severity.LOSS, layer(bias=np.array([40_000.0, 0]))),
    ("SNN-3139", Severity.INFO, layer(vThMant=2**17)),
    ("SNN-3138", Severity.INFO, layer(vThMant=4096)),
    ("SNN-3136", Severity.INFO, layer(iDecay=0)),
    ("SNN-3136", Severity.INFO, layer(iDecay=1)),
]


@pytest.mark.parametrize(("code", "severity", "entries"), ROWS, ids=lambda value: str(value)[:40])
def test_every_row_at_reading(code: str, severity: Severity, entries: dict[str, Any], tmp_path: Path) -> None:
    path = write(tmp_path / "a.net", [entries])
    try:
        findings: tuple[Finding, ...] = read(path).findings
    except SnnhubError as problem:
        findings = problem.findings
        assert severity is Severity.ERROR
    assert [f.severity for f in findings if f.code == code] == [severity], findings


def test_a_plain_file_has_none_of_them(tmp_path: Path) -> None:
    graph = read(write(tmp_path / "a.net", [layer(), layer(vThMant=4095, iDecay=2048)]))
    assert graph.findings == ()


def reach(weight: Any, i_decay: Any) -> int | None:
    """The largest current of one layer."""
    builder = GraphBuilder("reach", REGISTRY)
    array = np.asarray(weight, np.int16)
    port = dense(builder, "d", builder.input((array.shape[1],), SPIKE), array, 1)
    builder.output(cuba(builder, "n", port, i_decay=i_decay))
    graph = builder.graph()
    return current_reach(graph, graph.node["n"])


def test_the_reach_of_a_current_is_its_largest_sum_over_its_decay() -> None:
    assert reach([[40, -20], [30, 60]], 4096) == 90 * 64
    assert reach([[40, -120], [30, 60]], 4096) == 120 * 64
    assert reach([[40, -20], [30, 60]], 1024) == 90 * 64 * 4
    assert reach([[40, -20], [30, 60]], np.array([16, 4096])) == 40 * 64 * 256
    assert reach([[40, -20]], 0) is None
    assert reach([[0, 0], [2, 4]], np.array([0, 4096])) == 6 * 64


@pytest.mark.parametrize("i_decay", [60, 700, 4096])
def test_no_input_drives_a_current_beyond_its_reach(i_decay: int) -> None:
    """The strongest input there is, for a thousand steps: it comes close and never passes."""
    u, drive = 0, 90 << 6
    for _ in range(1000):
        u = (u * (4096 - i_decay) >> 12) + drive
    bound = reach([[40, -20], [30, 60]], i_decay)
    assert bound is not None
    assert 0.9 * bound < u <= bound


def test_sums_of_convolutions_and_of_several_synapses() -> None:
    builder = GraphBuilder("sums", REGISTRY)
    source = builder.input((1, 3, 3), SPIKE)
    kernel = np.array([[[[2, -4], [6, 8]]], [[[-2, -2], [-2, 0]]]], np.int8)
    builder.output(cuba(builder, "n", conv(builder, "c", source, kernel, 1, accumulate="wrap24")))
    low, high = arriving(builder.graph(), Port("n", "a")) or (None, None)
    assert low is not None
    assert high is not None
    assert low.reshape(-1).tolist() == [-4, -6]
    assert high.reshape(-1).tolist() == [16, 0]
    assert arriving(builder.graph(), Port("c", "x")) is None  # spikes from outside, and no synapse
    assert held((low, high), np.array(4096), 4096) == 16


def test_writing_says_what_reading_says(tmp_path: Path) -> None:
    graph = arranged(loihi_mlp((4, 3), vth=5000, i_decay=0))
    codes = {finding.code for finding in export_netx(graph, tmp_path / "a.net")}
    assert {"SNN-4121", "SNN-4123"} <= codes
    assert {"SNN-3136", "SNN-3138"} <= {finding.code for finding in read(tmp_path / "a.net").findings}
    plain = arranged(loihi_mlp((4, 3), vth=50, i_decay=4096))
    assert not {"SNN-4121", "SNN-4123"} & {finding.code for finding in export_netx(plain, tmp_path / "b.net")}


def test_quantising_says_that_a_current_can_pass_its_limit() -> None:
    few, many = (run_passes(mlp((size, 2)), lowering(), PassContext()) for size in (10, 4000))
    assert "SNN-2140" not in {finding.code for finding in few.findings}
    found = [finding for finding in many.findings if finding.code == "SNN-2140"]
    assert [finding.severity for finding in found] == [Severity.INFO]


def test_the_list_is_in_the_documentation() -> None:
    page = (ROOT / "docs" / "netx.md").read_text()
    assert [code for code, _, _ in ROWS if code not in page] == []
    assert snnhub.codes.CODES["SNN-3136"]
