"""Live SpikingJelly: every neuron that can be held gives every spike; fed directly, every word of every state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import snnhub
from snnhub.api.options import ImportOptions
from snnhub.api.verify import VerifyResult
from snnhub.engine.reference import prepare
from snnhub.errors import UnsupportedError
from snnhub.findings import Severity
from snnhub.ir.graph import Graph
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array
from snnhub_formats.container import load, save

pytestmark = [pytest.mark.peer, pytest.mark.usefixtures("spikingjelly")]

STEPS = 32
HARD, SOFT, NEGATIVE, POSITIVE = 0.0, None, -0.25, 0.1
RESETS = (HARD, SOFT, NEGATIVE, POSITIVE)
TAUS = (2.0, 3.0, 50.0)
Cell = tuple[str, dict[str, Any]]

LEAKY: list[Cell] = [
    (cell, {"v_reset": v_reset, "tau": tau, "decay_input": decay, **more})
    for v_reset in RESETS
    for tau in TAUS
    for decay in (True, False)
    for cell, more in (("parametric", {}), ("klif", {"scale_reset": True}), ("klif", {"scale_reset": False}))
]
CURVED: list[Cell] = [
    *(("qif", {"v_reset": v_reset, "tau": tau}) for v_reset in (SOFT, NEGATIVE, -0.05) for tau in TAUS),
    *(("izhikevich", {"v_reset": v_reset, "tau": tau}) for v_reset in RESETS for tau in TAUS),
    ("izhikevich", {"a": 0.0, "b": -0.1, "w_rest": 0.0}),
]
EXPONENTIAL: list[Cell] = [("eif", {"v_reset": v, "tau": tau}) for v in (SOFT, NEGATIVE, -0.05) for tau in TAUS]
OTHERS: list[Cell] = [
    *(("raf", {"v_reset": v_reset, "omega": omega}) for v_reset in RESETS for omega in (0.3, 1.0)),
    *(("cuba", {"v_reset": v_reset, "c_decay": c}) for v_reset in RESETS for c in (0.0, 0.3)),
    *(
        ("lava", {"decay": d, "scale": n, "learned": k})
        for d in (0.3, 1.0)
        for n in (64, 7)
        for k in (False, True)
    ),
    *(("filter", {"tau": tau, "learnable": learned}) for tau in TAUS for learned in (False, True)),
    ("simple", {"kind": "IF"}),
    ("simple", {"kind": "IF", "v_reset": None}),
    *(("simple", {"kind": "LIF", "tau": tau, "decay_input": decay}) for tau in TAUS for decay in (True, False)),
    *(("online", {"kind": "SLTT", "tau": tau, "v_reset": v_reset}) for tau in TAUS for v_reset in RESETS),
]
BITS = [*LEAKY, *CURVED, *OTHERS]


def named(cell: Cell) -> str:
    return "-".join([cell[0], *(f"{key}={value}" for key, value in cell[1].items())])


def currents(shape: tuple[int, ...], seed: int = 0) -> Array:
    """Analog input."""
    found: Array = np.random.default_rng(seed).normal(1.0, 2.5, shape).astype(np.float32)
    return found


def spikes(shape: tuple[int, ...], seed: int = 0) -> Array:
    return (np.random.default_rng(seed).random(shape) < 0.4).astype(np.float32)


def compared(net: Any, x: Array) -> VerifyResult:
    options = ImportOptions(input_shape=x.shape[2:])
    return snnhub.verify(net, stimulus=x, against="spikingjelly", from_="spikingjelly", options=options)


def in_both(mode: str, cell: Cell) -> VerifyResult:
    from tests.networks.cells import alone

    strength = np.float32(8.0 if cell[1].get("tau") == 50.0 else 1.0)
    result = compared(alone(cell[0], mode, **cell[1]), strength * currents((STEPS, 4, 60)))
    assert any((row.a_spikes or 0) > 20 for row in result.verdict.rows), "equality of silence shows nothing"
    return result


@pytest.mark.parametrize("mode", ["s", "m"])
@pytest.mark.parametrize("cell", BITS, ids=named)
def test_neurons_fed_directly_are_equal_in_bits(cell: Cell, mode: str) -> None:
    """Spikes, and every state that SpikingJelly shows: all of them step by step, v in whole sequences."""
    result = in_both(mode, cell)
    assert result.verdict.reached is Rung.BITS, result.verdict.first
    keys = {row.a_key.rpartition("/")[2] for row in result.verdict.rows}
    wanted = {"s", "v", "y"} if mode == "m" else {"s", "y", *"uvwi"}
    states = {"izhikevich": "w", "raf": "u", "cuba": "u", "lava": "u", "filter": "i"}.get(cell[0], "")
    assert keys - {"output"} >= ({"s", *states} if mode == "s" else {"s"})
    assert keys - {"output"} <= wanted
    if cell[0] != "simple" or mode == "s":
        assert "v" in keys


@pytest.mark.parametrize("mode", ["s", "m"])
@pytest.mark.parametrize("cell", EXPONENTIAL, ids=named)
def test_exponential_neurons_give_every_spike_and_nearly_every_voltage(cell: Cell, mode: str) -> None:
    """``exp`` differs in its last bit between libraries: spikes are equal here, potentials nearly."""
    result = in_both(mode, cell)
    rows = {row.a_key: row for row in result.verdict.rows}
    (node,) = {key.rpartition("/")[0] for key in rows if "/" in key}
    assert rows[f"{node}/s"].different == 0
    assert result.passed
    assert rows[f"{node}/v"].different < 0.05 * STEPS * 4 * 60
    assert not rows[f"{node}/v"].spikes


NETWORKS: list[Cell] = [
    *(
        (name, {"v_reset": v_reset, "tau": tau, "decay_input": decay})
        for name in ("parametric", "klif")
        for v_reset, tau, decay in (
            (HARD, 2.0, True),
            (SOFT, 3.0, True),
            (NEGATIVE, 50.0, False),
            (SOFT, 2.0, False),
        )
    ),
    ("klif", {"scale_reset": True, "v_reset": None}),
    *(
        (name, {"v_reset": v_reset, "tau": tau})
        for name in ("qif", "eif")
        for v_reset, tau in ((-0.2, 2.0), (None, 3.0))
    ),
    *(
        ("izhikevich", {"v_reset": v_reset, "tau": tau})
        for v_reset, tau in ((0.0, 2.0), (None, 3.0), (-0.25, 2.0))
    ),
    *((name, {"v_reset": v_reset}) for name in ("raf", "cuba") for v_reset in (HARD, SOFT, NEGATIVE)),
    ("lava", {"decay": 0.3}),
    ("lava", {"decay": 1.0, "scale": 16}),
    ("filter", {"tau": 3.0}),
    ("filter", {"tau": 50.0, "learnable": True}),
    ("simple", {"kind": "LIF", "tau": 3.0}),
    ("online", {"kind": "SLTT"}),
]


@pytest.mark.parametrize("form", ["dense", "conv"])
@pytest.mark.parametrize("mode", ["s", "m"])
@pytest.mark.parametrize("cell", NETWORKS, ids=named)
def test_networks_of_them_give_every_spike(cell: Cell, mode: str, form: str) -> None:
    from tests.networks.cells import SHAPES, network

    gain = 10.0 if cell[1].get("tau") == 50.0 else 3.0
    result = compared(network(cell[0], mode, form, gain, **cell[1]), spikes((STEPS, 4, *SHAPES[form])))
    spiking = [row for row in result.verdict.rows if row.spikes]
    assert len(spiking) == 3  # two layers and the output
    assert [row.different for row in spiking] == [0, 0, 0], result.verdict.first
    assert all((row.a_spikes or 0) > 20 for row in spiking), [row.a_spikes for row in spiking]
    assert result.passed


@pytest.mark.parametrize("scale", [64, 7])
def test_lavas_neuron_beyond_the_whole_numbers_of_f32(scale: int) -> None:
    """Potentials of more than 24 bits are rounded on their way back to f32, by torch as by the engine."""
    from tests.networks.cells import alone

    x = -np.float32(3e4) * np.abs(currents((STEPS, 4, 60)))
    x[:, :, ::2] *= -1
    result = compared(alone("lava", "s", scale=scale), x)
    assert result.verdict.reached is Rung.BITS
    graph = snnhub.import_model(alone("lava", scale=scale), "spikingjelly", (60,))
    recording, _ = prepare(graph).run(x, record=["0/v"])
    assert np.abs(recording["0/v"]).max() * scale * 64 > 2**28


def test_online_neurons_step_by_step() -> None:
    result = in_both("s", ("online", {"kind": "OTTT", "tau": 3.0}))
    assert result.verdict.reached is Rung.BITS


@pytest.mark.parametrize("cell", [(name, {}) for name in ("parametric", "klif", "lava", "filter")], ids=named)
def test_learned_numbers_come_from_the_weights(cell: Cell, tmp_path: Path) -> None:
    """A checkpoint brings w, k and decays; the graph holds what the module computes of them, and says how."""
    import torch

    from tests.networks.cells import alone

    learning: dict[str, dict[str, Any]] = {"filter": {"learnable": True}, "lava": {"learned": True}}
    options = learning.get(cell[0], {})
    net = alone(cell[0], **options)
    torch.save({name: value * 1.5 + 0.2 for name, value in net.state_dict().items()}, tmp_path / "w.pt")
    factory, settings = "tests.networks.cells:alone", {"cell": cell[0], **{k: str(v) for k, v in options.items()}}
    given = ImportOptions(tmp_path / "w.pt", settings, (60,))
    result = snnhub.verify(factory, stimulus=currents((STEPS, 4, 60)), against="spikingjelly", options=given)
    assert result.verdict.reached is Rung.BITS
    graph = snnhub.import_model(factory, "spikingjelly", (60,), settings=settings, weights=tmp_path / "w.pt")
    plain = snnhub.import_model(factory, "spikingjelly", (60,), settings=settings)
    assert graph.network() != plain.network()
    learned = {"parametric": "leak", "klif": "k", "lava": "u_decay", "filter": "leak"}[cell[0]]
    tensor = graph.nodes[0].param[learned]
    assert tensor.recipe or cell[0] == "klif"


def test_a_threshold_divided_by_k_is_rounded_twice() -> None:
    """Torch computes v_threshold / k as (1 / k) v_threshold; with one rounding less voltages would differ."""
    k, v_threshold = np.float32(1.7), np.float32(0.37)
    assert v_threshold / k != np.float32(1) / k * v_threshold
    result = in_both("s", ("klif", {"scale_reset": True, "v_reset": None}))
    assert result.verdict.reached is Rung.BITS


@pytest.mark.parametrize("cell", [(name, {}) for name in sorted({c[0] for c in (*BITS, *EXPONENTIAL)})], ids=named)
def test_a_saved_network_runs_and_goes_on_as_before(cell: Cell, tmp_path: Path) -> None:
    """``.snn`` there and back; stopped and continued with all states; one sample alone and in a batch."""
    from tests.networks.cells import SHAPES, network

    graph = snnhub.import_model(network(cell[0], gain=3.0, **cell[1]), "spikingjelly", SHAPES["dense"])
    save(graph, tmp_path / "net.snn")
    found = load(tmp_path / "net.snn")
    assert found == graph
    x = spikes((STEPS, 4, 12))
    keys = prepare(graph).record_keys()
    whole, _ = prepare(found).run(x, record=keys)
    first, state = prepare(found).run(x[:13], record=keys)
    rest, _ = prepare(found).run(x[13:], record=keys, state=state)
    single, _ = prepare(found).run(x[:, 2], record=keys)
    assert whole["output"].sum() > 20
    for key in keys:
        np.testing.assert_array_equal(np.concatenate([first[key], rest[key]]), whole[key], err_msg=key)
        np.testing.assert_array_equal(single[key], whole[key][:, 2], err_msg=key)


def refused(net: Any, shape: tuple[int, ...] = (60,)) -> UnsupportedError:
    with pytest.raises(UnsupportedError) as caught:
        snnhub.import_model(net, "spikingjelly", shape)
    return caught.value


def test_every_neuron_that_spikingjelly_exports_is_held_or_refused_with_a_remedy_of_its_own() -> None:
    from snnhub_spikingjelly.modules import GENERAL
    from snnhub_spikingjelly.neurons import NEURONS
    from snnhub_spikingjelly.remedies import REMEDIES
    from spikingjelly.activation_based import neuron
    from torch import nn

    from tests.networks.cells import refused as neurons

    exported = {
        name for name, kind in vars(neuron).items() if isinstance(kind, type) and issubclass(kind, nn.Module)
    }
    held = {name for _, name in NEURONS}
    assert exported - held <= set(REMEDIES)
    assert not held & set(REMEDIES)
    assert set(neurons()) == exported - held
    found = refused(nn.Sequential(*neurons().values())).findings
    assert [finding.code for finding in found] == ["SNN-3002"] * len(neurons())
    assert [finding.remedy for finding in found] == [REMEDIES[name] for name in neurons()]
    assert all(finding.remedy and finding.remedy != GENERAL for finding in found)


def faulty(name: str) -> Any:
    """Neurons with one setting that their op cannot say."""
    import torch
    from spikingjelly.activation_based import lava_exchange, layer, neuron, surrogate
    from torch import nn

    class Own(neuron.QIFNode):  # type: ignore[misc]
        def single_step_functional_forward(self, inputs: Any, states: Any, **kwargs: Any) -> Any:
            return super().single_step_functional_forward((inputs[0] * 2,), states)

    def changed(module: Any, **settings: Any) -> Any:
        for key, value in settings.items():
            setattr(module, key, value)
        return module

    started = neuron.CUBALIFNode()
    started.set_reset_value("c", 0.5)
    graded = surrogate.Sigmoid(spiking=False)
    return {
        "graded surrogate": neuron.KLIFNode(surrogate_function=graded),
        "random surrogate": neuron.QIFNode(surrogate_function=surrogate.PoissonPass()),
        "levels": neuron.LIFNode(surrogate_function=surrogate.MultiLevelSpikeCount(4)),
        "initial state": started,
        "reset changed later": changed(neuron.IFNode(), v_reset=0.5),
        "leak per neuron": changed(neuron.ParametricLIFNode(), w=nn.Parameter(torch.zeros(60))),
        "tensor as number": changed(neuron.IzhikevichNode(), a=torch.tensor(0.5)),
        "tau of the filter": changed(layer.SynapseFilter(2.0), tau=torch.tensor(3.0)),
        "norm": lava_exchange.CubaLIFNode(0.5, 0.5, norm=lava_exchange.BatchNorm2d(4)),
        "decay": changed(lava_exchange.CubaLIFNode(0.5, 0.5), current_decay=torch.tensor(5000.0)),
        "precision": changed(neuron.ParametricLIFNode(), _neuron_precision=(torch.float16, "fp16", "fp16")),
        "f64": neuron.KLIFNode().double(),
        "simple reset": neuron.SimpleIFNode(v_reset=0.25),
        "simple soft": neuron.SimpleLIFNode(2.0, True, v_reset=None),
        "own forward": Own(),
        "online, whole sequences": changed(neuron.OTTTLIFNode(), step_mode="m"),
        "a tensor too many": changed(neuron.QIFNode(), extra=nn.Parameter(torch.zeros(()))),
    }[name]


WORDS = {
    "graded surrogate": "Sigmoid does not give 0 below",
    "random surrogate": "PoissonPass does not give 0 below",
    "levels": "MultiLevelSpikeCount does not give 0 below",
    "initial state": "c starts at 0.5, not at 0.0",
    "reset changed later": "v starts at 0.0, not at 0.5",
    "leak per neuron": r"w has shape \[60\]",
    "tensor as number": "a is Tensor, not a number",
    "tau of the filter": "tau is Tensor, not a number",
    "norm": "norm is set",
    "decay": "current_decay is 5000 of 4096",
    "precision": "reduced neuron precision",
    "f64": "k is torch.float64",
    "simple reset": "v_reset is 0.25 and v starts at 0",
    "simple soft": "v_reset=None, with which SimpleLIFNode",
    "own forward": "Own derives from QIFNode and overrides single_step_functional_forward",
    "online, whole sequences": "OTTTLIFNode cannot take whole sequences",
    "a tensor too many": "QIFNode has a tensor extra",
}


@pytest.mark.parametrize("name", WORDS)
def test_settings_that_change_the_meaning_are_refused(name: str) -> None:
    from torch import nn

    error = refused(nn.Sequential(faulty(name)))
    (finding,) = [f for f in error.findings if f.severity is Severity.ERROR]
    assert finding.code in ("SNN-3009", "SNN-3002")
    assert finding.place == "0"
    assert finding.remedy
    with pytest.raises(UnsupportedError, match=WORDS[name]):
        snnhub.import_model(nn.Sequential(faulty(name)), "spikingjelly", (60,))


def test_settings_that_only_training_or_storing_sees_are_not() -> None:
    """The same network whatever the surrogate, detaching, step mode and storing of potentials."""
    from spikingjelly.activation_based import neuron, surrogate
    from torch import nn

    def made(**settings: Any) -> Graph:
        net = nn.Sequential(neuron.IzhikevichNode(v_reset=None, **settings))
        return snnhub.import_model(net, "spikingjelly", (60,)).network()

    plain = made()
    assert made(surrogate_function=surrogate.ATan(3.0)) == plain
    assert made(surrogate_function=surrogate.PiecewiseQuadratic()) == plain
    assert made(detach_reset=True, step_mode="m", store_v_seq=True) == plain


@pytest.mark.usefixtures("lava")
@pytest.mark.parametrize(
    ("feature", "kept"),
    [("lava_exchange.CubaLIFNode", "spikes+lag"), ("CUBALIFNode", "bounded"), ("ParametricLIFNode", "bounded")],
)
def test_what_can_be_lowered_reaches_lava(feature: str, kept: str, tmp_path: Path) -> None:
    """SpikingJelly, the engine, NetX and live Lava; SpikingJelly's imitation of Lava's neuron loses nothing."""
    from tests.matrix import spikingjelly_row

    assert spikingjelly_row(feature, tmp_path) == [feature, "bits", kept, "equal", "bits"]


def test_the_lowering_refuses_them_in_one_report() -> None:
    """One error for each layer, each with what to do; nothing about the synapses before them."""
    from torch import nn

    from tests.networks.cells import CELLS

    names = [name for name in CELLS if name in ("klif", "qif", "eif", "izhikevich", "raf")]
    parts = [part for name in names for part in (nn.Linear(8, 8), CELLS[name]())]
    graph = snnhub.import_model(nn.Sequential(*parts, nn.Linear(8, 8), CELLS["filter"]()), "spikingjelly", (8,))
    from snnhub.passes.base import PassContext, run_passes
    from snnhub_loihi.lowering import passes

    with pytest.raises(UnsupportedError) as caught:
        run_passes(graph, passes(), PassContext())
    errors = [f for f in caught.value.findings if f.severity is Severity.ERROR]
    foreign = [node.id for node in graph.nodes if node.op not in ("core.Dense", "core.IF")]
    assert [f.place for f in errors if "Loihi has no" in f.message] == foreign
    assert len(foreign) == len(names) + 1
    assert all(f.remedy for f in errors if "Loihi has no" in f.message)
    assert {f.place for f in errors} == {*foreign, graph.nodes[-1].id}  # the IF behind the filter has no synapse
