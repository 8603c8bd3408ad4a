"""Foreign text made harmless, in this one place.

Banners, file lines, host names and error texts come from servers and from files that anyone may have written.
In a terminal they could move the cursor; on a runner a line of theirs could be taken for a command: `::name::`
at the start of a line, `##[name]` anywhere (actions/runner, ActionCommand.cs). Reports are made from a report
whose texts went through here; a format then has only its own syntax left to escape.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TypeVar

from kamal_forward_check.model.texts import mapped

LONGEST = 2000
"""Characters of one text; what is beyond is counted, not shown."""

_HARMFUL = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
"""Letters and marks that show nothing: the rest of Unicode's Default_Ignorable_Code_Point."""
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_LAST_OF_FOUR_DIGITS = 0xFFFF


class _Visible(dict[int, str]):
    """What shows for a character, by its number, as `str.translate` wants it: found out at the first use."""

    def __missing__(self, number: int) -> str:
        char = chr(number)
        if unicodedata.category(char) in _HARMFUL or _UNSEEN.match(char):
            wide = number > _LAST_OF_FOUR_DIGITS
            char = _SHORT.get(char) or (f"\\U{number:08x}" if wide else f"\\u{number:04x}")
        return self.setdefault(number, char)


_VISIBLE = _Visible()
_COMMAND, _BROKEN_COMMAND = "##[", "# #["

T = TypeVar("T")


def cleaned(value: T) -> T:
    """`value` with every text in it on one line, through dataclasses, tuples and mappings."""
    return mapped(value, one_line)


def one_line(text: str, longest: int = LONGEST) -> str:
    r"""`text` on one line, of at most about `longest` characters.

    Control, format (bidi, zero-width), private and unassigned characters and line ends show as `\n`, `\u202e`; so
    does what shows nothing.
    """
    beyond = len(text) - longest
    if beyond > 0:
        text = text[:longest]
    if not text.isprintable() or _UNSEEN.search(text):
        text = text.translate(_VISIBLE)
    text = text.replace(_COMMAND, _BROKEN_COMMAND)
    return f"{text}… ({beyond} characters more)" if beyond > 0 else text


def no_command(line: str) -> str:
    """A finished line that no runner takes for a command, whatever text was wrapped onto its start."""
    start = len(line) - len(line.lstrip())
    if not line.startswith("::", start) or "::" not in line[start + 2 :]:  # as in ::1, an address
        return line
    return f"{line[:start]}: :{line[start + 2 :]}"
