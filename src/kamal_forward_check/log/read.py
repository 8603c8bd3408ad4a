"""One pass over a log: which symptoms are in it, where, and of which hosts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from kamal_forward_check.log.lines import Block, Line
from kamal_forward_check.log.overheard import TELLING, Overheard
from kamal_forward_check.log.quote import quoted
from kamal_forward_check.log.symptom import Message, Symptom, Where
from kamal_forward_check.log.symptoms import SYMPTOMS

MOST_HOSTS = 200
MOST_QUOTES = 1000
MOST_TRIES = 20_000
"""How often a message is looked for in lines that have its mark: a hostile log has it everywhere."""
_NEAR = 6
"""Lines after `Exception while executing on host HOST:` that still belong to it (a command's stdout and stderr)."""

_HOST_FRAMES = (
    Message("Error setting up port forwarding to {host}: "),
    Message("Exception while executing on host {host}: "),
)
_THROUGH = Message("command failed: ssh {any}-W {host}:{port} {jump}")
_MORE_JUMPS = re.compile(r" -J (\S{1,500}) ")
_COMMAND = "kamal "
_DESTINATION = re.compile(
    r"\bkamal (?:deploy|redeploy|setup|build|app|rollback|registry)\b[^|;&]{0,200}?"
    r"\s(?:-d|--destination)[ =]([\w-]{1,64})"
)


@dataclass(slots=True)
class Quote:
    """A line of the log as it is shown."""

    line: int
    text: str


@dataclass(slots=True)
class Found:
    """A symptom as it is in the log: where first, how often, of whom, and with which other words."""

    symptom: Symptom
    first: Quote
    count: int = 0
    hosts: dict[str, Quote] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Reading:
    """All that a log told. `through` has the targets that Kamal's ssh did not reach, with the jumps before them."""

    found: dict[str, Found] = field(default_factory=dict)
    through: dict[str, tuple[str, ...]] = field(default_factory=dict)
    overheard: Overheard = field(default_factory=Overheard)
    destination: str = ""
    lines: int = 0
    quotes: dict[int, Quote] = field(default_factory=dict)
    """The lines that the conversation's proofs stand on."""


def read(log: Iterable[Block]) -> Reading:
    """Read `log` once, to its end."""
    reading = Reading()
    reader = _Reader(reading)
    for block in log:
        reader.take(block)
        reading.lines = block.last
    return reading


class _Reader:
    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._messages = [
            (message.mark, message, symptom) for symptom in SYMPTOMS.values() for message in symptom.messages
        ]
        self._others = (*(frame.mark for frame in (*_HOST_FRAMES, _THROUGH)), *TELLING, _COMMAND)
        self._tries: dict[str, int] = {}
        self._host, self._host_at = "", 0

    def take(self, block: Block) -> None:
        """Take in the lines that tell something. To look for a text in a whole block costs next to nothing."""
        here = [entry for entry in self._messages if entry[0] in block.text]
        others = [mark for mark in self._others if mark in block.text]
        for line in block.lines_with({*(mark for mark, _, _ in here), *others}):
            self._frame(line)
            for mark, message, symptom in here:
                if mark in line.text and self._may_try(message) and (match := message.find(line.text)):
                    self._note(line, symptom, match)
            self._overhear(line)

    def _overhear(self, line: Line) -> None:
        reading = self._reading
        if reading.overheard.hear(line.number, line.text) and len(reading.quotes) < MOST_QUOTES:
            reading.quotes[line.number] = Quote(line.number, quoted(line.text))
        if not reading.destination and _COMMAND in line.text and (told := _DESTINATION.search(line.text)):
            reading.destination = told[1]

    def _may_try(self, message: Message) -> bool:
        tries = self._tries[message.text] = self._tries.get(message.text, 0) + 1
        return tries <= MOST_TRIES

    def _frame(self, line: Line) -> None:
        for frame in _HOST_FRAMES:
            if match := frame.find(line.text):
                self._host, self._host_at = _name(match["host"]), line.number
        if (match := _THROUGH.find(line.text)) and len(self._reading.through) < MOST_HOSTS:
            more = _MORE_JUMPS.search(match.group())
            jumps = [*(more[1].split(",") if more else []), _name(match["jump"])]
            self._reading.through[_name(match["host"])] = tuple(jump.rpartition("@")[2] for jump in jumps)

    def _note(self, line: Line, symptom: Symptom, match: re.Match[str]) -> None:
        found = self._reading.found.get(symptom.name)
        if found is None:
            found = self._reading.found[symptom.name] = Found(symptom, _quote(line, match))
        found.count += 1
        words = {name: quoted(_name(text)) for name, text in match.groupdict().items() if text}
        for name, text in words.items():
            found.words.setdefault(name, text)
        host = self._host_of(line, symptom, words)
        if host and host not in found.hosts and len(found.hosts) < MOST_HOSTS:
            found.hosts[host] = _quote(line, match)

    def _host_of(self, line: Line, symptom: Symptom, words: dict[str, str]) -> str:
        """Whom the message concerns: by Kamal's name for the host where the line has it, else by the message's."""
        if symptom.where is Where.JUMP:
            return words.get("jump") or words.get("host", "")
        if line.number == self._host_at:
            return self._host
        return words.get("host") or (self._host if 0 < line.number - self._host_at <= _NEAR else "")


def _quote(line: Line, match: re.Match[str]) -> Quote:
    return Quote(line.number, quoted(line.text, match.group()))


def _name(text: str) -> str:
    """A host's name without what stands around it: brackets, a port, the end of a sentence."""
    text = text.rstrip(".:,")
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text
