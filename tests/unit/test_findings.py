"""Finding codes, each provoked by the smallest case: codes are public, and users filter reports by them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import snnhub
from snnhub.errors import FormatError, SnnhubError
from snnhub.findings import Finding, Severity
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph, Port
from snnhub.ir.numtype import F32, SPIKE
from snnhub.ir.tensor import smallest_integer, tensor
from snnhub.ops.registry import REGISTRY
from snnhub.passes.base import PassContext, run_passes
from snnhub_loihi.lowering import passes
from snnhub_netx.arrange import passes as arrange
from snnhub_netx.writer import export_netx

from tests.build import cuba, dense, loihi_mlp, mlp, neurons, scalar, spikes
from tests.conftest import ROOT
from tests.networks.netx_files import CUBA, conv_layer, dense_layer, write
from tests.unit.test_netx import read

SEVERITY = {
    "SNN-1011": Severity.ERROR,
    "SNN-2002": Severity.NOTE,
    "SNN-2003": Severity.ERROR,
    "SNN-2004": Severity.NOTE,
    "SNN-2005": Severity.ERROR,
    "SNN-2007": Severity.ERROR,
    "SNN-2008": Severity.NOTE,
    "SNN-2102": Severity.NOTE,
    "SNN-2107": Severity.NOTE,
    "SNN-2108": Severity.INFO,
    "SNN-2109": Severity.NOTE,
    "SNN-2110": Severity.NOTE,
    "SNN-2112": Severity.LOSS,
    "SNN-2113": Severity.ERROR,
    "SNN-2114": Severity.NOTE,
    "SNN-2201": Severity.ERROR,
    "SNN-3101": Severity.ERROR,
    "SNN-3102": Severity.ERROR,
    "SNN-3103": Severity.ERROR,
    "SNN-3104": Severity.ERROR,
    "SNN-3105": Severity.INFO,
    "SNN-3106": Severity.LOSS,
    "SNN-3107": Severity.ERROR,
    "SNN-3108": Severity.LOSS,
    "SNN-3109": Severity.INFO,
    "SNN-3110": Severity.LOSS,
    "SNN-3114": Severity.INFO,
    "SNN-3115": Severity.LOSS,
    "SNN-3116": Severity.ERROR,
    "SNN-4101": Severity.ERROR,
    "SNN-4102": Severity.ERROR,
    "SNN-4105": Severity.LOSS,
    "SNN-5004": Severity.INFO,
    "SNN-5005": Severity.INFO,
    "SNN-5006": Severity.LOSS,
    "SNN-5007": Severity.INFO,
}


def produced(code: str, action: Callable[[], Iterable[Finding]]) -> Finding:
    """The first finding with this code, whether the action returns it or fails with it."""
    try:
        findings = tuple(action())
    except SnnhubError as problem:
        findings = problem.findings
    found = [finding for finding in findings if finding.code == code]
    assert found, f"{code} not among {[str(finding) for finding in findings]}"
    assert found[0].severity is SEVERITY[code], found[0]
    assert found[0].place
    return found[0]


def lower(graph: Graph, calibration: Any = None) -> tuple[Finding, ...]:
    return run_passes(graph, passes(), PassContext(calibration=calibration)).findings


def stack(*ops: tuple[str, dict[str, Any], dict[str, Any]]) -> Graph:
    """dense, neurons, the ops given, dense, neurons on (4,) or (1, 4, 4) features."""
    builder = GraphBuilder("stack", REGISTRY)
    port = dense(builder, "d0", builder.input((4,), F32), np.eye(4, dtype=np.float32))
    for index, (op, params, attributes) in enumerate(ops):
        port = builder.node(f"x{index}", op, port, params=params, **attributes)
    builder.output(neurons(builder, "n", port))
    return builder.graph()


def leaky(decay_input: bool = True) -> tuple[str, dict[str, Any], dict[str, Any]]:
    params = {"v_threshold": scalar(1.0), "v_reset": scalar(0.0), "tau": scalar(2.0)}
    return "core.LIF", params, {"reset": "value", "compare": "ge", "decay_input": decay_input}


def norm() -> tuple[str, dict[str, Any], dict[str, Any]]:
    values = {name: tensor(np.full(4, 0.5, np.float32)) for name in ("scale", "shift")}
    return "core.BatchNorm", values, {}


def pooled_for_two() -> Graph:
    """A pool between three layers of neurons, which has no single place to be folded into."""
    window: dict[str, Any] = {"kernel": (2, 2), "stride": (2, 2), "padding": (0, 0)}
    builder = GraphBuilder("two", REGISTRY)
    port = neurons(builder, "n0", builder.input((1, 4, 4), F32))
    port = builder.node("p", "core.AvgPool", port, ceil_mode=False, count_include_pad=True, **window)
    builder.output(neurons(builder, "n1", port))
    builder.output(neurons(builder, "n2", port), "second")
    return builder.graph()


def pooled(padding: int) -> Graph:
    pool: dict[str, Any] = {
        "kernel": (2, 2),
        "stride": (2, 2),
        "padding": (padding, padding),
        "ceil_mode": False,
        "count_include_pad": not padding,
    }
    builder = GraphBuilder("pool", REGISTRY)
    weight = tensor(np.ones((1, 1, 1, 1), np.float32))
    plain: dict[str, Any] = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1}
    source = builder.input((1, 4, 4), F32)
    port = builder.node(
        "c", "core.Conv", source, params={"weight": weight}, bias=False, accumulate="exact", **plain
    )
    port = builder.node("p", "core.AvgPool", neurons(builder, "n0", port), **pool)
    size = 9 if padding else 4
    port = builder.node("f", "core.Flatten", port, start=0, end=2)
    builder.output(neurons(builder, "n1", dense(builder, "d", port, np.ones((2, size), np.float32))))
    return builder.graph()


def unfed_leaky() -> Graph:
    builder = GraphBuilder("unfed", REGISTRY)
    first = neurons(builder, "n0", dense(builder, "d", builder.input((4,), F32), np.eye(4, dtype=np.float32)))
    op, params, attributes = leaky()
    builder.output(builder.node("n1", op, first, params=params, **attributes))
    return builder.graph()


def negative_threshold() -> Graph:
    builder = GraphBuilder("never", REGISTRY)
    port = dense(builder, "d", builder.input((4,), F32), np.eye(4, dtype=np.float32))
    builder.output(neurons(builder, "n", port, v_threshold=-1.0))
    return builder.graph()


def dead_layer() -> Graph:
    builder = GraphBuilder("dead", REGISTRY)
    port = dense(builder, "d", builder.input((4,), F32), np.full((3, 4), 1e-7, np.float32))
    builder.output(neurons(builder, "n", port))
    return builder.graph()


@pytest.mark.parametrize(
    ("code", "make"),
    [
        ("SNN-2002", lambda: lower(stack(norm()))),
        ("SNN-2003", lambda: lower(pooled_for_two())),
        ("SNN-2004", lambda: lower(pooled(0))),
        ("SNN-2005", lambda: lower(negative_threshold())),
        ("SNN-2007", lambda: lower(unfed_leaky())),
        ("SNN-2008", lambda: lower(without_last(stack(leaky())))),
        ("SNN-2102", lambda: lower(mlp())),
        ("SNN-2107", lambda: lower(mlp())),
        ("SNN-2108", lambda: lower(mlp())),
        ("SNN-2109", lambda: lower(mlp(), spikes((4, 3, 6)))),
        ("SNN-2110", lambda: lower(mlp())),
        ("SNN-2112", lambda: lower(dead_layer())),
        ("SNN-2113", lambda: lower(mlp(), spikes((4, 3, 7)))),
    ],
)
def test_lowering(code: str, make: Callable[[], Iterable[Finding]]) -> None:
    produced(code, make)


def without_last(graph: Graph) -> Graph:
    """The graph without its last node: its output is what fed it."""
    last = graph.nodes[-1].id
    before = next(edge.src for edge in graph.edges if edge.dst.node == last)
    edges = [edge for edge in graph.edges if last not in (edge.src.node, edge.dst.node)]
    output = next(edge for edge in graph.edges if edge.src.node == last)
    return replace(graph, nodes=graph.nodes[:-1], edges=(*edges, replace(output, src=before)))


def test_a_cycle() -> None:
    builder = GraphBuilder("loop", REGISTRY)
    port = neurons(builder, "a", dense(builder, "f", builder.input((2,), F32), np.eye(2, dtype=np.float32)))
    builder.edge(dense(builder, "g", port, np.eye(2, dtype=np.float32)), Port("a", "x"))
    builder.output(port)
    produced("SNN-1011", lambda: builder.graph().findings)


def test_limits_of_a_chip(tmp_path: Path) -> None:
    graph = loihi_mlp()
    wide = graph.nodes[1].with_params(vThMant=smallest_integer(np.asarray(2**17)))
    snnhub.save(replace(graph, nodes=(graph.nodes[0], wide, *graph.nodes[2:])), tmp_path / "a.snn")
    finding = produced("SNN-2201", lambda: snnhub.check(tmp_path / "a.snn", "loihi2").targets[0].findings)
    assert "131072" in finding.old


def rectangle(**changes: Any) -> dict[str, Any]:
    return dense_layer(np.full((2, 2), 4), **changes)


@pytest.mark.parametrize(
    ("code", "layers"),
    [
        ("SNN-3101", [{"shape": np.array([2])}]),
        ("SNN-3102", [{"type": "pool", "shape": np.array([2])}]),
        ("SNN-3103", [rectangle(neuron={**CUBA, "type": "ALIF"})]),
        ("SNN-3103", [rectangle(delay=np.array([1.0, 1.0, 1.0]))]),
        ("SNN-3104", [dense_layer(np.full((2, 2), 2.5))]),
        ("SNN-3105", [rectangle(neuron={**CUBA, "refDelay": 3})]),
        ("SNN-3106", [conv_layer(np.full((1, 1, 2, 2), 2), (1, 2, 2), delay=np.array([2.0]))]),
        ("SNN-3107", [rectangle(), dense_layer(np.full((2, 3), 4))]),
        ("SNN-3108", [rectangle(neuron={**CUBA, "messageBits": 0})]),
        ("SNN-3109", [{key: value for key, value in rectangle().items() if key != "neuron"}]),
        ("SNN-3110", [dense_layer(np.zeros((2, 2)))]),
        ("SNN-3115", [rectangle(delay=np.array([1.0, 63.0]))]),
        ("SNN-3115", [rectangle(delay=np.array([1.0, 2.5]))]),
        ("SNN-3116", [rectangle(delay=np.array([1.0, -1.0]))]),
        ("SNN-3116", [rectangle(type="dense_rec", weight_rec=np.full((2, 2), 4.0), delay=np.array(0.0))]),
    ],
)
def test_reading_netx(code: str, layers: list[dict[str, Any]], tmp_path: Path) -> None:
    produced(code, lambda: read(write(tmp_path / "a.net", layers)).findings)


def test_records_in_a_file(tmp_path: Path) -> None:
    export_netx(run_passes(loihi_mlp(), arrange(), PassContext()), tmp_path / "a.net")
    produced("SNN-3114", lambda: read(tmp_path / "a.net").findings)
    with h5py.File(tmp_path / "a.net", "r+") as file:
        del file["layer/0/shape"]
    with pytest.raises(FormatError):
        read(tmp_path / "a.net")


def test_writing_netx(tmp_path: Path) -> None:
    path = tmp_path / "a.net"
    produced("SNN-4101", lambda: export_netx(mlp(), path))
    builder = GraphBuilder("first", REGISTRY)
    source = builder.input((2,), SPIKE)
    builder.output(cuba(builder, "n", dense(builder, "d", source, np.full((2, 2), -8, np.int8), 1)))
    produced("SNN-4102", lambda: run_passes(builder.graph(), arrange(), PassContext()).findings)
    produced("SNN-4105", lambda: export_netx(run_passes(loihi_mlp(vth=2**17), arrange(), PassContext()), path))


def test_running_and_comparing(tmp_path: Path) -> None:
    strided = conv_layer(np.full((1, 1, 2, 2), 4), (1, 2, 2), stride=np.array([2, 2]))
    path = write(tmp_path / "a.net", [strided])
    produced("SNN-5004", lambda: snnhub.run(path, spikes((3, 1, 4, 4))).findings)
    produced("SNN-5007", lambda: snnhub.run(path, spikes((3, 1, 1, 4, 4))).findings)
    other = GraphBuilder("other", REGISTRY)
    port = dense(other, "d", other.input((6,), F32), np.ones((4, 6), np.float32))
    other.output(neurons(other, "n", port))
    snnhub.save(mlp((6, 4)), tmp_path / "a.snn")
    snnhub.save(other.graph(), tmp_path / "b.snn")
    first, second = tmp_path / "a.snn", tmp_path / "b.snn"
    nothing = np.zeros((3, 2, 6), np.float32)
    produced("SNN-5005", lambda: snnhub.verify(first, second, stimulus=nothing).findings)
    produced("SNN-5006", lambda: snnhub.verify(first, second, stimulus=nothing).findings)


def test_finding_codes_are_all_tested() -> None:
    """Every code is asserted somewhere: a code that no test provokes may be one that nothing produces."""
    from snnhub.codes import CODES

    tests = "\n".join(path.read_text() for path in sorted((ROOT / "tests").rglob("*.py")))
    assert sorted(set(CODES) - set(re.findall(r"SNN-\d{4}", tests))) == []
