"""What is judged beyond the schema, and how a problem there is worded and placed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kamal_forward_check.model import KamalVersion, Node, Problem, ProblemKind, Severity, Span


@dataclass(frozen=True, slots=True)
class Subject:
    """The merged tree, and what else Kamal looks at. `exists` tells of files below Kamal's working folder."""

    root: Node
    kamal: KamalVersion
    destination: str | None
    exists: Callable[[str], bool]

    def get(self, *path: str) -> Node | None:
        """The node at `path`."""
        return self.root.get(*path)

    def place(self, *path: str) -> Span:
        """The nearest place to `path` that is there: its value's key, else its parent's, else the top."""
        for length in range(len(path), 0, -1):
            if node := self.root.get(*path[:length]):
                return node.key or node.at
        return Span(self.root.at.file, self.root.at.line, self.root.at.column)

    def missing(self, message: str, *path: str, hint: str = "") -> Problem:
        """Something that is wanted at `path`."""
        return Problem(ProblemKind.MISSING, Severity.ERROR, message, self.place(*path), "/".join(path), hint)

    def wrong(self, message: str, *path: str, hint: str = "") -> Problem:
        """A value at `path` that Kamal does not take."""
        return Problem(ProblemKind.WRONG_VALUE, Severity.ERROR, message, self.place(*path), "/".join(path), hint)
