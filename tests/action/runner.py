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
ANNOTATIONS = ("error", "warning", "notice")
WORKSPACE = "/github/workspace/"
SHORTEST_MASKED_TOKEN = 7


@dataclass(frozen=True)
class Command:
    """A command that was executed."""

    name: str
    properties: Mapping[str, str]
    data: str


@dataclass(frozen=True)
class Place:
    """Where an annotation comes to stand."""

    file: str | None = None
    line: int | None = None
    end_line: int | None = None
    column: int | None = None
    end_column: int | None = None


@dataclass
class Step:
    """What a step has come to so far. `failed` holds what the runner itself fails it for."""

    executed: list[Command] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    masks: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    """Every line as people see it: what is masked is so from that line on."""
    _resume: str | None = None

    @property
    def annotations(self) -> list[Command]:
        return [command for command in self.executed if command.name in ANNOTATIONS]

    @property
    def taken(self) -> list[Command]:
        """The annotations that GitHub comes to have: ten of a kind."""
        return [each for kind in ANNOTATIONS for each in self.named(kind)[:MOST_OF_A_KIND]]

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
            line = command.data if command.name in ANNOTATIONS else line
        else:
            self.text.append(line)
        self.log.append(self._masked(line))

    def _execute(self, command: Command) -> None:
        self.executed.append(command)
        if self._resume is not None or command.name != "stop-commands":
            self._resume = None
        elif command.data and command.data.lower() not in COMMANDS | {"pause-logging"}:
            self._resume = command.data.lower()
            self.masks += [command.data] if len(command.data) >= SHORTEST_MASKED_TOKEN else []
        else:
            self.failed.append(f"no token to stop commands by: {command.data!r}")
        if command.name in ("set-env", "add-path"):
            self.failed.append(f"{command.name} is disabled")
        if command.name == "add-mask":
            self.masks += filter(None, (command.data, *(part.strip() for part in re.split("[\r\n]", command.data))))

    def _masked(self, line: str) -> str:
        for mask in sorted(self.masks, key=len, reverse=True):
            line = line.replace(mask, "***")
        return line


def place(annotation: Command) -> Place:
    """Where it comes to stand: what the runner makes of its properties."""
    given = annotation.properties
    line, end, column, end_column = (_number(given.get(name)) for name in ("line", "endline", "col", "endcolumn"))
    line, column = line if line is not None else end, column if column is not None else end_column
    if line is None or (end is not None and end != line):
        column = end_column = None
    if line is not None and end is not None and end < line:
        line = end = None
    if column is not None and end_column is not None and end_column < column:
        column = end_column = None
    return Place(given.get("file", "").removeprefix(WORKSPACE) or None, line, end, column, end_column)


def _number(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch(r"\s*[+-]?[0-9]+\s*", text) else None


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
        assigned = re.fullmatch(r"(?s)(.*?)(=|<<)(.*)", line)
        if not assigned:
            raise ValueError(f"neither = nor <<: {line!r}")
        name, mark, end = assigned.groups()
        if mark == "=":
            found[name] = end
            continue
        if not name or not end:
            raise ValueError(f"no name, or no delimiter: {line!r}")
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
