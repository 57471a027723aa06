"""The part of the double that runs: devices, graph, events, and a board that computes its configuration."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from snnhub_xylo.core import NO_ALIAS, Core
from snnhub_xylo.definition import at_rest, step
from snnhub_xylo.families import FAMILIES
from snnhub_xylo.samna_names import names_of


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
    )
    for family in families:
        module = getattr(samna, names_of(family).module)
        module.event = _events()
        module.validate_configuration = lambda config, family=family: validate(config, family)


def _events() -> SimpleNamespace:
    fields = {
        "Spike": ("neuron_id", "timestep"),
        "TriggerProcessing": ("target_timestep",),
        "TriggerReadout": (),
        "Readout": ("timestep", "output_spikes"),
        "Interrupt": (),
    }
    return SimpleNamespace(**{name: _event(name, names) for name, names in fields.items()})


def _event(name: str, names: tuple[str, ...]) -> type:
    def start(self: Any, **given: Any) -> None:
        if set(given) - set(names):
            raise TypeError(f"{name}.__init__(): incompatible constructor arguments")
        self.__dict__.update(dict.fromkeys(names, 0) | given)

    return type(name, (), {"__init__": start})


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


class Board:
    """A board. Its chip's sense of the configuration is written here once more, and not taken from the reader."""

    def __init__(self, samna: ModuleType, family: str) -> None:
        self.samna, self.names = samna, names_of(family)
        self.module = getattr(samna, self.names.module)
        self.config: Any = None
        self.last, self.events, self.waiting = -1, list[Any](), dict[int, list[int]]()

    def get_model(self) -> Board:
        return self

    def get_model_source_node(self) -> Board:
        return self

    def get_model_sink_node(self) -> Board:
        return self

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
                self.events += [event.Interrupt(), event.Readout(timestep=self.last)]
            elif isinstance(item, event.Spike):
                self.waiting.setdefault(item.timestep, []).append(item.neuron_id)
                self._process(item.timestep - 1)  # a later step's spike makes the chip process the former ones
            elif isinstance(item, event.TriggerProcessing):
                self._process(item.target_timestep)

    def _process(self, target: int) -> None:
        mode = self.config.operation_mode is self.module.OperationMode.AcceleratedTime
        source = getattr(self.config, "input_source", None)
        heard = source is None or source is self.module.InputSource.SpikeEvents
        while mode and self.last < target:
            self.last += 1
            ids = self.waiting.pop(self.last, []) if heard else []
            x = np.bincount(np.array(ids, np.int64), minlength=self.core.inputs)
            _, out = step(self.core, x, self.state)
            self.events.append(self.module.event.Readout(timestep=self.last, output_spikes=out.tolist()))

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
