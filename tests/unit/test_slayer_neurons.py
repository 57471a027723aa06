"""slayer's neurons without slayer: recorded runs, readers of look-alikes, checks that stop a run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from snnhub.engine.reference import prepare
from snnhub.errors import RunError, UnsupportedError
from snnhub.findings import Severity
from snnhub.ir.builder import GraphBuilder
from snnhub.ir.graph import Graph, Port
from snnhub.ir.numtype import F32
from snnhub.ir.tensor import Array, smallest_integer, tensor
from snnhub.ops.registry import REGISTRY
from snnhub_lavadl.neurons import READERS
from snnhub_lavadl.neurons.part import NeuronPart
from snnhub_lavadl.neurons.resonate import clamped
from snnhub_lavadl.neurons.sigma_delta import read_delta, read_sigma

from tests.differential.slayer_runs import GOLDEN, differing, load


def tensors(**values: Any) -> dict[str, Array]:
    return {name: np.atleast_1d(np.asarray(value, np.float32)) for name, value in values.items()}


def alif(**changes: Any) -> Any:
    """What a live ``alif.Neuron`` of three channels shows, with changes."""
    decays = tensors(current_decay=1024.5, voltage_decay=128, threshold_decay=400, refractory_decay=0)
    states = tensors(current_state=0, voltage_state=0, threshold_state=1.25, refractory_state=0)
    given = {"w_scale": 64, "s_scale": 4096, "p_scale": 4096, "shape": (3,), "shared_param": True, "drop": None}
    given |= {"requires_grad": False, "persistent_state": False, "graded_spike": False, "norm": None}
    return SimpleNamespace(**{**decays, **states, **given, "threshold": 1.25, "threshold_step": 0.5, **changes})


def rf(**changes: Any) -> Any:
    """What a live ``rf.Neuron`` shows."""
    own = {
        "real_norm": None,
        "imag_norm": None,
        **tensors(real_state=0, imag_state=0, sin_decay=700, cos_decay=3000),
    }
    return alif(**{**own, **changes})


def relu(x: Array) -> Array:
    return np.maximum(x, 0)


relu.__module__ = "torch.nn.functional"


def sigma_delta(**changes: Any) -> Any:
    """What a live ``sigma_delta.Neuron`` shows; ``delta`` and ``sigma`` take changes of their own."""
    rest = tensors(pre_state=0, residual_state=0, error_state=0)
    delta = {"scale": 4096, "cum_error": False, "persistent_state": False, **rest, **tensors(threshold=0.5)}
    delta |= changes.pop("delta", {})
    sigma = {"persistent_state": False, **rest, **changes.pop("sigma", {})}
    own = {"activation": relu, "bias_is_set": False, "bias": np.zeros(1, np.float32)}
    parts = {"delta": SimpleNamespace(**delta), "sigma": SimpleNamespace(**sigma)}
    return alif(**{**own, **parts, **changes})


def norm(kind: str, mean: Any, training: bool = False) -> Any:
    """What a live norm shows; its hook rounds to 1/32 as ``quantize_8bit`` does."""
    path = {"__module__": "lava.lib.dl.slayer.neuron.norm", "__qualname__": kind}
    found = type(kind, (SimpleNamespace,), path)()
    found.running_mean, found.running_var = np.asarray(mean, np.float32), np.asarray([3.0], np.float32)
    found.pre_hook_fx = lambda x: np.clip(np.rint(x * 32) / 32, -4, 254 / 64)
    found.std = lambda var: np.exp2(np.clip(np.ceil(np.log2(np.sqrt(var))), -3, 3))
    found.update, found.training = True, training
    return found


def refusals(family: str, neuron: Any) -> list[str]:
    """Codes of the errors; all of them are in one report, with place and remedy."""
    with pytest.raises(UnsupportedError) as caught:
        READERS[f"{family}.Neuron"](neuron, "block/neuron")
    errors = [item for item in caught.value.findings if item.severity is Severity.ERROR]
    assert all(item.place == "block/neuron" and item.remedy for item in errors)
    return [item.code for item in errors]


@pytest.mark.parametrize("number", range(24))
def test_recorded_layers_of_live_slayer(number: int) -> None:
    live = load(GOLDEN)[number]
    assert live.words["s"].any()
    assert not any(differing(live).values())


def test_a_recorded_layer_with_one_more_is_told_apart() -> None:
    live = load(GOLDEN)[0]
    live.words["u"].flat[-1] += np.float32(1 / 4096)
    assert differing(live)["u"] == 1


def test_alif_is_read() -> None:
    part = READERS["alif.Neuron"](alif(graded_spike=True), "n")
    assert (part.op, part.attributes) == ("slayer.ALIF", {"norm": "none", "graded": True})
    assert {name: value.item() for name, value in part.params.items()} == {
        "current_decay": 1024,  # half to even
        "voltage_decay": 128,
        "threshold": 5120,
        "threshold_step": 2048,
        "threshold_decay": 400,
        "refractory_decay": 0,
    }
    assert part.inputs == ("x",)
    assert part.findings == ()


def test_decays_of_channels_are_one_per_neuron() -> None:
    part = READERS["alif.Neuron"](alif(shared_param=False, **tensors(current_decay=[1, 2.5, 3.5])), "n")
    assert part.params["current_decay"].tolist() == [1, 2, 4]


def test_learning_decays_are_clamped_as_forward_does() -> None:
    learning = alif(requires_grad=True, **tensors(current_decay=[-3, 2, 5000]))
    part = READERS["alif.Neuron"](learning, "n")
    assert part.params["current_decay"].tolist() == [0, 2, 4096]
    assert [item.code for item in part.findings] == ["SNN-3328"]
    assert refusals("alif", alif(**tensors(current_decay=[-3, 2, 5000]))) == ["SNN-3325"]
    assert refusals("alif", alif(requires_grad=True, **tensors(threshold_decay=-3))) == ["SNN-3325"]


def test_a_turn_beyond_the_circle_is_clamped_in_f32() -> None:
    sine, cosine = clamped(np.array([3000, 0.1], np.float32), np.array([4000, -5], np.float32))
    assert sine.dtype == np.float32
    assert sine.tolist() == [pytest.approx(2457), 1]
    assert cosine.tolist() == [pytest.approx(3276), 0]
    part = READERS["rf.Neuron"](rf(requires_grad=True, **tensors(sin_decay=3000, cos_decay=4000)), "n")
    assert (part.params["sin_decay"].item(), part.params["cos_decay"].item()) == (2457, 3276)
    assert [item.code for item in part.findings] == ["SNN-3328", "SNN-3328"]


def test_norms_are_read_with_their_quantised_statistics() -> None:
    given = norm("WgtScaleBatchNorm", [0.3, 9.0, -9.0], training=True)
    part = READERS["alif.Neuron"](alif(norm=given, shape=(3, 2, 2)), "n")
    assert part.attributes["norm"] == "scale"
    assert part.params["mean"].shape == (3, 1, 1)
    assert part.params["mean"].flatten().tolist() == [0.3125, 254 / 64, -4]
    assert part.params["std"].item() == 2
    assert [item.code for item in part.findings] == ["SNN-3326"]
    means = {name: norm("MeanOnlyBatchNorm", [0.5]) for name in ("real_norm", "imag_norm")}
    part = READERS["rf_iz.Neuron"](rf(**means), "n")
    assert (part.op, part.attributes["norm"]) == ("slayer.RFIzhikevich", "mean")
    assert part.inputs == ("real", "imag")
    assert part.params["real_mean"].shape == ()
    mixed = {**means, "imag_norm": norm("WgtScaleBatchNorm", [0.5])}
    assert refusals("rf", rf(**mixed)) == ["SNN-3321"]
    assert refusals("alif", alif(norm=norm("MeanOnlyBatchNorm", [1, 2, 3]), shape=None)) == ["SNN-3323"]


def test_what_cannot_be_held_is_refused_all_at_once() -> None:
    class Quieter:
        """A drop-out of the user's own."""

    broken = alif(w_scale=32, drop=Quieter(), norm=Quieter(), threshold=5000.0, **tensors(voltage_state=0.5))
    assert refusals("alif", broken) == ["SNN-3320", "SNN-3321", "SNN-3322", "SNN-3321", "SNN-3322", "SNN-3325"]
    assert refusals("alif", alif(threshold=-1.0, **tensors(threshold_state=-1.0))) == ["SNN-3325"]
    assert refusals("alif", alif(shared_param=False, shape=None)) == ["SNN-3323"] * 4
    assert refusals("alif", alif(shape=(3, 2, 3), **tensors(current_decay=[1, 2, 3]))) == ["SNN-3323"]
    assert refusals("adrf_iz", rf()) == ["SNN-3324"]
    assert refusals("sigma_delta", sigma_delta(delta={"cum_error": True})) == ["SNN-3324"]
    assert refusals("sigma_delta", sigma_delta(delta={"scale": 64})) == ["SNN-3320"]
    assert refusals("sigma_delta", sigma_delta(activation=lambda x: x)) == ["SNN-3321"]
    moved = {"persistent_state": True, **tensors(pre_state=1)}
    assert refusals("sigma_delta", sigma_delta(sigma=moved, delta=moved)) == ["SNN-3322", "SNN-3322"]


