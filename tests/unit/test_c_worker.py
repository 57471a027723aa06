"""The worker in C against the reference engine, bit for bit: it interprets programs and knows no neuron.

Compiled with sanitizers where the compiler has them: damaged files end in an answer, never in a crash.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from snnhub.engine.reference import prepare
from snnhub.errors import RunError, SnnhubError, UnsupportedError
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph, Node, Port
from snnhub.ir.numtype import SPIKE, integer, signed
from snnhub.ir.op import StepOp
from snnhub.ir.program import Program, Slot
from snnhub.ir.tensor import Array
from snnhub.ir.trace import check, trace
from snnhub.ops.registry import REGISTRY
from snnhub.peers.graph_worker import GraphWorker
from snnhub.peers.protocol import Worker
from snnhub_formats.graph_json import to_graph_json

from tests.build import cuba, loihi_mlp, mlp
from tests.conftest import ROOT
from tests.hostile.mutation import mutated
from tests.networks.step_programs import graph_of, layer_of, micro_programs, stimulus, variants

FOLDER = ROOT / "docs" / "examples" / "c_worker"
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O2"]
SANITIZERS = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
STEPS, SAMPLES = 40, 3


def of_integers(program: Program) -> bool:
    """Whether all that the program computes is an integer or a bool."""
    return not any(instr.type.is_float for instr in program.code)


MICRO = list(micro_programs())
INTEGER_MICRO = [item for item in MICRO if of_integers(item[1])]
VARIANTS = list(variants())
INTEGER_VARIANTS = [(op, chosen) for op, chosen in VARIANTS if of_integers(op.program(chosen))]


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The compiled worker, as README.md says, and with sanitizers."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    folder = tmp_path_factory.mktemp("c_worker")
    line = [compiler, *STRICT, "-o", str(folder / "worker"), str(FOLDER / "worker.c")]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    probe = folder / "probe.c"
    probe.write_text("int main(void) { return 0; }\n")
    able = subprocess.run(
        [compiler, *SANITIZERS, "-o", str(folder / "probe"), str(probe)], capture_output=True, check=False
    )
    if able.returncode == 0 and subprocess.run([str(folder / "probe")], check=False).returncode == 0:
        subprocess.run([*line[:1], *SANITIZERS, *line[1:]], check=True)
    return [str(folder / "worker")]


@pytest.fixture(scope="module")
def worker(command: list[str]) -> Iterator[GraphWorker]:
    with GraphWorker(command, "c_worker") as opened:
        yield opened


def compared(worker: GraphWorker, graph: Graph, x: Any, steps: int | None = None) -> Array:
    """The output, after everything that can be recorded was equal."""
    plan = prepare(graph)
    keys = plan.record_keys()
    wanted, _ = plan.run(x, record=keys, steps=steps)
    found = worker.run(graph, x, keys, steps)
    assert set(found) == set(keys)
    for key in keys:
        assert found[key].dtype == wanted[key].dtype
        np.testing.assert_array_equal(found[key], wanted[key], err_msg=key)
    return found["output"]


@pytest.mark.parametrize("program", [item for _, item in INTEGER_MICRO], ids=[name for name, _ in INTEGER_MICRO])
def test_every_micro_operation_of_integers(program: Program, worker: GraphWorker) -> None:
    graph = graph_of(program)
    assert worker.missing(graph) == ()
    compared(worker, graph, stimulus(graph.inputs[0].type, STEPS, SAMPLES))


def test_it_declares_what_was_compared(worker: GraphWorker) -> None:
    used = {instr.op.value for _, program in INTEGER_MICRO for instr in program.code} | {"param"}
    declared = worker.capabilities()
    assert declared.micro_ops == used
    assert declared.types == frozenset(("int", "bool"))
    assert not declared.transforms
    assert not declared.batch


@pytest.mark.parametrize(
    ("op", "chosen"),
    INTEGER_VARIANTS,
    ids=["-".join([op.name, *map(str, chosen.values())]) for op, chosen in INTEGER_VARIANTS],
)
def test_every_step_op_of_integers(op: StepOp, chosen: dict[str, Any], worker: GraphWorker) -> None:
    graph = layer_of(op, chosen)
    assert worker.missing(graph) == ()
    low, high = graph.inputs[0].type.range
    x: Array = np.random.default_rng(7).integers(low, high, (STEPS, SAMPLES, 2, 3), endpoint=True)
    output = compared(worker, graph, x)
    assert len(np.unique(output)) > 1, "something happens"
    compared(worker, graph, x[:, 0], steps=STEPS + 9)


def test_the_step_ops_include_loihi() -> None:
    assert "loihi.CubaLIF" in {op.name for op, _ in INTEGER_VARIANTS}


def refused(worker: GraphWorker, graph: Graph, words: str) -> list[str]:
    """Where the graph is refused, after the worker had declared that it would be."""
    assert worker.missing(graph)
    item = graph.inputs[0]
    with pytest.raises(UnsupportedError, match=words) as caught:
        worker.run(graph, np.zeros((2, *item.shape), item.type.numpy))
    assert (caught.value.exit_code, {finding.code for finding in caught.value.findings}) == (4, {"SNN-4203"})
    return [finding.place for finding in caught.value.findings]


def test_floats_are_refused(worker: GraphWorker) -> None:
    """Every program and every step op with a float in it, whatever else it holds."""
    programs = [program for _, program in MICRO if not of_integers(program)]
    layers = [layer_of(op, chosen) for op, chosen in VARIANTS if not of_integers(op.program(chosen))]
    assert len(programs) > 50
    assert len(layers) > 20
    for graph in [*map(graph_of, programs), *layers]:
        refused(worker, graph, "type f32|type f64|micro-operation")


def test_transforms_are_refused(worker: GraphWorker) -> None:
    assert refused(worker, loihi_mlp((6, 4, 2)), r"transform core\.Dense") == ["fc0"]
    refused(worker, mlp(), r"transform core\.Dense|type f32")
    builder = GraphBuilder("flat", REGISTRY)
    port = builder.node("flat", "core.Flatten", builder.input((2, 3), SPIKE), start=0, end=1)
    builder.output(cuba(builder, "n", port))
    assert refused(worker, builder.graph(), r"transform core\.Flatten") == ["flat"]


def net(*edges: tuple[str, str, int]) -> Graph:
    """Loihi neurons on an input of integers, connected as given; the output takes b and c."""
    builder = GraphBuilder("net", REGISTRY)
    source = builder.input((2, 3), integer(-900, 900))
    for name in sorted({end for _, end, _ in edges}):
        builder.nodes.append(cuba_node(name))
    for start, end, delay in edges:
        builder.edge(source if start == "input" else Port(start, "s"), Port(end, "a"), delay)
    builder.output(Port("b", "s"), delay=2)
    builder.edge(Port("c", "s"), Port("output", "x"))
    return builder.graph()


def cuba_node(name: str) -> Node:
    builder = GraphBuilder("one", REGISTRY)
    cuba(builder, name, builder.input((2, 3), SPIKE), vth=700, i_decay=1000, v_decay=300, bias=9, reset=(5, 2))
    return builder.nodes[0]


@pytest.mark.parametrize(
    "edges",
    [
        [("input", "a", 0), ("a", "b", 0), ("b", "c", 0)],
        [("input", "c", 0), ("c", "b", 0), ("b", "a", 1), ("a", "c", 3)],
        [
            ("input", "a", 2),
            ("input", "a", 0),
            ("a", "a", 1),
            ("a", "b", 0),
            ("a", "b", 7),
            ("b", "c", 1),
            ("c", "b", 1),
        ],
        [("input", "a", 5), ("input", "b", 1), ("input", "c", 45), ("c", "c", 44), ("b", "c", 0)],
    ],
    ids=["chain", "backwards", "sums", "delays longer than the run"],
)
def test_wires(edges: list[tuple[str, str, int]], worker: GraphWorker) -> None:
    graph = net(*edges)
    compared(worker, graph, np.random.default_rng(3).integers(-900, 901, (STEPS, SAMPLES, 2, 3)))
    compared(worker, graph, np.random.default_rng(4).integers(-900, 901, (2, 2, 3)), steps=60)


@pytest.mark.parametrize("seed", range(30))
def test_random_wires(seed: int, worker: GraphWorker) -> None:
    """Loops with delays, several edges into a port, nodes in no order."""
    random = np.random.default_rng(seed)
    names = ["input", *map(str, random.permutation(list("abcdef")))]
    edges = []
    for place, end in enumerate(names[1:], 1):
        edges.append((names[int(random.integers(0, place))], end, 0))  # so that the input reaches all
        for _ in range(int(random.integers(0, 4))):
            start = int(random.integers(0, len(names)))
            edges.append((names[start], end, int(random.integers(start >= place, 9))))
    x = random.integers(-900, 901, (STEPS, SAMPLES, 2, 3))
    compared(worker, net(*sorted(set(edges))), x)


def test_a_failed_check_is_an_error_and_the_worker_goes_on(worker: GraphWorker) -> None:
    program = trace(
        lambda a, b, c, s, p: ({}, {"y": check(a, -5, 5)}), [Slot(n, signed(8)) for n in "abc"], [], []
    )
    graph, x = graph_of(program), np.full((4, 2, 3), 5, np.int8)
    compared(worker, graph, x)
    x[3, 1, 2] = 6
    with pytest.raises(RunError, match="left its checked range"):
        worker.run(graph, x)
    compared(worker, graph, x[:3])


@pytest.fixture
def request_of(command: list[str], tmp_path: Path) -> Iterator[Any]:
    """Sends a ``run`` with changes to its model and params to a worker of its own."""
    graph = net(("input", "a", 0), ("a", "b", 1), ("b", "c", 0))
    np.save(tmp_path / "x.npy", np.ones((4, 2, 3), np.int16))
    plain = {"batched": False, "record": ["output"], "steps": 4, "options": {}, "folder": str(tmp_path)}
    with Worker("c_worker", command) as opened:

        def send(model: bytes | None = None, x: bytes | None = None, **changes: Any) -> dict[str, Any]:
            (tmp_path / "model.json").write_bytes(to_graph_json(graph) if model is None else model)
            (tmp_path / "bad.npy").write_bytes(x or b"")
            paths = {"model": str(tmp_path / "model.json"), "input": str(tmp_path / ("bad.npy" if x else "x.npy"))}
            return opened.call("run", {**plain, **paths, **changes}, timeout=60)

        yield send


def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(to_graph_json(net(("input", "a", 0), ("a", "b", 1), ("b", "c", 0))))
    return found


def test_unknown_parts_are_refused(request_of: Any) -> None:
    assert set(request_of()["arrays"]) == {"output"}
    code = document()["programs"][0]["code"]
    attacks: list[tuple[str, Any, str]] = [
        ("schema", "graph-json/2", "not graph-json/1"),
        ("types", ["f16", *document()["types"][1:]], "type f16"),
        (
            "programs",
            [{**document()["programs"][0], "code": [["sqrt", [], 0, [0]], *code[1:]]}],
            "micro-operation sqrt",
        ),
        ("programs", [{**document()["programs"][0], "more": 1}], "unknown keys"),
        ("nodes", [{**node, "program": None} for node in document()["nodes"]], "transform loihi.CubaLIF"),
        ("nodes", [{**node, "more": 1} for node in document()["nodes"]], "unknown keys"),
        ("edges", [{**edge, "more": 1} for edge in document()["edges"]], "unknown keys"),
        ("inputs", document()["inputs"] * 2, "unknown keys"),
        ("more", 1, "unknown keys"),
    ]
    for key, value, words in attacks:
        with pytest.raises(UnsupportedError, match=words):
            request_of(json.dumps({**document(), key: value}).encode())
    for change, words in (({"record": ["n/nothing"]}, "nothing to record"), ({"options": {"dt": 1}}, "options")):
        with pytest.raises(SnnhubError, match=words):
            request_of(**change)


def test_broken_parts_are_errors(request_of: Any) -> None:
    code = document()["programs"][0]["code"]
    attacks: list[tuple[str, Any]] = [
        ("types", []),
        ("programs", []),
        ("programs", [{**document()["programs"][0], "code": [["add", [0, 0], 0, []], *code[1:]]}]),
        ("programs", [{**document()["programs"][0], "next": [0, 0, 10**6]}]),
        ("tensors", {}),
        ("edges", [*document()["edges"], {"from": ["c", "s"], "to": ["b", "a"], "delay": 0}]),
        ("edges", [{**document()["edges"][0], "delay": 2**64}]),
        ("edges", document()["edges"][1:]),
        ("edges", [{**document()["edges"][0], "from": ["x", "y"]}]),
        ("inputs", [{**document()["inputs"][0], "shape": [2**50, 2**50]}]),
        ("inputs", [{**document()["inputs"][0], "shape": [3, 2]}]),
        ("nodes", 7),
        ("outputs", {"a": 1}),
    ]
    for key, value in attacks:
        with pytest.raises(SnnhubError):
            request_of(json.dumps({**document(), key: value}).encode())
    for text in (b"", b"{", b"[" * 100_000, b'{"schema":', b"\xff" * 99, b'{"a":"\\', b"{}x"):
        with pytest.raises(SnnhubError):
            request_of(text)
    assert set(request_of()["arrays"]) == {"output"}


def test_damaged_models_and_arrays(request_of: Any, tmp_path: Path) -> None:
    """600 mutants: an answer to each, from one process, which the sanitizers watch."""
    whole = to_graph_json(net(("input", "a", 0), ("a", "b", 1), ("b", "c", 0)))
    array = (tmp_path / "x.npy").read_bytes()
    answers = {"result": 0, "error": 0}
    for case in range(600):
        damaged = {"model": mutated(whole, case)} if case % 4 else {"x": mutated(array, case) or b"?"}
        try:
            request_of(**damaged)
            answers["result"] += 1
        except SnnhubError as problem:
            words = str(problem)
            answers["error"] += 1
            if "worker ended" in words or "protocol" in words:
                pytest.fail(f"case {case}: {words}")
    assert answers["error"] > 300
    assert set(request_of()["arrays"]) == {"output"}


def test_requests_that_are_not_requests(command: list[str]) -> None:
    lines = [
        b"{}",
        b"nonsense",
        b'{"id": 1, "method": "dance", "params": {}}',
        b'{"id": 2, "method": "hello"}',
        b"",
    ]
    lines.append(b'{"id": 3, "method": "hello", "params": {"protocol": 2}}')
    lines.append(b'{"id": 4, "method": "bye", "params": {}}')
    done = subprocess.run(command, input=b"\n".join(lines) + b"\n", capture_output=True, check=False)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["id"] for answer in answers] == [None, None, 1, 2, None, 3, 4]
    assert ["error" in answer for answer in answers] == [True] * 6 + [False]
    assert (done.returncode, done.stderr) == (0, b"")


def test_numbers_of_a_graph_that_lies_do_not_crash(request_of: Any) -> None:
    """Ranges are proved by snnhub's reader; a worker that is given lies wraps, and lives."""
    doc = document()
    doc["tensors"] = {
        name: {**item, "dtype": "int64", "data": ["9223372036854775807"]} for name, item in doc["tensors"].items()
    }
    assert set(request_of(json.dumps(doc).encode())["arrays"]) == {"output"}
