"""Both engines against SpikingJelly's own forward: the shipped MNIST network, multi-step, outputs recorded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import snnhub
import torch
from snnhub.api.options import ImportOptions
from snnhub.engine.reference import Plan, prepare
from snnhub.engine.torch_engine.plan import prepare_torch
from snnhub.engine.torch_engine.settings import Mode, Settings
from snnhub.ir.tensor import Array
from snnhub_spikingjelly.importer import prepare_net
from spikingjelly.activation_based import functional

from tests.bench.timing import Ratio, compare, seconds
from tests.conftest import EXAMPLE
from tests.golden.freeze import digits

BATCHES = (100, 1)


def measure(folder: Path) -> Iterator[Ratio]:
    """Two lines for each batch size: the torch engine, and the reference engine, against SpikingJelly."""
    options = ImportOptions(EXAMPLE / "weights.pt", {}, (1, 28, 28))
    source = f"{EXAMPLE}/model.py:csnn"
    net, _, _ = prepare_net(source, options)
    graph = snnhub.import_model(source, "spikingjelly", (1, 28, 28), weights=EXAMPLE / "weights.pt")
    plans: dict[str, Plan] = {
        "torch engine": prepare_torch(graph, Settings(Mode.MULTI)),
        "reference engine": prepare(graph),
    }
    for batch in BATCHES:
        x = digits("images", 100)[:, :batch].astype(np.float32)

        def theirs(x: Array = x) -> Array:
            functional.reset_net(net)
            with torch.no_grad():
                return np.asarray(net.conv_fc(torch.from_numpy(x)).numpy())

        for name, plan in plans.items():
            np.testing.assert_array_equal(theirs(), plan.run(x)[0]["output"])

            def ours(plan: Plan = plan, x: Array = x) -> float:
                return seconds(lambda: plan.run(x))

            what = f"{name}: csnn, {batch} digits of {len(x)} steps"
            yield compare(what, "SpikingJelly's forward", ours, lambda: seconds(theirs))
