"""slayer's neurons as ops, read off live modules: every word of every state and every spike equal to slayer's."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from snnhub.engine.reference import prepare
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.numtype import F32
from snnhub.ir.tensor import tensor
from snnhub.ops.registry import REGISTRY

from tests.differential.slayer_runs import (
    FAMILIES,
    PEER,
    differing,
    directed_layers,
    inside,
    random_layer,
    run_live,
)

pytestmark = pytest.mark.peer
LAYERS = 240


@pytest.mark.usefixtures("lava")
def test_random_layers_are_equal_in_every_word(tmp_path_factory: pytest.TempPathFactory) -> None:
    specs = [random_layer(seed) for seed in range(LAYERS)]
    found = run_live(specs, tmp_path_factory.mktemp("slayer"))
    silent = 0
    seen: dict[str, int] = {}
    wrong = []
    for spec, live in zip(specs, found, strict=True):
        count = differing(live)
        if any(count.values()):
            wrong.append((spec["seed"], live.op, dict(live.attributes), count))
        silent += not live.words["s"].any()
        seen[live.op] = seen.get(live.op, 0) + bool(live.words["s"].any())
    assert wrong == []
    assert len(found) - silent >= 200, f"{silent} of {len(found)} layers are silent"
    assert len(seen) == len(FAMILIES) + 2
    assert min(seen.values()) >= 2, seen


@pytest.mark.usefixtures("lava")
def test_directed_layers_are_equal_too(tmp_path: Path) -> None:
    """Where f32 words round, where slayer's eps would vanish, on the threshold, and below the smallest integer."""
    specs = directed_layers()
    found = run_live(specs, tmp_path)
    wrong = {
        (spec["family"], spec["settings"]["threshold"]): count
        for spec, live in zip(specs, found, strict=True)
        if any((count := differing(live)).values())
    }
    assert wrong == {}
    assert sum(bool(live.words["s"].any()) for live in found) >= 30
    words = [np.abs(live.words[name]).max() for live in found for name in ("v", "im") if name in live.words]
    assert max(words) > 2**12 * 2, "no word beyond 2^24"


@pytest.mark.usefixtures("lava")
def test_what_slayer_cannot_run_fails_there_and_is_refused_here() -> None:
    """Each in live slayer, with what the reader says of it."""
    said = json.loads(inside(str(PEER), "refused").splitlines()[-1])
    assert said["adrf_iz"] == ["TypeError", ["SNN-3324"]]
    assert said["cum_error"] == ["RuntimeError", ["SNN-3324"]]
    assert said["decays per channel of positions"] == ["RuntimeError", ["SNN-3323"]]
    assert said["decays per channel of positions, as many as columns"] == ["", ["SNN-3323"]]
    assert said["not run yet"] == ["", ["SNN-3323"]]
    assert said["state left behind"] == ["", ["SNN-3322"]]
    assert said["another scale"] == ["", ["SNN-3320"]]
    assert said["another activation"] == ["", ["SNN-3321"]]
    assert said["another norm"] == ["", ["SNN-3321"]]
    assert said["threshold of 5000"] == ["", ["SNN-3325"]]


@pytest.mark.usefixtures("lava")
def test_the_input_is_rounded_as_slayers_hook_rounds_it(tmp_path: Path) -> None:
    inside(str(PEER), "input", str(tmp_path / "input.npz"))
    with np.load(tmp_path / "input.npz") as file:
        x, y, weight, bias = (file[name] for name in ("x", "y", "weight", "bias"))
    builder = GraphBuilder("input", REGISTRY)
    port = builder.input(x.shape[1:], F32)
    builder.output(
        builder.node("n", "slayer.Input", port, params={"weight": tensor(weight), "bias": tensor(bias)})
    )
    assert (prepare(builder.graph(), REGISTRY).run(x)[0]["output"] == y).all()
