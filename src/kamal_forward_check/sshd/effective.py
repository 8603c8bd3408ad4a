"""`sshd -T -ddd -C …` read: what holds for this login, and which line says so.

sshd names every active line in the order in which it reads them; within a pass the first value of a keyword
counts (sshd_config(5)). The second pass ("reprocess config") is that of Match blocks, and goes before the
first; between them stands what the daemon was given by -o, of which no line is printed. Measured on
8.2 to 10.5. From 10.4 on the values' keywords are written in CamelCase.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from kamal_forward_check.model import Certainty

_SETTING = re.compile(r"^debug3: (?P<file>.*?):(?P<line>\d{1,9}) setting (?P<keyword>\S+) (?P<value>.*)$")
_MAIN_FILE = re.compile(r"^debug2: load_server_config: filename (?P<file>.+)$")
_MATCH_HOST = re.compile(r"^debug3: checking match for '.*\bHost\b", re.IGNORECASE)
_VERSION = re.compile(r"^debug1: sshd version (?P<version>[^\s,]+)")
_REPROCESS = "config reprocess config"
_MAIN_AGAIN = "reprocess config"
DEFAULT_MAIN = "/etc/ssh/sshd_config"
_COMMAND_LINE = "sshd's command line"
_FLAG = re.compile(r"\s-([fo])\s*(\S.*?)(?=\s+-[A-Za-z]|\s*$)")

# sshd_config(5), TIME FORMATS: written with units, printed as seconds.
_DURATION = re.compile(r"(?:\d{1,9}[smhdw])+", re.IGNORECASE)
_PIECE = re.compile(r"(\d{1,9})([smhdw])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}

# What sshd prints for a value that may be written in several ways.
_SPELLINGS = {"all": "yes", "true": "yes", "false": "no"}


@dataclass(frozen=True, slots=True)
class Deciding:
    """What decides a keyword: its value, and the line that gives it.

    `line` is None where no line does: sshd's own default (`file` is empty), or -o on its command line.
    """

    keyword: str
    value: str
    file: str
    line: int | None
    certainty: Certainty
    excerpt: tuple[tuple[int, str], ...] = ()

    @property
    def text(self) -> str:
        """The line as it stands in the file, or as sshd read it where the file's text was not shown."""
        return next((text for n, text in self.excerpt if n == self.line), f"{self.keyword} {self.value}")

    @property
    def on_command_line(self) -> bool:
        """It is an -o of the daemon's command line."""
        return self.file == _COMMAND_LINE


@dataclass(frozen=True, slots=True)
class Effective:
    """What the host's own sshd says holds for this login."""

    values: Mapping[str, str]
    """By keyword in lower case, as `sshd -T` prints them."""
    active: tuple[tuple[str, int, str, str, bool], ...]
    """(file, line, keyword, value, in the second pass), in sshd's order."""
    options: Mapping[str, str] = field(default_factory=dict)
    """-o of the daemon's command line, by keyword in lower case."""
    texts: Mapping[tuple[str, int], tuple[tuple[int, str], ...]] = field(default_factory=dict)
    main: str = DEFAULT_MAIN
    """The main file."""
    doubt: str = ""
    """Why the answer may not be the whole truth: a folder that the login can't read, a daemon that it can't see."""
    version: str = ""
    """That of the sshd that answered, which need not be the one that runs: `OpenSSH_9.2`."""

    def deciding(self, keyword: str) -> Deciding:
        """What decides `keyword`; exact only where the line's value is the one that sshd prints."""
        name = keyword.lower()
        value = self.values.get(name, "")
        second = [s for s in self.active if s[2].lower() == name and s[4]]
        first = [s for s in self.active if s[2].lower() == name and not s[4]]
        if second:
            file, line, written, said, _ = second[0]
        elif name in self.options:
            return Deciding(keyword, value, _COMMAND_LINE, None, self._certainty(self.options[name], value))
        elif first:
            file, line, written, said, _ = first[0]
        else:
            return Deciding(keyword, value, "", None, self._certainty(value, value))
        return Deciding(written, said, file, line, self._certainty(said, value), self.texts.get((file, line), ()))

    def passed_over(self, keyword: str) -> tuple[Deciding, ...]:
        """The active lines of `keyword` that say otherwise than the deciding one, in vain, in sshd's order."""
        decides = self.deciding(keyword)
        place = (decides.file, decides.line)
        return tuple(
            Deciding(written, said, file, line, decides.certainty, self.texts.get((file, line), ()))
            for file, line, written, said, _ in dict.fromkeys(self.active)
            if written.lower() == keyword.lower() and (file, line) != place and _plain(said) != _plain(decides.value)
        )

    def of_match(self, keyword: str) -> bool:
        """A Match block decides `keyword`."""
        return any(written.lower() == keyword.lower() and again for _, _, written, _, again in self.active)

    def _certainty(self, said: str, value: str) -> Certainty:
        same = _plain(said) == _plain(value) or _seconds(said) == value
        return Certainty.EXACT if same and not self.doubt else Certainty.CANDIDATES


