"""Lava processes that write what they see to ``.npy`` files. Import inside the Lava environment only.

Lava's own Monitor and RingBuffer keep the values in a variable, which the runtime then fetches one number
at a time; these read the same ports in the same phase and put a whole step on disk at once.
"""

from __future__ import annotations

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyRefPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort, RefPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol


class SpikeProbe(AbstractProcess):
    """Writes what arrives at ``a_in`` in each step."""

    def __init__(self, *, shape: tuple[int, ...], path: str) -> None:
        super().__init__(shape=shape, path=path)
        self.a_in = InPort(shape=shape)


class StateProbe(AbstractProcess):
    """Writes the value of a variable after each step, as Lava's Monitor reads it."""

    def __init__(self, *, shape: tuple[int, ...], path: str) -> None:
        super().__init__(shape=shape, path=path)
        self.state = RefPort(shape=shape)


@implements(proc=SpikeProbe, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PySpikeProbe(PyLoihiProcessModel):
    """Appends in the spiking phase."""

    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)

    def run_spk(self) -> None:
        append(self.proc_params["path"], self.time_step, self.a_in.recv())


@implements(proc=StateProbe, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyStateProbe(PyLoihiProcessModel):
    """Appends in the phase after learning, when all states are final."""

    state: PyRefPort = LavaPyType(PyRefPort.VEC_DENSE, np.int32)

    def post_guard(self) -> bool:
        return True

    def run_post_mgmt(self) -> None:
        append(self.proc_params["path"], self.time_step, self.state.read())


def append(path: str, time_step: int, values: np.ndarray) -> None:
    """Store one step (time starts at 1) in a file that was made with its final shape."""
    file = np.load(path, mmap_mode="r+", allow_pickle=False)
    file[time_step - 1] = values
    file.flush()
