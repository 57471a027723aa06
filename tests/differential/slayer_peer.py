"""Live slayer neurons, built, read and run: the process behind ``test_slayer_neurons``.

Runs in the environment ``lava``: ``slayer_peer.py layers ANSWER SPEC`` runs the JSON list of layers in SPEC,
``refused`` and ``input ANSWER`` answer the tests of these names. It calls what slayer's own blocks call; every
tensor that its ``dynamics`` gives is recorded.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

DYNAMICS = {
    "alif": ("u", "v", "t", "r"),
    "rf": ("re", "im"),
    "rf_iz": ("re", "im"),
    "adrf": ("re", "im", "t", "r"),
    "adrf_iz": ("re", "im", "t", "r"),
}
"""What the ``dynamics`` of a family gives, in its order."""
Spec = dict[str, Any]


def main(task: str, *arguments: str) -> None:
    """Entry point of the process."""
    from snnhub_lava import patches

    patches.apply()
    import torch

    torch.set_num_threads(1)
    tasks: dict[str, Callable[..., None]] = {"layers": layers, "refused": refused, "input": encoded}
    tasks[task](*arguments)


def layers(answer: str, spec: str) -> None:
    """Run every layer of the file ``spec``; all arrays go into the ``.npz`` ``answer``."""
    found: dict[str, Any] = {}
    for number, layer in enumerate(json.loads(Path(spec).read_text())):
        for key, value in run(layer).items():
            found[f"{number}/{key}"] = value
    np.savez_compressed(answer, **found)


def run(layer: Spec) -> dict[str, Any]:
    """One layer: built by its seed, warmed up, read, run. Inputs and words are (time, samples, *shape)."""
    import torch

    torch.manual_seed(layer["seed"])
    inputs = [drawn(layer, number) for number in range(2 if layer["family"] in COMPLEX else 1)]
    neuron = built(layer)
    if layer.get("warm", True):
        warm(neuron, layer, inputs)
    neuron.eval()
    part = read(layer, neuron)
    found = {f"in/{name}": moved(x) for name, x in zip(part.inputs, inputs, strict=True)}
    found |= {f"param/{name}": value for name, value in part.params.items()}
    found["part"] = json.dumps([part.op, dict(part.attributes), [item.code for item in part.findings]])
    with torch.no_grad():
        return {**found, **{f"word/{name}": moved(x) for name, x in words(layer, neuron, inputs).items()}}


COMPLEX = ("rf", "rf_iz", "adrf", "adrf_iz")


def drawn(layer: Spec, number: int) -> Any:
    """Input (samples, *shape, time): sums of 1/32 as quantised synapses give, or any f32 (``grid`` 0)."""
    import torch

    random = np.random.default_rng((layer["seed"], number))
    shape = (2, *layer["shape"], layer["steps"])
    x = random.normal(layer["drive"], layer["spread"], shape) * (random.random(shape) < layer["rate"])
    if layer["grid"]:
        x = np.round(x * layer["grid"]) / layer["grid"]
    return torch.from_numpy(x.astype(np.float32))


def built(layer: Spec) -> Any:
    """The neuron. Named norms and activations are slayer's and torch's own."""
    import torch

    family = importlib.import_module(f"lava.lib.dl.slayer.neuron.{layer['family']}")
    settings = dict(layer["settings"])
    if settings.get("norm"):
        settings["norm"] = getattr(importlib.import_module("lava.lib.dl.slayer.neuron.norm"), settings["norm"])
    if layer["family"] == "sigma_delta":
        settings["activation"] = torch.nn.functional.relu
    if settings.pop("dropout", False):
        from lava.lib.dl.slayer.neuron.dropout import Dropout

        settings["dropout"] = Dropout(p=0.5)
    for name in ("period", "decay", "current_decay", "voltage_decay", "threshold_decay", "refractory_decay"):
        if isinstance(settings.get(name), list):
            settings[name] = tuple(settings[name])
    return family.Neuron(**settings)


def warm(neuron: Any, layer: Spec, inputs: list[Any]) -> None:
    """A forward in training mode: draws decays per channel and gives norms their statistics."""
    import torch

    with torch.no_grad():
        for name in ("norm", "real_norm", "imag_norm"):
            if getattr(neuron, name, None) is not None:
                getattr(neuron, name).momentum = 0.9
        if layer["family"] == "sigma_delta":
            neuron(inputs[0])
            if layer.get("bias"):
                neuron.set_bias(torch.randn(layer["shape"]))
        else:
            neuron.dynamics(inputs[0] if len(inputs) == 1 else tuple(inputs))


def read(layer: Spec, neuron: Any) -> Any:
    """The part that the reader makes of it."""
    from snnhub_lavadl.neurons import READERS
    from snnhub_lavadl.neurons.adaptive_resonate import read_adrf_iz
    from snnhub_lavadl.neurons.sigma_delta import read_delta, read_sigma

    if layer["family"] == "adrf_iz":
        return read_adrf_iz(neuron, "n", called_by_hand=True)
    if layer.get("half"):
        return (read_delta if layer["half"] == "delta" else read_sigma)(neuron, "n")
    return READERS[f"{layer['family']}.Neuron"](neuron, "n")


def words(layer: Spec, neuron: Any, inputs: list[Any]) -> dict[str, Any]:
    """What slayer computes: every tensor of its dynamics, and the spikes ``s``."""
    if layer["family"] == "sigma_delta":
        if layer.get("half"):
            return {"s": getattr(neuron, layer["half"])(inputs[0])}
        sigma = neuron.sigma(inputs[0])
        return {"sigma": sigma, "s": neuron(inputs[0])}
    x = inputs[0] if len(inputs) == 1 else tuple(inputs)
    given = neuron.dynamics(x)
    names = DYNAMICS[layer["family"]]
    spikes = neuron.spike(*given[1:]) if layer["family"] == "alif" else neuron.spike(*given)
    if layer["family"] != "adrf_iz":
        assert (neuron(x) == spikes).all()
    return {**dict(zip(names, given, strict=True)), "s": spikes}


def moved(x: Any) -> Any:
    """(samples, *shape, time) to (time, samples, *shape)."""
    return np.moveaxis(x.numpy(), -1, 0)


def refused() -> None:
    """Print how slayer fails, or nothing, and the codes of the reader's refusal, as one line of JSON."""
    import torch
    from lava.lib.dl.slayer.neuron import adrf_iz, alif, rf, sigma_delta

    decays = dict.fromkeys(("current_decay", "voltage_decay", "threshold_decay", "refractory_decay"), 0.1)

    def adaptive(**more: Any) -> Any:
        return alif.Neuron(**{"threshold": 1.0, "threshold_step": 0.5, **decays, **more})

    def tried(neuron: Any, *shape: int, twice: bool = False) -> list[Any]:
        problem = ""
        try:
            x = torch.ones((1, *shape, 5))
            if shape:
                neuron((x, x) if neuron.complex else x)
        except (TypeError, RuntimeError) as error:
            problem = type(error).__name__
        return [problem, codes(neuron)]

    relu = torch.nn.functional.relu
    turning = {"threshold": 1.0, "period": 8, "decay": 0.1}
    adapting = {"threshold_step": 0.5, "threshold_decay": 0.1, "refractory_decay": 0.1}
    cases = {
        "adrf_iz": tried(adrf_iz.Neuron(**turning, **adapting), 3),
        "cum_error": tried(sigma_delta.Neuron(0.5, relu, cum_error=True), 3),
        "decays per channel of positions": tried(adaptive(shared_param=False), 2, 2, 3),
        "decays per channel of positions, as many as columns": tried(adaptive(shared_param=False), 3, 2, 3),
        "not run yet": tried(adaptive(shared_param=False)),
        "state left behind": tried(rf.Neuron(**turning, persistent_state=True), 3),
        "another scale": tried(adaptive(scale=32), 3),
        "another activation": tried(sigma_delta.Neuron(0.5, torch.tanh), 3),
        "another norm": tried(adaptive(norm=lambda: torch.nn.Identity()), 3),
        "threshold of 5000": tried(adaptive(threshold=5000.0), 3),
    }
    print(json.dumps(cases))


