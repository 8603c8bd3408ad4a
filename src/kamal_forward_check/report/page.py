"""Lines for a terminal: wrapped at its width, and painted."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

from kamal_forward_check.report.paint import Paint

_DURATION = re.compile(r"(\d) (m?s)\b")


class Page:
    """What is written for a terminal of so many columns."""

    def __init__(self, paint: Paint, width: int) -> None:
        self._paint, self._width = paint, width

    def _wrapped(self, text: str, *, indent: int = 0, hang: int = 0, style: str = "") -> Iterator[str]:
        """`text` in lines; words longer than a line stay whole, and so do durations."""
        lines = textwrap.wrap(
            _DURATION.sub("\\1\u00a0\\2", text),
            self._width,
            initial_indent=" " * indent,
            subsequent_indent=" " * (indent + hang),
            break_long_words=False,
            break_on_hyphens=False,
        )
        yield from (self._paint(style, each.replace("\u00a0", " ")) for each in lines)
