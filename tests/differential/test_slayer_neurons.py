"""slayer's neurons as ops, read off live modules: every word of every state and every spike equal to slayer's."""

from __future__ import annotations

import pytest

from tests.differential.slayer_runs import FAMILIES, differing, random_layer, run_live

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
