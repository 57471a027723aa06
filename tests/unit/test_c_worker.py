"""The worker in C against the reference engine, bit for bit: it interprets programs and knows no neuron.

Compiled with sanitizers where the compiler has them: damaged files end in an answer, never in a crash.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from snnhub.engine.reference import prepare
from snnhub.errors import RunError, SnnhubError, UnsupportedError
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph, Node, Port
from snnhub.ir.numtype import F32, F64, SPIKE, integer, signed
from snnhub.ir.op import StepOp
from snnhub.ir.program import Slot
from snnhub.ir.tensor import Array, tensor
from snnhub.ir.trace import check, exp, trace
from snnhub.ops.registry import REGISTRY
from snnhub.passes.base import PassContext, run_passes
from snnhub.peers.graph_worker import GraphWorker
from snnhub.peers.protocol import Worker
from snnhub_conformance.strategies import netx_graphs
from snnhub_formats.graph_json import to_graph_json
from snnhub_loihi.lowering import passes

from tests.build import cuba, loihi_mlp, mlp, spikes
from tests.conftest import ROOT
from tests.hostile.mutation import mutated
from tests.networks.step_programs import graph_of, layer_of, micro_programs, stimulus, variants

FOLDER = ROOT / "docs" / "examples" / "c_worker"
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O2", "-ffp-contract=off"]
SANITIZERS = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
STEPS, SAMPLES = 40, 3
MICRO = list(micro_programs())
VARIANTS = list(variants())


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The compiled worker, as README.md says, and with sanitizers."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    folder = tmp_path_factory.mktemp("c_worker")
    line = [compiler, *STRICT, "-o", str(folder / "worker"), str(FOLDER / "worker.c"), "-lm"]
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
    """The output, after everything that can be recorded was equal in every bit (NaN where the engine has NaN)."""
    plan = prepare(graph)
    keys = plan.record_keys()
    wanted, _ = plan.run(x, record=keys, steps=steps)
    found = worker.run(graph, x, keys, steps)
    assert set(found) == set(keys)
    for key in keys:
        assert found[key].dtype == wanted[key].dtype
        np.testing.assert_array_equal(found[key], wanted[key], err_msg=key)
        if wanted[key].dtype.kind == "f":
            real = ~np.isnan(wanted[key])
            np.testing.assert_array_equal(np.signbit(found[key][real]), np.signbit(wanted[key][real]))
    return found["output"]


@pytest.mark.parametrize("program", [item for _, item in MICRO], ids=[name for name, _ in MICRO])
def test_every_exact_micro_operation(program: Any, worker: GraphWorker) -> None:
    graph = graph_of(program)
    compared(worker, graph, stimulus(graph.inputs[0].type, STEPS, SAMPLES))


def test_every_micro_operation_is_among_them(worker: GraphWorker) -> None:
    used = {instr.op.value for _, program in MICRO for instr in program.code} | {"param"}
    assert used == worker.capabilities().micro_ops


@pytest.mark.parametrize(
    ("op", "chosen"), VARIANTS, ids=["-".join([op.name, *map(str, chosen.values())]) for op, chosen in VARIANTS]
)
def test_every_step_op(op: StepOp, chosen: dict[str, Any], worker: GraphWorker) -> None:
    graph = layer_of(op, chosen)
    assert worker.missing(graph) == ()
    random, type_ = np.random.default_rng(7), graph.inputs[0].type
    x: Array = random.normal(0.6, 1.2, (STEPS, SAMPLES, 2, 3)).astype(np.float32)
    if type_.is_int:
        x = random.integers(*type_.range, (STEPS, SAMPLES, 2, 3))
    output = compared(worker, graph, x)
    assert len(np.unique(output)) > 1, "something happens"
    compared(worker, graph, x[:, 0], steps=STEPS + 9)


def test_the_ops_include_loihi_and_the_neurons_of_spikingjelly() -> None:
    names = {op.name for op, _ in VARIANTS}
    assert {"loihi.CubaLIF", "core.IF", "core.LIF", "core.CubaLIF", "core.Izhikevich", "core.QIF"} <= names


def net(*edges: tuple[str, str, int]) -> Graph:
    """Loihi neurons a, b, c on an input of integers, connected as given; the output takes the last two."""
    builder = GraphBuilder("net", REGISTRY)
    source = builder.input((2, 3), integer(-900, 900))
    for name in "abc":
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


@pytest.mark.parametrize("type_", [F32, F64])
def test_two_edges_of_floats_add_up(type_: Any, worker: GraphWorker) -> None:
    program = trace(lambda x, s, p: ({}, {"y": x * 0.75}), [Slot("x", type_)], [], [])
    builder = GraphBuilder("sum", REGISTRY)
    source = builder.input((2, 3), type_)
    builder.nodes += [Node(name, "test.Scaled", 1, (), (), program) for name in "ab"]
    builder.edge(source, Port("a", "x"))
    builder.edge(Port("a", "y"), Port("b", "x"))
    builder.edge(source, Port("b", "x"), 1)
    builder.output(Port("b", "y"))
    builder.edge(Port("a", "y"), Port("output", "x"), 3)
    x = stimulus(type_, STEPS, SAMPLES)
    compared(worker, builder.graph(), x)
    builder.edge(source, Port("b", "x"), 2)
    with pytest.raises(UnsupportedError, match="three edges") as caught:
        worker.run(builder.graph(), x)
    assert [finding.code for finding in caught.value.findings] == ["SNN-4203"]
    assert [finding.place for finding in worker.missing(builder.graph())] == ["b.x"]


def test_a_product_of_floats_is_refused(worker: GraphWorker) -> None:
    assert [finding.place for finding in worker.missing(mlp())] == ["fc0", "fc1"]
    with pytest.raises(UnsupportedError, match="type of parameter weight") as caught:
        worker.run(mlp(), np.zeros((3, 6), np.uint8))
    assert caught.value.exit_code == 4
    assert caught.value.findings[0].place == "fc0"


def test_another_transform_is_refused(worker: GraphWorker) -> None:
    builder = GraphBuilder("flat", REGISTRY)
    port = builder.node("flat", "core.Flatten", builder.input((2, 3), SPIKE), start=0, end=1)
    builder.output(cuba(builder, "n", port))
    with pytest.raises(UnsupportedError, match=r"transform core\.Flatten") as caught:
        worker.run(builder.graph(), spikes((3, 2, 3)))
    assert [f.place for f in (*caught.value.findings, *worker.missing(builder.graph()))] == ["flat", "flat"]


@pytest.mark.parametrize("accumulate", ["exact", "wrap24"])
@pytest.mark.parametrize("shift", [0, 5])
@pytest.mark.parametrize("bias", [False, True])
def test_products_of_integers(accumulate: str, shift: int, bias: bool, worker: GraphWorker) -> None:
    random = np.random.default_rng(5)
    params = {"weight": tensor(random.integers(-30_000, 30_000, (4, 3)).astype(np.int16))}
    if bias:
        params["bias"] = tensor(random.integers(-(2**20), 2**20, 4).astype(np.int32))
    builder = GraphBuilder("product", REGISTRY)
    choice: dict[str, Any] = {"bias": bias, "accumulate": accumulate, "shift": shift}
    builder.output(builder.node("d", "core.Dense", builder.input((2, 3), signed(12)), params=params, **choice))
    compared(worker, builder.graph(), stimulus(signed(12), STEPS, SAMPLES))


def test_a_network_of_loihi(worker: GraphWorker) -> None:
    """A float network that was lowered to Loihi's integers, and one that was made of them."""
    lowered = run_passes(mlp((40, 30, 20, 10)), passes(), PassContext())
    made = loihi_mlp((40, 30, 20, 10), i_decay=1024, v_decay=300, bias=3, reset=(16, 5))
    for graph in (lowered, made):
        assert worker.missing(graph) == ()
        assert len(np.unique(compared(worker, graph, spikes((60, 8, 40))))) == 2


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(netx_graphs())
def test_random_networks(worker: GraphWorker, graph: Graph) -> None:
    """Recurrent, with delays per synapse, decays and biases per channel; those without convolutions."""
    assume(not worker.missing(graph))
    compared(worker, graph, spikes((25, 2, *graph.inputs[0].shape)))


