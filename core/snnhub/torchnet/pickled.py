"""Reads what a pickled network holds without executing anything: classes, settings, the tree of modules.

The opcodes are walked with ``pickletools``; nothing is imported, called or built. What a pickle would call becomes
an inert record of what it names. Files of ``torch.save(net)`` are understood far enough to say what is inside.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_OPCODES = 2_000_000
MAX_MODULES = 400
MAX_DEPTH = 60
HIDDEN = frozenset({"training", "transposed", "output_padding"})
"""Settings of every module that say nothing about the network."""


@dataclass(eq=False)
class Record:
    """A class or function that the pickle names, and what it would do with it."""

    name: str
    args: Any = ()
    state: dict[Any, Any] = field(default_factory=dict)
    items: dict[Any, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """One module inside: dotted path, class with its package, plain settings."""

    path: str
    kind: str
    settings: tuple[tuple[str, object], ...]

    def __str__(self) -> str:
        words = ", ".join(f"{name}={value!r}" for name, value in self.settings)
        return f"{self.path or 'net'} {self.kind.rpartition('.')[2]}({words})"


class _UnreadableError(Exception):
    """The pickle is broken, or uses what networks do not need."""


def modules_in(data: bytes) -> tuple[Entry, ...]:
    """The modules of a pickled network in order, its own class first. Empty if there is none to be read."""
    try:
        top = _Machine().run(data)
    except (_UnreadableError, ValueError, IndexError, KeyError, TypeError, EOFError, RecursionError):
        return ()
    if isinstance(top, Mapping):  # a checkpoint that holds the network beside other things
        top = next((value for value in top.values() if _is_module(value)), None)
    return tuple(_entries(top, "", 0, [MAX_MODULES])) if _is_module(top) else ()


def _is_module(value: Any) -> bool:
    return isinstance(value, Record) and "_modules" in value.state


def _children(record: Record) -> Mapping[Any, Any]:
    found = record.state.get("_modules")
    found = found.items if isinstance(found, Record) else found
    return found if isinstance(found, Mapping) else {}


def _entries(record: Record, path: str, depth: int, left: list[int]) -> Iterator[Entry]:
    if depth > MAX_DEPTH or left[0] <= 0:
        return
    left[0] -= 1
    plain = tuple(
        (str(name).lstrip("_"), value)
        for name, value in record.state.items()
        if name not in HIDDEN and _plain(value) and not str(name).startswith(("_is_", "_version"))
    )
    yield Entry(path, record.name, plain)
    for name, child in _children(record).items():
        if isinstance(child, Record):
            yield from _entries(child, f"{path}.{name}" if path else str(name), depth + 1, left)


def _plain(value: Any) -> bool:
    if isinstance(value, tuple):
        return 0 < len(value) <= 4 and all(isinstance(item, int | float) for item in value)
    return isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) < 20)


class _Machine:
    """The stack of a pickle, with inert records in place of objects."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def run(self, data: bytes) -> Any:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(data)):
            if count > MAX_OPCODES:
                raise _UnreadableError("too long")
            if opcode.name == "STOP":
                return self.stack[-1]
            if opcode.name in IGNORED:
                continue
            if opcode.name in LITERALS:
                self.stack.append(argument)
            elif opcode.name in CONSTANTS:
                self.stack.append(CONSTANTS[opcode.name]())
            elif opcode.name in ACTIONS:
                ACTIONS[opcode.name](self, argument)
            else:
                raise _UnreadableError(opcode.name)
        raise _UnreadableError("no end")

    def pop_mark(self) -> list[Any]:
        start = self.marks.pop()
        taken = self.stack[start:]
        del self.stack[start:]
        return taken

    def pop(self, count: int) -> list[Any]:
        if count > len(self.stack):
            raise _UnreadableError("stack is empty")
        taken = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return taken


def _name(machine: _Machine, argument: Any) -> None:
    machine.stack.append(Record(str(argument).replace(" ", ".")))


def _stack_name(machine: _Machine, _: Any) -> None:
    machine.stack.append(Record(".".join(str(part) for part in machine.pop(2))))


def _call(machine: _Machine, _: Any) -> None:
    """What would be a call: a record of what is called, and with what."""
    target, args = machine.pop(2)
    machine.stack.append(Record(target.name if isinstance(target, Record) else "?", args))


def _build(machine: _Machine, _: Any) -> None:
    (state,) = machine.pop(1)
    if isinstance(machine.stack[-1], Record) and isinstance(state, dict):
        machine.stack[-1].state.update(_hashable(state.items()))


def _set(machine: _Machine, pairs: list[Any]) -> None:
    target = machine.stack[-1]
    target = target.items if isinstance(target, Record) else target
    if isinstance(target, dict):
        target.update(_hashable(zip(pairs[::2], pairs[1::2], strict=True)))


def _hashable(pairs: Any) -> dict[Any, Any]:
    return {key: value for key, value in pairs if isinstance(key, str | int | float | bool | None)}


def _extend(machine: _Machine, values: list[Any]) -> None:
    if isinstance(machine.stack[-1], list):
        machine.stack[-1].extend(values)


def _remember(machine: _Machine, argument: Any) -> None:
    machine.memo[len(machine.memo) if argument is None else argument] = machine.stack[-1]


IGNORED = frozenset({"PROTO", "FRAME"})
LITERALS = frozenset(
    {
        *("BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "LONG4", "BINFLOAT", "FLOAT"),
        *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "UNICODE"),
        *("STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
    }
)
CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_SET": list,
}
ACTIONS: dict[str, Callable[[_Machine, Any], object]] = {
    "MARK": lambda machine, _: machine.marks.append(len(machine.stack)),
    "POP": lambda machine, _: machine.stack.pop(),
    "POP_MARK": lambda machine, _: machine.pop_mark(),
    "DUP": lambda machine, _: machine.stack.append(machine.stack[-1]),
    "TUPLE": lambda machine, _: machine.stack.append(tuple(machine.pop_mark())),
    "TUPLE1": lambda machine, _: machine.stack.append(tuple(machine.pop(1))),
    "TUPLE2": lambda machine, _: machine.stack.append(tuple(machine.pop(2))),
    "TUPLE3": lambda machine, _: machine.stack.append(tuple(machine.pop(3))),
    "LIST": lambda machine, _: machine.stack.append(machine.pop_mark()),
    "GLOBAL": _name,
    "STACK_GLOBAL": _stack_name,
    "REDUCE": _call,
    "NEWOBJ": _call,
    "BUILD": _build,
    "SETITEM": lambda machine, _: _set(machine, machine.pop(2)),
    "SETITEMS": lambda machine, _: _set(machine, machine.pop_mark()),
    "APPEND": lambda machine, _: _extend(machine, machine.pop(1)),
    "APPENDS": lambda machine, _: _extend(machine, machine.pop_mark()),
    "ADDITEMS": lambda machine, _: _extend(machine, machine.pop_mark()),
    "BINPERSID": lambda machine, _: machine.stack.append(Record("storage", machine.pop(1))),
    "BINPUT": _remember,
    "LONG_BINPUT": _remember,
    "PUT": _remember,
    "MEMOIZE": _remember,
    "BINGET": lambda machine, argument: machine.stack.append(machine.memo[argument]),
    "LONG_BINGET": lambda machine, argument: machine.stack.append(machine.memo[argument]),
    "GET": lambda machine, argument: machine.stack.append(machine.memo[argument]),
}
