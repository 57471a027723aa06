"""Attacks on Rockpool's saved files: every one ends in an error that is meant for the user, or in a network."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest
from snnhub.api.options import ImportOptions
from snnhub.errors import FormatError, SnnhubError, UnsupportedError
from snnhub_rockpool.document import MAX_DEPTH
from snnhub_rockpool.importer import import_model

from tests.hostile.test_programs import in_time
from tests.networks.rockpool_files import Module, dropout, exp_syn, lif, linear, synnet, write

ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1e400,
    "",
    "[]",
    "[[]]",
    "[[[1.0]]]",
    "{}",
    '{"a": "[1]"}',
    "NaN",
    "-Infinity",
    "1e999",
    "true",
    '"taus"',
    '"bitshifts"',
    "[1, null]",
    '["1", "2"]',
    "[true]",
    "9" * 400,
    "[" * 100_000,
    "1e-400",
    [1, 2],
    [[1], [2, 3]],
    {"x": {}},
)


def network() -> Module:
    inner = {"0_LinearTorch": linear(5, 5, bias=True), "1_LIFBitshiftTorch": lif(5)}
    return {
        "0_LinearTorch": linear(4, 10),
        "1_LIFTorch": lif(5, 2),
        "2_TimeStepDropout": dropout(),
        "3_TorchResidual": inner,
        "4_ExpSynTorch": exp_syn(5),
    }


def places(net: Module, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every module and parameter."""
    found = []
    for name, value in net.items():
        found.append((*path, name))
        found += places(value, (*path, name)) if isinstance(value, dict) else []
    return found


def changed(net: Module, place: tuple[str, ...], value: Any) -> Module:
    net = copy.deepcopy(net)
    target = net
    for name in place[:-1]:
        target = target[name]
    target[place[-1]] = value
    return net


@pytest.mark.parametrize("make", [network, lambda: synnet(4, 5, 3, drops=True)], ids=["default names", "synnet"])
@pytest.mark.parametrize("odd", ODD, ids=lambda value: repr(value)[:20])
def test_an_odd_value_anywhere(tmp_path: Path, make: Any, odd: Any) -> None:
    net = make()
    refused = 0
    for place in places(net):
        try:
            import_model(write(tmp_path / "net.json", changed(net, place, odd)), ImportOptions())
        except SnnhubError as problem:
            refused += bool(problem.message)
    assert refused > 10


def test_missing_and_additional_parts(tmp_path: Path) -> None:
    source = network()
    for place in places(source):
        net = copy.deepcopy(source)
        target = net
        for name in place[:-1]:
            target = target[name]
        value = target.pop(place[-1])
        for other in (net, changed(source, (*place[:-1], "9_LIFTorch"), value)):
            try:
                import_model(write(tmp_path / "net.json", other), ImportOptions())
            except SnnhubError:
                continue


def test_structure_files_that_attack(tmp_path: Path) -> None:
    """Random structures over the modules of a file: refused or read, never a crash."""
    own = {"a": linear(4, 5), "b": lif(5), "c": {"d": linear(5, 5), "e": lif(5)}}
    file = write(tmp_path / "net.json", own)
    dice = random.Random(1)  # noqa: S311
    paths = ["a", "b", "c", "c/d", "c/e", "", "x", "c/"]
    classes = ["Linear", "LIF", "Residual", "Sequential", "SynNet", "Dropout", "LIF|ExpSyn", "?", ""]

    def entry(depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {"path": dice.choice(paths), "class": dice.choice(classes)}
        if depth < 3 and dice.random() < 0.4:
            made["of"] = [entry(depth + 1) for _ in range(dice.randint(1, 3))]
        return made

    for _ in range(300):
        structure = tmp_path / "S.json"
        structure.write_text(json.dumps({"net": [entry(0) for _ in range(dice.randint(1, 4))]}))
        try:
            import_model(file, ImportOptions(given={"structure": str(structure)}))
        except (UnsupportedError, FormatError):
            continue


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe",
        b"{" * 100_000,
        b'{"a":' * (MAX_DEPTH + 2) + b'{"w": "1"}' + b"}" * (MAX_DEPTH + 2),
        b'{"a": {"weight": "' + b"[" * 50_000 + b'"}}',
        b'{"input": {"weight": "[[1]]"}}',
        b'{"": {"weight": "[[1]]"}}',
    ],
    ids=["encoding", "braces", "modules", "lists", "reserved", "empty"],
)
def test_files_that_are_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "net.json"
    path.write_bytes(content)
    with in_time(5.0), pytest.raises(FormatError):
        import_model(path, ImportOptions())
