"""Which blocks a network has, and that they run one after another: found by running it once, not by its names."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
from snnhub.errors import UnsupportedError, UsageError
from snnhub.findings import Finding, error, info

SLAYER, BOOTSTRAP = "lava.lib.dl.slayer.block.", "lava.lib.dl.bootstrap.block."
PROBE_STEPS = 3
Call = tuple[str, Any, Any]
"""Path of a block, what it got and what it gave."""
NO_BLOCKS = "A network is a module whose forward passes its input through blocks of slayer or bootstrap."

COUNTS = "count_log=True: slayer's forward fails in it, as torch takes no mean of truth values"
UNCOUNTED = ("Flatten", "Average", "Affine", "TimeDecimation")
"""Blocks that give None in place of a count, and run."""


@dataclass(frozen=True)
class Block:
    """A block that ran: ``path`` in the network with slashes, class name, shapes without batch and time."""

    path: str
    kind: str
    module: Any
    before: tuple[int, ...]
    after: tuple[int, ...]
    bootstrap: bool = False


@dataclass
class Chain:
    """The blocks in the order in which they ran, and what was found on the way. ``hold``: steps over
    which the network repeats input without time; 0 if it takes input with time.
    """

    blocks: list[Block] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    hold: int = 0


def block_kind(module: Any) -> tuple[str, bool] | None:
    """Class name of a block and whether it is bootstrap's; None for anything else, also for a block whose forward
    is the user's own.
    """
    for kind in type(module).__mro__:
        if kind.__module__.startswith((SLAYER, BOOTSTRAP)):
            own = vars(type(module)).get("forward") if type(module) is not kind else None
            return None if own is not None else (kind.__name__, kind.__module__.startswith(BOOTSTRAP))
    return None


def named_blocks(net: Any) -> Iterator[tuple[str, Any]]:
    """Blocks with their paths, not those inside blocks."""
    inside: tuple[str, ...] = ()
    for name, module in net.named_modules():
        if not name.startswith(inside or ("\0",)) and block_kind(module) is not None:
            inside += (f"{name}.",)
            yield name.replace(".", "/") or "net", module


class EveryStep:
    """Stands for bootstrap's modes: SNN for every block, and for the network as a whole."""

    @property
    def base_mode(self) -> Any:
        return next(iter(self))

    def __iter__(self) -> Iterator[Any]:
        from lava.lib.dl.bootstrap.routine import Mode

        while True:
            yield Mode.SNN

    def __getitem__(self, _: int) -> Any:
        return next(iter(self))


def ran(net: Any, shape: tuple[int, ...]) -> Chain:
    """Run the network once on a probe and see which block got what. The network is changed: shapes are set.

    Raises ``UnsupportedError`` with every reason why it is no chain of blocks, ``UsageError`` if it fails to run.
    """
    blocks = dict(named_blocks(net))
    if not blocks:
        found = [finding_for(name, module) for name, module in net.named_modules() if _is_own_block(module)]
        found = found or [error("SNN-3301", type(net).__name__, "no block of lava-dl in it", remedy=NO_BLOCKS)]
        raise UnsupportedError(found[0].message, where=found[0].place, remedy=found[0].remedy, findings=found)
    if counting := [path for path, module in blocks.items() if _counts(module)]:
        found = [error("SNN-3317", path, COUNTS, remedy="Leave count_log out.") for path in counting]
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise UnsupportedError(f"{COUNTS}{more}", where=counting[0], remedy=found[0].remedy, findings=found)
    chain, errors = Chain(), []
    calls, given, probe = _probed(net, blocks, shape)
    errors += [finding_for(name, module) for name, module in net.named_modules() if _is_own_block(module)]
    counts = {path: sum(path == call[0] for call in calls) for path in blocks}
    for path, count in counts.items():
        if count != 1:
            times = "never runs" if not count else f"runs {count} times"
            errors.append(error("SNN-3302", path, f"the block {times} in one forward", remedy=NO_BLOCKS))
    errors += _changed(calls[0], probe) if calls else []
    before: Any = None
    for path, x, y in calls:
        if before is not None and x is not before[1]:
            words = f"does not get what {before[0]} gives as it is: something else is computed between them"
            errors.append(error("SNN-3302", path, words, remedy=NO_BLOCKS))
        before = (path, y)
        kind, bootstrap = block_kind(blocks[path]) or ("", False)
        sizes = tuple(x.shape[1:-1]), tuple(y.shape[1:-1])
        chain.blocks.append(Block(path, kind, blocks[path], *sizes, bootstrap))
    if errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        first = errors[0]
        raise UnsupportedError(f"{first.message}{more}", where=first.place, remedy=first.remedy, findings=errors)
    if chain.blocks[0].before != shape:
        words = "the network brings its input into the form of its first block, and the graph begins there"
        now = f"steps of {list(chain.blocks[0].before)}"
        chain.findings.append(info("SNN-3304", "input", words, old=str(list(shape)), new=now))
    if probe.dim() == len(shape) + 1:
        chain.hold = int(calls[0][1].shape[-1])
        words = "the network shows one input in every step, and the graph does"
        chain.findings.append(info("SNN-3304", "input", words, new=f"{chain.hold} steps"))
    last = given[0] if isinstance(given, tuple | list) and given else given
    if before is not None and last is not before[1]:
        words = "the network goes on computing with what its last block gives; the graph ends at that block"
        chain.findings.append(info("SNN-3305", before[0], words))
    return chain


