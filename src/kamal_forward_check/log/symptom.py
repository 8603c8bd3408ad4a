"""What a symptom is: a message that somebody writes into a log, what it proves, and what it may come from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, StrEnum
from functools import cached_property

CHECK = "kamal-forward-check check"
"""The command that settles most: it goes Kamal's way, and asks the host that says no."""


class Speaker(StrEnum):
    """Whose message it is."""

    KAMAL = "Kamal"
    NET_SSH = "net-ssh"
    SSH = "ssh"
    SSHD = "sshd"
    DOCKER = "Docker"
    BUILDX = "buildx"
    AGENT = "ssh-add"
    HOST = "the host"


class Where(StrEnum):
    """Whose fault it is, as far as the message shows: a role on the route, or a machine beside it."""

    JUMP = "the jump"
    TARGET = "the target"
    HOST = "the host"
    HERE = "the deploying machine"
    BUILDER = "the builder"
    FILE = "deploy.yml"


class Step(StrEnum):
    """What was being done."""

    FILE = "reading deploy.yml"
    KEYS = "making the keys ready"
    REACH = "reaching the host"
    HOST_KEY = "checking the host's key"
    LOGIN = "logging in"
    FORWARD = "passing the connection on"
    LISTEN = "asking for the forward"
    DATA = "sending data through the forward"
    COMMANDS = "running commands on the host"
    BUILD = "building and pushing the image"
    DEPLOY = "deploying"


class Reply(Enum):
    """What sshd says in passing when it refuses to listen (see sshd/wire.py)."""

    DISABLED = "disabled"
    UNLISTED = "unlisted"
    NOTHING = "nothing"


class Key(Enum):
    """What the options of the key would have to be for a cause to hold."""

    WITHHOLDS = "withholds"  # no port-forwarding among them
    LISTS = "lists"  # permitlisten (or permitopen) among them


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause that fits: `why` in a line, with what tells it apart. `code` is the rule's whose finding it would be.

    `reply` and `key` are what the log would show of it; None where it would show nothing.
    """

    why: str
    code: str = ""
    reply: Reply | None = None
    key: Key | None = None


_FIELDS = {
    "host": r"[A-Za-z0-9_\[][\w.:%\]-]{0,252}",
    "jump": r"[A-Za-z0-9_\[][\w.:%\]-]{0,252}",
    "user": r"(?<![\w.-])[A-Za-z0-9_][\w.-]{0,63}",
    "login": r"(?<![\w.-])(?!git@)[A-Za-z0-9_][\w.-]{0,63}",
    "port": r"[0-9]{1,5}",
    "word": r"[^\s]{1,200}",
    "any": r"[^\n]{0,400}?",
    "kamal": r"(?:port forwarding to \S{1,253}: |executing on host \S{1,253}: |ERROR \([A-Z][\w:]{1,80}\): )"
    r"(?:[A-Z][\w:]{1,80}: )?",
}
"""What may stand for a `{field}` of a message. All are bounded: a log may be hostile.

`{kamal}` is how Kamal and SSHKit begin an error: Ruby's messages come from applications as well. `{login}` is
a user who is not git's.
"""
_FIELD = re.compile(r"\{([a-z]+)\}")
_BEFORE, _AFTER = 300, 600


@dataclass(frozen=True)
class Message:
    """A message word for word, with `{host}`, `{user}`, `{port}` ... where something stands that differs."""

    text: str

    @cached_property
    def mark(self) -> str:
        """The longest piece of it that never differs: a line without it need not be looked at."""
        return max(_FIELD.split(self.text)[::2], key=len)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        words = _FIELD.split(self.text)
        seen: set[str] = set()
        for at in range(1, len(words), 2):
            name = words[at]
            words[at] = f"(?P<{name}>{_FIELDS[name]})" if name not in seen else _FIELDS[name]
            seen.add(name)
        return re.compile("".join(word if at % 2 else re.escape(word) for at, word in enumerate(words)), re.ASCII)

    def find(self, line: str) -> re.Match[str] | None:
        """The message in `line`, or None. Time is bounded: only the surroundings of the mark are looked at."""
        at = line.find(self.mark)
        if at < 0:
            return None
        return self._pattern.search(line[max(0, at - _BEFORE) : at + len(self.mark) + _AFTER])


@dataclass(frozen=True, slots=True)
class Symptom:
    """A symptom: one fault as it shows in a log.

    `title` says it with `{host}` for whom it concerns. `proves` is what is certain once it is there; `causes` are all
    that fit it, the likeliest first. `settle` is the command that settles which. `follows` names symptoms that are the
    reason for this one where they are in the log as well: then this one only names hosts.
    """

    name: str
    said_by: Speaker
    where: Where
    step: Step
    title: str
    messages: tuple[Message, ...]
    proves: str
    causes: tuple[Cause, ...]
    settle: str = CHECK
    follows: tuple[str, ...] = ()
    stops: bool = True
    """It stops the deploy; else it is a warning."""


def says(*texts: str) -> tuple[Message, ...]:
    """The messages of a symptom, as they are written into logs."""
    return tuple(map(Message, texts))
