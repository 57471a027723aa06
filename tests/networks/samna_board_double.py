"""The part of the double that runs: devices, graph, events, and a board that computes its configuration."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from snnhub_xylo.core import NO_ALIAS, Core
from snnhub_xylo.definition import at_rest, step
from snnhub_xylo.families import FAMILIES
from snnhub_xylo.samna.names import names_of


def add_boards(samna: ModuleType, families: Iterable[str]) -> None:
    """``samna.device``, ``samna.graph``, and events and ``validate_configuration`` of every family's module.

    ``samna.boards`` lists what is connected: one board of each family, to begin with. ``samna.silent``: boards
    answer nothing.
    """
    samna.boards = [names_of(family).board for family in families]  # type: ignore[attr-defined]
    samna.silent = False  # type: ignore[attr-defined]
    samna.opened = []  # type: ignore[attr-defined]
    by_board = {names_of(family).board: family for family in families}

    def open_device(device: Any) -> Board:
        board = Board(samna, by_board[device.device_type_name])
        samna.opened.append(board)
        return board

    samna.device = SimpleNamespace(  # type: ignore[attr-defined]
        get_all_devices=lambda: [SimpleNamespace(device_type_name=name) for name in samna.boards],
        open_device=open_device,
    )
    samna.graph = SimpleNamespace(  # type: ignore[attr-defined]
        sink_from=lambda board: SimpleNamespace(get_events=board.take),
        source_to=lambda board: SimpleNamespace(write=board.write),
        EventFilterGraph=FilterGraph,
    )
    for family in families:
        module = getattr(samna, names_of(family).module)
        module.event = _events("timestamp" if family == "xylo-a2" else "timestep")
        module.validate_configuration = lambda config, family=family: validate(config, family)
        if family == "xylo-a2":
            module.NeuronStateSinkNode = StateNode


def _events(step_name: str) -> SimpleNamespace:
    fields = {
        "Spike": ("neuron_id", step_name),
        "TriggerProcessing": ("target_timestep",) if step_name == "timestep" else (),
        "TriggerReadout": (),
        "WriteRegisterValue": ("address", "data"),
        "Readout": (step_name, "output_spikes"),
        "Interrupt": (),
    }
    return SimpleNamespace(**{name: _event(name, names) for name, names in fields.items()})


def _event(name: str, names: tuple[str, ...]) -> type:
    def start(self: Any, **given: Any) -> None:
        if set(given) - set(names):
            raise TypeError(f"{name}.__init__(): incompatible constructor arguments")
        for field in names:
            setattr(self, field, given.get(field, 0))

    return type(name, (), {"__init__": start, "__slots__": names})


def validate(config: Any, family: str) -> tuple[bool, str]:
    """Whether the sizes of a configuration fit each other and the chip."""
    part = getattr(config, names_of(family).hidden)
    hidden, outputs = len(part.neurons), len(config.readout.neurons)
    limit = FAMILIES[family].limits["hidden neurons"][0]
    if not 1 <= hidden <= limit or part.weights.shape != (hidden, hidden):
        return False, f"hidden neurons {hidden}, weights {part.weights.shape}"
    if config.input.weights.shape[1] > hidden or config.readout.weights.shape[0] > hidden:
        return False, "expansion weights do not fit"
    if config.readout.weights.shape[1] != outputs:
        return False, "readout weights do not fit"
    return True, ""


class StateNode:
    """Collects the output spikes of Xylo Audio 2, once it has a configuration."""

    def __init__(self) -> None:
        self.outputs, self.rows = 0, list[list[int]]()

    def set_configuration(self, config: Any) -> None:
        self.outputs = len(config.readout.neurons)

    def reset(self) -> None:
        self.rows = []

    def get_output_spike(self) -> list[list[int]]:
        return [[row[number] for row in self.rows] for number in range(self.outputs)]


class FilterGraph:
    """Connects a board with a node; without ``start`` nothing flows."""

    def __init__(self) -> None:
        self.pairs: list[tuple[Board, StateNode]] = []

    def sequential(self, nodes: list[Any]) -> None:
        self.pairs.append((nodes[0], nodes[1]))

    def start(self) -> None:
        for board, node in self.pairs:
            board.listener = node


class Board:
    """A board. Its chip's sense of the configuration is written here once more, and not taken from the reader.

    Numbers of steps: ``next`` is the one to be processed next. A ``Readout`` has the last one processed; that of
    an answer to a trigger has the next one on Xylo Audio 2, and there processing once more begins the count.
    """

    def __init__(self, samna: ModuleType, family: str) -> None:
        self.samna, self.names = samna, names_of(family)
        self.module = getattr(samna, self.names.module)
        self.old = family == "xylo-a2"
        self.config: Any = None
        self.next, self.microphone = 0, self.old
        self.events, self.waiting = list[Any](), dict[int, list[int]]()
        self.listener: StateNode | None = None
        # what either kind of board hands out: model, nodes and front end are all this object
        for name in (
            ("get_xylo_model", "get_afe_model", "get_source_node", "get_sink_node")
            if self.old
            else ("get_model", "get_model_source_node", "get_model_sink_node")
        ):
            setattr(self, name, lambda: self)

    def set_saer_interface_enable(self, on: bool) -> None:
        self.microphone = on

    def apply_configuration(self, config: Any) -> None:
        valid, message = self.module.validate_configuration(config)
        if not valid:
            raise ValueError(message)
        self.config, self.core = config, self._core(config)
        self.state = at_rest(self.core)

    def take(self) -> list[Any]:
        taken, self.events = self.events, []
        return [] if self.samna.silent else taken

    def write(self, events: list[Any]) -> None:
        event = self.module.event
        for item in events:
            if isinstance(item, event.TriggerReadout):
                number = {"timestamp": self.next} if self.old else {"timestep": self.next - 1}
                self.events += [event.Interrupt(), event.Readout(**number)]
            elif isinstance(item, event.Spike):
                step = item.timestamp if self.old else item.timestep
                self._process(step)  # a later step's spike makes the chip process the former ones
                self.waiting.setdefault(step, []).append(item.neuron_id)
            elif isinstance(item, event.TriggerProcessing):
                self._process(self.next + 1 if self.old else item.target_timestep + 1)
            elif isinstance(item, event.WriteRegisterValue):
                self.waiting.pop(self.next, None)

    def _process(self, end: int) -> None:
        """All steps before ``end``. Without a configuration there is nothing to compute."""
        if self.config is None:
            self.next = end
            return
        mode = self.config.operation_mode is self.module.OperationMode.AcceleratedTime
        source = getattr(self.config, "input_source", None)
        heard = source is None or source is self.module.InputSource.SpikeEvents
        while mode and self.next < end:
            ids = self.waiting.pop(self.next, []) if heard else []
            x = np.bincount(np.array(ids, np.int64), minlength=self.core.inputs) + 3 * self.microphone
            _, out = step(self.core, x, self.state)
            number = {"timestamp" if self.old else "timestep": self.next}
            self.events.append(self.module.event.Readout(**number, output_spikes=out.tolist()))
            if self.listener is not None:
                self.listener.rows.append(out.tolist())
            self.next += 1

    def _core(self, config: Any) -> Core:
        part = getattr(config, self.names.hidden)
        neurons, outputs = part.neurons, config.readout.neurons
        size = len(neurons)
        two = getattr(config, "synapse2_enable", False)
        into = [config.input.weights, *([config.input.syn2_weights] if two else [])]
        rec = [part.weights, *([part.syn2_weights] if two else [])]
        dash = [[n.i_syn_decay, *([n.i_syn2_decay] if two else [])] for n in neurons]
        out = config.readout.weights
        aliased, biased = part.aliasing, config.bias_enable
        return Core.made(
            "v2",
            {
                "weights_in": np.stack([np.pad(w, ((0, 0), (0, size - w.shape[1]))) for w in into], axis=2),
                "weights_rec": np.stack(rec, axis=2),
                "weights_out": np.pad(out, ((size - len(out), 0), (0, 0))),
                "shift_in": config.input.weight_bit_shift,
                "shift_rec": part.weight_bit_shift,
                "shift_out": config.readout.weight_bit_shift,
                "threshold": [n.threshold for n in neurons],
                "bias": [n.v_mem_bias if biased else 0 for n in neurons],
                "dash_mem": [n.v_mem_decay for n in neurons],
                "dash_syn": dash,
                "alias": [n.alias_target if aliased and n.alias_target is not None else NO_ALIAS for n in neurons],
                "threshold_out": [n.threshold for n in outputs],
                "bias_out": [n.v_mem_bias if biased else 0 for n in outputs],
                "dash_mem_out": [n.v_mem_decay for n in outputs],
                "dash_syn_out": [n.i_syn_decay for n in outputs],
            },
        )
