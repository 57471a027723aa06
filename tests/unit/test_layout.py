"""Rules of the house, checked: packaging, layers, sizes, imports, finding codes, the public interface."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import snnhub
from snnhub.codes import CODES

from tests.conftest import ROOT

SOURCES = ("core", "formats", "plugins", "conformance")
LAYERS = (
    "codes",
    "findings",
    "errors",
    "files",
    "ir",
    "formats",
    "ops",
    "engine",
    "passes",
    "compare",
    "differences",
    "plot",
    "hub",
    "peers",
    "api",
    "torchnet",
    "cli",
)
"""Imports point downwards only: a module may import what stands before its own layer, or in it."""
PEERS = {"torch", "jax", "samna", "lava", "rockpool", "spikingjelly", "snntorch", "norse", "sinabs", "h5py"}
MAX_LINES, MAX_FUNCTION = 600, 60
GENERATED = "_gen"
EXAMPLE = ROOT / "plugins" / "example-plugin"
"""A third party's project: it has tests of its own, and is no part of our wheel."""


def files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            data = GENERATED in path.parts or "vectors" in path.parts
            if not data and EXAMPLE / "tests" not in path.parents:
                yield path


def imports(path: Path, top_only: bool = False) -> Iterator[tuple[int, str]]:
    """Imported module names with their lines; ``top_only``: those that run when the module is imported."""
    tree = ast.parse(path.read_text())
    nodes = tree.body if top_only else list(ast.walk(tree))
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module


def layer_of(module: str) -> str | None:
    parts = module.split(".")
    if parts[0] == "snnhub_formats":
        return "formats"
    if parts[0] == "snnhub":
        return parts[1] if len(parts) > 1 else None
    return None


def project() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_every_plugin_folder_is_packaged_and_registered() -> None:
    """A plugin missing from the list works when installed editable and is absent from the wheel."""
    config = project()
    packages = config["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]  # type: ignore[index]
    points = config["project"]["entry-points"]["snnhub"]  # type: ignore[index]
    folders = {path.name for path in (ROOT / "plugins").iterdir() if path.name.startswith("snnhub_")}
    assert {Path(package).name for package in packages} == folders | {
        "snnhub",
        "snnhub_formats",
        "snnhub_conformance",
    }
    assert {value for value in points.values() if value.startswith("snnhub_")} == folders
    installed = {
        point.name: point.value
        for point in entry_points(group="snnhub")
        if point.dist and point.dist.name == "snnhub"
    }
    assert installed == points, "metadata is stale: pip install -e . again"


def test_no_package_marker_in_the_top_folders() -> None:
    assert [folder for folder in SOURCES if (ROOT / folder / "__init__.py").exists()] == []


def test_imports_point_downwards() -> None:
    wrong = []
    for path in files("core", "formats"):
        own = layer_of(".".join(path.relative_to(ROOT / path.relative_to(ROOT).parts[0]).with_suffix("").parts))
        if own is None or own in ("__init__", "__main__"):
            continue
        for line, module in imports(path):
            other = layer_of(module)
            if other is not None and LAYERS.index(other) > LAYERS.index(own):
                wrong.append(f"{path.relative_to(ROOT)}:{line} {own} imports {module}")
    assert wrong == []


def test_plugins_never_import_each_other() -> None:
    wrong = []
    for path in files("plugins"):
        own = path.relative_to(EXAMPLE if EXAMPLE in path.parents else ROOT / "plugins").parts[0]
        wrong += [
            f"{path.relative_to(ROOT)}:{line} {module}"
            for line, module in imports(path)
            if module.split(".")[0].startswith("snnhub_") and module.split(".")[0] not in (own, "snnhub_formats")
        ]
    assert wrong == []


def test_peers_are_imported_inside_functions_only() -> None:
    wrong = []
    for path in files(*SOURCES):
        for line, module in imports(path, top_only=True):
            inside_peer = path.parent.name == "snnhub_lava" and path.name == "probes.py"
            hdf5 = path.parent.name in ("snnhub_netx", "snnhub_nir") or path.name.startswith("hdf5")
            of_hdf5 = hdf5 and module == "h5py" and path.name != "__init__.py"
            if module.split(".")[0] in PEERS and not inside_peer and not of_hdf5:
                wrong.append(f"{path.relative_to(ROOT)}:{line} {module}")
    assert wrong == []


def test_protobuf_stays_inside_serialisation() -> None:
    users = {
        path.name
        for path in files(*SOURCES)
        for _, module in imports(path)
        if "_gen" in module or module.startswith("google")
    }
    assert users == {"serde.py", "serde_program.py", "serde_tensor.py", "snn_parts.py"}  # the last breaks files


@pytest.mark.parametrize("folder", [*SOURCES, "tests", "docs"])
def test_rooms_are_small(folder: str) -> None:
    wrong = []
    for path in files(folder):
        text = path.read_text()
        if text.count("\n") > MAX_LINES:
            wrong.append(f"{path.relative_to(ROOT)}: {text.count(chr(10))} lines")
        wrong += [
            f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= MAX_FUNCTION
        ]
    assert wrong == []


def test_public_functions_are_documented() -> None:
    missing = []
    for path in files(*SOURCES):
        tree = ast.parse(path.read_text())
        if not ast.get_docstring(tree) and tree.body:
            missing.append(str(path.relative_to(ROOT)))
        missing += [
            f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
            for node in tree.body
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_") and not ast.get_docstring(node)
        ]
    assert missing == []


def test_finding_codes_are_used_and_documented() -> None:
    source = "\n".join(path.read_text() for path in files(*SOURCES) if path.name != "codes.py")
    used = set(re.findall(r"SNN-\d{4}", source))
    assert used == set(CODES), f"unused {set(CODES) - used}, unlisted {used - set(CODES)}"
    documented = (ROOT / "docs" / "findings.md").read_text()
    assert [code for code in CODES if f"## {code}" not in documented] == []


def test_the_public_interface_is_pinned() -> None:
    assert snnhub.__all__ == [
        "agree",
        "check",
        "compare_recordings",
        "convert",
        "diff",
        "distribution",
        "doctor",
        "import_model",
        "inspect",
        "load",
        "plot_raster",
        "plot_ratios",
        "plot_utilisation",
        "plot_vmem",
        "plot_weights",
        "quant",
        "repro",
        "repro_again",
        "run",
        "save",
        "verify",
    ]
    for name in snnhub.__all__:
        assert callable(getattr(snnhub, name))
    with pytest.raises(AttributeError):
        _ = snnhub.nothing


def test_versions_agree() -> None:
    assert project()["project"]["version"] == snnhub.__version__  # type: ignore[index]
    assert f"## {snnhub.__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_relative_links_in_documents_lead_somewhere() -> None:
    broken = []
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        broken += [
            f"{path.relative_to(ROOT)}: {target}"
            for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", path.read_text())
            if not target.startswith("http") and not (path.parent / target).exists()
        ]
    assert broken == []
