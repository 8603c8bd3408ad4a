"""Foreign text in Markdown as GitHub renders it: prose, code and fences that nothing can break out of.

Texts come here from `clean`, so each is one line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_SYNTAX = re.compile(
    r"""
    [\\`*\[\]<>&~|$^\#]                          # always
    | (?<![A-Za-z0-9])_ | _(?![A-Za-z0-9])       # not within a word
    | ^[-+=]                                     # at the start: a list, an underline
    | (?i:(?<=www)\. | :(?=//) | (?<=mailto): | (?<=xmpp):)   # GitHub's own links, GFM §6.9
    """,
    re.VERBOSE,
)
_REFERENCE = re.compile(r"@|#(?=[0-9])|\bGH(?=-[0-9])|:(?=[\w+\\-]*[A-Za-z+-]|(?:100|1234)\b)", re.IGNORECASE)
"""What GitHub makes more of in a finished page: a mention, a reference, an emoji. A comment parts its characters."""
_NUMBERED = re.compile(r"^([0-9]{1,9})(?=[.)](?:\s|$))")
_BACKTICKS = re.compile("`+")


def prose(text: str) -> str:
    """`text` as words: no link, image, tag, mention, emoji or emphasis comes of it (CommonMark §2.4)."""
    escaped = _SYNTAX.sub(r"\\\g<0>", text.strip())
    return _REFERENCE.sub(r"\g<0><!-- -->", _NUMBERED.sub(r"\1\\", escaped))


def code(text: str) -> str:
    """`text` as a code span."""
    fence = "`" * (1 + max((len(run) for run in _BACKTICKS.findall(text)), default=0))
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{space}{text}{space}{fence}" if text else ""


def cell_code(text: str) -> str:
    """`text` as a code span in a table, where a bar would end the cell."""
    return code(text).replace("|", "\\|")


def block(language: str, lines: Iterable[str]) -> str:
    """`lines` as a fenced block."""
    text = "\n".join(lines)
    fence = "`" * max(3, 1 + max((len(run) for run in _BACKTICKS.findall(text)), default=0))
    return f"{fence}{language}\n{text}\n{fence}"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of finished cells."""
    names = list(head)
    lines = (names, ["---"] * len(names), *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def folded(title: str, body: str) -> str:
    """`body` behind a title that opens it."""
    return f"<details>\n<summary>{title}</summary>\n\n{body}\n\n</details>"
