"""The ``snnhub`` command: its group, and what happens to every kind of error."""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Any

import click

from snnhub import __version__
from snnhub.cli import (
    agree,
    check,
    compare,
    conformance,
    convert,
    diff,
    distribution,
    doctor,
    env,
    fuzz,
    inspect,
    plot,
    plugins,
    quant,
    repro,
    run,
    verify,
)
from snnhub.errors import EXIT_INTERNAL, SnnhubError

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


@click.group(context_settings=CONTEXT)
@click.version_option(__version__, prog_name="snnhub")
def cli() -> None:
    """Moves spiking neural networks between frameworks and chips, and proves what stayed the same.

    Exit codes: 0 ok, 1 check failed or broken file, 2 usage, 3 loss under --strict, 4 unsupported,
    5 missing framework or environment, 70 internal error.
    """


for command in (
    convert.command,
    inspect.command,
    check.command,
    run.command,
    verify.command,
    quant.command,
    compare.command,
    diff.command,
    distribution.command,
    agree.command,
    repro.command,
    plot.group,
    plugins.group,
    conformance.group,
    fuzz.command,
    env.group,
    doctor.command,
):
    cli.add_command(command)


def entry() -> None:
    """Run the command line and exit. Prints exactly one JSON document under ``--json``, also on failure."""
    sys.exit(invoke(sys.argv[1:]))


def invoke(arguments: list[str]) -> int:
    """Run one command and return its exit code. Broken plugins are mentioned on standard error, in one line."""
    code = _invoke(arguments)
    if arguments[:1] not in (["plugins"], ["doctor"]):
        _mention_broken_plugins()
    return code


def _mention_broken_plugins() -> None:
    """Only where the command has loaded plugins at all."""
    loader = sys.modules.get("snnhub.hub.loader")
    if loader is None or not loader.load.cache_info().currsize:
        return
    broken = sorted({problem.plugin for problem in loader.load().problems if problem.state == "broken"})
    if broken:
        names = ", ".join(name if name.isprintable() else repr(name) for name in broken)
        click.echo(
            f"plugins that are not used, or not in whole: {names} (snnhub plugins doctor says why)", err=True
        )


def _invoke(arguments: list[str]) -> int:
    as_json = "--json" in arguments
    try:
        result = cli.main(args=arguments, prog_name="snnhub", standalone_mode=False)
    except click.exceptions.Exit as done:
        return int(done.exit_code)
    except click.Abort:
        click.echo("aborted", err=True)
        return 130
    except click.ClickException as problem:
        return _usage(problem, as_json)
    except SnnhubError as problem:
        return _failed(problem, as_json)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as problem:  # noqa: BLE001  the last resort: a bug, shown with its traceback
        return _internal(problem, as_json)
    return result if isinstance(result, int) else 0


def _print_json(document: dict[str, Any]) -> None:
    click.echo(json.dumps(document, indent=1))


def _usage(problem: click.ClickException, as_json: bool) -> int:
    if as_json:
        _print_json({"error": "UsageError", "message": problem.format_message(), "exit_code": 2, "findings": []})
    else:
        problem.show()
    return 2


def _failed(problem: SnnhubError, as_json: bool) -> int:
    if as_json:
        _print_json(problem.to_json())
        return problem.exit_code
    from snnhub.cli.output import print_findings, printable
    from snnhub.findings import ordered

    click.echo(printable(f"error: {problem}"), err=True)  # names in it may come from a file
    if problem.findings:
        print_findings(ordered(problem.findings), err=True)
    return problem.exit_code


def _internal(problem: Exception, as_json: bool) -> int:
    text = "".join(traceback.format_exception(problem))
    if as_json:
        message = f"{type(problem).__name__}: {problem}"
        _print_json(
            {
                "error": "InternalError",
                "message": message,
                "exit_code": EXIT_INTERNAL,
                "findings": [],
                "traceback": text,
            }
        )
    else:
        click.echo(text, err=True)
        click.echo(
            "internal error: this is a bug in snnhub (or in a plugin); please report it with the lines above",
            err=True,
        )
    return EXIT_INTERNAL
