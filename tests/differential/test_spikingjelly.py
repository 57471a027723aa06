"""Live SpikingJelly: every spike of every layer, whatever the mode; and what is refused, all at once."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snnhub
from snnhub.api.options import ImportOptions, InputShapeMissingError
from snnhub.api.verify import VerifyResult
from snnhub.cli.main import invoke
from snnhub.engine.reference import prepare
from snnhub.errors import FormatError, UnsupportedError, UsageError
from snnhub.findings import Severity
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array

from tests.conftest import EXAMPLE
from tests.golden.freeze import digits

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("spikingjelly")]
NETWORKS = "tests.networks.spiking"
FACTORY = f"{EXAMPLE}/model.py:csnn"


def compared(
    name: str,
    shape: tuple[int, ...],
    steps: int = 12,
    samples: int = 3,
    analog: bool = False,
    hold: bool = False,
    **settings: Any,
) -> VerifyResult:
    """A network in the engine against itself in SpikingJelly on random input."""
    random = np.random.default_rng(0)
    x: Array = (random.random((steps, samples, *shape)) < 0.4).astype(np.float32)
    if analog:
        x = random.normal(0, 1, (steps, samples, *shape)).astype(np.float32)
    options = ImportOptions(input_shape=shape, settings={key: str(value) for key, value in settings.items()})
    return snnhub.verify(
        f"{NETWORKS}:{name}", stimulus=x[:1] if hold else x, against="spikingjelly", options=options
    )


def same_spikes(result: VerifyResult) -> None:
    spiking = [row for row in result.verdict.rows if row.spikes]
    assert spiking
    assert sum(row.different for row in spiking) == 0
    assert sum(row.a_spikes or 0 for row in spiking) > 20
    assert result.passed
    assert result.expected is Rung.SPIKES


@pytest.mark.parametrize("mode", ["s", "m"])
@pytest.mark.parametrize("analog", [False, True])
def test_dense_networks(mode: str, analog: bool) -> None:
    same_spikes(compared("mlp", (20,), mode=mode, analog=analog, tau=3.0))


@pytest.mark.parametrize("mode", ["s", "m"])
@pytest.mark.parametrize("v_reset", [0.0, None, -0.2, 0.1])
@pytest.mark.parametrize("v_threshold", [1.0, 0.37])
@pytest.mark.parametrize(
    ("kind", "tau", "decay_input"),
    [("IF", 2.0, True), ("LIF", 2.0, True), ("LIF", 3.0, True), ("LIF", 50.0, False)],
)
def test_neurons_in_every_mode(
    mode: str, v_reset: float | None, v_threshold: float, kind: str, tau: float, decay_input: bool
) -> None:
    result = compared(
        "neurons",
        (12,),
        40,
        4,
        True,
        kind=kind,
        v_reset=v_reset,
        v_threshold=v_threshold,
        tau=tau,
        decay_input=decay_input,
        mode=mode,
    )
    assert sum(row.different for row in result.verdict.rows if row.spikes) == 0


@pytest.mark.parametrize("kind", ["IF", "LIF"])
@pytest.mark.parametrize("v_reset", [0.0, None, 0.1])
def test_voltages_are_equal_in_bits_where_the_currents_are(kind: str, v_reset: float | None) -> None:
    """With inputs that make every sum exact, the neuron's own arithmetic is SpikingJelly's, bit for bit."""
    import torch

    from tests.networks.spiking import neurons

    net = neurons(kind, v_reset, 0.75, 3.0)
    net[0].weight.data = torch.randint(-8, 9, net[0].weight.shape) / 16
    net[0].bias.data.zero_()
    x = np.random.default_rng(0).integers(0, 2, (50, 4, 12)).astype(np.float32)
    graph = snnhub.import_model(net, source="spikingjelly", input_shape=(12,))
    recording, _ = prepare(graph).run(x, record=["1/v"])
    net[1].store_v_seq = True
    with torch.no_grad():
        net(torch.from_numpy(x))
    np.testing.assert_array_equal(recording["1/v"], net[1].v_seq.numpy())


@pytest.mark.parametrize("mode", ["s", "m"])
@pytest.mark.parametrize("pool", ["avg", "max"])
def test_convolutional_networks(mode: str, pool: str) -> None:
    same_spikes(compared("cnn", (2, 8, 8), mode=mode, pool=pool))


def test_residual_blocks_view_and_mean() -> None:
    result = compared("residual", (1, 6, 6))
    same_spikes(result)
    assert "blocks/0/n1/s" in {row.a_key for row in result.verdict.rows}
    graph = snnhub.import_model(f"{NETWORKS}:residual", "spikingjelly", (1, 6, 6))
    assert {node.id for node in graph.nodes} >= {"blocks/0/add", "blocks/1/add_1", "view", "n"}
    assert graph.decoder is not None
    assert graph.decoder.reduce == "mean"


@pytest.mark.parametrize("expand", [False, True])
def test_a_frame_that_the_network_holds_itself(expand: bool) -> None:
    random = np.random.default_rng(0)
    x = random.normal(0, 1, (1, 3, 1, 6, 6)).astype(np.float32)
    options = ImportOptions(input_shape=(1, 6, 6), settings={"expand": str(expand), "steps": "5"})
    result = snnhub.verify(f"{NETWORKS}:held", stimulus=x, against="spikingjelly", options=options)
    same_spikes(result)
    assert "SNN-5003" in {finding.code for finding in result.findings}
    graph = snnhub.import_model(f"{NETWORKS}:held", "spikingjelly", (1, 6, 6), settings={"steps": "5"})
    assert graph.inputs[0].hold == 5
    assert graph.decoder is not None
    assert graph.decoder.reduce == "sum"
    moving = np.concatenate([x, x + 1])
    with pytest.raises(UsageError, match="holds one frame"):
        snnhub.run(f"{NETWORKS}:held", moving, runner="spikingjelly", options=options)


def test_time_and_batch_merged_by_hand() -> None:
    same_spikes(compared("merged", (1, 6, 6)))


@pytest.mark.parametrize(
    "settings",
    [
        {"pool": "before neuron"},
        {"pool": "between neurons"},
        {"pool": "before conv", "norm": True},
        {"pool": "before dense"},
        {"kind": "LIF", "decay_input": True, "tau": 3.0, "bias": True},
        {"v_reset": -0.3, "norm": True},
    ],
)
def test_networks_to_deploy(settings: dict[str, Any]) -> None:
    same_spikes(compared("deployable", (1, 8, 8), 20, **settings))


def test_the_trained_network_on_a_hundred_digits() -> None:
    options = ImportOptions(EXAMPLE / "weights.pt", {"channels": "16"})
    result = snnhub.verify(FACTORY, stimulus=digits("images", 100), against="spikingjelly", options=options)
    same_spikes(result)
    assert result.verdict.decisions_equal == 100
    versions = next(finding for finding in result.findings if finding.code == "SNN-6001")
    assert "spikingjelly 2." in versions.message
    assert "SNN-3001" in {finding.code for finding in result.findings}


def test_import_ends_with_a_comparison_and_changes_nothing() -> None:
    import torch

    from tests.networks.spiking import cnn

    net = cnn()
    net.train()
    net(torch.rand(2, 2, 2, 8, 8))
    state, memories = copy.deepcopy(net.state_dict()), net[2].v.clone()
    graph = snnhub.import_model(net, source="spikingjelly", input_shape=(2, 8, 8))
    assert net.training
    assert torch.equal(net[2].v, memories)
    assert all(torch.equal(value, state[key]) for key, value in net.state_dict().items())
    codes = {finding.code: finding.severity for finding in graph.findings}
    assert codes == {"SNN-3008": Severity.INFO, "SNN-3005": Severity.INFO, "SNN-3006": Severity.INFO}


def refusal(name: str, shape: tuple[int, ...] | None = (1, 6, 6), **settings: str) -> UnsupportedError:
    with pytest.raises(UnsupportedError) as caught:
        snnhub.import_model(f"{NETWORKS}:{name}", "spikingjelly", shape, settings=settings)
    return caught.value


def test_all_refusals_in_one_report() -> None:
    found = refusal("many_faults").findings
    assert [(f.code, f.place) for f in found] == [("SNN-3002", str(n)) for n in (1, 2, 3, 4, 5)]
    assert all(finding.remedy for finding in found)


def test_one_neuron_at_two_places() -> None:
    error = refusal("Twice", (6,))
    assert error.findings[0].code == "SNN-3004"
    assert "n, n_1" in error.findings[0].message


def test_a_loop_over_time() -> None:
    assert "SNN-3004" in {finding.code for finding in refusal("Loop", (6,)).findings}


def sequential(*modules: Any) -> Any:
    from torch import nn

    return nn.Sequential(*modules)


def test_settings_that_cannot_be_held() -> None:
    import torch
    from spikingjelly.activation_based import layer, neuron
    from torch import nn

    class Louder(neuron.IFNode):  # type: ignore[misc]
        def neuronal_fire(self) -> Any:
            return super().neuronal_fire() * 2

    class Same(neuron.IFNode):  # type: ignore[misc]
        """Changes nothing."""

    hooked = nn.Linear(4, 4)
    hooked.register_forward_hook(lambda module, args, output: output * 2)
    cases = {
        "padding_mode": (nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular"), "SNN-3009"),
        "even same": (nn.Conv2d(1, 1, 2, padding="same"), "SNN-3009"),
        "divisor": (nn.AvgPool2d(2, divisor_override=3), "SNN-3009"),
        "indices": (nn.MaxPool2d(2, return_indices=True), "SNN-3009"),
        "statistics": (nn.BatchNorm2d(1, track_running_stats=False), "SNN-3009"),
        "double": (nn.Conv2d(1, 1, 3).double().float().half().float(), None),
        "mode": (neuron.IFNode(step_mode="m"), None),
        "override": (Louder(), "SNN-3002"),
        "subclass": (Same(), None),
        "flatten": (nn.Flatten(0), "SNN-3003"),
    }
    for name, (module, code) in cases.items():
        net = sequential(module)
        if code is None:
            snnhub.import_model(net, source="spikingjelly", input_shape=(1, 6, 6))
            continue
        with pytest.raises((UnsupportedError, UsageError)) as caught:
            snnhub.import_model(net, source="spikingjelly", input_shape=(1, 6, 6))
        assert code in {finding.code for finding in caught.value.findings}, name
    with pytest.raises(UnsupportedError, match="hooks"):
        snnhub.import_model(sequential(hooked), source="spikingjelly", input_shape=(4,))
    mixed = sequential(layer.Linear(4, 4), neuron.IFNode(step_mode="m"), neuron.IFNode(step_mode="s"))
    with pytest.raises(UnsupportedError, match="step_mode"):
        snnhub.import_model(mixed, source="spikingjelly", input_shape=(4,))
    same_padding = sequential(nn.Conv2d(1, 2, 3, padding="same"), neuron.IFNode())
    assert snnhub.import_model(same_padding, source="spikingjelly", input_shape=(1, 5, 5)).nodes[0].attribute[
        "padding"
    ] == (1, 1)
    assert torch.__version__


class Forwards:
    """Forwards that use the time axis in ways that cannot be held."""

    @staticmethod
    def make(code: str) -> Any:
        from spikingjelly.activation_based import neuron
        from torch import nn

        class Net(nn.Module):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__()
                self.fc = nn.Linear(6, 6)
                self.n = neuron.IFNode(step_mode="m")
                self.n2 = neuron.IFNode(step_mode="m")

            def forward(self, x: Any) -> Any:
                return eval(code, {"self": self, "x": x})  # noqa: S307  code is written below

        return Net()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("self.n(self.fc(x))[0]", "SNN-3002"),
        ("self.n(self.fc(x)).mean(1)", "SNN-3003"),
        ("self.n(self.fc(x)).mean()", "SNN-3003"),
        ("self.n2(self.n(self.fc(x)).mean(0))", "SNN-3003"),
        ("self.n(self.fc(x)).flatten(0, 1)", "SNN-3003"),
        ("self.n(self.fc(x.flatten(0, 1)))", "SNN-3003"),
        ("self.n(self.fc(x)).unsqueeze(0)", "SNN-3003"),
        ("self.n(self.fc(x)) ** 2", "SNN-3002"),
        ("self.n(self.fc(x)) / 3", "SNN-3002"),
        ("self.n(self.fc(x)) + self.fc(x).mean(0)", "SNN-3003"),
        ("self.n(self.fc(x)).permute(1, 0, 2)", "SNN-3002"),
        ("self.n(self.fc(x).softmax(-1))", "SNN-3002"),
        ("(self.n(self.fc(x)), x)", "SNN-3002"),
        ("self.n(self.fc(x)).view(x.shape[1], x.shape[0], 2, 3)", "SNN-3003"),
        ("self.n(self.fc(x)) if x.sum() > 0 else x", "SNN-3002"),
    ],
)
def test_uses_of_the_time_axis_that_are_refused(code: str, expected: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        snnhub.import_model(Forwards.make(code), source="spikingjelly", input_shape=(6,))
    assert expected in {finding.code for finding in caught.value.findings}, [str(f) for f in caught.value.findings]


def test_wrong_input_shapes_are_shown_layer_by_layer() -> None:
    with pytest.raises(UsageError) as caught:
        snnhub.import_model(FACTORY, "spikingjelly", (1, 32, 32))
    text = str(caught.value)
    assert "conv_fc.0 Conv2d -> [4, 2, 16, 32, 32]" in text
    assert "conv_fc.9 Linear fails" in text


def test_a_missing_input_shape_is_taken_from_the_array() -> None:
    with pytest.raises(InputShapeMissingError) as caught:
        snnhub.import_model(FACTORY, "spikingjelly")
    assert caught.value.rank == 3
    result = snnhub.run(FACTORY, digits("images", 2))
    assert any("read as (time, batch, features)" in finding.message for finding in result.findings)
    assert snnhub.run(FACTORY, digits("images", 1)[:, 0]).recording["output"].shape == (8, 10)


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("nowhere.py:net", "no such file"),
        ("{folder}/broken.py:net", "fails when it is imported"),
        ("{folder}/fine.py:nothing", "no such factory"),
        ("{folder}/fine.py:number", "must return a torch.nn.Module"),
        ("{folder}/fine.py:explode", "the factory failed"),
        ("no.such.module:net", "cannot be imported"),
        ("{folder}/fine.py:number2", "settings do not fit|no such factory"),
    ],
)
def test_factories_that_fail(reference: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import nothing_like_this\n")
    (tmp_path / "fine.py").write_text(
        "def number():\n    return 3\n\ndef explode():\n    raise ValueError('no')\n"
    )
    with pytest.raises(UsageError, match=words):
        snnhub.import_model(reference.format(folder=tmp_path), "spikingjelly", (1,))


def test_settings_are_literals_and_must_fit() -> None:
    graph = snnhub.import_model(FACTORY, "spikingjelly", (1, 28, 28), settings={"channels": "3"})
    assert graph.nodes[0].param["weight"].shape == (3, 1, 3, 3)
    with pytest.raises(UsageError, match="settings do not fit"):
        snnhub.import_model(FACTORY, "spikingjelly", (1, 28, 28), settings={"chanels": "3"})


class Payload:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> Any:
        import os

        return os.mkdir, ("PWNED",)


def test_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tensors in every usual form load; everything else is refused and nothing is executed."""
    import torch
    from safetensors.torch import save_file

    monkeypatch.chdir(tmp_path)
    state = torch.load(EXAMPLE / "weights.pt", weights_only=True)
    shape = (1, 28, 28)

    def load(name: str, **settings: str) -> Any:
        return snnhub.import_model(FACTORY, "spikingjelly", shape, weights=tmp_path / name, settings=settings)

    torch.save({"net": state, "epoch": 3}, "wrapped.pt")
    torch.save({"state_dict": state}, "lightning.pt")
    save_file({key: value.contiguous() for key, value in state.items()}, "w.safetensors")
    wanted = load_reference(shape)
    for name in ("wrapped.pt", "lightning.pt", "w.safetensors"):
        assert load(name).network() == wanted.network()
    torch.save({"net": state, "evil": Payload()}, "evil.pt")
    torch.save(snnhub_net(), "module.pt")
    for name in ("evil.pt", "module.pt"):
        with pytest.raises(UnsupportedError, match="needs unpickling"):
            load(name)
    assert not (tmp_path / "PWNED").exists()
    torch.save({"a": 1}, "numbers.pt")
    with pytest.raises(UnsupportedError, match="no state dict"):
        load("numbers.pt")
    with pytest.raises(UsageError, match="do not fit"):
        load("wrapped.pt", channels="8")
    torch.save({**state, "conv_fc.0.weight": state["conv_fc.0.weight"] * float("nan")}, "nan.pt")
    with pytest.raises(FormatError, match="NaN"):
        load("nan.pt")
    (tmp_path / "cut.pt").write_bytes((EXAMPLE / "weights.pt").read_bytes()[:5000])
    (tmp_path / "empty.pt").write_bytes(b"")
    (tmp_path / "text.pt").write_text("hello")
    (tmp_path / "cut.safetensors").write_bytes((tmp_path / "w.safetensors").read_bytes()[:300])
    for name in ("cut.pt", "empty.pt", "text.pt", "cut.safetensors"):
        with pytest.raises(FormatError):
            load(name)
    with pytest.raises(UsageError, match="no such file"):
        load("missing.pt")


