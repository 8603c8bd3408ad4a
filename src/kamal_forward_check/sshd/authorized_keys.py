"""The options of an authorized_keys line (sshd(8), AUTHORIZED_KEYS FILE FORMAT).

Only names leave this module, and the values of permitlisten and permitopen: `command=`, `environment=`, the
key and its comment are nobody's business.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kamal_forward_check.sshd.permits import OPTION

_OPTION = re.compile(r'(?P<name>[A-Za-z][A-Za-z0-9-]*)(?:="(?P<value>(?:[^"\\]|\\.)*)")?(?:(?P<more>,)|(?=\s))')
SOME_KEY = "ssh-x AAAA"
"""Stands for a key: none leaves its host."""
_KEY = re.compile(r"(?:ssh-|ecdsa-|sk-)[a-z0-9@.-]+\s+AAAA")


@dataclass(frozen=True, slots=True)
class Options:
    """The options of one line, in order, as (name as it is written, value where it may be shown)."""

    pairs: tuple[tuple[str, str | None], ...]

    @property
    def lowered(self) -> tuple[tuple[str, str | None], ...]:
        """The pairs with their names in lower case, as sshd compares them."""
        return tuple((name.lower(), value) for name, value in self.pairs)

    @property
    def withholding(self) -> str:
        """The option that takes port forwarding away, or an empty text. The last word counts."""
        found = ""
        for name, _ in self.lowered:
            if name in ("restrict", "no-port-forwarding"):
                found = name
            elif name == "port-forwarding":
                found = ""
        return found

    @property
    def conditional(self) -> bool:
        """The line lets in under a condition, which it does not show."""
        return bool({name for name, _ in self.lowered} & {"from", "expiry-time", "principals", "cert-authority"})

    def values(self, name: str) -> tuple[str, ...]:
        """The values of every option called `name`."""
        return tuple(value for option, value in self.lowered if option == name and value is not None)

    def __str__(self) -> str:
        return ",".join(name if value is None else f'{name}="{value}"' for name, value in self.pairs)


def options(line: str) -> Options:
    """The options before the key of a line of authorized_keys, made safe to keep and to show.

    There are none in a line without a key: sshd's "FILE:LINE" may count the lines of a program's output
    (AuthorizedKeysCommand), and then the text of FILE is another.
    """
    rest = line.strip()
    pairs: list[tuple[str, str | None]] = []
    while not _KEY.match(rest) and (match := _OPTION.match(rest)):
        pairs.append((match["name"], match["value"] if match["name"].lower() in OPTION.values() else None))
        rest = rest[match.end() :]
        if not match["more"]:
            rest = rest.lstrip()
            break
    return Options(tuple(pairs) if _KEY.match(rest) else ())


def same_key(section: str) -> tuple[tuple[int, Options], ...]:
    """The lines below the one that let us in with the very key of that one: "NUMBER OPTIONS" each."""
    rows = (line.partition(" ") for line in section.splitlines())
    return tuple((int(number), parse(shown)) for number, _, shown in rows if number.isascii() and number.isdigit())


def parse(shown: str) -> Options:
    """The options back from what `str` of them gave."""
    return options(f"{shown} {SOME_KEY}")
