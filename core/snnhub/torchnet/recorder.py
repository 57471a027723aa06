"""Watches a network while it runs: leaf modules whole, the functions between them one by one.

Tensors are told apart by identity and version, so whatever Python does in between, such as loops, lists,
attributes and helper functions, need not be understood. Nothing of the user's network is changed:
``torch.nn.Module`` is told to call through here as long as a network is watched, as torch.fx does it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from snnhub.findings import Finding, error
from snnhub.torchnet.calls import calling_through
from snnhub.torchnet.events import INPUT, Event, Fact, Ref, leaves, mapped
from snnhub.torchnet.framework import Framework
from snnhub.torchnet.kinds import is_leaf, neuron_of

if TYPE_CHECKING:
    import torch
    from torch import nn

READING = frozenset(
    {"bool", "float", "int", "index", "complex", "item", "tolist", "numpy", "array", "equal", "allclose"}
    | {"is_nonzero", "contains", "nonzero", "argwhere", "unique", "masked_select", "format", "repr"}
)
"""Functions that hand values to Python, or whose shapes depend on values."""
SAME_SIDE = {"radd": "add", "rmul": "mul", "data": "detach"}
HANDS_OFF = "Leave the states of a neuron to the neuron while the network runs."
AGAINST = "Import the network without what depends on values: a forward must do the same whatever its input is."


class Recorder:
    """``events`` in order, ``facts`` of every value by number, and ``problems`` of what was seen on the way.

    ``results``: what each call of the network returned. ``read``: axes of the input that were taken apart.
    """

    def __init__(self, framework: Framework, net: nn.Module) -> None:
        self.framework = framework
        self.net = net
        self.events: list[Event] = []
        self.facts: list[Fact] = []
        self.problems: list[Finding] = []
        self.results: list[Any] = []
        self.last = ""
        self._paths = {id(module): path for path, module in net.named_modules()}
        names = (*net.named_parameters(), *net.named_buffers())
        self._names = {id(tensor): name for name, tensor in names}
        self._now: dict[int, tuple[int, int]] = {}
        self._alive: list[torch.Tensor] = []
        self._versions_seen: list[int] = []
        self._left: dict[int, tuple[Any, dict[str, Ref]]] = {}
        self._outer: list[str] = []
        self._inside = 0

    def call(self, run: Callable[[torch.Tensor], Any], given: torch.Tensor) -> Any:
        """Watch ``run(given)``, which calls the network once, and return its result."""
        import torch

        self._new(given, Fact(tuple(given.shape), INPUT, len(self.results)))
        with torch.no_grad(), calling_through(self.module), _mode(self):
            result = run(given)
        self.results.append(self._refs(result))
        return result

    def _new(self, tensor: torch.Tensor, fact: Fact) -> Ref:
        self.facts.append(fact)
        self._alive.append(tensor)
        self._versions_seen.append(tensor._version)
        self._now[id(tensor)] = (len(self.facts) - 1, tensor._version)
        return Ref(len(self.facts) - 1)

    def ref(self, tensor: torch.Tensor) -> Ref:
        """The value that a tensor has now."""
        known = self._now.get(id(tensor))
        if known is not None and known[1] == tensor._version:
            return Ref(known[0])
        if known is not None and self.facts[known[0]].maker is not None:
            return self._new(tensor, Fact(tuple(tensor.shape), self.facts[known[0]].maker, stale=True))
        number, name = float(tensor.detach()) if tensor.dim() == 0 else None, self._names.get(id(tensor), "")
        return self._new(tensor, Fact(tuple(tensor.shape), number=number, all=_uniform(tensor), name=name))

    def tensor(self, ref: Ref) -> torch.Tensor | None:
        """The tensor of a value, None if it was overwritten since."""
        tensor = self._alive[ref.value]
        return tensor if tensor._version == self._versions_seen[ref.value] else None

    def _refs(self, value: Any) -> Any:
        import torch

        self._inside += 1  # looking at a tensor is nothing that the network does
        try:
            return mapped(value, torch.Tensor, self.ref)
        finally:
            self._inside -= 1

    def follows(self, ref: Ref) -> bool:
        """Whether a value comes from the network's input or from one of its modules."""
        return self.facts[ref.value].maker is not None

    def module(self, module: nn.Module, call: Callable[[], Any], args: Any, kwargs: Any) -> Any:
        """A call of a module while the network runs."""
        path = self._paths.get(id(module))
        if self._inside:
            return call()
        if path is None and not is_leaf(self.framework, module):
            path = type(module).__name__
        elif path is None:
            path = f"{self.outer}.{type(module).__name__}" if self.outer else type(module).__name__
            words = f"{type(module).__name__} is made in the forward"
            remedy = "Make it once, in __init__."
            self.problems.append(error("SNN-3009", path.replace(".", "/"), words, remedy=remedy))
        if not is_leaf(self.framework, module):
            self._outer.append(path)
            try:
                return call()
            finally:
                self._outer.pop()
        before = self._refs((tuple(args), dict(kwargs)))
        self._inside += 1
        self._ensure_kept(path, module, before)
        self.last = f"{path} ({type(module).__name__})"
        try:
            result = call()
            neuron = neuron_of(self.framework, module)
            named = dict(neuron.outputs(module, result)) if neuron else {}
            self._made(path, module, before, result, args, kwargs, named)
            self._left[id(module)] = (result, {name: self.ref(value) for name, value in named.items()})
        finally:
            self._inside -= 1
        return result

    def _ensure_kept(self, path: str, module: nn.Module, before: Any) -> None:
        """A neuron that is given no state must still hold what its call before left."""
        neuron = neuron_of(self.framework, module)
        known = self._left.get(id(module))
        if neuron is None or known is None or len(list(leaves(before, Ref))) > 1:
            return
        now = neuron.outputs(module, known[0])
        still = {name: self.ref(value) for name, value in now.items() if value is not None}
        changed = [name for name, ref in known[1].items() if still.get(name) != ref]
        if changed:
            words = f"its state is changed from outside between two steps ({', '.join(changed)})"
            self.problems.append(error("SNN-3522", path.replace(".", "/"), words, remedy=HANDS_OFF))

    @property
    def outer(self) -> str:
        """Path of the module whose forward runs now."""
        return self._outer[-1] if self._outer else ""

    def function(self, func: Any, args: Any, kwargs: Any) -> Any:
        """A call of a function or method of torch while the network runs."""
        if self._inside:
            return func(*args, **kwargs)
        name = _name(func)
        before = self._refs((tuple(args), dict(kwargs)))
        follows = any(self.follows(ref) for ref in leaves(before, Ref))
        versions = self._versions(args, kwargs)
        if follows and name in READING:
            self._reads(name)
        result = func(*args, **kwargs)
        if follows:
            changed = [tensor for tensor, version in versions if tensor._version != version]
            self._made(name, None, before, result, args, kwargs, {}, changed)
        return result

    def _versions(self, args: Any, kwargs: Any) -> list[tuple[torch.Tensor, int]]:
        import torch

        return [(tensor, tensor._version) for tensor in leaves((tuple(args), dict(kwargs)), torch.Tensor)]

    def _reads(self, name: str) -> None:
        place = f"{self.outer.replace('.', '/')}/{name}" if self.outer else name
        words = f"the forward looks at values of a tensor ({name})"
        self.problems.append(error("SNN-3520", place, words, remedy=AGAINST))

    def _made(
        self,
        name: str,
        module: nn.Module | None,
        before: Any,
        result: Any,
        args: Any,
        kwargs: Any,
        named: Any,
        changed: Any = (),
    ) -> None:
        """Add the event of a call, with the values that are new after it."""
        import torch

        index = len(self.events)
        given = {id(tensor) for tensor in leaves((tuple(args), dict(kwargs)), torch.Tensor)}
        overwritten = {id(tensor) for tensor in changed}
        new = [*leaves(result, torch.Tensor), *leaves(named, torch.Tensor), *changed]
        if module is None:  # a function that hands its argument back, such as contiguous(), does nothing
            new = [tensor for tensor in new if id(tensor) not in given or id(tensor) in overwritten]
        made = {}
        for tensor in new:
            if id(tensor) not in made:
                made[id(tensor)] = self._new(tensor, Fact(tuple(tensor.shape), index))
        if not made:
            return
        self.events.append(
            Event(
                index,
                name,
                module,
                before[0],
                before[1],
                self._refs(result),
                self.outer,
                len(self.results),
                _site(),
                {key: self.ref(value) for key, value in named.items()},
                tuple(made.values()),
            )
        )


