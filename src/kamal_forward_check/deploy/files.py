"""A configuration file's bytes -> text, or the one thing that is wrong with them."""

from __future__ import annotations

from kamal_forward_check.deploy.document import MAX_BYTES
from kamal_forward_check.errors import CannotCheck
from kamal_forward_check.model import Problem, ProblemKind, Severity, Span
from kamal_forward_check.system import System

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read(system: System, file: str, hint: str) -> tuple[str | None, list[Problem]]:
    """The text of `file`, or None where it is none, and what is wrong with it.

    Raises:
        CannotCheck: there is no readable file of that name; `hint` says what to do.
    """
    data = system.read_bytes(system.path(file), MAX_BYTES + 1)
    if data is None:
        raise CannotCheck(f"cannot read {file}: {system.unreadable(file) or 'it is no regular file'}", hint)
    if len(data) > MAX_BYTES:
        return None, [_problem("the file is larger than 1 MB: no deploy.yml, and not read", Span(file, 1))]
    problems = []
    if data.startswith(_BYTE_ORDER_MARK):
        data = data.removeprefix(_BYTE_ORDER_MARK)
        message = "the file begins with a byte order mark: Kamal sees only the first key of such a file"
        problems.append(_problem(message, Span(file, 1), "Save it as UTF-8 without a byte order mark."))
    if b"\0" in data:
        return None, [_problem("the file is binary, not text", _place(file, data, data.index(b"\0")))]
    try:
        return data.decode("utf-8"), problems
    except UnicodeDecodeError as error:
        return None, [
            _problem("the file holds bytes that are not UTF-8", _place(file, data, error.start), "Save it as UTF-8.")
        ]


def _place(file: str, data: bytes, offset: int) -> Span:
    before = data[:offset].decode("utf-8", errors="replace")
    return Span(file, before.count("\n") + 1, len(before) - before.rfind("\n"))


def _problem(message: str, at: Span, hint: str = "") -> Problem:
    return Problem(ProblemKind.SYNTAX, Severity.ERROR, message, at, hint=hint)