def read(said: Mapping[str, str]) -> Effective | None:
    """The sections of a host's answers (`sshd`, `daemon`, `unreadable`, `lines`) read; None without a value."""
    output = said.get("sshd", "")
    values: dict[str, str] = {}
    active: list[tuple[str, int, str, str, bool]] = []
    main, second, by_name, version = "", False, False, ""
    for line in output.split("\n"):
        if match := _SETTING.match(line):
            again = match["file"] == _MAIN_AGAIN
            file = (main or DEFAULT_MAIN) if again else match["file"]
            active.append((file, int(match["line"]), match["keyword"], _words(match["value"]), second))
        elif match := _MAIN_FILE.match(line):
            main = main or match["file"]  # included files are loaded after it, in the same words
        elif match := _VERSION.match(line):
            version = match["version"]
        elif _MATCH_HOST.match(line):
            by_name = True
        elif _REPROCESS in line:
            second = True
        elif line and not line.startswith(("debug", " ")):
            keyword, _, value = line.partition(" ")
            values.setdefault(keyword.lower(), value.strip())
    if "allowtcpforwarding" not in values:
        return None
    by_name = by_name and values.get("usedns") == "yes"
    return Effective(
        values=values,
        active=tuple(active),
        options=_options(said.get("daemon", "")),
        texts=_texts(said.get("lines", "")),
        main=main or DEFAULT_MAIN,
        doubt=_doubt(said, by_name=by_name),
        version=version,
    )


def _doubt(said: Mapping[str, str], *, by_name: bool) -> str:
    if unreadable := said.get("unreadable", "").split("\n")[0].strip():
        return f"the login can't read {unreadable}"
    if not said.get("daemon", "").strip():
        return "no daemon's command line was seen, and its -f or -o go before the files"
    return "sshd looks the client's name up (UseDNS), and a Match Host asks for it" if by_name else ""


def _words(value: str) -> str:
    """A line's value as sshd takes it: without quotes, and without the comment that it prints along."""
    try:
        return " ".join(shlex.split(value, comments=True))
    except ValueError:
        return value.strip()


def _plain(value: str) -> str:
    """A value as sshd prints it: one spelling for each, and a bare port of PermitListen as *:PORT."""
    words = " ".join(f"*:{word}" if word.isdigit() else word for word in value.lower().split())
    return _SPELLINGS.get(words, words)


def _seconds(value: str) -> str:
    """A duration as sshd prints it, in seconds; an empty text where `value` is none with units."""
    if not _DURATION.fullmatch(value):
        return ""
    return str(sum(int(number) * _UNITS[unit] for number, unit in _PIECE.findall(value.lower())))


def _options(command_line: str) -> dict[str, str]:
    """The -o options of a daemon's command line; the first of a keyword counts."""
    found: dict[str, str] = {}
    for flag, setting in flags(command_line):
        if flag == "o":
            keyword, _, value = setting.replace("=", " ", 1).partition(" ")
            found.setdefault(keyword.lower(), value.strip())
    return found


def flags(command_line: str) -> list[tuple[str, str]]:
    """The -f and -o of a daemon's command line: (letter, value).

    A process's title has no quotes: an option's value is all up to the next flag.
    """
    return _FLAG.findall(f" {command_line}")


def _texts(section: str) -> dict[tuple[str, int], tuple[tuple[int, str], ...]]:
    """Excerpts, each under a line `@ LINE FIRST FILE`."""
    texts: dict[tuple[str, int], tuple[tuple[int, str], ...]] = {}
    key, first = ("", 0), 0
    for line in section.split("\n"):  # as sshd counts: splitlines() also ends a line at a form feed or U+2028
        if match := re.fullmatch(r"@ (\d{1,9}) (\d{1,9}) (.+)", line):
            key, first = (match[3], int(match[1])), int(match[2])
            texts[key] = ()
        elif key[0]:
            texts[key] += ((first + len(texts[key]), line),)
    return texts
