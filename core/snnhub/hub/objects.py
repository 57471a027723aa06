"""The typed objects that plugins register. They describe; the work is named as ``module:function``.

Nothing here imports a framework or NumPy, so that ``snnhub plugins list`` is instant.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from snnhub.errors import SnnhubError

PLUGIN_API = 1
"""Version of the plugin interface. A plugin that asks for another one is not loaded, and reported."""


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether something can be used here. If not, why, and what to do."""

    ok: bool
    reason: str = ""
    hint: str = ""


def always() -> Availability:
    """For what needs nothing beyond snnhub."""
    return Availability(True)


@dataclass(frozen=True, slots=True)
class Option:
    """An option of an importer or runner, given as ``--option name=value``, or of a target's lowering.

    ``allowed``: its values, where they are few; empty for numbers and text.
    """

    name: str
    doc: str
    default: str = ""
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Method:
    """A way in which a target's lowering quantises, to be put beside the others by ``snnhub quant``.

    ``chosen``: the lowering options that pick it. ``calibration``: ``optional`` (handed to the passes where there
    is any), ``needed`` (left out without it), or ``unused`` (never handed to the passes).
    """

    name: str
    doc: str
    chosen: Mapping[str, str] = field(default_factory=dict)
    calibration: str = "optional"


@dataclass(frozen=True, slots=True)
class Approximation:
    """A change of meaning that a target's lowering makes on request only: ``snnhub convert --approximate NAME``.

    ``doc``: what becomes what. ``chosen``: the lowering options that it stands for; it does nothing of its own.
    ``concerns``: ``module:function``, ``(Graph) -> names of the nodes`` that it would change. ``lifts``: whether
    those nodes are refused without it; otherwise it is another way to convert what is converted anyhow.
    """

    name: str
    doc: str
    chosen: Mapping[str, str]
    concerns: str
    lifts: bool = True


CALIBRATIONS = ("optional", "needed", "unused")
"""What a method may say of calibration data."""


@dataclass(frozen=True)
class Registered:
    """What every registered object says of itself. ``entry`` is ``module:function``, imported on use."""

    name: str
    summary: str
    entry: str
    api: int = PLUGIN_API
    availability: Callable[[], Availability] = always
    options: tuple[Option, ...] = ()
    level: str = ""
    kind = "object"

    def resolve(self) -> Callable[..., Any]:
        """Import and return the function behind ``entry``. Raises ``SnnhubError`` where there is none."""
        return resolve(self.entry, f"{self.kind} {self.name}")


@dataclass(frozen=True)
class Importer(Registered):
    """``entry``: ``(source, ImportOptions) -> Graph``. ``formats``: what it reads, for listings.

    ``live`` importers take a factory or an object instead of a file, or beside one. ``implied``: whether a factory
    may go to it without being asked by name; no more than one importer should be.
    """

    formats: tuple[str, ...] = ()
    live: bool = False
    implied: bool = True
    kind = "importer"


@dataclass(frozen=True)
class Exporter(Registered):
    """``entry``: ``(graph, path) -> findings``, for graphs that ``passes`` have prepared.

    ``target`` names the target whose lowering runs first; ``passes``: ``() -> passes`` of the exporter's own.
    ``keeps_programs``: it writes the step programs themselves. All others go by op names, and get no graph whose
    programs differ from the installed ops. ``reader``: the importer of its files, where it has another name.
    ``continuous``: it also writes graphs in continuous time, which no target and no other exporter takes.

    An exporter with ``options`` gets the chosen ones as a third argument, text by name.
    """

    formats: tuple[str, ...] = ()
    target: str = ""
    passes: str = ""
    keeps_programs: bool = False
    reader: str = ""
    continuous: bool = False
    kind = "exporter"

    def write(self, graph: Any, path: Path, chosen: Mapping[str, str] | None = None) -> Any:
        """Write ``graph`` with the options ``chosen``. Returns findings; raises what ``entry`` raises."""
        entry = self.resolve()
        return entry(graph, path, dict(chosen or {})) if self.options else entry(graph, path)


@dataclass(frozen=True)
class Runner(Registered):
    """``entry``: ``(RunRequest) -> Recording``. ``takes`` names what it runs: ``graph``, or an importer whose
    sources it runs themselves (``netx`` files, ``spikingjelly`` factories).

    ``capabilities``: what it runs, as a worker declares it (``docs/worker-protocol.md``); None for everything.
    The conformance suite holds it to this declaration in both directions.
    ``deterministic``: the same input gives the same recording. Of a runner whose runs differ (an analog chip),
    ``verify`` takes none: rates over many runs are what can be compared.
    ``packs``: it takes long to start, so that the suite puts small networks before it as parts of a large one.
    ``replays``: endings of source files that bring their recording along; answering with it needs no peer here.
    """

    takes: str = "graph"
    deterministic: bool = True
    capabilities: Mapping[str, Any] | None = None
    packs: bool = False
    replays: tuple[str, ...] = ()
    kind = "runner"

    def only_replays(self, source: Any) -> bool:
        """Whether ``source`` is a file whose recording is the answer: nothing is run for it."""
        return isinstance(source, str | Path) and Path(source).suffix in self.replays and Path(source).is_file()


