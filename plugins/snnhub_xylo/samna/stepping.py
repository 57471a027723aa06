"""How boards take spikes and give them back, step by step, in accelerated mode. **Not verified on a chip.**

``by_readouts``: Xylo IMU and Xylo Audio 3, as the vendor's pages describe it (``attributes.toml``, sources
``imu-readout``, ``imu-trigger``, ``a3-model``). Spikes with a step number are sent, processing is triggered up
to a step, and every step comes back as a ``Readout``, whose number is that of the last step processed, -1 before
the first.

``by_state_node``: Xylo Audio 2. The vendor documents the node that collects states (samna.xyloCore2); the rest
is what Rockpool 3.1.0 does: steps are named ``timestamp``, the one in a ``Readout`` is the next to be processed,
and a spike after the end, which is then taken back, makes the last step be processed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from snnhub.errors import RunError
from snnhub.peers.samna_report import PLACE

from snnhub_xylo.core import CAP_INPUT, Ints

PAUSE = 0.001
"""Seconds to wait when nothing has come."""
INPUT_REGISTERS = (0x11, 0x12, 0x13, 0x14)
"""Of Xylo Audio 2: where spikes wait for their step."""
Report = Callable[[int, int], None]


def by_readouts(
    samna: Any, module: Any, board: Any, config: Any, events: Ints, timeout: float, report: Report
) -> Ints:
    """Spikes of the output neurons (time, outputs) of an IMU or Audio 3 board."""
    board.get_model().apply_configuration(config)
    source = samna.graph.source_to(board.get_model_sink_node())
    sink = samna.graph.sink_from(board.get_model_source_node())
    reader = _Reader(sink, module.event.Readout, timeout)
    source.write([module.event.TriggerReadout()])
    start = int(next(reader.readouts("an answer to a TriggerReadout")).timestep) + 1
    spikes = [module.event.Spike(neuron_id=channel, timestep=start + step) for step, channel in _spikes(events)]
    # one step beyond the last, so that there is no doubt whether a target is processed itself
    source.write([*spikes, module.event.TriggerProcessing(target_timestep=start + len(events))])
    found: dict[int, list[int]] = {}
    for event in reader.readouts(f"the readouts of {len(events)} steps"):
        step = int(event.timestep) - start
        if 0 <= step < len(events):
            if step in found:
                raise RunError("a step came twice", where=PLACE, found=f"step {step}")
            found[step] = list(event.output_spikes)
            report(len(found), len(events))
            if len(found) == len(events):
                break
    return _raster([found[step] for step in range(len(events))], len(config.readout.neurons))


def by_state_node(
    samna: Any, module: Any, board: Any, config: Any, events: Ints, timeout: float, report: Report
) -> Ints:
    """Spikes of the output neurons (time, outputs) of an Audio 2 board."""
    model = board.get_xylo_model()
    source, sink = samna.graph.source_to(model.get_sink_node()), samna.graph.sink_from(model.get_source_node())
    source.write([module.event.TriggerProcessing()])  # the first step of a board is never a network's
    model.apply_configuration(config)
    board.get_afe_model().set_saer_interface_enable(False)  # no spikes of the microphone
    states = module.NeuronStateSinkNode()
    graph = samna.graph.EventFilterGraph()  # must live as long as events are expected
    graph.sequential([model.get_source_node(), states])
    graph.start()
    states.set_configuration(config)
    reader = _Reader(sink, module.event.Readout, timeout)
    sink.get_events()  # what came before is no answer
    source.write([module.event.TriggerReadout()])
    start = int(next(reader.readouts("an answer to a TriggerReadout")).timestamp)
    end = start + len(events)
    steps = [(start + step, channel) for step, channel in _spikes(events)]
    spikes = [_filled(module.event.Spike(), timestamp=at, neuron_id=channel) for at, channel in [*steps, (end, 0)]]
    cleared = [_filled(module.event.WriteRegisterValue(), address=address) for address in INPUT_REGISTERS]
    states.reset()
    source.write([*spikes, *cleared])
    rows = reader.until(
        lambda: np.array(states.get_output_spike(), np.int64).T, len(events), f"{len(events)} steps", report
    )
    return _raster(rows.tolist(), len(config.readout.neurons))


def _spikes(events: Ints) -> Iterator[tuple[int, int]]:
    """Step and channel of every spike, in order; a channel takes 15 in a step, as the chip does."""
    for step, row in enumerate(events):
        for channel in np.flatnonzero(row):
            yield from [(step, int(channel))] * min(int(row[channel]), CAP_INPUT)


def _filled(event: Any, **values: int) -> Any:
    for name, value in values.items():
        setattr(event, name, value)
    return event


def _raster(rows: list[list[int]], outputs: int) -> Ints:
    wrong = next((step for step, row in enumerate(rows) if len(row) != outputs), None)
    if wrong is not None:
        words = "a readout has another number of outputs than the network"
        raise RunError(words, where=f"step {wrong}", found=str(len(rows[wrong])), allowed=str(outputs))
    return np.array(rows, np.int64).reshape(len(rows), outputs)


class _Reader:
    """Takes ``Readout`` events from a sink that also gives others."""

    def __init__(self, sink: Any, kind: type, timeout: float) -> None:
        self.sink, self.kind, self.timeout = sink, kind, timeout

    def readouts(self, awaited: str) -> Iterator[Any]:
        """As they come. Raises ``RunError`` when the time is over."""
        for _ in self._waiting(awaited):
            yield from (event for event in self.sink.get_events() if isinstance(event, self.kind))

    def until(self, rows: Callable[[], Ints], length: int, awaited: str, report: Report) -> Ints:
        """The first ``length`` rows, as soon as there are so many. Raises ``RunError`` when the time is over."""
        done = 0
        for _ in self._waiting(awaited):
            found = rows()
            if len(found) > done:
                done = len(found)
                report(min(done, length), length)
            if done >= length:
                return found[:length]
        raise AssertionError("waiting ends by an error")

    def _waiting(self, awaited: str) -> Iterator[None]:
        until = time.monotonic() + self.timeout
        while time.monotonic() < until:
            yield
            time.sleep(PAUSE)
        raise RunError(
            f"the board did not send {awaited} within {self.timeout:g} s",
            where=PLACE,
            remedy="Allow more time with --option timeout=SECONDS, or check the board.",
        )
