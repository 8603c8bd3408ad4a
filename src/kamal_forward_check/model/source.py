"""Where values come from: a place in a file, a value with its origin, deploy.yml and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from kamal_forward_check.model.words import Severity

CONFIG_FILE = "config/deploy.yml"
"""Where Kamal looks for its configuration."""

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a file a person can open. `end_column` is exclusive; 0 means "the line alone"."""

    file: str
    line: int
    column: int = 1
    end_line: int = 0
    end_column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Given(Generic[T_co]):
    """A value and where it came from: a line of deploy.yml or ssh_config, a flag, or Kamal's default."""

    value: T_co
    source: str
    at: Span | None = None

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True, slots=True)
class Node:
    """A value of deploy.yml that knows where it stands.

    `value` is a dict of Nodes, a list of Nodes, or a scalar as Psych reads it. `unknown` says why the
    value can't be known (ERB that only Ruby could run); such a node fits any type.
    """

    value: Any
    at: Span
    key: Span | None = None
    unknown: str = ""
    variable: str = ""
    """How the value is shown where it came out of a variable: only a host, a user or a port shows itself."""
    key_variable: str = ""

    @property
    def shown(self) -> str:
        """The value for a message, as YAML and Ruby write it."""
        return self.variable or (str(self.value).lower() if isinstance(self.value, bool) else str(self.value))

    def get(self, *path: str | int) -> Node | None:
        """The node at `path`, or None where it is absent."""
        node: Node | None = self
        for step in path:
            if node is None:
                return None
            inside = node.value
            if isinstance(inside, dict):
                node = inside.get(step)
            elif isinstance(inside, list) and isinstance(step, int) and 0 <= step < len(inside):
                node = inside[step]
            else:
                return None
        return node

    def items(self) -> Iterator[tuple[str, Node]]:
        """The pairs of a mapping; nothing for any other value."""
        if isinstance(self.value, dict):
            yield from self.value.items()

    def elements(self) -> Iterator[Node]:
        """The elements of a list; nothing for any other value."""
        if isinstance(self.value, list):
            yield from self.value


class ProblemKind(StrEnum):
    """What is wrong with deploy.yml, as far as a rule tells it apart."""

    SYNTAX = "syntax"  # not YAML that Psych reads
    TEMPLATE = "template"  # ERB that cannot be rendered by anyone
    UNKNOWN_KEY = "unknown-key"
    WRONG_TYPE = "wrong-type"
    MISSING = "missing"
    WRONG_VALUE = "wrong-value"
    TOO_NEW = "too-new"  # a key that this Kamal does not know yet
    KAMAL_1 = "kamal-1"
    OPAQUE = "opaque"  # ERB that only Ruby could run: validation went on without the value


@dataclass(frozen=True, slots=True)
class Problem:
    """Something Kamal would reject, or that could not be judged, in a file of the project."""

    kind: ProblemKind
    severity: Severity
    message: str
    at: Span
    path: str = ""  # Kamal's own way to name the place: `servers/web/hosts`
    hint: str = ""
    example: tuple[str, ...] = ()
    """Lines of a deploy.yml in which the like is right."""


@dataclass(frozen=True, slots=True)
class KamalVersion:
    """The Kamal whose rules apply, and how that is known: `input`, `Gemfile.lock:212` or `assumed`."""

    version: str
    source: str

    @property
    def parts(self) -> tuple[int, ...]:
        """The numbers of the version, for comparing."""
        return tuple(int(part) for part in self.version.split(".") if part.isdigit())


@dataclass(frozen=True, slots=True)
class DeployConfig:
    """deploy.yml with its destination merged in, and what is wrong with it.

    `root` is None where the text could not be read as YAML at all. `guessed`: ERB that can't be run here may
    decide what is in it.
    """

    file: str
    destination: str | None
    kamal: KamalVersion
    root: Node | None
    problems: tuple[Problem, ...] = ()
    guessed: bool = False
