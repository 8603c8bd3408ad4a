"""What Ruby's Psych makes of a plain scalar (YAML 1.1 with its own changes; psych 5, scalar_scanner.rb)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class Symbol:
    """A Ruby symbol: Kamal takes it where it takes a string, but a host it is not."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Foreign:
    """A value of some other Ruby class (a date, a tagged object): no type that deploy.yml has."""

    kind: str


class OddKey(str):
    """A mapping's key that is no string to Ruby, by its text: a number, a boolean, a symbol."""

    __slots__ = ()


_WORDS = {
    "~": None, "null": None, "yes": True, "true": True, "on": True, "no": False, "false": False, "off": False,
}  # fmt: skip
_FLOATS = {".inf": float("inf"), "+.inf": float("inf"), "-.inf": float("-inf"), ".nan": float("nan")}

_TEXT = re.compile(r"[^\d.:-]?[^\W\d_]|[^\d.:-]?[_\s!@#$%^&*(){}<>|/\\~;=]")
_TIME = re.compile(
    r"-?\d{4}-\d{1,2}-\d{1,2}(?:[Tt]|\s+)\d{1,2}:\d\d:\d\d(?:\.\d*)?(?:\s*(?:Z|[-+]\d{1,2}:?(?:\d\d)?))?", re.ASCII
)
_DATE = re.compile(r"\d{4}-(?:1[012]|0\d|\d)-(?:[12]\d|3[01]|0\d|\d)", re.ASCII)
_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9]){1,2}(\.[0-9_]*)?")
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_,]*\.[0-9]*|\.[0-9]+)(?:[eE][-+][0-9]+)?")
_LONGEST = 1000
"""Digits that are read of a number: of a longer one nobody asks but its type, and Python refuses to print it."""
_INTEGERS = (
    (re.compile(r"[-+]?0b[_,]*[01][01_,]*"), 2),
    (re.compile(r"[-+]?0[_,]*[0-7][0-7_,]*"), 8),
    (re.compile(r"[-+]?(?:0|[1-9](?:[0-9]|,[0-9]|_[0-9])*)"), 10),
    (re.compile(r"[-+]?0x[_,]*[0-9a-fA-F][0-9a-fA-F_,]*"), 16),
)


def plain(text: str) -> Any:
    """The value of an unquoted, untagged scalar: None, a bool, int, float or str, a `Symbol` or a `Foreign`."""
    if not text:
        return None
    if "\n" in text or _TEXT.match(text):
        return _WORDS.get(text.lower(), text)
    if text.lower() in _FLOATS:
        return _FLOATS[text.lower()]
    if _TIME.fullmatch(text):
        return Foreign("a time")
    if _DATE.fullmatch(text):
        return _date(text)
    if text.startswith(":") and len(text) > 1:
        quoted = re.match(r""":(["'])(.*)\1""", text)
        return Symbol(quoted[2].removeprefix(":") if quoted else text[1:])
    return _number(text)


def _date(text: str) -> Foreign | str:
    try:
        date(*map(int, text.split("-")))
    except ValueError:  # 2020-02-31
        return text
    return Foreign("a date")


def _number(text: str) -> int | float | str:
    if found := _BASE_60.fullmatch(text):
        number: type[int | float] = float if found[1] else int
        parts = [number(part.replace("_", "")[:_LONGEST]) for part in text.split(":")]
        # Psych counts the places from the left, so that 1:30 is an hour and a half in seconds.
        return sum(part * (3600, 60, 1)[place] for place, part in enumerate(parts))
    if _FLOAT.fullmatch(text):
        return float(text.replace(",", "").replace("_", ""))
    for pattern, base in _INTEGERS:
        if pattern.fullmatch(text):
            return int(text.replace(",", "").replace("_", "")[:_LONGEST], base)
    return text
