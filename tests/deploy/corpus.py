"""The corpus: hand-written configurations, what the real Kamal said to each, and what we find.

`tests/corpus/TOPIC.txt` holds cases: `=== NAME`, or `=== NAME -d DESTINATION`, then the text of deploy.yml, then
further files, each begun by `>>> PATH`. What we find must stand where «» is, and nowhere else: «these words» are what
a finding covers, and «» alone is a place without an end. The marks are taken out before anyone reads the text.

`TOPIC.expected` beside it is written by `bin/invoke dev.oracle`: Kamal's words to each case, then our findings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from kamal_forward_check import deploy
from kamal_forward_check.model import DeployConfig, Problem, Severity, Span
from kamal_forward_check.system import System

FOLDER = Path(__file__).parents[1] / "corpus"

_HEADER = re.compile(r"^=== (\S+)(?: -d (\S+))?\n", re.MULTILINE)
_FILE = re.compile(r"^>>> (\S+)\n", re.MULTILINE)
_MARKS = re.compile("[«»]")
_ACCEPTS = "accepts"


@dataclass(frozen=True, slots=True)
class Case:
    """One configuration. `name` has its topic before it: `ssh_and_builder/ssh-null`."""

    name: str
    destination: str | None
    files: Mapping[str, str]
    marks: frozenset[Span] = field(default_factory=frozenset)

    def write(self, folder: Path) -> None:
        """Put the files into `folder`."""
        for path, text in self.files.items():
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(text.encode())

    def load(self, folder: Path, kamal: str) -> DeployConfig:
        """What we make of the files in `folder`, for a version of Kamal."""
        system = System(environ={}, cwd=folder, home=folder)
        return deploy.load(system, "deploy.yml", self.destination, kamal)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The words of one Kamal, none where it accepts, and our own findings, a line each."""

    kamal: str
    found: tuple[str, ...]


def cases() -> Iterator[Case]:
    """All cases of all topics."""
    for topic in sorted(FOLDER.glob("*.txt")):
        _, *pieces = _HEADER.split(topic.read_text(encoding="utf-8"))
        for name, destination, text in zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True):
            first, *others = _FILE.split(text)
            marked = {"deploy.yml": first} | dict(zip(others[::2], others[1::2], strict=True))
            marks = frozenset(mark for path, held in marked.items() for mark in _marks(path, held))
            files = {path: _MARKS.sub("", held) for path, held in marked.items()}
            yield Case(f"{topic.stem}/{name}", destination, files, marks)


def _marks(file: str, text: str) -> Iterator[Span]:
    """The places that are marked, as they are once the marks are out."""
    for number, line in enumerate(text.split("\n"), start=1):
        places = [mark.start() - count for count, mark in enumerate(_MARKS.finditer(line))]
        assert _MARKS.sub("", line).count("«") == 0
        for begin, end in zip(places[::2], places[1::2], strict=True):
            yield Span(file, number, begin + 1, number, end + 1) if end > begin else Span(file, number, begin + 1)


def recorded() -> dict[str, dict[str, Outcome]]:
    """What is recorded of each case, by version of Kamal."""
    found: dict[str, dict[str, Outcome]] = {}
    for path in sorted(FOLDER.glob("*.expected")):
        name = ""
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("=== "):
                name = f"{path.stem}/{line.removeprefix('=== ')}"
                found[name] = {}
            elif said := re.match(r"Kamal (\S+(?:, \S+)*): (.*)", line):
                outcome = Outcome("" if said[2] == _ACCEPTS else said[2], ())
                versions = said[1].split(", ")
                found[name] |= dict.fromkeys(versions, outcome)
            else:
                found[name] |= {version: _with_finding(found[name][version], line.strip()) for version in versions}
    return found


def _with_finding(outcome: Outcome, line: str) -> Outcome:
    return Outcome(outcome.kamal, (*outcome.found, line))


def write(outcomes: Mapping[str, Mapping[str, Outcome]]) -> None:
    """Record what is said of each case, by version of Kamal: versions that agree share their lines."""
    for topic, names in groupby(outcomes, key=lambda name: name.partition("/")[0]):
        text = "".join(f"=== {name.partition('/')[2]}\n" + "".join(_lines(outcomes[name])) for name in names)
        (FOLDER / f"{topic}.expected").write_text(text, encoding="utf-8")


def _lines(said: Mapping[str, Outcome]) -> Iterator[str]:
    for outcome in dict.fromkeys(said.values()):
        versions = ", ".join(version for version, other in said.items() if other == outcome)
        yield f"Kamal {versions}: {outcome.kamal or _ACCEPTS}\n"
        yield from (f"  {line}\n" for line in outcome.found)


def errors(problems: Iterable[Problem]) -> list[str]:
    """Where we say that Kamal would stop: the paths."""
    return [problem.path for problem in problems if problem.severity is Severity.ERROR]


def lines(problems: Iterable[Problem]) -> tuple[str, ...]:
    """Problems as they are recorded."""
    return tuple(_line(problem) for problem in problems)


def _line(problem: Problem) -> str:
    hint = f" ({' | '.join((problem.hint, *problem.example))})" if problem.hint else ""
    return f"{problem.at} {problem.severity} {problem.kind} {problem.path or '-'}: {problem.message}{hint}"


def as_marked(place: Span, case: Case) -> Span:
    """A place as far as a mark can say: on a line with ERB the line alone, and no end on another line."""
    if "<%" in case.files.get(place.file, "").split("\n")[place.line - 1]:
        return Span(place.file, place.line)
    if place.end_line != place.line:
        return Span(place.file, place.line, place.column)
    return place
