"""How each framework is called on a NIR file. Runs inside the environment ``nir-frameworks`` only.

Every call takes the file's path, the stimulus (time, features…) in f32 and dt in seconds, and answers the output
(time, features…) of the network. What a framework raises comes out as it is: that is its refusal.
"""

from __future__ import annotations

import contextlib
import io
import logging
import signal
import warnings
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Call = Callable[[str, Array, float], Array]
LIMIT = 20.0
"""Seconds of this process within which an importer has to return. Some graphs keep nirtorch 2.6 going for ever."""
_LEFT = [0.0]


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Allow importers ``seconds`` of the process's own time (``importing``)."""
    _LEFT[0] = seconds
    yield


@contextlib.contextmanager
def importing() -> Iterator[None]:
    """Around an importer's call. Raises ``TimeoutError`` where it does not return; the run itself has no limit."""

    def stop(_: int, __: FrameType | None) -> None:
        raise TimeoutError(f"the importer did not return within {_LEFT[0]:g} s of its own time")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, _LEFT[0], 0.5)  # again and again: some code swallows what is raised
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _stepwise(network: Any, stimulus: Array) -> Array:
    """One call per step, batch 1, with the state that the call before returned last. The first output is kept."""
    import torch

    torch.set_num_threads(1)
    outputs, state = [], None
    with torch.no_grad(), contextlib.redirect_stdout(io.StringIO()):
        for frame in stimulus:
            returned = network(torch.from_numpy(frame[None].copy()), state)
            value, state = returned[0], returned[-1]
            value = value[0] if isinstance(value, tuple) else value
            if not isinstance(value, torch.Tensor):
                raise TypeError(f"the output is {type(value).__name__}, no tensor")
            outputs.append(
                value.detach().numpy().reshape(value.shape[1:]) if value.shape[:1] == (1,) else value.numpy()
            )
    return np.stack(outputs)


def _quiet() -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)


def snntorch(path: str, stimulus: Array, dt: float) -> Array:
    """``import_from_nir(nir.read(path))``; its dt is fixed at 1e-4 s."""
    _quiet()
    import nir
    from snntorch.import_nir import import_from_nir

    with importing(), contextlib.redirect_stdout(io.StringIO()):
        network = import_from_nir(nir.read(path))
    return _stepwise(network, stimulus)


def norse(path: str, stimulus: Array, dt: float) -> Array:
    """``from_nir(nir.read(path), ignore_warnings=True, dt=dt)``."""
    _quiet()
    import nir
    import norse.torch

    with importing():
        network = norse.torch.from_nir(nir.read(path), ignore_warnings=True, dt=dt)
    return _stepwise(network, stimulus)


def spikingjelly(path: str, stimulus: Array, dt: float) -> Array:
    """``import_from_nir(nir.read(path), dt=dt)`` in step mode s."""
    _quiet()
    import nir
    from spikingjelly.activation_based.nir_exchange import import_from_nir

    with importing():
        network = import_from_nir(nir.read(path), dt=dt)
    return _stepwise(network, stimulus)


def sinabs(path: str, stimulus: Array, dt: float) -> Array:
    """``from_nir(nir.read(path), batch_size=1)``; it has no dt: tau counts steps."""
    _quiet()
    import nir
    from sinabs.nir import from_nir

    with importing():
        network = from_nir(nir.read(path), batch_size=1)
    return _stepwise(network, stimulus)


def rockpool(path: str, stimulus: Array, dt: float) -> Array:
    """``from_nir(nir.read(path))``; it guesses a dt per layer. Values are (batch, time, neurons) there."""
    _quiet()
    from snnhub.hub.objects import resolve

    resolve("snnhub_rockpool.without_samna:apply")()
    import nir
    import torch
    from rockpool.nn.modules.torch.nir import from_nir

    torch.set_num_threads(1)
    with importing():
        network = from_nir(nir.read(path))
    outputs, state = [], None
    with torch.no_grad():
        for frame in stimulus:
            value, state = network(torch.from_numpy(frame[None, None].copy()), state)
            outputs.append(value.detach().numpy().reshape(value.shape[2:]))
    return np.stack(outputs)


def spyx(path: str, stimulus: Array, dt: float) -> Array:
    """``spyx.nir.from_nir(nir.read(path), input, dt)``, which scans over all steps itself. Images go in as spyx
    has them, (time, sample, height, width, channels), and come back with the channels first.
    """
    _quiet()
    import jax.numpy as jnp
    import nir
    from spyx.nir import from_nir

    x = stimulus.transpose(0, 2, 3, 1) if stimulus.ndim == 4 else stimulus
    with contextlib.redirect_stdout(io.StringIO()):
        _spyx_returns(nir.read(path))
        _, outputs = from_nir(nir.read(path), jnp.asarray(x[:, None]), dt)
    found = np.asarray(np.asarray(outputs)[:, 0])
    return np.ascontiguousarray(found.transpose(0, 3, 1, 2)) if found.ndim == 4 else found


def _spyx_returns(graph: Any) -> None:
    """Raises ``TimeoutError`` where spyx would follow the first edges of the graph that it makes for ever."""
    from spyx.nir import _replace_rnn_subgraph_with_nirgraph

    edges = _replace_rnn_subgraph_with_nirgraph(graph).edges
    seen, name = {"input"}, "input"
    while name != "output":
        name = next((dst for src, dst in edges if src == name), "output")
        if name in seen:
            raise TimeoutError(f"from_nir follows the edges of {name} for ever")
        seen.add(name)


def nengo(path: str, stimulus: Array, dt: float) -> Array:
    """The step of the neuron itself (``nengo.neurons``) for a file of one LIF or IF layer, J = (r x + v_leak) /
    v_threshold in f64, t_ref 0, amplitude dt, so that a spike is 1. Nengo has no importer.
    """
    import nengo.neurons
    import nir

    node = next(item for item in nir.read(path).nodes.values() if isinstance(item, nir.IF | nir.LIF))
    single, wide = isinstance(node, nir.LIF), np.float64
    drive = stimulus.astype(wide) * (node.r.astype(wide) / node.v_threshold.astype(wide))
    if single:
        drive = drive + node.v_leak.astype(wide) / node.v_threshold.astype(wide)
        (tau,) = np.unique(node.tau)  # nengo.LIF has one for all
        cell = nengo.neurons.LIF(tau_rc=float(tau), tau_ref=0.0, amplitude=dt)
    else:
        cell = nengo.neurons.SpikingRectifiedLinear(amplitude=dt)
    names = ("voltage", "refractory_time") if single else ("voltage",)
    state = {name: np.zeros(drive.shape[1:], wide) for name in names}
    output = np.zeros_like(drive)
    for step, current in enumerate(drive):
        cell.step(dt, current, output[step], **state)
    return np.asarray(output)


CALLS: dict[str, Call] = {
    "snntorch": snntorch,
    "norse": norse,
    "spikingjelly": spikingjelly,
    "sinabs": sinabs,
    "spyx": spyx,
    "rockpool": rockpool,
    "nengo": nengo,
}
