"""Colour for a terminal, where it is wanted: a mark or a word never depends on it."""

from __future__ import annotations

from dataclasses import dataclass

_CODES = {"good": "32", "bad": "1;31", "warn": "33", "dim": "2", "bold": "1"}


@dataclass(frozen=True, slots=True)
class Paint:
    """Paints, or leaves the text as it is."""

    on: bool

    def __call__(self, style: str, text: str) -> str:
        """`text` in `style`: good, bad, warn, dim, bold, or an empty text for none."""
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self.on and style and text else text