@dataclass(frozen=True)
class Target(Registered):
    """A chip family. ``entry``: ``() -> TargetSpec`` (allow-list, limits); ``lowering``: ``() -> passes``.

    ``options``: what ``convert(lowering={name: value})`` may choose; passes find it in ``PassContext.options``.
    ``methods``: the ways in which the lowering quantises; none means that there is one, which has no name.
    ``approximations``: what ``--approximate`` may ask for. ``tables``: by op, ``module:function``, ``(Graph) ->
    rows by name of a table``, which ``snnhub inspect`` shows of graphs with that op; none of graphs that are not
    lowered.
    """

    lowering: str = ""
    chips: tuple[str, ...] = field(default=())
    methods: tuple[Method, ...] = ()
    approximations: tuple[Approximation, ...] = ()
    tables: Mapping[str, str] = field(default_factory=dict)
    kind = "target"


@dataclass(frozen=True)
class Profile(Registered):
    """What a framework makes of a graph in continuous time, or a rule of nobody's. ``entry``: ``(graph, dt,
    name) -> Graph`` of step ops, with every reason in one ``UnsupportedError`` where the framework refuses the
    network. With a fourth parameter ``input_shape`` it also makes networks for inputs of another shape.

    ``describe``: ``module:function``, ``(name) -> mapping``: the profile's choices as data (docs/profiles.md).
    ``framework``: the name and versions that it was measured on; empty for a rule of nobody's. ``dt``: the only
    one that its framework has, in seconds; it goes where none is given. ``timeless``: its framework has none.

    ``switches``: ``module:function``, ``(graph A, graph B, values) -> sets of field names``: of two profiles that
    name the same function, the smallest sets of fields that, switched in A's graph to what B's says, give B's
    spikes.
    """

    describe: str = ""
    framework: str = ""
    dt: float | None = None
    switches: str = ""
    timeless: bool = False
    kind = "profile"

    def descriptor(self) -> Mapping[str, Any]:
        """The profile's choices as data. Raises ``SnnhubError`` if its code cannot be loaded."""
        found: Mapping[str, Any] = resolve(self.describe, f"profile {self.name}")(self.name)
        return found


@dataclass(frozen=True, slots=True)
class Environment:
    """An interpreter of its own for a peer. ``recipe``: ``package:file.toml``, inside the plugin's package.

    ``worker``: ``module:function`` that serves there and offers ``import``; empty if nothing is imported there.
    """

    name: str
    summary: str
    recipe: str
    worker: str = ""

    def path(self) -> Path:
        """The recipe file. Finds the package without importing it. Raises ``SnnhubError`` if there is none."""
        package, _, file = self.recipe.partition(":")
        try:
            spec = importlib.util.find_spec(package)
        except Exception:  # noqa: BLE001  its parent package cannot be imported
            spec = None
        if spec is None or spec.origin is None:
            raise SnnhubError(
                f"the recipe of environment {self.name} is not there",
                where=self.recipe,
                found=f"no package {package}",
                remedy="Run: snnhub plugins doctor",
            )
        return Path(spec.origin).parent / file


@dataclass(frozen=True, slots=True)
class FormatGuess:
    """A plugin's opinion of a file: importer name, score (0 to 100), and why."""

    importer: str
    score: int
    why: str


def resolve(reference: str, whose: str = "") -> Callable[..., Any]:
    """Import ``module:attribute`` and return the attribute, for ``whose`` (for messages).

    Raises ``SnnhubError`` if the module cannot be imported, has no such attribute, or it is no function.
    """
    module, _, attribute = reference.partition(":")
    words = f"the code of {whose} cannot be loaded" if whose else "code cannot be loaded"
    try:
        found: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    except (KeyboardInterrupt, SnnhubError):
        raise
    except BaseException as problem:
        told = " ".join(f"{type(problem).__name__}: {problem}".split())
        raise SnnhubError(words, where=reference, found=told, remedy="Run: snnhub plugins doctor") from problem
    if not callable(found):
        told = f"{attribute} is {type(found).__name__}"
        raise SnnhubError(
            words, where=reference, found=told, allowed="a function", remedy="Run: snnhub plugins doctor"
        )
    return found
