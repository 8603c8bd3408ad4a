"""A log, whatever it is: read block by block, so that its size does not matter; of each only the lines that tell."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

CHUNK = 1 << 18
"""Bytes that are read at once."""
LONGEST = 4096
"""Characters of a line that are looked at together. A longer one comes in several pieces."""
OVERLAP = 400
"""Characters that two pieces of a line share: a message that stands across their border is whole in one of them."""

_ESCAPES = re.compile(r"\x1b(?:\[[0-9;:?]{0,40}[@-~]|[@-Z\\-_])")
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Line(NamedTuple):
    """A line, or a piece of one, without colours. `number` is an editor's: carriage returns begin no new line."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Block:
    """Some lines of a log, or a piece of one without end. `number` is that of the first."""

    number: int
    text: str

    @property
    def last(self) -> int:
        """The number of the last line."""
        return self.number + self.text.count("\n") - self.text.endswith("\n")

    def lines_with(self, marks: Iterable[str]) -> Iterator[Line]:
        """The lines that have one of `marks`, in order. What a carriage return divides comes one by one."""
        number, counted = self.number, 0
        for begin in sorted({begin for mark in marks for begin in self._lines_with(mark)}):
            number += self.text.count("\n", counted, begin)
            counted = begin
            for part in self.text[begin : self._end(begin)].split("\r"):
                yield from _pieces(number, part)

    def _lines_with(self, mark: str) -> Iterator[int]:
        """Where the lines begin that have `mark`."""
        at = self.text.find(mark)
        while at >= 0:
            yield self.text.rfind("\n", 0, at) + 1
            at = self.text.find(mark, self._end(at))

    def _end(self, at: int) -> int:
        end = self.text.find("\n", at)
        return len(self.text) if end < 0 else end


def blocks(stream: BinaryIO) -> Iterator[Block]:
    """`stream` as UTF-8 whose bad bytes are replaced, or as UTF-16 where it begins with its mark (PowerShell).

    An interrupt ends the log where it is: what was read until then is what a person wants explained. Raises OSError.
    """
    number, left = 1, ""
    for text in _texts(stream):
        left += text
        if end := left.rfind("\n") + 1:
            yield _block(number, left[:end])
            number += left.count("\n", 0, end)
            left = left[end:]
        if len(left) > CHUNK:
            # A line without end: what was looked at goes, but for what may be the beginning of a message.
            yield _block(number, left)
            left = left[-OVERLAP:]
    if left:
        yield _block(number, left)


def _block(number: int, text: str) -> Block:
    return Block(number, _ESCAPES.sub("", text) if "\x1b" in text else text)


def _texts(stream: BinaryIO) -> Iterator[str]:
    decoder: codecs.IncrementalDecoder | None = None
    try:
        while data := stream.read(CHUNK):
            if decoder is None:
                decoder = codecs.getincrementaldecoder("utf-16" if data.startswith(_UTF_16) else "utf-8")("replace")
            yield decoder.decode(data)
    except KeyboardInterrupt:
        return


def _pieces(number: int, text: str) -> Iterator[Line]:
    if len(text) <= LONGEST:
        yield Line(number, text)
        return
    for begin in range(0, len(text), LONGEST - OVERLAP):
        yield Line(number, text[begin : begin + LONGEST])
