"""The command line: the product's tasks as an explicit namespace, and a Program with our exit statuses.

Nothing of the folder it is run in is loaded, and no settings of invoke's or fabric's: not ~/.invoke.*, not
~/.fabric.*, not INVOKE_* or FABRIC_* variables.
"""

from __future__ import annotations

import inspect
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from invoke import Collection, Config, Context, Exit, Program, Task
from invoke.exceptions import ParseError

from kamal_forward_check import __version__
from kamal_forward_check.errors import CannotCheck, exit_status
from kamal_forward_check.errors import Exit as Status
from kamal_forward_check.settings import TABLE, Setting, from_flags

NAME = "kamal-forward-check"
WORDS = "words"
"""The option that bare words on the command line are given to, where a task has it."""


def run(argv: list[str] | None = None, namespace: Collection | None = None) -> NoReturn:
    """Run the command line `argv` (sys.argv by default) and end the process with one of our statuses."""
    sys.exit(main(argv, namespace))


def main(argv: list[str] | None = None, namespace: Collection | None = None) -> int:
    """Run the command line; the exit status. No traceback reaches a person."""
    # A SIGTERM closes what SIGINT closes: every connection, and with it every forward.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    program = _Program(name=NAME, binary=NAME, version=__version__, namespace=namespace or tasks(), config_class=_Alone)
    try:
        program.start(argv)
    except Exit as ended:
        if ended.message:
            print(ended.message, file=sys.stderr)
        return ended.code
    except ParseError as error:
        return _say(str(error), f"see {NAME} --help", Status.CANNOT_CHECK)
    except CannotCheck as error:
        return _say(error.message, error.hint, Status.CANNOT_CHECK)
    except KeyboardInterrupt:
        return _say("interrupted; every connection is closed", "", Status.INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left, and flushing would fail
        return Status.CANNOT_CHECK
    except Exception as error:  # noqa: BLE001 - the last door: what comes here is a bug of ours, and says so
        if os.environ.get("KFC_TRACEBACK"):
            raise
        return _say(
            f"a bug of ours: {type(error).__name__}: {error}",
            "please report it; KFC_TRACEBACK=1 shows where it happened",
            Status.OUR_BUG,
        )
    return Status.GOOD


def _say(message: str, hint: str, status: Status) -> int:
    from kamal_forward_check.report.clean import one_line

    print(f"{NAME}: {one_line(message)}", file=sys.stderr)
    if hint:
        print(f"  {one_line(hint)}", file=sys.stderr)
    return status


def tasks() -> Collection:
    """The product's tasks."""
    return Collection(
        _from_table("check", _check, "Walk the SSH routes that Kamal would take, and say which hop stops them, and why."),
        _from_table("validate", _validate, "Judge deploy.yml alone, as Kamal would; no connection is made."),
        _from_table("route", _route, "Show the SSH routes that Kamal would take; no connection is made."),
        Task(_explain, name="explain", auto_shortflags=False, iterable=[WORDS], help={WORDS: "a finding's code"}),
    )


def _check(given: dict[str, Any]) -> None:
    _checked(given, "check")


def _validate(given: dict[str, Any]) -> None:
    files = given.pop(WORDS, None) or [given["config_file"]]
    statuses = [_judged({**given, "config_file": file}, "validate") for file in files]
    raise Exit(code=max(statuses))


def _checked(given: dict[str, Any], mode: str) -> NoReturn:
    raise Exit(code=_judged(given, mode))


def _judged(given: dict[str, Any], mode: str) -> int:
    """Check, write the report through the door that was asked for, and give the exit status."""
    from dataclasses import replace

    from kamal_forward_check import door
    from kamal_forward_check.check import check
    from kamal_forward_check.system import System

    settings, system = replace(from_flags(given), mode=mode), System.real()
    report = check(settings, system, door.vantage(system))
    door.write(report, settings, system)
    return exit_status(
        report, settings.fail_on, can_hold_credentials=door.can_hold_credentials(settings, system)
    )


def _route(given: dict[str, Any]) -> None:
    from kamal_forward_check import deploy, door, route
    from kamal_forward_check.report import routes
    from kamal_forward_check.system import System

    settings, system = from_flags(given), System.real()
    config = deploy.load(system, settings.config_file, settings.destination, settings.kamal_version)
    plan = route.plan(config, settings, system, door.vantage(system))
    print(routes.render(plan), end="")


def _explain(_context: Context, words: Any = None) -> None:
    """Show a finding's page: what happened, why, and how to fix it."""
    from kamal_forward_check.rules import pages

    if not words:
        print(pages.index(), end="")
    for code in words or ():
        print(pages.page(code.upper()), end="")


def _from_table(name: str, body: Callable[[dict[str, Any]], None], text: str) -> Task[Any]:
    """A task whose options are the settings that the table has for it."""
    options = [setting for setting in TABLE if setting.flag and name in setting.tasks]

    def task(_context: Context, **given: Any) -> None:
        body(given)

    task.__doc__ = text
    parameters = [*_parameters(options)]
    if name == "validate":
        parameters.append(_parameter(WORDS, None))
    task.__signature__ = inspect.Signature([_parameter("_context"), *parameters])  # type: ignore[attr-defined]
    return Task(
        task,
        name=name,
        auto_shortflags=False,
        iterable=[_option(s) for s in options if s.repeatable] + ([WORDS] if name == "validate" else []),
        help={**{_option(s): _help(s) for s in options}, **({WORDS: "files"} if name == "validate" else {})},
    )


def _parameters(options: list[Setting]) -> Iterator[inspect.Parameter]:
    for setting in options:
        yield _parameter(_option(setting), None if setting.repeatable else "")


def _parameter(name: str, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default)


def _option(setting: Setting) -> str:
    return setting.flag.replace("-", "_")


def _help(setting: Setting) -> str:
    return setting.help + (f" (default: {setting.default})" if setting.default else "")


class _Alone(Config):
    """invoke's configuration without the machine's: no file, no variable."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "lazy": True})

    def load_shell_env(self) -> None:
        """Variables stay out."""


class _Program(Program):
    """invoke's Program whose errors are exceptions for us to map, and whose tasks take bare words."""

    def start(self, argv: list[str] | None) -> None:
        """As Program.run, which prints tracebacks and exits 1 for everything."""
        self.create_config()
        self.parse_core(argv)
        self.parse_collection()
        self.core.unparsed[:] = self._worded(self.core.unparsed)
        self.parse_tasks()
        self.parse_cleanup()
        self.update_config()
        self.execute()

    def _worded(self, words: list[str]) -> list[str]:
        """Bare words after a task that takes them, as `--words WORD`: invoke knows no lists of them."""
        context = next((c for c in self.collection.to_contexts() if words and c.name == words[0]), None)
        if context is None or f"--{WORDS}" not in context.flags:
            return words
        out, value_follows = words[:1], False
        for word in words[1:]:
            is_flag = word.startswith("-") and word != "-"
            out += [word] if is_flag or value_follows else [f"--{WORDS}={word}"]
            value_follows = is_flag and "=" not in word and word in context.flags and context.flags[word].takes_value
        return out