def _uniform(tensor: torch.Tensor) -> float | None:
    """What every element of a tensor is; 0 of an empty one."""
    if tensor.numel() == 0:
        return 0.0
    flat = tensor.detach().reshape(-1)
    return float(flat[0]) if bool((flat == flat[0]).all()) else None


def _name(func: Any) -> str:
    """Name of a function as handlers know it: of an operator without underscores, of a property its own."""
    name = getattr(func, "__name__", str(func))
    if name == "__get__":
        name = getattr(func.__self__, "__name__", name)
    name = name.strip("_") if name.startswith("__") else name
    return SAME_SIDE.get(name, name)


def _site() -> tuple[tuple[int, int], ...]:
    """Lines of code from the network's call to here, without torch's and our own."""
    found = []
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code is Recorder.call.__code__:
            break
        module = frame.f_globals.get("__name__", "")
        if not module.startswith(("torch.", "snnhub.torchnet.")):
            found.append((id(frame.f_code), frame.f_lasti))
        frame = frame.f_back  # type: ignore[assignment]
    return tuple(found)


def _mode(recorder: Recorder) -> Any:
    from torch.overrides import TorchFunctionMode

    class Watching(TorchFunctionMode):  # type: ignore[misc]
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            return recorder.function(func, args, kwargs or {})

    return Watching()
