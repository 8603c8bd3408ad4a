"""The door to this room: a log's name → what it comes to, as text or as data for JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, BinaryIO

from kamal_forward_check.errors import CannotCheck
from kamal_forward_check.log.lines import blocks
from kamal_forward_check.log.read import Reading, read
from kamal_forward_check.log.text import render, settle
from kamal_forward_check.log.weigh import Explanation, weigh
from kamal_forward_check.system import System

STDIN = "-"


@dataclass(frozen=True, slots=True)
class Explained:
    """A log and what it comes to. No explanation means that nothing in it is known here."""

    name: str
    reading: Reading
    found: tuple[Explanation, ...]

    def text(self, *, color: bool = False, width: int = 100) -> str:
        """For a person."""
        return render(
            self.found, name=self.name, lines=self.reading.lines, destination=self.reading.destination,
            color=color, width=width,
        )  # fmt: skip

    def data(self) -> dict[str, Any]:
        """For a program."""
        return {
            "log": self.name,
            "lines": self.reading.lines,
            "faults": [
                {
                    "symptom": each.symptom.name,
                    "title": each.title,
                    "said_by": each.symptom.said_by,
                    "stops_deploy": each.symptom.stops,
                    "where": each.symptom.where,
                    "step": each.symptom.step,
                    "hosts": list(each.hosts),
                    "stops": list(each.stops),
                    "proves": each.proves,
                    "notes": list(each.notes),
                    "proven": each.sure,
                    "causes": [{"code": cause.code or None, "why": cause.why} for cause in each.causes],
                    "ruled_out": [{"code": out.cause.code, "by": out.by} for out in each.ruled_out],
                    "next": settle(each, self.reading.destination),
                    "evidence": [{"line": quote.line, "text": quote.text} for quote in each.quotes],
                }
                for each in self.found
            ],
        }


def explain(word: str, system: System, stdin: BinaryIO) -> Explained:
    """Explain the log in the file `word`, or on `stdin` for `-`. Raises CannotCheck where it can't be read."""
    if word == STDIN:
        return _explained("standard input", stdin)
    if why := system.unreadable(word):
        hint = "a code looks like KF510; a log is a file, or - for standard input"
        raise CannotCheck(f"cannot read {word}: {why}", hint)
    with system.path(word).open("rb") as file:
        return _explained(word, file)


def _explained(name: str, stream: BinaryIO) -> Explained:
    reading = read(blocks(stream))
    return Explained(name, reading, weigh(reading))
