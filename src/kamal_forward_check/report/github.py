"""What a runner reads on standard output: workflow commands, and a log in which nothing is one.

The rules are those of the runner's own parser (actions/runner, ActionCommand.cs). It takes ten annotations of
a kind from a step and cuts a message at 4096 characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from kamal_forward_check.model import Finding, Report, Severity, Span
from kamal_forward_check.report import words
from kamal_forward_check.report.change import Block, blocks
from kamal_forward_check.report.clean import cleaned, one_line

MOST_OF_A_KIND = 10
LONGEST_MESSAGE = 4096
_LONGEST_TITLE = 200
_SHORTEST_MASK = 8
_FRAME = re.compile(r"-----[A-Z ]+-----")

InRepository = Callable[[str], str | None]
"""Where a file lies in the repository; None where it is not part of it."""


def as_given(file: str) -> str | None:
    """Where nothing is known of the repository, a file lies where it was said to."""
    return file


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotation, its texts not yet escaped. `file` is relative to the repository."""

    kind: Severity
    title: str
    message: str
    file: str = ""
    at: Span | None = None

    def __str__(self) -> str:
        """The workflow command."""
        properties = ",".join(f"{name}={escape_property(str(value))}" for name, value in self._properties() if value)
        return f"::{self.kind} {properties}::{escape(cut(self.message))}"

    def _properties(self) -> Iterator[tuple[str, str | int]]:
        """The properties; an empty one, or a line 0, is not to be written."""
        yield "title", one_line(self.title, _LONGEST_TITLE)
        yield "file", self.file
        if self.file and not (self.at and self.at.line > 0):
            yield "line", 1  # a runner makes line 0 of none
        elif self.file and self.at:
            yield "line", self.at.line
            if self.at.end_line > self.at.line:
                yield "endLine", self.at.end_line  # the runner drops columns of a range of lines
            else:
                yield "col", self.at.column
                yield "endColumn", self.at.end_column if self.at.end_column > self.at.column else 0


def render(report: Report, in_repository: InRepository = as_given, *, skipped_as: Severity = Severity.ERROR) -> str:
    """One annotation for each finding, at its line of deploy.yml, and for each thing that had to be skipped."""
    report = cleaned(report)
    said = [*_findings(report, in_repository), *_skipped(report, in_repository, skipped_as)]
    return "".join(f"{annotation}\n" for annotation in _within_limits(said))


def log(text: str, title: str, token: str) -> str:
    """`text` folded under `title` in the log, with no command in it: `token`, a random word, ends the pause."""
    lines = "".join(f"│ {line}\n" for line in text.rstrip("\n").split("\n"))
    return f"::group::{escape(one_line(title))}\n::stop-commands::{token}\n{lines}::{token}::\n::endgroup::\n"


def masks(secret: str) -> str:
    """Commands that keep each line of a secret out of the log; a short line would blot out ordinary words."""
    sound = secret.encode("utf-8", "replace").decode()  # a variable may hold bytes that are no UTF-8
    lines = (line.strip() for line in sound.splitlines() if not _FRAME.fullmatch(line.strip()))
    return "".join(f"::add-mask::{escape(line)}\n" for line in lines if len(line) >= _SHORTEST_MASK)


def error(title: str, message: str) -> str:
    """An annotation at no file."""
    return f"{Annotation(Severity.ERROR, one_line(title), one_line(message))}\n"


def warning(title: str, message: str) -> str:
    """An annotation at no file, of what is no error."""
    return f"{Annotation(Severity.WARNING, one_line(title), one_line(message))}\n"


def escape(data: str) -> str:
    """`data` as a command's message."""
    return data.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(value: str) -> str:
    """`value` as a command's property."""
    return escape(value).replace(":", "%3A").replace(",", "%2C")


def _findings(report: Report, in_repository: InRepository) -> Iterator[Annotation]:
    for finding in report.findings:
        file = in_repository(finding.location.file) if finding.location else None
        elsewhere = f"At {finding.location}." if finding.location and file is None else ""
        yield Annotation(
            finding.severity,
            f"{finding.code} {finding.message}",
            "\n".join(filter(None, (finding.message, *what_to_do(finding), words.docs(finding.code), elsewhere))),
            file or in_repository(report.file) or "",
            finding.location if file else None,
        )


def what_to_do(finding: Finding) -> Iterator[str]:
    """The change, line by line, with the hop and the file. Neighbouring lines stay private."""
    said = [_change(file) for file in blocks(finding, neighbours=False)]
    yield from said or ([finding.fix.summary] if finding.fix else [])
    yield from (f"  {line}" for line in ((*finding.fix.example, *finding.fix.commands) if finding.fix else ()))
    for candidate in finding.candidates:
        yield f"It fits: {candidate.keyword}. To settle it: {candidate.settle}"
    yield words.also(finding)
    yield finding.why
    yield finding.fix.undone_by if finding.fix else ""


def _change(file: Block) -> str:
    hosts, said, known = words.some(file.hosts), [], ""
    for row in file.rows:
        if row.sign == "-" and row.number:
            known = f'{file.file}:{row.number} on {hosts} says "{row.text}"; change it to'
        elif row.sign == "+":
            said.append(f'{known or f"{file.file} on {hosts} should say"} "{row.text}".')
            known = ""
    return "\n".join(said)


def _skipped(report: Report, in_repository: InRepository, kind: Severity) -> Iterator[Annotation]:
    """One for each reason, however many hosts it keeps from being looked at."""
    at = report.forwarding.at
    file = in_repository(at.file) if at else None
    place = (file, at) if file else (in_repository(report.file) or "", None)
    reasons: dict[str, list[str]] = {}
    for item in report.skipped:
        if item.needed:
            reasons.setdefault(item.why, []).append(item.what)
    for why, what in reasons.items():
        yield Annotation(kind, f"Not looked at: {words.some(what)}", why or words.some(what), *place)


def _within_limits(annotations: Iterable[Annotation]) -> Iterator[Annotation]:
    """At most ten of a kind; where there are more, the tenth says how many, and which, were held back."""
    every = list(annotations)
    for kind in Severity:
        same = [annotation for annotation in every if annotation.kind is kind]
        if len(same) <= MOST_OF_A_KIND:
            yield from same
            continue
        shown, held = same[: MOST_OF_A_KIND - 1], same[MOST_OF_A_KIND - 1 :]
        yield from shown
        titles = "\n".join(annotation.title for annotation in held)
        yield Annotation(kind, f"{len(held)} more held back: see the job summary", titles)


def cut(message: str) -> str:
    """`message` within a runner's limit, which counts as .NET does: a character beyond U+FFFF is two."""
    units = message.encode("utf-16-le")
    if len(units) <= 2 * LONGEST_MESSAGE:
        return message
    return units[: 2 * (LONGEST_MESSAGE - 1)].decode("utf-16-le", "ignore") + "…"
