"""Sigma-delta files with every entry replaced by what does not belong there: an error with a place, or a graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from snnhub.api.options import ImportOptions
from snnhub.engine.reference import prepare
from snnhub.errors import SnnhubError
from snnhub_netx.reader import import_netx

from tests.networks.netx_files import conv_layer, dense_layer, write
from tests.networks.random_sigma_delta import sdnn

WRONG: dict[str, Any] = {
    "nothing": None,
    "a group": {},
    "text": "relu",
    "NaN": np.nan,
    "a fraction": 0.5,
    "infinity": np.float32(np.inf),
    "minus one": -1,
    "zero": 0,
    "2^40": 2**40,
    "2^63 - 1": 2**63 - 1,
    "1e30": 1e30,
    "no numbers": np.zeros(0, np.int64),
    "no rows": np.zeros((0, 3), np.float32),
    "many": np.arange(7),
    "a matrix": np.ones((2, 2), np.float32),
    "six axes": np.ones((1, 1, 1, 1, 1, 1), np.int64),
    "complex": np.complex64(1j),
    "true": np.bool_(True),
}


def layers() -> list[dict[str, Any]]:
    """Input, convolution, flatten, recurrent layer, sigma output."""
    even = 2 * np.arange(-8, 8)
    return [
        {"type": "input", "shape": np.array([1, 3, 3]), "weight": np.array([64.0]), "neuron": sdnn(0)},
        conv_layer(even[:8].reshape(2, 1, 2, 2), (2, 2, 2), bias=np.array([3.0, -4]), neuron=sdnn(1)),
        {"type": "flatten", "shape": np.array([8, 1, 1])},
        dense_layer(
            even.reshape(2, 8),
            type="dense_rec",
            weight_rec=np.full((2, 2), 2.0, np.float32),
            bias=np.array([1.0, 2]),
            neuron=sdnn(1),
        ),
        dense_layer(even[:4].reshape(2, 2), delay=np.array([0.0, 1]), bias=np.array([5.0, 6]), neuron=sdnn(0)),
        dense_layer(even[:4].reshape(2, 2), neuron=sdnn(1, sigma_output=True)),
    ]


def entries(folder: Path) -> list[str]:
    """All datasets and groups of neurons."""
    with h5py.File(write(folder / "a.net", layers())) as file:
        found: list[str] = []
        file.visit(found.append)
    return [name for name in found if name.count("/") > 1]


@pytest.mark.parametrize("wrong", WRONG)
def test_every_entry_replaced(wrong: str, tmp_path: Path) -> None:
    value, read = WRONG[wrong], 0
    unplaced: list[str] = []
    names = entries(tmp_path)
    for name in names:
        path = write(tmp_path / "b.net", layers())
        with h5py.File(path, "r+") as file:
            del file[name]
            if isinstance(value, dict):
                file.create_group(name)
            elif value is not None:
                file[name] = value
        try:
            graph = import_netx(path, ImportOptions())
        except SnnhubError as problem:
            unplaced += [name] * (not problem.where)
            continue
        read += 1
        item = graph.inputs[0]
        if np.prod(item.shape, dtype=object) < 10_000:
            prepare(graph).run(np.ones((3, *item.shape), np.int32))
    assert unplaced == []
    assert len(names) > 40
    assert read < len(names), "something must be refused"


def test_the_file_itself_is_sound(tmp_path: Path) -> None:
    graph = import_netx(write(tmp_path / "a.net", layers()), ImportOptions())
    found, _ = prepare(graph).run(200 * np.ones((12, 1, 3, 3), np.int32))
    assert found["output"].any()
