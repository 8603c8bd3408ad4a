"""The command line: the product's tasks as an explicit namespace, and a Program with our exit statuses.

Nothing of the folder it is run in is loaded, and no settings of invoke's or fabric's: not ~/.invoke.*, not
~/.fabric.*, not INVOKE_* or FABRIC_* variables.
"""

from __future__ import annotations

import gc
import inspect
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, NoReturn

from kamal_forward_check import __version__
from kamal_forward_check.errors import CannotCheck
from kamal_forward_check.errors import Exit as Status
from kamal_forward_check.light_invoke import Collection, Config, Context, Exit, ParseError, Program, Task
from kamal_forward_check.settings import TABLE, Setting, Settings, from_flags
from kamal_forward_check.system import System

if TYPE_CHECKING:
    from invoke.parser import Parser

    from kamal_forward_check.model import Report, Vantage

NAME = "kamal-forward-check"
WORDS = "words"
"""The option that bare words on the command line are given to, where a task has it."""


def run(argv: list[str] | None = None, namespace: Collection | None = None) -> NoReturn:
    """Run the command line `argv` (sys.argv by default) and end the process with one of our statuses."""
    sys.exit(main(argv, namespace))


def main(argv: list[str] | None = None, namespace: Collection | None = None) -> int:
    """Run the command line; the exit status. No traceback reaches a person."""
    gc.disable()  # a short life: looking for garbage among freshly imported modules finds none, and takes a tenth of it
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
    from kamal_forward_check.report.clean import one_line

    print(f"{NAME}: {one_line(message)}", file=sys.stderr)
    if hint:
        print(f"  {one_line(hint)}", file=sys.stderr)
    return status


def tasks() -> Collection:
    """The product's tasks."""
    return Collection(_check, _validate, _route, _explain, _fix)


def _from_table(name: str, words: str = "") -> Callable[[Callable[[dict[str, Any]], None]], Task[Any]]:
    """Declare a task whose options are the settings that the table has for it; `words` says what bare words are."""
    options = [setting for setting in TABLE if setting.flag and name in setting.tasks]
    defaults: dict[str, Any] = {_option(each): _default(each) for each in options}
    texts = {_option(each): each.help + (f" (default: {each.default})" * bool(each.default)) for each in options}
    lists = [_option(each) for each in options if each.repeatable]
    if words:
        defaults[WORDS], texts[WORDS] = None, words
        lists.append(WORDS)

    def declare(body: Callable[[dict[str, Any]], None]) -> Task[Any]:
        def run_task(_context: Context, **given: Any) -> None:
            body(given)

        run_task.__doc__ = body.__doc__
        # invoke reads a task's options from its signature: this one is written by the table.
        parameters = [_parameter("_context"), *(_parameter(each, default) for each, default in defaults.items())]
        run_task.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return Task(run_task, name=name, auto_shortflags=False, iterable=lists, help=texts)

    return declare


def _parameter(name: str, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default)


def _default(setting: Setting) -> Any:
    """What invoke takes for "not given", which tells it the option's kind as well."""
    if setting.switch:
        return False
    return None if setting.repeatable else ""


def _option(setting: Setting) -> str:
    return setting.flag.replace("-", "_")


@_from_table("check")
def _check(given: dict[str, Any]) -> None:
    """Walk the SSH routes that Kamal would take, and say which hop stops them, and why."""
    from kamal_forward_check.check import check

    raise Exit(code=_judged(from_flags(given), check))


@_from_table("validate", words="files to judge, or patterns, in place of --config-file")
def _validate(given: dict[str, Any]) -> None:
    """Judge deploy.yml alone, as Kamal would; no connection is made."""
    from kamal_forward_check.validate import validate

    files = given.pop(WORDS)
    raise Exit(code=_judged(replace(from_flags(given), mode="validate"), partial(validate, files=files)))


@_from_table("route")
def _route(given: dict[str, Any]) -> None:
    """Show the SSH routes that Kamal would take; no connection is made."""
    from kamal_forward_check import deploy, door, dotenv, route
    from kamal_forward_check.report import routes

    settings = from_flags(given)
    system = dotenv.added(System.real(), settings.env_file)
    config = deploy.load(system, settings.config_file, settings.destination, settings.kamal_version)
    print(routes.render(route.plan(config, settings, system, door.vantage(system))), end="")


@_from_table("fix")
def _fix(given: dict[str, Any]) -> None:
    """Check, and print a guarded script for each host that stops a route. It is for you to read, and to run there."""
    from kamal_forward_check import door
    from kamal_forward_check.check import check

    settings, system = from_flags(given), System.real()
    raise Exit(code=door.write_script(check(settings, system, door.vantage(system)), settings, system))


@_from_table("explain", words="codes of findings, such as KF510; log files; - for a log on standard input")
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
    except Exception as error:
        if settings.format != "text":
            door.write(door.unchecked(settings, here, str(error)), settings, system)
        raise
    door.write(report, settings, system)
    return door.status(report, settings, system)


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
        sys.dont_write_bytecode = False  # invoke sets it: our modules would be compiled anew at every run
        self.parse_collection()
        self.core.unparsed[:] = self._worded(self.core.unparsed)
        self.parse_tasks()
        self.parse_cleanup()
        self.update_config()
        self.execute()

    @cached_property
    def _only_parser(self) -> Parser:
        return super()._make_parser()

    def _make_parser(self) -> Parser:
        # Once: invoke takes the options' help texts out of the tasks while it makes a parser.
        return self._only_parser

    def print_help(self) -> None:
        """Our tasks, without invoke's own options, which mean nothing here."""
        print(f"Usage: {self.binary} TASK [--option ...]; {self.binary} TASK --help shows a task's options.\n")
        self.list_tasks()

    def print_task_help(self, name: str) -> None:
        """A task's purpose and its options."""
        print(f"Usage: {self.binary} {name} [--option ...]\n\n{inspect.getdoc(self.collection[name])}\n")
        self.print_columns(self.parser.contexts[name].help_tuples())

    def _worded(self, words: list[str]) -> list[str]:
        """Bare words after a task that takes them, as `--words=WORD`: invoke knows no lists of them."""
        context = self._only_parser.contexts.get(words[0]) if words else None
        if context is None or f"--{WORDS}" not in context.flags:
            return words
        out, value_follows = words[:1], False
        for word in words[1:]:
            is_flag = word.startswith("-") and word != "-"
            out.append(word if is_flag or value_follows else f"--{WORDS}={word}")
            value_follows = is_flag and "=" not in word and word in context.flags and context.flags[word].takes_value
        return out
