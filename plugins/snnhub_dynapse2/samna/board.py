"""Runs a configured board through samna, which is handed in: configuration, board, events in, events out.

What is called and in which order is as in Rockpool 3.1.0 (``hardware.interface``) and in scripts for boards
(``attributes.toml``, sources ``rockpool`` and ``scripts``). **Not verified on a chip.**
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from snnhub.errors import MissingPeerError, RunError
from snnhub.peers.samna_report import PLACE, LoadReport

from snnhub_dynapse2.config import Configuration
from snnhub_dynapse2.dac import Code
from snnhub_dynapse2.network import Ints
from snnhub_dynapse2.samna.events import Heard, Sent, control_tag, heard, microseconds, plain, timed
from snnhub_dynapse2.samna.loader import apply
from snnhub_dynapse2.samna.names import DESTINATION, EVENT
from snnhub_dynapse2.samna.slots import Slots
from snnhub_dynapse2.samna.wanted import DESTINATION_NAMES, Values, bits, destination

BOARD = "DYNAP-SE2"
"""Part of the name of every board of this kind, in whatever case."""
LEAKS = ("SOIF_LEAK_N", "DEAM_ETAU_P", "DEGA_ITAU_P", "DENM_ETAU_P", "DESC_ITAU_P")
FASTEST = Code(5, 255)
"""Leaks at their largest discharge the capacitors of a chip: its only way to a state of rest."""
SETTLE, PAUSE, COPIES = 0.1, 1e-3, 3
"""Seconds after a configuration and between looks; control events can get lost, so several are sent."""
AHEAD = 100_000
"""Microseconds between asking the time and the first step."""
WRAPS = 2**32
"""Microseconds after which the board's clock starts again."""
Report = Callable[[int, int], None]


@dataclass(frozen=True)
class Setting:
    """``timeout``: seconds to wait beyond the run itself. ``bitfile``: for the board's FPGA; without one it is
    taken to be configured. ``settle``: seconds after each configuration.
    """

    timeout: float
    bitfile: str = ""
    settle: float = SETTLE


def run_board(
    samna: Any, held: Configuration, raster: Ints, setting: Setting, report: Report
) -> tuple[Heard, Sent, LoadReport]:
    """Spikes of the monitored neurons for a raster of counts (steps, channels), what was sent, and what became
    of every attribute. The chips are discharged before and after.

    Raises ``UnsupportedError`` with every attribute that could not be set and ``UsageError`` for a raster that
    cannot be sent, both before a board is opened; ``MissingPeerError`` without a board, ``RunError`` if it does
    not answer.
    """
    module = samna.dynapse2
    config = module.Dynapse2Configuration()
    loaded = apply(config, held, module)
    loaded.ensure_complete()
    rows, sent = timed(held, raster)
    control_tag(held)
    board = samna.device.open_device(_device(samna))
    try:
        session = _Session(module, board, held, setting)
        found = session.run(config, rows, len(raster), report)
    finally:
        samna.device.close_device(board)
    return found, sent, loaded


def _device(samna: Any) -> Any:
    """The one board of this kind. Raises ``MissingPeerError`` without one, or with several."""
    devices = list(samna.device.get_all_devices())
    fitting = [item for item in devices if BOARD in str(item.device_type_name).upper()]
    if len(fitting) != 1:
        others = ", ".join(str(item.device_type_name) for item in devices) or "no device"
        raise MissingPeerError(
            "needs one Dynap-SE2 board",
            found=f"{len(fitting)} of it; connected: {others}",
            remedy="Connect one board and see that samna may use it.",
        )
    return fitting[0]


class _Session:
    """One run on an open board."""

    def __init__(self, module: Any, board: Any, held: Configuration, setting: Setting) -> None:
        self.module, self.board, self.held, self.setting = module, board, held, setting
        self.slots = Slots(module, DESTINATION, DESTINATION_NAMES)
        self.tag = control_tag(held)
        x, y = held.board.monitor_hop
        self.control: Values = (bits(15, 4), x, y, self.tag)

    def run(self, config: Any, rows: list[tuple[int, int]], steps: int, report: Report) -> Heard:
        if self.setting.bitfile and not self.board.configure_opal_kelly(self.setting.bitfile):
            raise RunError("the board's FPGA did not take the bit file", where=self.setting.bitfile)
        model = self.board.get_model()
        self._configure(model, self._resting())
        try:
            self._configure(model, config)
            start = self._now() + AHEAD
            events = self._run(rows, start, steps, report)
        finally:
            self._configure(model, self._resting())
        return heard(self.held, events, start, steps)

    def _resting(self) -> Any:
        """A configuration that discharges every chip."""
        config = self.module.Dynapse2Configuration()
        for chip in config.chips:
            for core in chip.cores:
                for name in LEAKS:
                    core.parameters[name].coarse_value = FASTEST.coarse
                    core.parameters[name].fine_value = FASTEST.fine
        return config

    def _configure(self, model: Any, config: Any) -> None:
        model.clear_error_queue()
        if model.apply_configuration(config) is False:
            raise RunError("the board did not take the configuration", where=PLACE)
        time.sleep(self.setting.settle)

    def _event(self, values: Values, at: int) -> Any:
        event = getattr(self.module, EVENT)()
        event.event = self.slots.object(values)
        event.timestamp = at
        return event

    def _now(self) -> int:
        """The board's time in microseconds, from events that it gives straight back. The answer to an earlier
        question is not taken for one to this: what has come before is read first.
        """
        self.board.read_events()
        self.board.input_interface_write_events(0, [self._event(self.control, 0)] * COPIES)
        until = time.monotonic() + self.setting.timeout
        while time.monotonic() < until:
            times = [at for tag, at in map(plain, self.board.read_events()) if tag == self.tag]
            if times:
                return times[-1]
            time.sleep(PAUSE)
        raise self._late("its time")

    def _run(self, rows: list[tuple[int, int]], start: int, steps: int, report: Report) -> list[tuple[int, int]]:
        """Send everything, and take what comes until the event at the end comes back."""
        ticks = microseconds(self.held.dt)
        end = start + round(steps * ticks)
        if end >= WRAPS:
            words = "the board's clock starts again during the run"
            raise RunError(words, where=PLACE, found=f"{end} us", allowed=f"{WRAPS - 1}", remedy="Reset its FPGA.")
        inputs = [tuple(destination(item) for item in items) for items in self.held.inputs]
        sent = [self._event(values, start + at) for at, channel in rows for values in inputs[channel]]
        self.board.grid_bus_write_events([*sent, *[self._event(self.control, end)] * COPIES])
        until = time.monotonic() + (AHEAD + steps * ticks) * 1e-6 + self.setting.timeout
        found: list[tuple[int, int]] = []
        while time.monotonic() < until:
            for tag, at in map(plain, self.board.read_events()):
                if tag != self.tag:
                    found.append((tag, at))
                    report(min(max(int((at - start) / ticks), 0), steps), steps)
                elif at >= end:
                    report(steps, steps)
                    return found
            time.sleep(PAUSE)
        raise self._late(f"the end of {steps} steps")

    def _late(self, awaited: str) -> RunError:
        return RunError(
            f"the board did not send {awaited} within {self.setting.timeout:g} s",
            where=PLACE,
            remedy="Allow more time with --option timeout=SECONDS, or check the board and its bit file.",
        )
