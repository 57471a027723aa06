"""Plugins that are broken, one way each, as the text of their module; written into a folder as if installed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HEAD = """
from snnhub.hub import *
from snnhub.hub import hookimpl
"""
IMPORTER = (
    HEAD
    + "@hookimpl\ndef snnhub_register_importers():\n    return [Importer('{name}', 'test', entry='{entry}')]\n"
)
RUNNER = (
    HEAD
    + "@hookimpl\ndef snnhub_register_runners():\n    return [Runner('{name}', 'test', entry='{entry}'{more})]\n"
)
OP = """
from snnhub.hub import hookimpl
def op(name, body=lambda x, state, param: ({{"v": state.v + x}}, {{"s": state.v + x > 1.0}})):
    from snnhub.ir.op import StepOp
    from snnhub.ir.numtype import F32
    from snnhub.ir.program import Slot, State
    slots, states = (Slot("x", F32),), (State("v", F32, 0.0),)
    return StepOp(name, 1, "test", body, lambda a: slots, lambda a: states, lambda a: ())
@hookimpl
def snnhub_register_ops():
    return [{ops}]
"""


@dataclass(frozen=True)
class Fault:
    """``text``: the module; ``words``: what doctor must say; ``remedy``: and to do; ``point``: the entry point's
    value, where it is not the module; ``registers``: what works nevertheless.
    """

    text: str
    words: str
    remedy: str = "Ask the authors"
    point: str = ""
    state: str = "broken"
    registers: str = ""


def hook(name: str, body: str, arguments: str = "", mark: str = "@hookimpl") -> str:
    return f"{HEAD}{mark}\ndef {name}({arguments}):\n    {body}\n"


def importer(entry: str = "json:loads", name: str = "acme") -> str:
    return IMPORTER.format(name=name, entry=entry)


def runner(more: str, entry: str = "json:loads", name: str = "acme") -> str:
    return RUNNER.format(name=name, entry=entry, more=more)


REGISTER = "snnhub_register_importers"
FAULTS: dict[str, Fault] = {
    "missing_dependency": Fault("import no_such_sdk", "No module named 'no_such_sdk'", "Install no_such_sdk"),
    "import_name": Fault("from json import nothing_like_it", "ImportError: cannot import name"),
    "syntax": Fault("def broken(:\n", "SyntaxError"),
    "leaves": Fault("import sys\nsys.exit(3)", "SystemExit: 3"),
    "raises_base": Fault("raise BaseException('no plain error')", "BaseException: no plain error"),
    "raises_generator_exit": Fault("raise GeneratorExit", "GeneratorExit"),
    "recursion": Fault("def f(): f()\nf()", "RecursionError"),
    "hook_raises": Fault(hook(REGISTER, "raise RuntimeError('boom')"), "RuntimeError: boom"),
    "hook_leaves": Fault(hook(REGISTER, "raise SystemExit('bye')"), "SystemExit: bye"),
    "hook_number": Fault(hook(REGISTER, "return 3"), f"{REGISTER} returned int"),
    "hook_nothing": Fault(hook(REGISTER, "[]"), "is a return missing?"),
    "hook_text": Fault(hook(REGISTER, "return 'acme'"), f"{REGISTER} returned str"),
    "hook_single": Fault(
        hook(REGISTER, "return Importer('a', '', 'b:c')"), "returned Importer; it must return a list"
    ),
    "hook_wrong_object": Fault(hook(REGISTER, "return [Runner('a', '', 'b:c')]"), "registered Runner as Importer"),
    "hook_half": Fault(
        hook(REGISTER, "yield Importer('half', '', 'json:loads')\n    raise RuntimeError('later')"), "later"
    ),
    "misspelt": Fault(hook("snnhub_register_importer", "return []"), f"did you mean {REGISTER}?"),
    "unmarked": Fault(hook(REGISTER, "return []", mark=""), "is not marked with @hookimpl"),
    "wrapper": Fault(
        hook("snnhub_detect_format", "return (yield)", "path, head", "@hookimpl(wrapper=True)"),
        "is a hook wrapper",
    ),
    "wrong_arguments": Fault(
        hook("snnhub_detect_format", "return None", "file, size"), "can not be found in the hook"
    ),
    "takes_object_name": Fault(importer(name="netx"), "importer netx is already registered by plugin netx"),
    "takes_point_name": Fault(importer(), "name is taken by snnhub", "Uninstall one of snnhub and"),
    "wrong_api": Fault(hook(REGISTER, "return [Importer('a', '', 'b:c', api=99)]"), "is for plugin interface 99"),
    "entry_text": Fault(importer("not a reference", "x"), "must be module:function"),
    "entry_not_there": Fault(
        importer("json:nothing", "entry_not_there"), "json:nothing does not resolve: AttributeError"
    ),
    "entry_module_not_there": Fault(
        importer("no_such_module:run", "entry_module"), "does not resolve: ModuleNotFoundError"
    ),
    "entry_leaves": Fault(importer("leaver_entry:run", "entry_leaves"), "does not resolve: SystemExit"),
    "entry_no_function": Fault(importer("json:__name__", "entry_text"), "does not resolve: __name__ is str"),
    "name_empty": Fault(importer(name=""), "has no usable name"),
    "formats_text": Fault(
        hook(REGISTER, "return [Importer('a', '', 'b:c', formats='.x')]"), "formats must be a tuple of texts"
    ),
    "availability_raises": Fault(
        runner(", availability=lambda: 1 / 0", name="availability_raises"),
        "availability() raised ZeroDivisionError",
        registers="availability_raises",
    ),
    "availability_leaves": Fault(
        runner(", availability=lambda: exit(1)", name="availability_leaves"),
        "availability() raised SystemExit",
        registers="availability_leaves",
    ),
    "availability_bool": Fault(
        runner(", availability=lambda: True", name="availability_bool"),
        "availability() returned bool",
        registers="availability_bool",
    ),
    "availability_silent": Fault(
        runner(", availability=lambda: Availability(False)", name="availability_silent"),
        "does not say why",
        registers="availability_silent",
    ),
    "capabilities_text": Fault(runner(", capabilities='all'", name="cap1"), "capabilities must be an object"),
    "capabilities_odd": Fault(
        runner(", capabilities={'ops': 'core.IF/1'}", name="cap2"),
        "capabilities cannot be read",
        "docs/worker-protocol.md",
        registers="cap2",
    ),
    "op_in_core": Fault(OP.format(ops='op("core.Mine")'), "domain core, which belongs to snnhub"),
    "op_in_foreign": Fault(OP.format(ops='op("loihi.Mine")'), "domain loihi, which belongs to loihi"),
    "op_twice": Fault(OP.format(ops='op("twice.A"), op("twice.A")'), "op is registered twice"),
    "op_nameless": Fault(OP.format(ops='op("Nameless")'), "has no domain"),
    "op_no_op": Fault(OP.format(ops='"core.LIF"'), "which is no op"),
    "op_raises": Fault(OP.format(ops="1 / 0"), "snnhub_register_ops: ZeroDivisionError"),
    "op_untraceable": Fault(
        OP.format(ops='op("untraced.A", lambda x, state, param: ({"v": x}, {"s": 1 if x > 0 else 0}))'),
        "op untraced.A/1 with no attributes cannot be traced",
    ),
    "detect_raises": Fault(
        hook("snnhub_detect_format", "return head[10**6]", "path, head"), "snnhub_detect_format raised IndexError"
    ),
    "detect_greedy": Fault(
        hook("snnhub_detect_format", "return FormatGuess('netx', 1000, 'mine')", "path, head"),
        "gave the score 1000",
    ),
    "detect_wrong": Fault(
        hook("snnhub_detect_format", "return 'netx'", "path, head"), "snnhub_detect_format returned str"
    ),
    "detect_unknown": Fault(
        hook("snnhub_detect_format", "return FormatGuess('gone', 90, 'mine')", "path, head"),
        "named the importer 'gone'",
    ),
    "recipe_missing": Fault(
        hook("snnhub_register_environments", "return [Environment('acme-env', '', 'acme_here:none.toml')]"),
        "the recipe of environment acme-env is not there",
        registers="acme-env",
    ),
    "recipe_not_there": Fault(
        hook(
            "snnhub_register_environments", "return [Environment('acme-env2', '', 'recipe_not_there:none.toml')]"
        ),
        "recipe cannot be read",
        registers="acme-env2",
    ),
    "stale": Fault("", "No module named 'moved_away'", "Its metadata are stale", point="moved_away"),
    "stale_attribute": Fault("other = 1", "AttributeError", point="stale_attribute:plugin"),
    "point_text": Fault("", "it must be a module, or module:object", point="not a module!"),
    "point_none": Fault("plugin = None", "is None", point="point_none:plugin"),
    "prints": Fault(
        "print('welcome to acme')\n" + importer(name="prints"),
        "prints when",
        "Print nothing",
        state="odd",
        registers="prints",
    ),
    "prints_in_c": Fault(
        "import os\nos.write(1, b'welcome')\n" + importer(name="prints_in_c"),
        "prints when",
        "Print nothing",
        state="odd",
        registers="prints_in_c",
    ),
    "imports_framework": Fault(
        "import torch\n" + importer(name="imports_framework"),
        "imports torch when it is imported",
        "Import frameworks in the functions",
        state="odd",
        registers="imports_framework",
    ),
    "slow": Fault(
        "import time\ntime.sleep(1.1)\n" + importer(name="slow"),
        "s to import",
        "Import frameworks in the functions",
        state="odd",
        registers="slow",
    ),
    "changes_environment": Fault(
        "import os\nos.environ['SNNHUB_ENVS'] = '/acme'\n",
        "environment variables SNNHUB_ENVS",
        "put back",
        state="odd",
    ),
    "changes_warnings": Fault(
        "import warnings\nwarnings.simplefilter('ignore')\n", "warnings filters", "put back", state="odd"
    ),
    "changes_folder": Fault("import os\nos.chdir('/')\n", "working folder", "put back", state="odd"),
    "changes_path": Fault("import sys\nsys.path.insert(0, '/acme')\n", "sys.path", "put back", state="odd"),
}


def install(folder: Path, name: str, text: str, point: str = "", point_name: str = "") -> None:
    """A plugin as pip would leave it: a module, and the metadata of a distribution ``dist-NAME``."""
    if text or not point:
        (folder / f"{name}.py").write_text(text)
    info = folder / f"dist_{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: dist-{name.replace('_', '-')}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[snnhub]\n{point_name or name} = {point or name}\n")
