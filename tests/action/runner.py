"""How a runner reads what a step prints and writes, by the rules of actions/runner."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

COMMANDS = frozenset(
    {
        *("add-mask", "add-matcher", "add-path", "debug", "echo", "endgroup", "error", "group", "notice"),
        *("remove-matcher", "save-state", "set-env", "set-output", "stop-commands", "warning"),
    }
)
# What .NET's TrimStart takes away: Python's own idea has U+001C to U+001F as well.
WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
DATA = (("%0D", "\r"), ("%0A", "\n"), ("%25", "%"))
PROPERTY = (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%"))
OLD = (("%3B", ";"), ("%0D", "\r"), ("%0A", "\n"), ("%5D", "]"), ("%25", "%"))
MOST_OF_A_KIND, LONGEST_MESSAGE = 10, 4096


@dataclass(frozen=True)
class Command:
    """A command that was executed."""

    name: str
    properties: Mapping[str, str]
    data: str


@dataclass
class Step:
    """What a step has come to so far."""

    executed: list[Command] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    _resume: str | None = None

    @property
    def annotations(self) -> list[Command]:
        return [command for command in self.executed if command.name in ("error", "warning", "notice")]

    def named(self, name: str) -> list[Command]:
        return [command for command in self.executed if command.name == name]

    def read(self, output: str) -> Step:
        """Read all that a step printed: CR, LF and CRLF end a line, and nothing else does."""
        for line in re.split(r"\r\n|\r|\n", output):
            self._line(line)
        return self

    def _line(self, line: str) -> None:
        known = COMMANDS if self._resume is None else COMMANDS | {self._resume}
        command = parse(line, known) or parse_old(line, known)
        if command and self._resume in (None, command.name):
            self._execute(command)
        else:
            self.text.append(line)

    def _execute(self, command: Command) -> None:
        self._resume = command.data.lower() if command.name == "stop-commands" else None
        self.executed.append(command)


def parse(line: str, known: frozenset[str]) -> Command | None:
    """`::name key=value,key=value::data`, at the start of a line."""
    line = line.lstrip(WHITE_SPACE)
    if not line.startswith("::") or "::" not in line[2:]:
        return None
    head, _, data = line[2:].partition("::")
    name, _, properties = head.partition(" ")
    if name.lower() not in known:
        return None
    return Command(name.lower(), _pairs(properties.strip(WHITE_SPACE), ",", PROPERTY), _plain(data, DATA))


def parse_old(line: str, known: frozenset[str]) -> Command | None:
    """`##[name key=value;key=value]data`, anywhere in a line."""
    found = re.search(r"##\[(.*?)\](.*)", line)
    if not found:
        return None
    name, _, properties = found[1].partition(" ")
    if name.lower() not in known:
        return None
    return Command(name.lower(), _pairs(properties, ";", OLD), _plain(found[2], OLD))


def assignments(text: str) -> dict[str, str]:
    """The names and values of an output file. Raises ValueError where the runner fails the step."""
    lines, found = iter(text.split("\n")), {}
    for line in lines:
        if not line:
            continue
        name, mark, end = re.match(r"(.*?)(=|<<)(.*)", line).groups()  # type: ignore[union-attr]
        if mark == "=":
            found[name] = end
            continue
        value = []
        for inside in lines:
            if inside == end:
                break
            value.append(inside)
        else:
            raise ValueError(f"no line {end!r}")
        found[name] = "\n".join(value)
    return found


def _pairs(text: str, separator: str, escapes: tuple[tuple[str, str], ...]) -> dict[str, str]:
    pairs = {}
    for item in text.split(separator):
        key, _, value = item.lstrip("=").partition("=")
        value = value.lstrip("=")
        if key and value:
            pairs[key.lower()] = _plain(value, escapes)
    return pairs


def _plain(text: str, escapes: tuple[tuple[str, str], ...]) -> str:
    for escaped, char in escapes:
        text = text.replace(escaped, char)
    return text
