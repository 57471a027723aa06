"""Networks that were written to make a comparison hang: programs of thousands of lines, a wheel of equal nodes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
import snnhub
from snnhub.cli.diff import show
from snnhub.differences.difference import Section
from snnhub.ir.code import Code
from snnhub.ir.graph import Edge, Graph, Input, Node, Output, Port
from snnhub.ir.microop import MicroOp as M
from snnhub.ir.program import Program

from tests.hostile.test_programs import (
    I8,
    constant,
    deep_and,
    deep_not,
    doubled_and,
    long_cone,
    nested_where,
    program,
    where_of_where,
)

SECONDS = 30.0


def net(made: Program) -> Graph:
    edges = (Edge(Port("input", "x"), Port("n", "x0")), Edge(Port("n", "y"), Port("output", "x")))
    node = Node("n", "other.Op", 1, program=made)
    return Graph("", (node,), edges, (Input("input", (2,), I8),), (Output("output"),))


@pytest.mark.parametrize("build", [nested_where, doubled_and, deep_not, deep_and, where_of_where, long_cone])
def test_long_programs(build: Callable[[Code, int], None], capsys: pytest.CaptureFixture[str]) -> None:
    """Against one that is longer by an addition, and against one that has nothing in common with it."""
    first, second, short = Code(), Code(), Code()
    for code in (first, second, short):
        code.leaf(M.INPUT, I8, 0)
    build(first, 0)
    build(second, 0)
    second.append(M.ADD, (len(second) - 1, constant(second, 5)))
    short.append(M.NEG, (0,))
    start = time.process_time()
    for other in (second, short):
        result = snnhub.diff(net(program(first, I8)), net(program(other, I8)))
        assert not result.equal
        assert any(item.lines for item in result.of(Section.SEMANTICS))
    assert time.process_time() - start < SECONDS
    show(result)
    assert len(capsys.readouterr().out.splitlines()) < 400  # lines of a program are long and wrapped


def test_a_wheel_of_equal_nodes() -> None:
    """Every node is connected to every other one and all are the same, under other names in the second network."""
    size = 60
    code = Code()
    code.append(M.NEG, (code.leaf(M.INPUT, I8, 0),))
    node = Node("n", "other.Op", 1, program=program(code, I8))

    def wheel(letter: str) -> Graph:
        names = [f"{letter}{number}" for number in range(size)]
        edges = [Edge(Port(one, "y"), Port(other, "x0"), 1) for one in names for other in names]
        ends = [Edge(Port("input", "x"), Port(names[0], "x0")), Edge(Port(names[-1], "y"), Port("output", "x"))]
        nodes = tuple(replace(node, id=name) for name in names)
        return Graph("", nodes, (*ends, *edges), (Input("input", (2,), I8),), (Output("output"),))

    start = time.process_time()
    result = snnhub.diff(wheel("a"), wheel("b"))
    assert time.process_time() - start < SECONDS
    assert len(result.alignment.nodes) == size
    (tie,) = result.alignment.ties
    assert len(tie.a) == size - 2
    assert {item.what for item in result.differences} == {"node renamed"}
