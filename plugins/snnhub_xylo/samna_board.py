"""Runs a core on a board through samna, which is handed in: a Xylo IMU or Xylo Audio 3 in accelerated mode.

As the vendor's pages describe it (``samna.toml``, sources ``imu-readout``, ``imu-trigger``, ``a3-model``): spikes with
a step number are sent, processing is triggered up to a step, and every step comes back as a ``Readout``. The number in
a ``Readout`` is that of the last step processed, -1 before the first. **Not verified on a chip.**
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from snnhub.errors import MissingPeerError, RunError, UnsupportedError
from snnhub.findings import error

from snnhub_xylo.core import CAP_INPUT, Core, Ints
from snnhub_xylo.samna_loader import apply
from snnhub_xylo.samna_names import Names, names_of
from snnhub_xylo.samna_report import PLACE, LoadReport

BOARDS = ("xylo-imu", "xylo-a3")
"""Families whose boards are run. How the one of Xylo Audio 2 is stepped is not publicly described."""
MODES = {"operation_mode": ("OperationMode", "AcceleratedTime"), "input_source": ("InputSource", "SpikeEvents")}
"""What running needs beside the network, where the family has it: enum and member."""
PAUSE = 0.001


def run_board(
    samna: Any, core: Core, family: str, events: Ints, timeout: float, report: Callable[[int, int], None]
) -> tuple[Ints, LoadReport]:
    """Spikes of the output neurons (time, outputs) for ``events`` (time, channels), from the state that a
    configuration leaves behind, and what became of every attribute.

    Raises ``UnsupportedError`` with every attribute that could not be set, ``MissingPeerError`` without a board,
    ``RunError`` if steps do not come back within ``timeout`` seconds.
    """
    names = names_of(family)
    module = getattr(samna, names.module)
    config = module.configuration.XyloConfiguration()
    loaded = apply(config, core, family)
    _switch(config, module, names, loaded)
    valid, message = module.validate_configuration(config)
    if not valid:
        _refuse([error("SNN-4305", PLACE, "samna finds the configuration invalid", old=str(message)[:200])])
    board = _open(samna, names)
    board.get_model().apply_configuration(config)
    sink = samna.graph.sink_from(board.get_model_source_node())
    source = samna.graph.source_to(board.get_model_sink_node())
    reader = _Reader(sink, module.event.Readout, timeout)
    source.write([module.event.TriggerReadout()])
    start = reader.first().timestep + 1
    last = start + len(events) - 1
    source.write([*_spikes(module, events, start), module.event.TriggerProcessing(target_timestep=last + 1)])
    return reader.steps(start, last, core.outputs, report), loaded


def _switch(config: Any, module: Any, names: Names, loaded: LoadReport) -> None:
    """Accelerated mode, spikes as the input; refuse if that or anything the network needs cannot be set."""
    found = list(loaded.findings()) if not loaded.complete else []
    for name, (enum, member) in MODES.items():
        if name not in names.root:
            continue
        value = getattr(getattr(module, enum, None), member, None)
        if value is None or not hasattr(config, name):
            found.append(error("SNN-4304", f"{PLACE}/{name}", "this samna has no such attribute", new=member))
            continue
        setattr(config, name, value)
        if getattr(config, name) != value:
            found.append(error("SNN-4305", f"{PLACE}/{name}", "samna did not take the value", new=member))
    _refuse(found)


def _refuse(found: list[Any]) -> None:
    if found:
        first = found[0]
        raise UnsupportedError(
            f"the network cannot be put into samna's configuration: {first.message}",
            where=first.place,
            found=first.old,
            remedy=first.remedy,
            findings=found,
        )


def _open(samna: Any, names: Names) -> Any:
    """The one board of the family. Raises ``MissingPeerError`` without one, or with several."""
    devices = list(samna.device.get_all_devices())
    fitting = [item for item in devices if item.device_type_name == names.board]
    if len(fitting) != 1:
        others = ", ".join(str(item.device_type_name) for item in devices) or "no device"
        raise MissingPeerError(
            f"needs one {names.board}",
            found=f"{len(fitting)} of it; connected: {others}",
            remedy=f"Connect one board for {names.family} and see that samna may use it.",
        )
    return samna.device.open_device(fitting[0])


def _spikes(module: Any, events: Ints, start: int) -> Iterator[Any]:
    """One event per spike, in order; a channel takes 15 in a step, the rest would be lost in the chip."""
    for step, row in enumerate(events):
        for channel in np.flatnonzero(row):
            for _ in range(min(int(row[channel]), CAP_INPUT)):
                yield module.event.Spike(neuron_id=int(channel), timestep=start + step)


class _Reader:
    """Takes ``Readout`` events from a sink that also gives others."""

    def __init__(self, sink: Any, kind: type, timeout: float) -> None:
        self.sink, self.kind, self.timeout = sink, kind, timeout

    def first(self) -> Any:
        return next(self._readouts("an answer to a TriggerReadout"))

    def steps(self, start: int, last: int, outputs: int, report: Callable[[int, int], None]) -> Ints:
        """The spikes of every step from ``start`` to ``last``; each must come once."""
        total = last - start + 1
        array = np.zeros((total, outputs), np.int64)
        seen = np.zeros(total, bool)
        for event in self._readouts(f"the readouts of {total} steps"):
            step = int(event.timestep) - start
            if not 0 <= step < total:
                continue
            spikes = list(event.output_spikes)
            if len(spikes) != outputs or seen[step]:
                words = "a step came twice" if seen[step] else "a readout has another number of outputs"
                raise RunError(words, where=f"step {step}", found=str(len(spikes)), allowed=str(outputs))
            array[step], seen[step] = spikes, True
            report(int(seen.sum()), total)
            if seen.all():
                return array
        raise AssertionError("readouts end by a timeout only")

    def _readouts(self, awaited: str) -> Iterator[Any]:
        until = time.monotonic() + self.timeout
        while time.monotonic() < until:
            events = list(self.sink.get_events())
            yield from (event for event in events if isinstance(event, self.kind))
            if not events:
                time.sleep(PAUSE)
        raise RunError(
            f"the board did not send {awaited} within {self.timeout:g} s",
            where=PLACE,
            remedy="Allow more time with --option timeout=SECONDS, or check the board.",
        )