def load_reference(shape: tuple[int, ...]) -> Any:
    return snnhub.import_model(FACTORY, "spikingjelly", shape, weights=EXAMPLE / "weights.pt")


def snnhub_net() -> Any:
    from tests.networks.spiking import mlp

    return mlp()


def test_reserved_module_names_are_renamed() -> None:
    from spikingjelly.activation_based import neuron
    from torch import nn

    class Net(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.input = nn.Linear(4, 4)
            self.output = neuron.IFNode()

        def forward(self, x: Any) -> Any:
            return self.output(self.input(x))

    graph = snnhub.import_model(Net(), source="spikingjelly", input_shape=(4,))
    assert [node.id for node in graph.nodes] == ["module/input", "module/output"]
    assert "SNN-3007" in {finding.code for finding in graph.findings}


def test_a_shared_layer_without_state_becomes_two_nodes() -> None:
    graph = snnhub.import_model(
        Forwards.make("self.n2(self.fc(self.n(self.fc(x))))"), source="spikingjelly", input_shape=(6,)
    )
    assert [node.id for node in graph.nodes] == ["fc", "n", "fc_1", "n2"]


def test_a_torch_model_without_neurons_is_imported_as_transforms() -> None:
    from torch import nn

    graph = snnhub.import_model(nn.Linear(4, 3), source="spikingjelly", input_shape=(4,))
    assert [node.id for node in graph.nodes] == ["0"]


def test_the_runner_records_what_exists(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", digits("images", 3))
    arguments = [
        "run",
        FACTORY,
        "--weights",
        str(EXAMPLE / "weights.pt"),
        "--input",
        str(tmp_path / "x.npy"),
        "--runner",
        "spikingjelly",
    ]
    assert (
        invoke([*arguments, "--record", "all", "--option", "batch=2", "-o", str(tmp_path / "r.npz"), "--json"])
        == 0
    )
    recorded = json.loads(capsys.readouterr().out)["recorded"]
    assert recorded["conv_fc/1/v"] == ["float32", [8, 3, 16, 28, 28]]
    assert recorded["output"] == ["uint8", [8, 3, 10]]
    assert invoke([*arguments, "--record", "conv_fc/1/w"]) == 2
    assert invoke([*arguments, "--option", "batch=none"]) == 2
