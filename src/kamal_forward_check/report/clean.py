"""Foreign text made harmless, in this one place.

Banners, file lines, host names and error texts come from servers and from files that anyone may have written.
In a terminal they could move the cursor; on a runner a line of theirs could be taken for a command: `::name::`
at the start of a line, `##[name]` anywhere (actions/runner, ActionCommand.cs). Reports are made from a report
whose texts went through here; a format then has only its own syntax left to escape.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, TypeVar, cast

LONGEST = 2000
"""Characters of one text; what is beyond is counted, not shown."""

_HARMFUL = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_LAST_OF_FOUR_DIGITS = 0xFFFF
_COMMAND, _BROKEN_COMMAND = "##[", "# #["

T = TypeVar("T")


def cleaned(value: T) -> T:
    """`value` with every text in it on one line, through dataclasses, tuples and mappings."""
    return cast("T", _cleaned(value))


def one_line(text: str, longest: int = LONGEST) -> str:
    r"""`text` on one line, of at most about `longest` characters.

    Control, format (bidi, zero-width), private and unassigned characters and line ends show as `\n`, `\u202e`.
    """
    beyond = len(text) - longest
    if beyond > 0:
        text = text[:longest]
    if not text.isprintable():
        text = "".join(map(_visible, text))
    text = text.replace(_COMMAND, _BROKEN_COMMAND)
    return f"{text}… ({beyond} characters more)" if beyond > 0 else text


def no_command(line: str) -> str:
    """A finished line that no runner takes for a command, whatever text was wrapped onto its start."""
    start = len(line) - len(line.lstrip())
    return f"{line[:start]}: :{line[start + 2 :]}" if line.startswith("::", start) else line


def _visible(char: str) -> str:
    """`char`, or what Python would write for it in a literal."""
    if unicodedata.category(char) not in _HARMFUL:
        return char
    number = ord(char)
    return _SHORT.get(char) or (f"\\u{number:04x}" if number <= _LAST_OF_FOUR_DIGITS else f"\\U{number:08x}")


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return value if isinstance(value, Enum) else one_line(value)
    if is_dataclass(value):
        made: Any = type(value)
        return made(**{field.name: _cleaned(getattr(value, field.name)) for field in fields(value)})
    if isinstance(value, tuple):
        return tuple(map(_cleaned, value))
    if isinstance(value, Mapping):
        return {_cleaned(key): _cleaned(inside) for key, inside in value.items()}
    return value
