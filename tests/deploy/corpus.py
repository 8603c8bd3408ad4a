"""The corpus: hand-written configurations, what the real Kamal said to each, and what we find.

`corpus/TOPIC.txt` holds cases: `=== NAME`, or `=== NAME -d DESTINATION`, then the text of deploy.yml, then further
files, each begun by `>>> PATH`. `corpus/TOPIC.json` beside it is written by `python -m tests.deploy.record`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from kamal_forward_check import deploy
from kamal_forward_check.model import DeployConfig, Problem, Severity
from kamal_forward_check.system import System

FOLDER = Path(__file__).with_name("corpus")

_HEADER = re.compile(r"^=== (\S+)(?: -d (\S+))?\n", re.MULTILINE)
_FILE = re.compile(r"^>>> (\S+)\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Case:
    """One configuration. `name` has its topic before it: `ssh_and_builder/ssh-null`."""

    name: str
    destination: str | None
    files: dict[str, str]

    def write(self, folder: Path) -> None:
        """Put the files into `folder`."""
        for path, text in self.files.items():
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")

    def load(self, folder: Path, kamal: str) -> DeployConfig:
        """What we make of the files in `folder`, for a version of Kamal."""
        system = System(environ={}, cwd=folder, home=folder)
        return deploy.load(system, "deploy.yml", self.destination, kamal)


def cases() -> Iterator[Case]:
    """All cases of all topics."""
    for topic in sorted(FOLDER.glob("*.txt")):
        _, *pieces = _HEADER.split(topic.read_text(encoding="utf-8"))
        for name, destination, text in zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True):
            first, *others = _FILE.split(text)
            files = {"deploy.yml": first} | dict(zip(others[::2], others[1::2], strict=True))
            yield Case(f"{topic.stem}/{name}", destination, files)


class Recorded(TypedDict):
    """By version: the words of Kamal, none where it accepts, and our own findings."""

    kamal: dict[str, str]
    found: dict[str, list[str]]


def recorded() -> dict[str, Recorded]:
    """What is recorded of each case."""
    found: dict[str, Recorded] = {}
    for path in sorted(FOLDER.glob("*.json")):
        found |= {f"{path.stem}/{name}": said for name, said in json.loads(path.read_text(encoding="utf-8")).items()}
    return found


def accepts(config: DeployConfig) -> bool:
    """Whether we say that Kamal would take it."""
    return not any(problem.severity is Severity.ERROR for problem in config.problems)


def line(problem: Problem) -> str:
    """A problem in one line, as it is recorded."""
    hint = f" ({problem.hint})" if problem.hint else ""
    return f"{problem.at} {problem.severity} {problem.kind} {problem.path or '-'}: {problem.message}{hint}"
