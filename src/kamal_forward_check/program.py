"""The product's tasks, as an explicit namespace, and a run of them that ends with one of our statuses."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from kamal_forward_check import __version__, interruption
from kamal_forward_check.command_line import WORDS, Alone, CommandLine, from_table
from kamal_forward_check.errors import CannotCheck, Interrupted
from kamal_forward_check.errors import Exit as Status
from kamal_forward_check.light_invoke import Collection, Exit
from kamal_forward_check.settings import Settings, from_flags
from kamal_forward_check.system import System

if TYPE_CHECKING:
    from kamal_forward_check.model import Report, Vantage

NAME = "kamal-forward-check"


def run(argv: list[str] | None = None, namespace: Collection | None = None) -> NoReturn:
    """Run the command line `argv` (sys.argv by default) and end the process with one of our statuses."""
    sys.exit(main(argv, namespace))


def main(argv: list[str] | None = None, namespace: Collection | None = None) -> int:
    """Run the command line; the exit status. No traceback reaches a person."""
    gc.disable()  # a short life: looking for garbage among freshly imported modules finds none, and takes a tenth of it
    interruption.heed()
    program = CommandLine(
        name=NAME, binary=NAME, version=__version__, namespace=namespace or tasks(), config_class=Alone
    )
    try:
        program.start(argv)
    except Exit as ended:
        if ended.message:
            print(ended.message, file=sys.stderr)
        return ended.code
    except CannotCheck as error:
        return _say(error.message, error.hint, Status.CANNOT_CHECK)
    except KeyboardInterrupt:
        return _say("interrupted; every connection is closed", "", Status.INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left, and flushing would fail
        return Status.CANNOT_CHECK
    except Exception as error:  # the last door: what comes here is a bug of ours, and says so
        if os.environ.get("KFC_TRACEBACK"):
            raise
        return _say(
            f"a bug of ours: {type(error).__name__}: {error}",
            "please report it; KFC_TRACEBACK=1 shows where it happened",
            Status.OUR_BUG,
        )
    return Status.GOOD


def _say(message: str, hint: str, status: Status) -> int:
    from kamal_forward_check.report.clean import no_command, one_line

    print(f"{NAME}: {one_line(message)}", file=sys.stderr)
    if hint:
        print(no_command(f"  {one_line(hint)}"), file=sys.stderr)
    return status


def tasks() -> Collection:
    """The product's tasks."""
    return Collection(_check, _validate, _route, _explain, _fix)


@from_table("check")
def _check(given: dict[str, Any]) -> None:
    """Walk the SSH routes that Kamal would take, and say which hop stops them, and why.

    Ends with 0 where every forward that Kamal needs is granted, with 1 where one is not, or the file would be
    rejected, or a finding counts for --fail-on, and with 2 where a needed forward could not be asked for.
    """
    from kamal_forward_check.events import check

    raise Exit(code=_judged(from_flags(given), check))


@from_table("validate", "FILE", "files to judge, or patterns, in place of --config-file")
def _validate(given: dict[str, Any]) -> None:
    """Judge deploy.yml alone, as Kamal would; no connection is made.

    Ends with 0 where Kamal would take the file with each destination, with 1 where it would reject one, or a finding
    counts for --fail-on, and with 2 where a file can't be judged.
    """
    from kamal_forward_check.validate import validate

    files = given.pop(WORDS)
    raise Exit(code=_judged(replace(from_flags(given), mode="validate"), partial(validate, files=files)))


@from_table("route")
def _route(given: dict[str, Any]) -> None:
    """Show the SSH routes that Kamal would take; no connection is made."""
    from kamal_forward_check import deploy, door, dotenv, route
    from kamal_forward_check.report import routes

    settings = from_flags(given)
    system = dotenv.added(System.real(), settings.env_file)
    config = deploy.load(system, settings.config_file, settings.destination, settings.kamal_version)
    print(routes.render(route.plan(config, settings, system, door.vantage(system))), end="")


@from_table("fix")
def _fix(given: dict[str, Any]) -> None:
    """Check, and print a guarded script for each host that stops a route. It is for you to read, and to run there.

    Ends with 0 where a script is printed, or nothing stops a route, with 1 where what stops it is not for a script to
    mend (what to do is printed), and with 2 where nothing could be asked.
    """
    from kamal_forward_check import door
    from kamal_forward_check.events import check

    settings, system = from_flags(given), System.real()
    raise Exit(code=door.write_script(check(settings, system, door.vantage(system)), settings, system))


@from_table("explain", "WORD", "codes of findings, such as KF510; log files; - for a log on standard input")
def _explain(given: dict[str, Any]) -> None:
    """Explain a finding's code, or what a log of Kamal, ssh or Docker shows.

    A code shows its page, and no word at all the list of codes. A log shows what went wrong, on which host, what it
    comes from, and the next command: kamal deploy 2>&1 | kamal-forward-check explain -
    Ends with 0 when everything was explained, and with 2 when nothing in a log is known or it can't be read.
    """
    from kamal_forward_check import door

    words = tuple(dict.fromkeys(given.pop(WORDS) or ()))
    raise Exit(code=door.explain(words, from_flags(given), System.real()))


def _judged(settings: Settings, judge: Callable[[Settings, System, Vantage], Report]) -> Status:
    """Judge, hand the report on, and give the exit status. A machine gets a report also where nothing was checked."""
    from kamal_forward_check import door

    system = System.real()
    here = door.vantage(system)
    try:
        report = judge(settings, system, here)
    except Interrupted as stop:
        door.write(stop.report, settings, system)
        raise
    except Exception as error:
        if settings.format != "text":
            door.write(door.unchecked(settings, here, str(error)), settings, system)
        raise
    door.write(report, settings, system)
    return door.status(report, settings, system)
