"""The lines of an ssh_config file, and which of them ssh would apply to a host.

ssh itself says what it makes of its files (`ssh -G`); it does not say which line did it. That is looked up here.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from kamal_forward_check.model import Span
from kamal_forward_check.system import System

_WITH_EQUALS = re.compile(r"\s*(\S+)\s*=(.*)")
_WITH_BLANK = re.compile(r"\s*(\S+)\s+(.*\S)")
_NESTING = 16  # ssh's own limit of Includes


@dataclass(frozen=True, slots=True)
class Line:
    """A keyword in lower case and the rest of its line, which keeps quotes and, after `=`, leading blanks."""

    keyword: str
    value: str
    at: Span

    @property
    def text(self) -> str:
        """The value as ssh takes it: without blanks and quotes around it."""
        return unquoted(self.value.strip())


def unquoted(text: str) -> str:
    """The text without one pair of double quotes around it."""
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


def lines(system: System, path: Path) -> Iterator[Line]:
    """The lines of a file that say something; nothing where it can't be read."""
    for number, text in enumerate((system.read_text(path) or "").split("\n"), 1):
        if not text.lstrip().startswith("#") and (found := _WITH_EQUALS.match(text) or _WITH_BLANK.match(text)):
            yield Line(found[1].lower(), found[2].rstrip("\r"), Span(str(path), number))


def words(value: str) -> list[str]:
    """Words separated by blanks; double quotes keep blanks."""
    return [unquoted(word) for word in re.findall(r'"[^"]*"|[^\s"]+', value)]


def included(value: str, base: Path, home: Path) -> Iterator[Path]:
    """The files that an Include names: globs, relative to `base`, in their order."""
    for word in words(value):
        pattern = home / word[2:] if word.startswith("~/") else base / word
        found = sorted(glob.glob(str(pattern)))  # noqa: PTH207 - the pattern may be absolute
        yield from (Path(name) for name in found if Path(name).is_file())


def matches(pattern: str, name: str) -> bool:
    """Whether a pattern with `*` and `?` matches, whatever the case."""
    regex = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern)
    return re.fullmatch(regex, name, re.IGNORECASE | re.DOTALL) is not None


def matches_list(patterns: Iterable[str], name: str) -> bool:
    """ssh_config(5), PATTERNS: one that matches, and none with `!` before it that does."""
    given = list(patterns)
    if any(pattern.startswith("!") and matches(pattern[1:], name) for pattern in given):
        return False
    return any(matches(pattern, name) for pattern in given if not pattern.startswith("!"))


@dataclass(frozen=True, slots=True)
class SshFiles:
    """ssh's own configuration: a file given with -F, or the user's and the system's."""

    system: System
    given: str = ""

    def applying(self, host: str, user: str | None) -> Iterator[tuple[Line, bool]]:
        """The lines for a host, in ssh's order, each with whether that is certain.

        A `Match` that asks for more than names (exec, canonical, final, …) is not certain.
        """
        # ssh looks for its files in the home folder of the user database, whatever $HOME says.
        mine = self.system.account.home / ".ssh"
        if self.given:
            yield from self._of(self.system.path(self.given), mine, host, user)
            return
        yield from self._of(mine / "config", mine, host, user)
        yield from self._of(Path("/etc/ssh/ssh_config"), Path("/etc/ssh"), host, user)

    def _of(self, path: Path, base: Path, host: str, user: str | None, depth: int = 0) -> Iterator[tuple[Line, bool]]:
        applies: bool | None = True
        for line in lines(self.system, path):
            if line.keyword == "host":
                applies = matches_list(words(line.value), host)
            elif line.keyword == "match":
                applies = self._matches(words(line.value), host, user)
            elif applies is False:
                continue
            elif line.keyword == "include" and depth < _NESTING:
                for file in included(line.value, base, self.system.account.home):
                    for inner, certain in self._of(file, base, host, user, depth + 1):
                        yield inner, certain and applies is True
            else:
                yield line, applies is True

    def _matches(self, criteria: list[str], host: str, user: str | None) -> bool | None:
        """Whether a Match block applies; None where only ssh could say."""
        asked = {"host": host, "originalhost": host, "user": user, "localuser": self.system.account.name}
        certain = True
        rest = iter(criteria)
        for criterion in rest:
            name = criterion.lstrip("!").lower()
            if name == "all":
                continue
            value = asked.get(name)
            patterns = "" if name in ("canonical", "final") else next(rest, "")
            if value is None:
                certain = False
            elif matches_list(patterns.split(","), value) is criterion.startswith("!"):
                return False
        return True if certain else None