def test_transcendental_functions_are_refused(worker: GraphWorker) -> None:
    program = trace(lambda a, b, c, s, p: ({}, {"y": exp(a)}), [Slot(name, F32) for name in "abc"], [], [])
    graph = graph_of(program)
    assert [(f.code, f.old) for f in worker.missing(graph)] == [("SNN-4202", "exp")]
    with pytest.raises(UnsupportedError, match="micro-operation exp"):
        worker.run(graph, np.zeros((2, 2, 3), np.float32))


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
        ("inputs", document()["inputs"] * 2, "2 inputs"),
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
        ("edges", [{**document()["edges"][0], "delay": 2**40}]),
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


def test_it_is_small_and_names_no_op() -> None:
    """README.md states the sizes; no file exceeds 300 lines."""
    stated = dict(re.findall(r"\((\w+\.[ch])\) \| (\d+) \|", (FOLDER / "README.md").read_text()))
    for path in sorted(FOLDER.glob("*.[ch]")):
        text = path.read_text()
        assert int(stated[path.name]) == text.count("\n") <= 300
        assert max(map(len, text.splitlines())) <= 115, path
        known = {"core.Dense"} if path.name != "plain.h" else set()
        assert {op.name for op in REGISTRY.all() if op.name in text} == known


def test_numbers_of_a_graph_that_lies_do_not_crash(request_of: Any) -> None:
    """Ranges are proved by snnhub's reader; a worker that is given lies wraps, and lives."""
    doc = document()
    doc["tensors"] = {
        name: {**item, "dtype": "int64", "data": ["9223372036854775807"]} for name, item in doc["tensors"].items()
    }
    assert set(request_of(json.dumps(doc).encode())["arrays"]) == {"output"}
