"""A core in samna's configuration, attribute by attribute, in a double made from the documented names."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from snnhub.errors import UnsupportedError
from snnhub.findings import Severity
from snnhub.peers.samna_report import shown
from snnhub_xylo.core import Core
from snnhub_xylo.families import A2, A3, FAMILIES, IMU
from snnhub_xylo.samna.loader import apply, read, read_core
from snnhub_xylo.samna.names import WHOLE, camel, names_of, sources
from snnhub_xylo.samna.values import uses, wanted

from tests.networks.samna_double import samna_double
from tests.unit.test_xylo_json import family_of, fitting
from tests.unit.test_xylo_targets import made

ALL = tuple(FAMILIES)


def configuration(family: str, **changes: Any) -> Any:
    names = names_of(family)
    module = getattr(samna_double(families=[family], **changes), names.module)
    return module.configuration.XyloConfiguration()


def everything(family: str) -> Core:
    """A core with all that a family has."""
    hidden, two = 12, family != "xylo-imu"
    core = made(4, hidden, 3, 2 if two else 1, bias=np.arange(hidden) - 3, bias_out=np.array([5, 0, -6]))
    alias = np.full(hidden, -1)
    alias[[0, 4]] = [3, 11]
    return Core.made("v2", core.arrays | {"alias": alias, "shift_rec": np.int64(2)})


def equal(a: Core, b: Core) -> bool:
    return all(np.array_equal(a.arrays[name], b.arrays[name]) for name in a.arrays)


@pytest.mark.parametrize("family", ALL)
def test_every_attribute_has_sources_and_a_type(family: str) -> None:
    names = names_of(family)
    for path, attribute in names.leaves():
        assert attribute.sources, path
        assert all(source in sources() for source in attribute.sources)
        kinds = {*WHOLE, "bool", "matrix", "maybe", "enum", "four", "opaque"}
        assert attribute.kind in kinds, path
        assert attribute.kind != "enum" or attribute.of in names.enums
    assert all(text.startswith(("SynSense", "Rockpool", "samna")) for text in sources().values())


def test_names_in_json() -> None:
    assert [camel(name) for name in ("v_mem_decay", "i_syn2_decay", "monitor_neuron_i_syn")] == [
        "vMemDecay",
        "iSyn2Decay",
        "monitorNeuronISyn",
    ]
    with pytest.raises(KeyError):
        names_of("xylo-a4")


@pytest.mark.parametrize("seed", range(39))
def test_what_is_set_is_read_back(seed: int) -> None:
    core = fitting(seed)
    for family in (A2, family_of(core)):
        config = configuration(family.name)
        report = apply(config, core, family)
        assert report.complete, str(report)
        assert (report.missing, report.refused, report.unknown) == ((), (), ())
        assert equal(read_core(config, family), core)


@pytest.mark.parametrize("family", ALL)
def test_flags_follow_from_the_numbers(family: str) -> None:
    hidden = names_of(family).hidden
    for core, wanted_flag in ((made(), False), (everything(family), True)):
        config = configuration(family)
        assert apply(config, core, family).complete
        flags = ["bias_enable", f"{hidden}.aliasing"] + (["synapse2_enable"] if family != "xylo-imu" else [])
        assert {flag: read(config, flag) for flag in flags} == dict.fromkeys(flags, wanted_flag)
        if family == "xylo-a2":
            clocks = ("isyn", "isyn2", "ra", "bias", "hm")
            on = [read(config, f"debug.{name}_clock_enable") for name in clocks]
            assert on == [True, wanted_flag, True, wanted_flag, True]
            assert read(config, "debug.ram_power_enable") is True
    assert uses(everything("xylo-imu")) == (False, True, True)


def test_expansion_columns_and_rows() -> None:
    """IMU and Audio 3 take the first columns of the input weights and the last rows of the output weights."""
    core = made(hidden=200)
    shapes = {}
    for family in ALL:
        config = configuration(family)
        assert apply(config, core, family).complete
        shapes[family] = (config.input.weights.shape, config.readout.weights.shape)
        assert equal(read_core(config, family), core)
    split = ((4, 100), (100, 3))
    assert shapes == {"xylo-a2": ((4, 200), (200, 3)), "xylo-imu": split, "xylo-a3": split}


def test_a_core_without_weights_still_has_matrices() -> None:
    zero = {name: np.zeros_like(made().arrays[name]) for name in ("weights_in", "weights_out")}
    core = Core.made("v2", made().arrays | zero)
    config = configuration("xylo-a3")
    assert apply(config, core, A3).complete
    assert (config.input.weights.shape, config.readout.weights.shape) == ((4, 1), (1, 3))
    assert equal(read_core(config, A3), core)


def test_the_report_says_what_was_set_and_what_was_left() -> None:
    config = configuration("xylo-a3")
    report = apply(config, everything("xylo-a3"), A3)
    done = {entry.path: entry.value for entry in report.done}
    assert done["hidden.weights"] == "12 x 12, 0 .. 9"
    assert done["hidden.neurons[].v_mem_bias"] == "12, -3 .. 8"
    assert done["hidden.neurons[].alias_target"] == "2 of 12 set, 3 .. 11"
    assert done["synapse2_enable"] == "True"
    left = {entry.path for entry in report.left}
    assert left >= {"operation_mode", "input_source", "analog_frontend", "debug.ram_access_enable"}
    assert left | set(done) == {path for path, _ in names_of("xylo-a3").leaves()}
    assert "set              hidden.aliasing True" in str(report).splitlines()
    assert [(item.code, item.severity) for item in report.findings()] == [("SNN-4306", Severity.INFO)]
    assert json.loads(json.dumps(report.to_json()))["complete"] is True


@pytest.mark.parametrize("family", ALL)
def test_every_attribute_that_is_set_may_be_missing(family: str) -> None:
    """One at a time: the report names it, whatever it is, and everything else is set all the same."""
    names = names_of(family)
    core = everything(family)
    for wish in wanted(core, names):
        owner, _, name = wish.path.replace("[]", "").rpartition(".")
        of = names.configuration
        for part in owner.split(".") if owner else ():
            of = names.classes[of][part].of
        config = configuration(family, without=[f"{of}.{name}"])
        report = apply(config, core, family)
        assert [entry.path for entry in report.missing] == [wish.path]
        assert report.refused == ()
        assert len(report.done) == len(wanted(core, names)) - 1
        fine = dict(names.leaves())[wish.path].absent_is_fine
        assert report.complete == (wish.neutral or fine)
        code = [(item.code, item.severity) for item in report.findings() if item.place == f"samna/{wish.path}"]
        assert code == [("SNN-4304", Severity.ERROR if not report.complete else Severity.INFO)]


def test_a_missing_attribute_that_is_not_needed_is_no_loss() -> None:
    lacking = ["HiddenNeuron.v_mem_bias", "HiddenNeuron.alias_target", "XyloConfiguration.synapse2_enable"]
    for core, complete in ((made(), True), (everything("xylo-a3"), False)):
        report = apply(configuration("xylo-a3", without=lacking), core, A3)
        assert report.complete is complete
        assert len(report.missing) == 3
        assert {item.severity for item in report.findings() if item.code == "SNN-4304"} == {
            Severity.INFO if complete else Severity.ERROR
        }


def test_whole_parts_may_be_missing() -> None:
    report = apply(configuration("xylo-a2", without=["XyloConfiguration.reservoir"]), made(), A2)
    assert not report.complete
    assert {entry.path.partition(".")[0] for entry in report.missing} == {"reservoir"}
    assert "readout.neurons[].threshold" in {entry.path for entry in report.done}
    report = apply(configuration("xylo-imu", without=["HiddenConfig.neurons"]), made(), IMU)
    assert {entry.path for entry in report.missing} >= {"hidden.neurons[].threshold"}


def test_what_is_refused_or_not_kept_is_named() -> None:
    config = configuration("xylo-imu")
    neuron = type(config.readout.neurons)  # a list: what comes back is a copy
    assert neuron is list
    hidden = type(config.hidden)
    kept = hidden.aliasing

    class Stubborn:
        def __get__(self, item: Any, owner: Any = None) -> bool:
            return False

        def __set__(self, item: Any, value: Any) -> None:
            pass

    hidden.aliasing = Stubborn()
    report = apply(config, everything("xylo-imu"), IMU)
    assert [(entry.path, entry.words) for entry in report.refused] == [("hidden.aliasing", "reads back as False")]
    hidden.aliasing = property(kept.fget)
    report = apply(config, everything("xylo-imu"), IMU)
    assert "AttributeError" in report.refused[0].words
    found = [item for item in report.findings() if item.code == "SNN-4305"]
    assert [(item.place, item.severity) for item in found] == [("samna/hidden.aliasing", Severity.ERROR)]


def test_a_neuron_that_refuses_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(WHOLE, "u4", (0, 3))  # a samna with narrower decays
    core = Core.made("v2", made().arrays | {"dash_mem": np.array([1, 2, 3, 4, 5, 1, 1, 1, 1, 1])})
    report = apply(configuration("xylo-a2"), core, A2)
    assert [entry.path for entry in report.refused] == ["reservoir.neurons[].v_mem_decay"]
    assert report.refused[0].words.startswith("neuron 3, 4: TypeError")
    assert not report.complete


def test_attributes_that_nobody_documented_are_named() -> None:
    extra = ["DebugConfig.new_switch", "HiddenNeuron.i_syn3_decay"]
    report = apply(configuration("xylo-a3", extra=extra), made(), A3)
    assert report.complete
    assert {entry.path for entry in report.unknown} == {"debug.new_switch", "hidden.neurons[].i_syn3_decay"}
    told = [item for item in report.findings() if "not known here" in item.message]
    assert [item.code for item in told] == ["SNN-4306"]


def test_a_core_beyond_the_family_is_refused_before_anything_is_set() -> None:
    config = configuration("xylo-imu")
    wrong = made(17, 600, 3, 2, threshold=np.full(600, -1))
    with pytest.raises(UnsupportedError) as caught:
        apply(config, wrong, IMU)
    assert {(item.code, item.old) for item in caught.value.findings} >= {
        ("SNN-2201", "17"),
        ("SNN-2201", "600"),
        ("SNN-2201", "2"),
        ("SNN-2201", "-1 .. -1"),
    }
    assert config.hidden.neurons == []


def test_values_in_few_words() -> None:
    assert shown([]) == "0"
    assert shown([None, None]) == "0 of 2 set"
    assert shown(object()).startswith("<object")
    assert shown([object()]) == "list of 1"


def test_the_double_is_strict() -> None:
    config = configuration("xylo-a3")
    with pytest.raises(AttributeError):
        config.synapse3_enable = True
    for path, value in (("bias_enable", 1), ("time_resolution_wrap", -1), ("hidden", 3)):
        with pytest.raises(TypeError):
            setattr(config, path, value)
    for weights in ([[1, 2], [3]], [[128]], [["1"]]):
        with pytest.raises(TypeError):
            config.input.weights = weights
    config.readout.neurons.append(3)
    assert config.readout.neurons == []
