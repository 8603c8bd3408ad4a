"""What ends a run early, and what each exit status means.

A finding is never an exception. `CannotCheck` ends the run; anything else that escapes is a bug of ours.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kamal_forward_check.model import Report


class CannotCheck(Exception):  # noqa: N818 - it says what happened, as the house's other names do
    """The check cannot be made: a missing file, a bad option. Shown as one message and one hint."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Interrupted(KeyboardInterrupt):
    """A walk was ended from outside; every connection is closed. `report` has what was found by then."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self.report = report


class Exit(IntEnum):
    """The exit statuses of both doors."""

    GOOD = 0
    FOUND = 1
    CANNOT_CHECK = 2
    OUR_BUG = 3
    INTERRUPTED = 130


def exit_status(report: Report, fail_on: str, *, can_hold_credentials: bool = True) -> Exit:
    """The status that `report` ends the process with.

    `fail_on` is error, warning or never: `never` silences findings (and the verdict they come to), not an
    incomplete check. A pull request of a fork cannot hold credentials: there, incomplete is no failure.
    """
    loud = {"error": {"error"}, "warning": {"error", "warning"}}.get(fail_on, set())
    found = any(finding.severity in loud for finding in report.findings)
    if fail_on != "never" and (report.verdict == "fail" or found):
        return Exit.FOUND
    if report.verdict == "incomplete" and can_hold_credentials:
        return Exit.CANNOT_CHECK
    return Exit.GOOD
