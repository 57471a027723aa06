"""A case: one thing that an implementation must get right, as data.

``case.json`` follows the schema ``snnhub-case/1`` (``vectors/case.schema.json``); the arrays and models that it
names lie beside it, each with its digest. ``docs/conformance.md`` explains every field.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from snnhub.errors import FormatError
from snnhub.ir.rung import Rung
from snnhub.ir.tensor import Array

SCHEMA = "snnhub-case/1"
FILE = "case.json"
KINDS = ("runner", "reader", "writer", "target", "importer")


@dataclass(frozen=True)
class File:
    """A file of the case: its name in the folder, and the SHA-256 of its bytes."""

    name: str
    sha256: str


@dataclass(frozen=True)
class Requires:
    """What an implementation must have to take the case; one that says it has not, answers *unsupported*."""

    ops: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    micro_ops: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    delays_max: int = 0
    inputs: int = 1
    batch: bool = False
    cycles: bool = False


@dataclass(frozen=True)
class Expect:
    """What must come out. ``rung``: how equal it must be, over ``records`` (arrays by record key), at ``lag``.

    ``result``: ``valid``, or ``invalid`` where the case must be refused: with an error of the kind ``error``, and
    with the finding ``code`` at ``place`` where one is named. ``findings``: what must be reported besides, each a
    code, or a code and a place with a space between. ``digest``: of the network that a reader or a lowering gives.
    """

    result: str = "valid"
    rung: str = "bits"
    records: Mapping[str, File] = field(default_factory=dict)
    steps: int = 0
    lag: int = 0
    bound: float | None = None
    error: str = ""
    code: str = ""
    place: str = ""
    findings: tuple[str, ...] = ()
    digest: str = ""


@dataclass(frozen=True)
class Case:
    """See the module. ``flags``: the classes of mistakes that it notices; ``kills``: single mutants, by name.

    ``subject``: the file, model or network source that is put before the implementation, by kind of file.
    ``source``: where the expectation comes from. ``options``: what the implementation is called with.
    """

    id: str
    family: str
    kind: str
    title: str
    comment: str
    level: str
    subject: Mapping[str, File]
    expect: Expect
    digest: str = ""
    requires: Requires = Requires()
    inputs: Mapping[str, File] = field(default_factory=dict)
    batched: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    kills: tuple[str, ...] = ()
    source: Mapping[str, str] = field(default_factory=dict)
    landmine: int | None = None
    codes: tuple[str, ...] = ()
    added: str = "1.0"
    superseded_by: str | None = None
    folder: Path = field(default=Path(), compare=False)

    @property
    def rung(self) -> Rung:
        return Rung(self.expect.rung)

    def path(self, file: File) -> Path:
        return self.folder / file.name

    def array(self, file: File) -> Array:
        """A stored array; never unpickled."""
        array: Array = np.load(self.path(file), allow_pickle=False)
        return array

    def stimulus(self) -> dict[str, Array]:
        """Input arrays by graph input: (time, batch, features…) if ``batched``, else (time, features…)."""
        return {name: self.array(file) for name, file in self.inputs.items()}

    def records(self) -> dict[str, Array]:
        """Expected arrays by record key."""
        return {key: self.array(file) for key, file in self.expect.records.items()}

    def files(self) -> tuple[File, ...]:
        """Every file beside ``case.json``."""
        found = [*self.subject.values(), *self.inputs.values(), *self.expect.records.values()]
        return tuple(dict.fromkeys(found))

    def to_json(self) -> dict[str, Any]:
        """Plain data in the order of the schema, without the folder and without what is empty."""
        data = {"schema": SCHEMA, **asdict(self)}
        del data["folder"]
        return {key: _trimmed(value) for key, value in data.items() if value not in ((), {}, "", None, False)}


def _trimmed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: _trimmed(item) for key, item in value.items() if item not in ((), {}, "", None, False)}


def read(path: Path) -> Case:
    """The case of a ``case.json``. Raises ``FormatError`` for one that does not follow the schema."""
    try:
        data = json.loads(path.read_text())
        if data.pop("schema") != SCHEMA:
            raise FormatError("not a case of this version", where=str(path), allowed=SCHEMA)
        expect = {**data.pop("expect")}
        records = {key: File(**item) for key, item in expect.pop("records", {}).items()}
        return Case(
            expect=Expect(records=records, **_tuples(expect)),
            subject={key: File(**item) for key, item in data.pop("subject").items()},
            inputs={key: File(**item) for key, item in data.pop("inputs", {}).items()},
            requires=Requires(**_tuples(data.pop("requires", {}))),
            folder=path.parent,
            **_tuples(data),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise FormatError("not a conformance case", where=str(path), found=repr(problem)) from None


def _tuples(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
