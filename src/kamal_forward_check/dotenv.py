"""Files of variables, read as text as dotenv reads them (dotenv 3.2, parser.rb). Nothing in them is executed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain

from kamal_forward_check.errors import CannotCheck
from kamal_forward_check.model import Span
from kamal_forward_check.system import System

_LINE = re.compile(
    r"""
    ^\s*(?P<export>export\s+)?(?P<name>[\w.]+)
    (?:(?:\s*=\s*?|:\s+?)(?P<value>\s*'(?:\\'|[^'])*'|\s*"(?:\\"|[^"])*"|[^\#\n]+)?)?
    \s*(?:\#.*)?$
    """,
    re.MULTILINE | re.VERBOSE | re.ASCII,
)
_QUOTED = re.compile(r"""(['"])(.*)\1""", re.DOTALL)
_COMMAND = re.compile(r"\\?\$\(")
_VARIABLE = re.compile(r"(\\)?\$(?!\()\{?(\w+)?\}?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable's value, or `unknown`: why only running something could tell it."""

    value: str
    at: Span
    unknown: str = ""


def added(system: System, file: str) -> System:
    """The machine with the variables of `file` added; those that are set already win, as with dotenv.

    They are for this process alone: no child is given them.

    Raises:
        CannotCheck: there is no such file.
    """
    if not file:
        return system
    text = system.read_text(system.path(file))
    if text is None:
        raise CannotCheck(
            f"env-file: cannot read {file}: {system.unreadable(file)}", "give the path of a file with NAME=value lines"
        )
    known = {name: each.value for name, each in parse(text, file, system.environ).items() if not each.unknown}
    ours = known.keys() - system.environ.keys()
    return replace(system, environ={**known, **system.environ}, withheld=system.withheld | ours)


def parse(text: str, file: str, environ: Mapping[str, str]) -> dict[str, Variable]:
    """The variables of one file. A value may name earlier ones of the same file, and variables."""
    text = re.sub(r"\r\n?", "\n", text)
    found: dict[str, Variable] = {}
    for line in _LINE.finditer(text):
        at = Span(file, text.count("\n", 0, line.start("name")) + 1)
        if not (line["export"] and line["value"] is None):  # which exports what is set above
            found[line["name"]] = _secret(line["value"] or "", at, found, environ)
    return found


def _secret(raw: str, at: Span, found: Mapping[str, Variable], environ: Mapping[str, str]) -> Variable:
    value = raw.strip()
    quoted = _QUOTED.fullmatch(value)
    if quoted and quoted[1] == "'":
        return Variable(quoted[2], at)
    value = quoted[2] if quoted else value
    if quoted:
        value = _with_line_breaks(value, found, environ)
    value = re.sub(r"\\([^$])", r"\1", value, flags=re.DOTALL)
    for command in _COMMAND.finditer(value):
        if not command[0].startswith("\\"):
            return Variable("", at, "its value comes from a command, which is not run here")
    return _with_variables(value.replace("\\$(", "$("), at, found, environ)


def _with_line_breaks(value: str, found: Mapping[str, Variable], environ: Mapping[str, str]) -> str:
    r"""dotenv's two ways with `\n` between double quotes: two characters, or a line break in its legacy mode."""
    name = "DOTENV_LINEBREAK_MODE"
    if (found[name].value if name in found else environ.get(name)) == "legacy":
        return value.replace("\\n", "\n").replace("\\r", "\r")
    return value.replace("\\n", "\\\\n").replace("\\r", "\\\\r")


def _with_variables(value: str, at: Span, found: Mapping[str, Variable], environ: Mapping[str, str]) -> Variable:
    unknown = ""
    parts = []
    end = 0
    for variable in _VARIABLE.finditer(value):
        parts.append(value[end : variable.start()])
        end = variable.end()
        name = variable[2]
        if variable[1] or not name:
            parts.append(variable[0].removeprefix("\\"))
        elif name in found:
            parts.append(found[name].value)
            unknown = unknown or found[name].unknown
        elif name in environ:
            parts.append(environ[name])
        else:
            # Kamal may run with a variable that is not set here: an empty value is no news about its own.
            unknown = unknown or f"${name} is not set here"
    return Variable("".join(chain(parts, [value[end:]])), at, unknown)
