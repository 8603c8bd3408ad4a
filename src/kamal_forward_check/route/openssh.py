"""What the system's ssh makes of its arguments and configuration: `ssh -G`, and the lines that say so.

Nothing is dialled. `ssh -G` runs the commands of `Match exec` blocks, as the very same ssh does when Kamal calls it.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field

from kamal_forward_check.model import Given, Skipped
from kamal_forward_check.route.config_file import SshFiles
from kamal_forward_check.route.not_followed import NotFollowed
from kamal_forward_check.route.tokens import expand, expand_variables
from kamal_forward_check.system import System

SOURCE = "ssh_config"
DEFAULT = "ssh's default"

_SECONDS = 10.0
_NOISE = "Pseudo-terminal will not be allocated"


class SshRefusesError(Exception):
    """ssh stops at its arguments or its configuration: Kamal's ssh does too. Its own words."""


@dataclass(frozen=True, slots=True)
class Call:
    """One ssh, as it is called for one hop: `-l`, `-p`, `-J`, `-F` and the host."""

    host: str
    user: str | None = None
    port: str | None = None
    jumps: str | None = None
    config: str = ""

    @property
    def arguments(self) -> tuple[str, ...]:
        """The arguments after `ssh`."""
        options = (("-l", self.user), ("-p", self.port), ("-J", self.jumps), ("-F", self.config or None))
        return (*(word for name, value in options if value is not None for word in (name, value)), self.host)

    def command_to(self, host: str, port: int) -> tuple[str, ...]:
        """The whole command by which net-ssh reaches host:port through the call's host (proxy/jump.rb)."""
        *options, through = self.arguments
        return ("ssh", *options, "-W", f"{host}:{port}", through)


@dataclass(frozen=True, slots=True)
class Answer:
    """What ssh would use for one call: keyword in lower case → values."""

    call: Call
    system: System
    values: dict[str, list[str]] = field(repr=False)

    def one(self, keyword: str, default: str = "") -> str:
        """The value of a keyword that holds one."""
        return self.values.get(keyword, [default])[0]

    def all(self, keyword: str) -> list[str]:
        """The values of a keyword that may stand several times."""
        return self.values.get(keyword, [])

    def is_on(self, keyword: str) -> bool:
        """Whether a flag is set: ssh prints yes or true."""
        return self.one(keyword) in ("yes", "true")

    def given(self, keyword: str, value: str | None = None) -> Given[str]:
        """A value with the line of ssh_config that gave it; ssh's default where no line did."""
        wanted = self.one(keyword) if value is None else value
        files = SshFiles(self.system, self.call.config)
        lines = [line for line, _ in files.applying(self.call.host, self.call.user) if line.keyword == keyword]
        # ssh prints some values otherwise than they are written; then the first line is the one that counts.
        exact = (line for line in lines if line.text.replace("%h", self.call.host) == wanted)
        line = next(exact, next(iter(lines), None))
        return Given(wanted, SOURCE, line.at) if line else Given(wanted, DEFAULT)

    def expanded(self, text: str) -> str:
        """A command with the tokens that ssh knows in ProxyCommand and ProxyJump. Raises UnknownTokenError."""
        return expand(
            text, {"h": self.one("hostname"), "n": self.call.host, "p": self.one("port"), "r": self.one("user")}
        )

    def path(self, text: str) -> str:
        """A file's name with tokens, variables and `~` as ssh reads them. Raises UnknownTokenError."""
        account = self.system.account
        tokens = {
            "d": str(account.home),
            "h": self.one("hostname"),
            "k": self.one("hostkeyalias") or self.call.host,
            "n": self.call.host,
            "p": self.one("port"),
            "r": self.one("user"),
            "u": account.name,
        }
        name = expand_variables(expand(text, tokens), self.system.child_environ)
        return str(account.home / name[2:]) if name.startswith("~/") else name


@dataclass(slots=True)
class OpenSsh:
    """The system's ssh, asked once for each call. `away`: its files are not those of the deploying machine."""

    system: System
    away: bool = False
    skipped: list[Skipped] = field(default_factory=list)
    _answers: dict[Call, Answer] = field(default_factory=dict)

    def ask(self, call: Call) -> Answer:
        """What ssh would use.

        Raises SshRefusesError where ssh itself stops, NotFollowed where it does not answer.
        """
        if call not in self._answers:
            self._answers[call] = Answer(call, self.system, self._ask(call))
        return self._answers[call]

    def takes(self, call: Call) -> bool:
        """Whether ssh makes something of a call at all."""
        try:
            self.ask(call)
        except SshRefusesError:
            return False
        return True

    def _ask(self, call: Call) -> dict[str, list[str]]:
        if call.host.startswith("-"):  # -V is even answered, though with no name of a host
            raise SshRefusesError("it takes a name that begins with - for an option")
        try:
            done = self.system.run(("ssh", "-G", *call.arguments), _SECONDS)
        except subprocess.TimeoutExpired:
            raise NotFollowed(f"`ssh -G {call.host}` gave no answer within {_SECONDS:.0f} s") from None
        except OSError:
            return self._read_files(call)
        if done.returncode:
            raise SshRefusesError(_words(done.stderr))
        values: dict[str, list[str]] = {}
        for line in done.stdout.splitlines():
            keyword, _, value = line.partition(" ")
            values.setdefault(keyword, []).append(value)
        return values

    def _read_files(self, call: Call) -> dict[str, list[str]]:
        """Without an ssh to ask: what its files say. Raises NotFollowed where only ssh could say it."""
        values: dict[str, list[str]] = {}
        for line, certain in SshFiles(self.system, call.config).applying(call.host, call.user):
            if not certain:
                raise NotFollowed(
                    f"there is no ssh here to ask about {call.host}, and {line.at.file}:{line.at.line} may apply"
                )
            if line.keyword == "identityfile" or line.keyword not in values:
                # Of these two ssh takes the line as it stands, quotes and all.
                raw = line.keyword in ("proxyjump", "proxycommand")
                values.setdefault(line.keyword, []).append(line.value.strip() if raw else line.text)
        note = Skipped(
            "ssh's own reading of its configuration", "there is no ssh here: its files were read", needed=False
        )
        if note not in self.skipped:
            self.skipped.append(note)
        values.setdefault("hostname", [call.host])
        values["hostname"] = [values["hostname"][0].replace("%h", call.host)]
        for keyword, value in (("user", call.user), ("port", call.port), ("proxyjump", call.jumps)):
            if value is not None:
                values[keyword] = [value]
        home = self.system.account.home / ".ssh"
        values.setdefault("user", [self.system.account.name])
        values.setdefault("port", ["22"])
        values.setdefault("identityfile", [f"~/.ssh/id_{kind}" for kind in ("rsa", "ecdsa", "ed25519")])
        values.setdefault("userknownhostsfile", [f"{home}/known_hosts {home}/known_hosts2"])
        values.setdefault("globalknownhostsfile", ["/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"])
        return values


def _words(stderr: str) -> str:
    said: Sequence[str] = [line.strip() for line in stderr.splitlines() if line.strip() and _NOISE not in line]
    return said[0] if said else "no message"
