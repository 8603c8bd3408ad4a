"""An SSH conversation as a debug log has it: net-ssh's (`ssh: log_level: debug` in deploy.yml), or that of `ssh -v`.

What sshd says in passing means the same here as it does to a check: sshd/wire.py reads it.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field

from kamal_forward_check.sshd import wire

MOST_SESSIONS = 500
MOST_TEXTS = 50
TELLING = (
    "net.ssh.", "io[", "Remote: ", "key options:", "Authenticated to ", "remote forward ", "remote software version ",
    wire.FORWARDING_DISABLED, wire.PERMIT_REFUSED,
)  # fmt: skip
"""A line without any of these is no part of a conversation."""

_NET_SSH = re.compile(r"(?P<part>net\.ssh\.[a-z_.]{1,60}|\bio)\[(?P<id>\w{1,20})\]: (?P<said>.*)")
_OPENED = re.compile(
    r"establishing connection to (?P<host>[\w.:%\[\]-]{1,253}):[0-9]{1,5}\b(?P<through> through proxy)?"
)
_PACKET = re.compile(r"received packet nr (?P<number>[0-9]{1,10}) type (?P<type>[0-9]{1,3})\b")
_REMOTE_IS = re.compile(r"remote is `(?P<version>[^']{1,100})'|remote software version (?P<software>\S{1,100})")
_ENTERED = re.compile(r"Authenticated to (?P<host>[\w.:%\[\]-]{1,253}) \((?P<through>via proxy)?")
_SSH_SAYS = re.compile(r"debug1: Remote: (?P<said>.*)")
_BARE = re.compile(r"(?P<said>(?:/\S{1,300}:[0-9]{1,9}|\bcert): key options:.*)")
_FORWARD = re.compile(
    r"remote forward (?P<how>success|failure) for: listen "
    r"|remote forward from remote \S{1,300} to \S{1,300} (?P<up>established)"
)
_LONGEST_FILE = 320
_DEBUG_MESSAGE = "4"  # SSH_MSG_DEBUG, RFC 4253 §11.3
_FORWARD_REQUEST = "tcpip-forward"


@dataclass(slots=True)
class Session:
    """One login as it was overheard. `texts` are sshd's debug messages, each with the line where it stands first."""

    host: str = ""
    texts: dict[str, int] = field(default_factory=dict)
    login: int = 0
    """The line at which the login worked, or 0."""

    def hear(self, number: int, text: str) -> bool:
        """Take in what sshd said; whether it was new."""
        if text in self.texts or len(self.texts) >= MOST_TEXTS:
            return False
        self.texts[text] = number
        return True


@dataclass(slots=True)
class Overheard:
    """Everything that the log's debug lines say of its SSH sessions. Feed it every line, in order."""

    sessions: list[Session] = field(default_factory=list)
    refused: int = 0
    """The line at which a request to listen was refused, or 0."""
    granted: int = 0
    """The line at which a forward stood, or 0."""
    through: set[str] = field(default_factory=set)
    """The hosts that were entered through a jump or a proxy command, which therefore work."""
    versions: set[str] = field(default_factory=set)
    _by_id: dict[str, Session] = field(default_factory=dict)
    _requests: dict[str, deque[str]] = field(default_factory=dict)
    _packets: dict[str, int] = field(default_factory=dict)
    _debug_messages: int = 0
    _debug_texts: int = 0
    _gap: bool = False

    @property
    def uncut(self) -> bool:
        """Nothing was cut out of net-ssh's log: its packets are numbered, and each debug message has its text."""
        return bool(self._packets) and not self._gap and self._debug_messages == self._debug_texts

    def hear(self, number: int, line: str) -> bool:
        """Take in one line of the log; whether it proves something."""
        if not any(word in line for word in TELLING):
            return False
        before = (self.refused, self.granted)
        return self._heard(number, line) or before != (self.refused, self.granted)

    def _heard(self, number: int, line: str) -> bool:
        """Whether it is something that sshd said; the rest is noted in passing."""
        if told := _NET_SSH.search(line):
            return self._net_ssh(number, told["part"], told["id"], told["said"].rstrip())
        if told := _SSH_SAYS.search(line) or _bare(line):
            return self._current().hear(number, told["said"].rstrip())
        if line.strip() in (wire.FORWARDING_DISABLED, wire.PERMIT_REFUSED):
            return self._current().hear(number, line.strip())
        if entered := _ENTERED.search(line):
            session = self._begin("ssh", entered["host"], through=bool(entered["through"]))
            session.login = number
            return True
        self._forward(number, line)
        self._version(line)
        return False

    def _net_ssh(self, number: int, part: str, name: str, said: str) -> bool:
        match part.removeprefix("net.ssh."):
            case "io":
                self._packet(name, said)
            case "transport.session":
                if opened := _OPENED.match(said):
                    self._begin(name, opened["host"], through=bool(opened["through"]))
                elif said != "connection established":
                    self._debug_texts += 1
                    return (self._by_id.get(name) or self._begin(name)).hear(number, said)
            case "transport.server_version":
                self._version(said)
            case "connection.session":
                self._request(number, name, said)
            case "service.forward":
                self._forward(number, said)
            case _ if said.startswith("publickey succeeded") and len(self.sessions) == 1:
                # Only then it is known whose login it is: the parts of a session have numbers of their own.
                self.sessions[0].login = self.sessions[0].login or number
                return True
        return False

    def _begin(self, name: str, host: str = "", *, through: bool = False) -> Session:
        session = Session(host.strip("[]"))
        if len(self.sessions) < MOST_SESSIONS:
            self.through |= {session.host} if through else set()
            self.sessions.append(session)
            self._by_id[name] = session
        return session

    def _current(self) -> Session:
        """The session that a line without a name belongs to: that of the last login."""
        return self.sessions[-1] if self.sessions else self._begin("ssh")

    def _packet(self, name: str, said: str) -> None:
        packet = _PACKET.match(said)
        if packet is None:
            return
        number = int(packet["number"])
        if number:
            self._gap |= self._packets.get(name) != number - 1
        if name in self._packets or len(self._packets) < MOST_SESSIONS:
            self._packets[name] = number
        self._debug_messages += packet["type"] == _DEBUG_MESSAGE

    def _request(self, number: int, name: str, said: str) -> None:
        """Requests are answered in their order (RFC 4254 §4): keepalives fail as a rule, and mean nothing."""
        if said.startswith("sending global request "):
            if name in self._requests or len(self._requests) < MOST_SESSIONS:
                waiting = self._requests.setdefault(name, deque(maxlen=MOST_TEXTS))
                waiting.append(said.rpartition(" ")[2])
        elif said in ("global request failure", "global request success") and self._requests.get(name):
            request = self._requests[name].popleft()
            if request == _FORWARD_REQUEST and said.endswith("failure"):
                self.refused = self.refused or number

    def _forward(self, number: int, said: str) -> None:
        if told := _FORWARD.search(said):
            if told["how"] == "failure":
                self.refused = self.refused or number
            else:
                self.granted = self.granted or number

    def _version(self, said: str) -> None:
        if (told := _REMOTE_IS.search(said)) and len(self.versions) < MOST_TEXTS:
            self.versions.add(told["version"] or told["software"])


def _bare(line: str) -> re.Match[str] | None:
    """Key options without what a client writes before them, as people quote them."""
    at = line.find("key options:")
    return _BARE.search(line, max(0, at - _LONGEST_FILE)) if at >= 0 else None
