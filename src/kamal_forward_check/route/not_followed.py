"""What ends the working-out of one route, and of that route alone."""

from __future__ import annotations

from kamal_forward_check.model import Problem, ProblemKind, Severity, Span


class NotFollowed(Exception):  # noqa: N818 - it says what happened, as the house's other names do
    """A route can't be worked out. `problem` is set where Kamal itself stops there."""

    def __init__(self, why: str, problem: Problem | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.problem = problem


def kamal_stops(message: str, at: Span | None, path: str = "", hint: str = "") -> NotFollowed:
    """A route that Kamal can't follow either: its own fault, named at its line where that is known."""
    problem = Problem(ProblemKind.WRONG_VALUE, Severity.ERROR, message, at, path, hint) if at else None
    return NotFollowed(message, problem)