def codes(neuron: Any) -> list[str]:
    """Codes of the errors with which the reader of a neuron refuses it, each once."""
    from snnhub.errors import UnsupportedError
    from snnhub.findings import Severity
    from snnhub_lavadl.neurons import READERS

    name = type(neuron).__module__.removeprefix("lava.lib.dl.slayer.neuron.")
    try:
        READERS[f"{name}.Neuron"](neuron, "n")
    except UnsupportedError as problem:
        return sorted({item.code for item in problem.findings if item.severity is Severity.ERROR})
    return []


def encoded(answer: str) -> None:
    """A block of input with weight and bias on ties, ends and random numbers: what reaches its delta."""
    import torch
    from lava.lib.dl.slayer.block import sigma_delta

    torch.manual_seed(0)
    settings = {"threshold": 0.5, "activation": torch.nn.functional.relu}
    block = sigma_delta.Input(settings, weight=1.7, bias=-0.3)
    x = torch.cat([torch.arange(-300, 300) / 64, torch.randn(400) * 3])
    x = x[torch.randperm(len(x))].reshape(1, 5, 200)
    hook = block.pre_hook_fx
    with torch.no_grad():
        weight, bias = hook(block.weight), hook(block.bias)
        arrived: list[Any] = []
        block.neuron.delta.register_forward_pre_hook(lambda module, given: arrived.append(given[0]))
        block(x)
    numbers = {"weight": weight.numpy().reshape(()), "bias": bias.numpy().reshape(())}
    np.savez(answer, x=moved(x)[:, 0], y=moved(arrived[0])[:, 0], **numbers)


if __name__ == "__main__":
    main(*sys.argv[1:])
