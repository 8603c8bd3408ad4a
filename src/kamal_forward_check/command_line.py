"""invoke as our command line: tasks whose options come from the table, bare words, help, and what wrong use is told.

Nothing of the folder it is run in is loaded, and no settings of invoke's or fabric's: not ~/.invoke.*, not
~/.fabric.*, not INVOKE_* or FABRIC_* variables.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from kamal_forward_check.errors import CannotCheck
from kamal_forward_check.light_invoke import Config, Context, ParseError, Program, Task
from kamal_forward_check.settings import TABLE, Setting

if TYPE_CHECKING:
    from invoke.parser import Parser

WORDS = "words"
"""The option that bare words on the command line are given to, where a task has it."""


class Worded(Task[Any]):
    """A task, and what help calls the bare words that it takes; empty where it takes none."""

    word = ""


def from_table(name: str, word: str = "", about: str = "") -> Callable[[Callable[[dict[str, Any]], None]], Worded]:
    """Declare a task whose options are the settings that the table has for it.

    Where it takes bare words, `word` is what help calls one, and `about` what they are for.
    """
    options = [setting for setting in TABLE if setting.flag and name in setting.tasks]
    defaults: dict[str, Any] = {_option(each): _default(each) for each in options}
    texts = {_option(each): each.help + (f" (default: {each.default})" * bool(each.default)) for each in options}
    lists = [_option(each) for each in options if each.repeatable]
    if word:
        defaults[WORDS], texts[WORDS] = None, about
        lists.append(WORDS)

    def declare(body: Callable[[dict[str, Any]], None]) -> Worded:
        def run_task(_context: Context, **given: Any) -> None:
            body(given)

        run_task.__doc__ = body.__doc__
        # invoke reads a task's options from its signature: this one is written by the table.
        parameters = [_parameter("_context"), *(_parameter(each, default) for each, default in defaults.items())]
        run_task.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        task = Worded(run_task, name=name, auto_shortflags=False, iterable=lists, help=texts)
        task.word = word
        return task

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


class Alone(Config):
    """invoke's configuration without the machine's: no file, no variable."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "lazy": True})

    def load_shell_env(self) -> None:
        """Variables stay out."""


class CommandLine(Program):
    """invoke's Program whose errors are exceptions for us to map, and whose tasks take bare words."""

    def start(self, argv: list[str] | None) -> None:
        """As Program.run, which prints tracebacks and exits 1 for everything. Raises CannotCheck for wrong use."""
        try:
            self._parse(argv)
        except ParseError as error:
            raise self._wrong_use(error) from None
        self.update_config()
        self.execute()

    def _parse(self, argv: list[str] | None) -> None:
        self.create_config()
        self.parse_core(argv)
        sys.dont_write_bytecode = False  # invoke sets it: our modules would be compiled anew at every run
        self.parse_collection()
        self.core.unparsed[:] = self._worded(self.core.unparsed)
        self.parse_tasks()
        self.parse_cleanup()

    def _wrong_use(self, error: ParseError) -> CannotCheck:
        """invoke's words for what it can't parse (2.2.1, parser.py), as ours."""
        task = (error.context.name if error.context else None) or ""
        see = f"see {' '.join(filter(None, (self.binary, task)))} --help"
        if unknown := re.fullmatch(r"No idea what '(?P<word>.*)' is!", str(error)):
            word = unknown["word"]
            if word.startswith("-"):
                return CannotCheck(f"{task or self.binary} has no option {word}", see)
            if task:
                return CannotCheck(f"{task} takes options alone, not {word}", see)
            return CannotCheck(f"there is no task {word}", f"the tasks are {', '.join(self._task_names())}")
        if flag := re.fullmatch(r"Flag <Argument: (?P<name>[^ >]*).*> needed value and .*", str(error)):
            return CannotCheck(f"--{flag['name'].replace('_', '-')} wants a value", see)
        return CannotCheck(str(error), see)

    def _task_names(self) -> list[str]:
        return sorted(self._only_parser.contexts, key=lambda name: ("." in name, name))

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
        task, context = self.collection[name], self.parser.contexts[name]
        word = task.word if isinstance(task, Worded) else ""
        rows: list[tuple[str, str | None]] = []
        for spec, about in context.help_tuples():
            if spec == f"--{WORDS}":
                rows.insert(0, (f"{word} ...", about))
            else:
                takes_list = spec in context.flags and context.flags[spec].kind is list
                rows.append((f"{spec}=STRING" if takes_list else spec, about))
        usage = " ".join(
            [self.binary, name, *([f"[{word} ...]"] if word else []), *(["[--option ...]"] if rows else [])]
        )
        print(f"Usage: {usage}\n\n{inspect.getdoc(task)}\n")
        if rows:
            self.print_columns(rows)

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
