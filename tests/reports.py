"""Measures the conformance of what ships and stores it: one report per runner and machine, under docs/reports.

python -m tests.reports engine            a runner that needs nothing else
python -m tests.reports engine torch spikingjelly lava xylosim c-worker importer:netx …
python -m tests.reports --table           the table of the README from what is stored
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from snnhub_conformance import overview, suite
from snnhub_conformance.report import Report, compact
from snnhub_conformance.session import measure

from tests.matrix import inserted

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / "docs" / "reports"
README = ROOT / "README.md"
TORCH = ("snntorch", "norse", "sinabs")
"""Frameworks whose live networks are imported and run in the environment nir-frameworks."""
LEVELS = dict.fromkeys(("spikingjelly", "torch", "rockpool", "dynapsim", *TORCH), "R3")
"""What a subject claims, where that is not the highest level."""
FAMILIES = {
    "spikingjelly": ["importer.spikingjelly"],
    "rockpool": ["importer.rockpool"],
    "dynapsim": ["importer.dynapse2"],
    "lava-dl": ["importer.lava-dl"],
    "lava": ["loihi"],
    "xylosim": ["xylo", "kernel.xylo"],
    **{name: [f"importer.{name}"] for name in TORCH},
}
"""What a subject is asked: a framework's runner is not put before another's networks."""
FRAMEWORKS = ("snntorch", "norse", "spikingjelly", "sinabs", "spyx", "rockpool", "nengo")
"""Run on the NIR files of their profiles, in the environment nir-frameworks."""
ALL = (
    "engine",
    "torch",
    "spikingjelly",
    "lava",
    "rockpool",
    "dynapsim",
    "lava-dl",
    "xylosim",
    *TORCH,
    "c-worker",
    "importer:snn",
    "importer:graph-json",
    "importer:netx",
    "importer:spikingjelly",
    "importer:rockpool",
    "importer:dynapse2",
    "importer:lava-dl",
    "importer:nir",
    *(f"importer:{name}" for name in TORCH),
    *(f"framework:{name}" for name in FRAMEWORKS),
    "exporter:netx",
    "target:loihi2",
)


def compiled(folder: Path) -> Path:
    """The worker in C, compiled."""
    path = folder / "worker"
    compiler = shutil.which("cc") or "cc"
    source = ROOT / "docs" / "examples" / "c_worker" / "worker.c"
    subprocess.run([compiler, "-std=c99", "-O2", "-o", str(path), str(source)], check=True)
    return path


def measured(subject: str) -> Report:
    """The report of a runner, of ``kind:name``, or of the worker in C."""
    kind, colon, name = subject.partition(":")
    if colon:
        return measure(kind, name)
    if subject == "c-worker":
        with tempfile.TemporaryDirectory() as folder:
            return measure("worker", str(compiled(Path(folder))), families=["op.integer"])
    return measure("runner", subject, level=LEVELS.get(subject), families=FAMILIES.get(subject, ()))


def store(subject: str) -> bool:
    """Measure and write; False if something failed."""
    report = measured(subject)
    data = compact(report)
    data["subject"]["name"] = subject.replace(":", " ")
    REPORTS.mkdir(exist_ok=True)
    machine = f"{platform.system()}-{platform.machine()}".lower()
    name = f"{subject.replace(':', '-')}.{machine}.json"
    (REPORTS / name).write_text(json.dumps(data, indent=1) + "\n")
    counts = report.counts
    print(f"{subject}: {counts['pass']} of {counts['total']}", file=sys.stderr, flush=True)
    return not report.failed


def table() -> str:
    """The table of the README."""
    reports = overview.load_reports(REPORTS)
    order = {subject.replace(":", " "): number for number, subject in enumerate(ALL)}
    reports.sort(key=lambda report: order.get(report["subject"]["name"], len(order)))
    return overview.table(reports, suite.load())


def main(arguments: list[str]) -> int:
    """Exit code."""
    os.environ.setdefault("SNNHUB_ENVS", str(ROOT / ".envs"))
    fine = [store(subject) for subject in (arguments or ALL) if not subject.startswith("--")]
    README.write_text(inserted(README.read_text(), {"conformance": table()}))
    return 0 if all(fine) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
