"""Documents that repeat what the code says: generated parts are compared with the code, examples are run."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from snnhub.ir.microop import MEANING
from snnhub.ir.op import OpKind, OpSchema
from snnhub.ops.registry import CORE

from tests.conftest import ROOT

SPEC = ROOT / "formats" / "snnhub_formats" / "spec" / "snn.md"
GRAPH_JSON = SPEC.with_name("graph-json.md")


def part(path: Path, name: str) -> str:
    """What stands between the marks ``<!-- name -->`` and ``<!-- /name -->``."""
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", path.read_text(), re.DOTALL)
    assert found, f"{path} has no part {name}"
    return found[1]


def instructions() -> str:
    return "".join(f"| `{op.value}` | {text.replace('|', chr(92) + '|')} |\n" for op, text in MEANING.items())


def attributes(op: OpSchema) -> str:
    return "; ".join(f"`{a.name}` {a.doc} ({a.describe()})" for a in op.attributes)


def transforms(ops: Iterable[OpSchema]) -> str:
    rows = [op for op in ops if op.kind is OpKind.TRANSFORM]
    return "".join(f"| `{op.name}/{op.version}` | {op.doc} | {attributes(op)} |\n" for op in rows)


def test_the_specification_lists_every_instruction_and_transform() -> None:
    assert part(SPEC, "instructions") == instructions()
    assert part(SPEC, "transforms") == transforms(CORE)
    assert part(GRAPH_JSON, "instructions") == instructions()
