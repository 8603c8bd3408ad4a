"""The text that YAML reads, and where each of its characters stands in the file that a person opens."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from kamal_forward_check.model import Span


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text from offset `start` on, and the offset in the file that it came from.

    What an ERB tag printed is not `exact`: all of it comes from the tag's beginning. It has a `label` where it
    came out of a variable.
    """

    start: int
    origin: int
    exact: bool
    label: str = ""


@dataclass(frozen=True, slots=True)
class StandIn:
    """What takes the place of a value that cannot be known: how to show it, and why it is not known."""

    label: str
    why: str


@dataclass(frozen=True)
class Source:
    """A text, its file, and the way back. Without `pieces` the text is the file, character by character."""

    file: str
    text: str
    original: str
    pieces: tuple[Piece, ...] = ()
    stand_ins: Mapping[str, StandIn] = field(default_factory=dict)

    @classmethod
    def plain(cls, file: str, text: str) -> Source:
        """A file without ERB."""
        return cls(file, text, text)

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(found.end() for found in re.finditer("\n", self.original))]

    def _origin(self, offset: int) -> tuple[int, bool]:
        if not self.pieces:
            return offset, True
        piece = self.pieces[max(bisect_right(self.pieces, offset, key=lambda piece: piece.start) - 1, 0)]
        return (piece.origin + offset - piece.start, True) if piece.exact else (piece.origin, False)

    def _place(self, origin: int) -> tuple[int, int]:
        line = bisect_right(self._line_starts, origin)
        return line, origin - self._line_starts[line - 1] + 1

    def span(self, start: int, end: int | None = None) -> Span:
        """The span in the file of text[start:end]; where that came out of a tag, the tag's beginning alone."""
        origin, exact = self._origin(start)
        line, column = self._place(origin)
        if end is None or end <= start or not exact:
            return Span(self.file, line, column)
        last, exact = self._origin(end - 1)
        if not exact:
            return Span(self.file, line, column)
        end_line, end_column = self._place(last)
        return Span(self.file, line, column, end_line, end_column + 1)

    def labelled(self, start: int, end: int) -> str:
        """text[start:end] with labels in place of what came out of variables; empty where nothing did."""
        first = max(bisect_right(self.pieces, start, key=lambda piece: piece.start) - 1, 0)
        shown, found = "", False
        for number, piece in enumerate(self.pieces[first:], first):
            if piece.start >= end:
                break
            after = self.pieces[number + 1].start if number + 1 < len(self.pieces) else len(self.text)
            begin, stop = max(start, piece.start), min(end, after)
            if begin < stop:
                shown += piece.label or self.text[begin:stop]
                found = found or bool(piece.label)
        return shown if found else ""

    def shown(self, value: str) -> str:
        """`value` as it may be shown: stand-ins by their labels."""
        return "".join(self.stand_ins[char].label if char in self.stand_ins else char for char in value)

    def unknown(self, value: str) -> str:
        """Why `value` cannot be known, or nothing where it can."""
        return next((self.stand_ins[char].why for char in value if char in self.stand_ins), "")

    @cached_property
    def has_stand_ins(self) -> bool:
        """Whether any value of the text is not known."""
        return any(char in self.text for char in self.stand_ins)
