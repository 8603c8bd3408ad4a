"""What net-ssh takes from ssh_config files for a target: not quite what ssh takes (net-ssh 7.3, config.rb)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kamal_forward_check.model import Given
from kamal_forward_check.route.config_file import Line, included, lines, matches, matches_list, unquoted
from kamal_forward_check.system import System

DEFAULT_FILES = ("~/.ssh/config", "/etc/ssh_config", "/etc/ssh/ssh_config")

SOURCE = "ssh_config"

_Options = dict[str, list[Line]]

_MANY = ("identityfile", "certificatefile")
_PROXIES = ("proxyjump", "proxycommand")


@dataclass(frozen=True, slots=True)
class NetSshConfig:
    """The options of one host: keyword in lower case → its lines. `proxy` is whichever proxy keyword came first."""

    options: _Options = field(default_factory=dict)

    def given(self, keyword: str) -> Given[str] | None:
        """The value of a keyword that holds one, and its line."""
        return next(self.all(keyword), None)

    def all(self, keyword: str) -> Iterator[Given[str]]:
        """The values of a keyword that may stand several times."""
        for line in self.options.get(keyword, ()):
            yield Given(unquoted(line.value), SOURCE, line.at)

    def flag(self, keyword: str) -> bool:
        """Whether the keyword stands there with yes."""
        given = self.given(keyword)
        return given is not None and given.value.strip().lower() == "yes"

    @property
    def proxy(self) -> tuple[str, Given[str]] | None:
        """The keyword that sets a proxy, `proxyjump` or `proxycommand`, and its value."""
        given = self.given("proxy")
        return (self.options["proxy"][0].keyword, given) if given else None


def read(system: System, host: str, files: tuple[str, ...]) -> NetSshConfig:
    """What the files say for a host. An unreadable file says nothing, as for net-ssh."""
    reader = _Reader(system, host)
    options: _Options = {}
    for file in files:
        options = reader.load(system.path(file), options)
    return NetSshConfig(options)


@dataclass(frozen=True, slots=True)
class _Reader:
    system: System
    host: str

    def load(self, path: Path, options: _Options, base: Path | None = None) -> _Options:
        """`options` and what a file adds to them.

        Before its first Host or Match the last line of a keyword wins; in blocks, which beat those, the first.
        """
        base = base or path.parent
        before: _Options = {}
        applies: bool | None = None
        for line in lines(self.system, path):
            if line.keyword == "host":
                applies = matches_list(unquoted(line.value).split(), self.host)
                options["host"] = [line]
            elif line.keyword == "match":
                applies = _match_applies(unquoted(line.value), self.host)
            elif applies is None:
                before = self._with(line, before, options, base)
            elif applies:
                options = self._with(line, options, options, base)
            for keyword in _PROXIES:
                if keyword in options:
                    first = options.pop(keyword)
                    options.setdefault("proxy", first)
        both = {
            keyword: before[keyword] + options[keyword] for keyword in _MANY if keyword in before and keyword in options
        }
        return before | options | both

    def _with(self, line: Line, into: _Options, over: _Options, base: Path) -> _Options:
        """`into` with a line, or with the files that it includes; `over` holds what may not be set again."""
        if line.keyword == "include":
            for file in included(line.value, base, self.system.home):
                into = self.load(file, into, base)
        elif line.keyword in _MANY:
            into[line.keyword] = [*into.get(line.keyword, ()), line]
        elif line.keyword not in over:
            into[line.keyword] = [line]
        return into


def _match_applies(condition: str, host: str) -> bool:
    """`Match all`, or every `host` criterion; net-ssh passes over all others."""
    criteria = [word for word in re.split(r"[ \t\r\n]+|(?<!=)=(?!=)", condition) if word]
    if criteria == ["all"]:
        return True
    judged = [
        expression.startswith("!") is not any(matches(part, host) for part in expression.lstrip("!").split(","))
        for kind, expression in zip(criteria[::2], map(unquoted, criteria[1::2]), strict=False)
        if kind.lower() == "host"
    ]
    return bool(judged) and all(judged)