def _counts(module: Any) -> bool:
    """Whether a block takes the mean of truth values, which torch refuses: its forward cannot run."""
    kind, _ = block_kind(module) or ("", False)
    return getattr(module, "count_log", False) is True and kind not in UNCOUNTED


def finding_for(name: str, module: Any) -> Finding:
    words = f"{type(module).__name__} is derived from a block of lava-dl and has a forward of its own"
    return error("SNN-3301", name.replace(".", "/") or "net", words, remedy="Use the block itself.")


def _is_own_block(module: Any) -> bool:
    lava = [kind for kind in type(module).__mro__ if kind.__module__.startswith((SLAYER, BOOTSTRAP))]
    return bool(lava) and block_kind(module) is None


def _probed(net: Any, blocks: dict[str, Any], shape: tuple[int, ...]) -> tuple[list[Call], Any, Any]:
    """Every call of a block with what it got and gave, what the network gave, and the probe that it got.

    A network may take input without time and repeat it over its steps, as lava-dl's bootstrap examples do. That is
    believed where the first block gets every feature of it.
    """
    import torch

    size = prod(shape)
    still = (torch.arange(size).reshape(1, *shape) % 31 + 1) / 32  # so that mixed up features are seen
    probe = still.unsqueeze(-1) * torch.tensor([1.0, 0.5, 0.25])
    problems = []
    for x in (probe, still):
        try:
            calls, given = _called(net, blocks, x)
        except Exception as problem:  # noqa: BLE001  whatever the user's forward raises
            problems.append(problem)
            continue
        if x is probe or (calls and calls[0][1].dim() > 2 and prod(calls[0][1].shape[1:-1]) == size):
            return calls, given, x
    found = f"{type(problems[0]).__name__}: {problems[0]}".splitlines()[0][:200]
    remedy = "Check --input-shape: C,H,W or N, no time, no batch."
    message = f"the network fails on an input of {PROBE_STEPS} steps"
    where = type(net).__name__
    raise UsageError(message, where=where, found=f"shape {list(shape)}: {found}", remedy=remedy) from problems[0]


def _changed(call: Call, probe: Any) -> list[Finding]:
    """An error if the first block gets other values than the network does."""
    import torch

    path, x, _ = call
    wanted = probe if probe.dim() == x.dim() or x.numel() == probe.numel() else probe.unsqueeze(-1)
    steps = x.shape[-1]
    same = x.numel() // steps == wanted.numel() // wanted.shape[-1] and torch.equal(
        x.reshape(-1, steps), wanted.reshape(-1, wanted.shape[-1]).expand(-1, steps)
    )
    words = "does not get the network's input as it is: something else is computed before it"
    return [] if same else [error("SNN-3302", path, words, remedy="Compute it outside of the network.")]


def _called(net: Any, blocks: dict[str, Any], probe: Any) -> tuple[list[Call], Any]:
    """Every call of a block with what it got and gave, and what the network gave."""
    import torch

    calls: list[Call] = []
    kept = []
    for path, module in blocks.items():

        def hook(_: Any, given: Any, result: Any, path: str = path) -> None:
            calls.append((path, given[0], result[0] if isinstance(result, tuple) else result))

        kept.append(module.register_forward_hook(hook))
        if (block_kind(module) or ("", False))[1]:
            module.forward = _spiking(module)
    try:
        with torch.no_grad():
            return calls, net(probe, EveryStep()) if _wants_mode(net) else net(probe)
    finally:
        for handle in kept:
            handle.remove()
        for module in blocks.values():
            vars(module).pop("forward", None)


def _wants_mode(net: Any) -> bool:
    """Whether the forward needs a second argument, which in bootstrap's examples is the mode of every block."""
    import inspect

    parameters = list(inspect.signature(net.forward).parameters.values())
    return len(parameters) > 1 and parameters[1].default is inspect.Parameter.empty


def _spiking(module: Any) -> Any:
    """A bootstrap block in its SNN mode, whatever mode it is given."""
    import inspect

    from lava.lib.dl.bootstrap.routine import Mode

    moded = "mode" in inspect.signature(type(module).forward).parameters

    def forward(x: Any, mode: Any = None) -> Any:
        return type(module).forward(module, x, Mode.SNN) if moded else type(module).forward(module, x)

    return forward


def copied(net: Any) -> Any:
    """A copy, also of a network whose states or weights still hang on a training graph."""
    import torch

    memo: dict[int, Any] = {}
    for module in net.modules():
        for value in vars(module).values():
            if isinstance(value, torch.Tensor) and not value.is_leaf:
                memo[id(value)] = value.detach().clone()
    return copy.deepcopy(net, memo)


def at_rest(net: Any) -> list[str]:
    """Put states that slayer keeps between forwards back to rest. Names what was not at rest."""
    import torch

    found = []
    for name, module in net.named_modules():
        for state, value in list(module._buffers.items()):
            if state.endswith("_state") and value is not None:
                rest = float(module.threshold) if state == "threshold_state" else 0.0
                if bool(torch.any(value != np.float32(rest))):
                    found.append(f"{name}.{state}".lstrip("."))
                module._buffers[state] = torch.full((1,), rest, dtype=value.dtype)
        if vars(module).get("delay_buffer") is not None:
            module.delay_buffer = None
    return found