def test_state_that_is_carried_and_drop_out_are_said() -> None:
    class Dropout(SimpleNamespace):
        """As slayer's."""

    part = READERS["adrf.Neuron"](rf(persistent_state=True, drop=Dropout(training=True)), "n")
    assert part.op == "slayer.ADRF"
    assert [item.code for item in part.findings] == ["SNN-3326", "SNN-3327"]


def test_sigma_delta_is_read_whole_and_in_halves() -> None:
    neuron = sigma_delta(bias_is_set=True, bias=np.array([1, 2, 3], np.float32), **tensors())
    part = READERS["sigma_delta.Neuron"](neuron, "n")
    assert (part.op, part.params["bias"].tolist()) == ("slayer.SigmaDelta", [1, 2, 3])
    small = sigma_delta(delta=tensors(threshold=[1e-9, 0.5, 1]), shape=(3, 2, 2))
    part = read_delta(small, "n")
    assert part.params["threshold"].shape == (3, 1, 1)
    assert part.params["threshold"].flatten().tolist() == [1 / 4096, 0.5, 1]
    assert [item.code for item in part.findings] == ["SNN-3328"]
    assert read_sigma(small, "n") == NeuronPart("slayer.Sigma", {}, {})


def alone(op: str, params: dict[str, Any], **attributes: Any) -> Graph:
    builder = GraphBuilder("slayer", REGISTRY)
    x = builder.input((2,), F32)
    numbers = {k: smallest_integer(np.asarray(v)) if isinstance(v, int) else tensor(v) for k, v in params.items()}
    builder.node("n", op, x, params=numbers, **attributes)
    builder.output(Port("n", "s"))
    return builder.graph()


def test_a_state_beyond_its_limit_stops_the_run_and_is_named() -> None:
    decays = dict.fromkeys(("current_decay", "voltage_decay", "threshold_decay", "refractory_decay"), 0)
    graph = alone("slayer.ALIF", {**decays, "threshold": 2**24, "threshold_step": 0}, norm="none", graded=False)
    x = np.zeros((5, 2), np.float32)
    x[1:, 1] = 2.0**37
    with pytest.raises(RunError, match="left its checked range") as caught:
        prepare(graph, REGISTRY).run(x)
    assert caught.value.where == "node n, step 2 of the block, state v, sample 0, element [1]"
    x[1:, 1] = 2.0**39
    with pytest.raises(RunError) as caught:
        prepare(graph, REGISTRY).run(x)
    assert "step 1 of the block, on the way to u, v" in caught.value.where
