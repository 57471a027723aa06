"""Networks that SpikingJelly ships: importing against building them, the engine against SpikingJelly's forward.

    python -m tests.bench.zoo

The import ends with its comparison on random input, which is counted too. What is built is SpikingJelly's own
constructor with its own initialisation, nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import snnhub
from snnhub.engine.reference import prepare

from tests.bench.timing import HEADER, Ratio, compare, seconds

SHAPE = (3, 32, 32)
STEPS, SAMPLES = 4, 2


def networks() -> Iterator[tuple[str, Callable[[], Any], Callable[[], Any]]]:
    """Name, SpikingJelly's constructor, and the same network with weights that make every layer fire."""
    from spikingjelly.activation_based import neuron

    from tests.networks import zoo

    def sew() -> Any:
        return zoo.model("sew_resnet").sew_resnet18(cnf="ADD", spiking_neuron=neuron.IFNode, num_classes=10)

    yield "SEW-ResNet18", sew, zoo.sew_resnet18
    for norm in (False, True):
        name = "Spiking VGG11-BN" if norm else "Spiking VGG11"
        yield name, lambda norm=norm: zoo.small_vgg11(norm), lambda norm=norm: zoo.vgg11(norm)


def zoo() -> Iterator[Ratio]:
    """For each network: import time to build time, and a run of four steps of two images to the forward."""
    import torch
    from spikingjelly.activation_based import functional

    for name, build, lively in networks():
        net = lively()
        net.eval()
        yield compare(
            f"{name}, import",
            "SpikingJelly builds it",
            lambda net=net: seconds(lambda: snnhub.import_model(net, "spikingjelly", SHAPE)),
            lambda build=build: seconds(build),
        )
        graph = snnhub.import_model(net, "spikingjelly", SHAPE)
        plan = prepare(graph)
        x = np.random.default_rng(0).random((STEPS, SAMPLES, *SHAPE), dtype=np.float32)

        def forward(net: Any = net, x: Any = x) -> float:
            functional.reset_net(net)
            with torch.no_grad():
                return seconds(lambda: net(torch.from_numpy(x)))

        yield compare(
            f"{name}, {STEPS} steps of {SAMPLES} images",
            "SpikingJelly's forward",
            lambda plan=plan, x=x: seconds(lambda: plan.run(x)),
            forward,
        )


def main() -> None:
    """Print line by line."""
    print(HEADER, flush=True)
    for ratio in zoo():
        print(ratio, flush=True)


if __name__ == "__main__":
    main()
