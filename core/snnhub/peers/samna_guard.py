"""Tells the vendor's samna from the package of that name on the package index, without importing either.

What the index has (0.48.6, looked at as an archive) is one Python file that runs pip when it is imported, to
replace itself by a wheel from the vendor's own index. Importing it installs software, so nothing here imports to
find out. A samna is taken for real if all of this holds:

1. one installed distribution is called samna, and no second one;
2. it came as a wheel for this kind of machine: not purely Python, no tag ``any``;
3. it has a compiled module for this interpreter, of a size that a driver has, a real one by its first bytes;
4. what ``import samna`` would run is a file of that distribution, as it was installed (SHA-256 of its RECORD);
5. none of its Python files can install or fetch anything: no import of pip, subprocess, sockets and the like, no
   call of exec, eval, ``os.system``; and it puts no ``.pth`` file into the interpreter's start.

Whoever wants to deceive this can; it is against mistakes, not against malice.
"""

from __future__ import annotations

import ast
import base64
import hashlib
from collections.abc import Iterator
from email import message_from_string
from importlib.machinery import EXTENSION_SUFFIXES, PathFinder
from importlib.metadata import Distribution, PackagePath, distributions
from pathlib import Path

from snnhub.errors import MissingPeerError

NAME = "samna"
REMEDY = (
    "Get the vendor's wheel for this interpreter (https://synsense-sys-int.gitlab.io/samna/) and install that "
    "file with pip. The samna of the package index only installs it, by running pip when it is imported."
)
LEAST_BYTES = 2**20
"""A driver for a dozen boards with its own compiler; a stub is far below."""
MAGIC = (b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
"""First bytes of compiled modules on Linux, Windows and macOS."""
INSTALLERS = {"pip", "ensurepip", "setuptools", "distutils", "subprocess", "runpy", "webbrowser"} | {
    "urllib",
    "http",
    "ftplib",
    "socket",
    "requests",
    "httpx",
}
"""Modules that a driver's Python part has no use for, and an installer has."""
CALLS = {"exec", "eval", "compile", "__import__"}
OS_CALLS = ("system", "popen", "exec", "spawn", "posix_spawn", "startfile")


def problem(path: list[str] | None = None, thorough: bool = False) -> str:
    """Why samna is not here, or not the real one; empty if it is. ``path``: folders, by default ``sys.path``.

    ``thorough`` also reads the compiled modules whole; without it, their size and first bytes are looked at.
    """
    found = _distributions(path)
    if not found:
        return "samna is not installed"
    if len(found) > 1:
        return f"{len(found)} distributions are called samna: {', '.join(item.version for item in found)}"
    (distribution,) = found
    for rule in (_wheel, _compiled, _runs, _harmless):
        if words := rule(distribution, path):
            return f"samna {distribution.version} is not the vendor's: {words}"
    if thorough:
        for file in _extensions(distribution):
            if not _unchanged(file):
                return f"samna {distribution.version}: {file} is not as it was installed"
    return ""


def ensure_real() -> None:
    """Raise ``MissingPeerError`` unless the real samna is installed here. The check before an import."""
    if words := problem(thorough=True):
        raise MissingPeerError(f"samna cannot be used here: {words}", remedy=REMEDY)


def _distributions(path: list[str] | None) -> list[Distribution]:
    """Those of the name, each once: a folder may be on the path twice. Only their own metadata are read."""
    found = distributions(name=NAME) if path is None else distributions(name=NAME, path=path)
    return list({(str(item.locate_file("")), item.version): item for item in found}.values())


def _wheel(distribution: Distribution, path: list[str] | None) -> str:
    """Rule 2."""
    wheel = message_from_string(distribution.read_text("WHEEL") or "")
    tags = [str(tag) for tag in wheel.get_all("Tag", [])]
    if not tags:
        return "it was not installed from a wheel"
    if str(wheel["Root-Is-Purelib"]).lower() != "false" or any(tag.endswith("-any") for tag in tags):
        return f"it is purely Python ({tags[0]}), as the installer of that name is"
    return ""


def _compiled(distribution: Distribution, path: list[str] | None) -> str:
    """Rule 3."""
    files = list(_extensions(distribution))
    if not files:
        return "it has no compiled module for this interpreter"
    for file in files:
        place = _place(file)
        if not place.is_file():
            return f"{file} is in its list and not there"
        size = place.stat().st_size
        if file.size is not None and size != file.size:
            return f"{file} has {size} bytes, installed were {file.size}"
        with place.open("rb") as opened:
            if not opened.read(4).startswith(MAGIC):
                return f"{file} is no compiled module"
    largest = max(_place(file).stat().st_size for file in files)
    return "" if largest >= LEAST_BYTES else f"its largest compiled module has {largest} bytes"


def _runs(distribution: Distribution, path: list[str] | None) -> str:
    """Rule 4. The finder of files alone is asked: others may run code."""
    spec = PathFinder.find_spec(NAME, path)
    if spec is None or not spec.origin:
        return "its files do not make a module samna"
    origin = Path(spec.origin).resolve()
    own = {_place(file).resolve(): file for file in distribution.files or ()}
    if origin not in own:
        return f"import would run {origin}, which is not one of its files"
    return "" if _unchanged(own[origin]) else f"{origin} is not as it was installed"


def _harmless(distribution: Distribution, path: list[str] | None) -> str:
    """Rule 5."""
    for file in distribution.files or ():
        if file.suffix == ".pth":
            return f"{file} runs when the interpreter starts"
        if file.suffix == ".py" and file.parts[0] not in ("..", "."):
            if words := _does(_place(file)):
                return f"{file} {words}"
            if not _unchanged(file):
                return f"{file} is not as it was installed"
    return ""


def _does(place: Path) -> str:
    """What a Python file does that an installer does, or nothing. It is parsed, never run."""
    try:
        tree = ast.parse(place.read_bytes())
    except (OSError, ValueError, SyntaxError, RecursionError):
        return "cannot be read"
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in CALLS or (called.startswith("os.") and called[3:].startswith(OS_CALLS)):
                return f"calls {called}"
        for name in names:
            if name.partition(".")[0] in INSTALLERS:
                return f"imports {name}, as an installer does"
    return ""


def _extensions(distribution: Distribution) -> Iterator[PackagePath]:
    for file in distribution.files or ():
        inside = file.parts[0] == NAME or (
            len(file.parts) == 1 and file.name.partition(".")[0] in (NAME, f"_{NAME}")
        )
        if inside and any(file.name.endswith(suffix) for suffix in EXTENSION_SUFFIXES):
            yield file


def _place(file: PackagePath) -> Path:
    return Path(str(file.locate()))


def _unchanged(file: PackagePath) -> bool:
    """Whether a file has the hash that was recorded when it was installed. Without one, it does not."""
    if file.hash is None or file.hash.mode != "sha256":
        return False
    try:
        digest = hashlib.sha256(_place(file).read_bytes()).digest()
    except OSError:
        return False
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == file.hash.value
