"""Cases about files: what a reader, writer, target or importer is given, and what it must answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from snnhub.errors import SnnhubError
from snnhub.ir.digest import network_digest
from snnhub.ir.graph import Graph
from snnhub.ir.tensor import Array

from snnhub_conformance.case import Case, Expect, File
from snnhub_conformance.generate.write import Writer, file, npy


@dataclass(frozen=True)
class Refusal:
    """How something must be refused. ``also``: codes, or codes with places, that the same report must have."""

    error: type[SnnhubError]
    code: str = ""
    place: str = ""
    also: tuple[str, ...] = ()

    def expect(self, steps: int = 0) -> Expect:
        return Expect(
            "invalid",
            "",
            steps=steps,
            error=self.error.__name__,
            code=self.code,
            place=self.place,
            findings=self.also,
        )


@dataclass(frozen=True)
class Answer:
    """What must come out of something that is accepted."""

    graph: Graph | None = None
    findings: tuple[str, ...] = ()
    digest: str = ""

    def expect(self) -> Expect:
        digest = network_digest(self.graph) if self.graph is not None else self.digest
        return Expect("valid", "", findings=self.findings, digest=digest)


@dataclass(frozen=True)
class Family:
    """A family of cases of one kind about one importer, exporter or target (``subject``: its kind and name)."""

    writer: Writer
    name: str
    kind: str
    subject: tuple[str, str]
    source: Mapping[str, str]

    def add(
        self,
        title: str,
        comment: str,
        files: Mapping[str, tuple[str, bytes]],
        wanted: Refusal | Answer,
        *,
        inputs: Mapping[str, Array] | None = None,
        options: Mapping[str, str] | None = None,
        landmine: int | None = None,
        level: str = "",
    ) -> None:
        """``files``: name and bytes by kind of file."""
        data = dict(files.values())
        entries: dict[str, File] = {}
        for index, (key, array) in enumerate((inputs or {}).items()):
            data[f"in{index}.npy"] = npy(array)
            entries[key] = file(f"in{index}.npy", data[f"in{index}.npy"])
        expect = wanted.expect()
        case = Case(
            id="",
            family=self.name,
            kind=self.kind,
            title=title,
            comment=comment,
            level=level or ("F0" if isinstance(wanted, Refusal) else "F1"),
            subject={key: file(name, content) for key, (name, content) in files.items()},
            expect=expect,
            inputs=entries,
            options={self.subject[0]: self.subject[1], **(options or {})},
            source=self.source,
            landmine=landmine,
            codes=codes_of(expect),
        )
        self.writer.add(case, data)


def codes_of(expect: Expect) -> tuple[str, ...]:
    """Every finding code that an expectation names."""
    named: Sequence[str] = (expect.code, *(item.partition(" ")[0] for item in expect.findings))
    return tuple(sorted({code for code in named if code}))
