"""Networks of DynapSim as factories. Only for interpreters that have Rockpool and jax: its worker, live tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

CHANNELS = 16
DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "rockpool"


def _dynapsim(size: int, w_rec: Any = None, **values: Any) -> Any:
    from rockpool.devices.dynapse import DynapSim

    if w_rec is not None:
        values |= {"has_rec": True, "w_rec": w_rec}
    return DynapSim((size, size), **values)


def _key(seed: int) -> Any:
    from jax import random

    return random.PRNGKey(seed)


def _linear(weight: Any, bias: Any = None) -> Any:
    from rockpool.nn.modules.jax import LinearJax

    more = {} if bias is None else {"bias": bias}
    return LinearJax(shape=weight.shape, has_bias=bias is not None, weight=weight, **more)


def _sequential(*layers: Any) -> Any:
    from rockpool.nn.combinators import Sequential

    return Sequential(*layers)


def _wide(random: np.random.Generator, size: int) -> dict[str, Any]:
    """Bias currents that differ from neuron to neuron."""
    spread = {
        "Itau_syn": 86.9e-12,
        "Igain_syn": 8.69e-9,
        "Itau_mem": 5.32e-12,
        "Igain_mem": 21.3e-12,
        "Ispkthr": 1e-7,
        "Iref": 0.6e-9,
        "Ipulse": 35e-9,
    }
    return {
        name: (value * 2.0 ** random.uniform(-1, 1, size)).astype(np.float32) for name, value in spread.items()
    }


def unseeded() -> Any:
    """Its weights are the same each time; its mismatch is not."""
    return _sequential(_linear(np.ones((2, 3), np.float32)), _dynapsim(3, percent_mismatch=0.05))


def random_net(
    seed: int = 0, size: int = 16, recurrent: bool = True, ahp: bool = False, mismatch: float = 0.0
) -> Any:
    """One layer: weights of both signs, its own bias currents per neuron, recurrence, adaptation, mismatch."""
    random = np.random.default_rng(seed)
    weight = random.normal(0.15, 0.8, (CHANNELS, size)).astype(np.float32)
    w_rec = random.normal(0.0, 1.6 / np.sqrt(size), (size, size)).astype(np.float32) if recurrent else None
    values = _wide(random, size)
    if ahp:
        values["Iw_ahp"] = (1e-9 * random.uniform(0.2, 2, size)).astype(np.float32)
    if mismatch:
        values |= {"percent_mismatch": mismatch, "rng_key": _key(seed)}
    return _sequential(_linear(weight), _dynapsim(size, w_rec, **values))


def layered(seed: int = 0, mismatch: float = 0.0) -> Any:
    """Three layers of neurons, the middle one recurrent and in a Sequential of its own; a bias before the last."""
    random = np.random.default_rng(seed)
    more: dict[str, Any] = {"percent_mismatch": mismatch, "rng_key": _key(seed)} if mismatch else {}
    weights = [random.normal(mean, 0.9, shape).astype(np.float32) for mean, shape in LAYERS]
    return _sequential(
        _linear(weights[0]),
        _dynapsim(20, **_wide(random, 20), **more),
        _sequential(
            _linear(weights[1]), _dynapsim(12, random.normal(0, 0.5, (12, 12)).astype(np.float32), **more)
        ),
        _linear(weights[2], random.normal(0, 0.01, 5).astype(np.float32)),
        _dynapsim(5, **more),
    )


def plain_layers(seed: int = 0) -> Any:
    """Three layers of neurons without biases, the middle one recurrent, in one Sequential."""
    random = np.random.default_rng(seed)
    weights = [random.normal(mean, 0.9, shape).astype(np.float32) for mean, shape in LAYERS]
    return _sequential(
        _linear(weights[0]),
        _dynapsim(20),
        _linear(weights[1]),
        _dynapsim(12, random.normal(0, 0.5, (12, 12)).astype(np.float32)),
        _linear(weights[2]),
        _dynapsim(5),
    )


LAYERS = ((0.15, (CHANNELS, 20)), (0.3, (20, 12)), (0.5, (12, 5)))


def alone(size: int = CHANNELS) -> Any:
    """A DynapSim that is the whole network."""
    return _dynapsim(size)


def seed(folder: str = str(DATA), mismatch: float = 0.0, key: int = 1) -> Any:
    """The network of the tutorial with its trained weights: 60 channels, two recurrent neurons."""
    w_in, w_rec = (np.load(Path(folder) / f"w_{name}_optimized.npy") for name in ("in", "rec"))
    more: dict[str, Any] = {"percent_mismatch": mismatch, "rng_key": _key(key)} if mismatch else {}
    return _sequential(_linear(w_in), _dynapsim(w_in.shape[1], w_rec, dt=1e-3, **more))


def two_steps() -> Any:
    """Layers with steps of different length, a module that is no layer of ours, and sizes that do not fit."""
    from rockpool.nn.modules.jax import LIFJax

    weight = np.ones((4, 4), np.float32)
    return _sequential(
        _linear(weight), _dynapsim(4, dt=1e-3), LIFJax((4, 4)), _linear(weight), _dynapsim(4, dt=2e-3)
    )


def combined(kind: str = "residual", seed: int = 5) -> Any:
    """Every way in which Rockpool combines modules: ``residual`` (in a row, in another residual, and at the end),
    ``residual first``, ``stack``, ``ordered`` (names of one's own), ``appended``, ``weights`` alone, ``subclass``
    with nothing of its own.
    """
    from collections import OrderedDict

    from rockpool.nn.combinators import FFwdStack, Residual

    random = np.random.default_rng(seed)

    def weights(before: int, after: int, scale: float = 1.0) -> Any:
        return _linear((scale * random.normal(0.3, 0.8, (before, after))).astype(np.float32))

    def layer(size: int) -> Any:
        return _dynapsim(size, **_wide(random, size))

    def init(shape: tuple[int, int]) -> Any:
        return random.normal(0.6, 0.8, shape).astype(np.float32)

    def block(size: int) -> Any:
        return Residual(weights(size, size), layer(size))

    makers: dict[str, Any] = {
        "residual": lambda: _sequential(
            weights(CHANNELS, 8), layer(8), block(8), Residual(block(8), weights(8, 8), layer(8)), weights(8, 5),
            layer(5), block(5),
        ),
        "residual first": lambda: Residual(weights(CHANNELS, 6), layer(6), weights(6, CHANNELS), layer(CHANNELS)),
        "residual of weights": lambda: _sequential(
            weights(CHANNELS, 6), Residual(weights(6, 6), layer(6)), Residual(weights(6, 6, 0.25)), layer(6)
        ),
        "stack": lambda: _sequential(
            weights(CHANNELS, 7), FFwdStack(layer(7), layer(6), layer(4), weight_init_func=init)
        ),
        "stack alone": lambda: FFwdStack(weights(CHANNELS, 7), layer(9), layer(5), weight_init_func=init),
        "ordered": lambda: _sequential(OrderedDict([("fc", weights(CHANNELS, 6)), ("act", layer(6))])),
        "appended": lambda: _appended(weights(CHANNELS, 6), layer(6)),
        "weights": lambda: weights(CHANNELS, 6),
        "subclass": lambda: _subclass(weights(CHANNELS, 6), layer(6)),
    }  # fmt: skip
    return makers[kind]()


def _appended(first: Any, second: Any) -> Any:
    net = _sequential(first)
    net.append(second, "later")
    return net


def _subclass(*layers: Any) -> Any:
    from rockpool.nn.combinators.sequential import JaxSequential

    class Mine(JaxSequential):
        """A name for a network, and nothing else."""

    return Mine(*layers)


def own(kind: str = "module") -> Any:
    """Classes of one's own that do something: a module with submodules, a changed Sequential and DynapSim."""
    from rockpool.devices.dynapse import DynapSim
    from rockpool.nn.combinators.sequential import JaxSequential
    from rockpool.nn.modules.jax import JaxModule

    weight = np.ones((4, 4), np.float32)

    class Own(JaxModule):
        """Its layers by attribute; what it does with them only ``evolve`` says."""

        def __init__(self) -> None:
            super().__init__(shape=(4, 4))
            self.fc, self.act = _linear(weight), _dynapsim(4)

        def evolve(self, x: Any, record: bool = False) -> Any:
            """Both, one after the other."""
            x, first, _ = self.fc(x, record=record)
            x, second, _ = self.act(x, record=record)
            return x, {"fc": first, "act": second}, {}

    class Twice(JaxSequential):
        """Does something else with its layers."""

        def evolve(self, x: Any, record: bool = False) -> Any:
            """Twice the input."""
            return super().evolve(2 * x, record)

    class Odd(DynapSim):
        """Neurons that rest elsewhere."""

        @property
        def odd(self) -> int:
            """Nobody knows what for."""
            return 1

    found = {
        "module": Own,
        "sequential": lambda: Twice(_linear(weight), _dynapsim(4)),
        "dynapsim": lambda: Odd((4, 4)),
    }
    made: Any = found[kind]
    return _sequential(made(), _linear(weight), _dynapsim(4))


def others() -> Any:
    """Every other module of Rockpool's for jax, one after the other."""
    from rockpool.nn.modules import (
        ExpSynJax,
        InstantJax,
        LIFJax,
        LIFODEJax,
        LogSoftmaxJax,
        RateJax,
        SoftmaxJax,
    )

    kinds: tuple[Any, ...] = (LIFJax, LIFODEJax, RateJax, ExpSynJax)
    instant: Any = InstantJax
    plain = [kind((4, 4)) for kind in kinds]
    softs: tuple[Any, ...] = (SoftmaxJax, LogSoftmaxJax)
    soft = [kind((4, 4), tau=0.01) for kind in softs]
    return _sequential(_dynapsim(4), *plain, instant((4, 4), function=lambda x: x), *soft)
