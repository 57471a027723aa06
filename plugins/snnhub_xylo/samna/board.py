"""Runs a core on a board through samna, which is handed in: configuration, board, spikes in, spikes out.

``stepping`` has the two ways in which boards are stepped. **Not verified on a chip.**
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from snnhub.errors import MissingPeerError
from snnhub.findings import error
from snnhub.peers.samna_report import PLACE, VERSION, Entry, LoadReport, refuse

from snnhub_xylo.core import Core, Ints
from snnhub_xylo.samna.loader import apply
from snnhub_xylo.samna.names import Names, names_of
from snnhub_xylo.samna.stepping import by_readouts, by_state_node

MODES: dict[str, tuple[str, Any]] = {
    "operation_mode": ("OperationMode", "AcceleratedTime"),
    "input_source": ("InputSource", "SpikeEvents"),
    "clear_network_state": ("", True),
}
"""What running needs beside the network, where the family has it: enum and member, or a value. Accelerated mode
computes every step as soon as the spikes of a later one arrive.
"""


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
    loaded = _switch(config, module, names, loaded)
    valid, message = module.validate_configuration(config)
    if not valid:
        refuse([error("SNN-4305", PLACE, "samna finds the configuration invalid", old=str(message)[:200])])
    board = _open(samna, names)
    step = by_state_node if family == "xylo-a2" else by_readouts
    return step(samna, module, board, config, events, timeout, report), loaded


def _switch(config: Any, module: Any, names: Names, loaded: LoadReport) -> LoadReport:
    """Set ``MODES``; refuse if one of them, or anything the network needs, cannot be set. The whole report."""
    found = list(loaded.findings()) if not loaded.complete else []
    done = []
    for name, (enum, member) in MODES.items():
        if name not in names.root:
            continue
        value = getattr(getattr(module, enum, None), member, None) if enum else member
        place = f"{PLACE}/{name}"
        if value is None or not hasattr(config, name):
            words = "this samna has no such attribute or value"
            found.append(error("SNN-4304", place, words, new=str(member), remedy=VERSION))
            continue
        setattr(config, name, value)
        if getattr(config, name) != value:
            found.append(error("SNN-4305", place, "samna did not take the value", new=str(member), remedy=VERSION))
        done.append(Entry(name, str(member)))
    refuse(found)
    left = tuple(entry for entry in loaded.left if entry.path not in MODES)
    return replace(loaded, done=(*loaded.done, *done), left=left)


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
