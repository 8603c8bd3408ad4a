"""What Kamal would open: hops with all that its clients use to enter them, routes, and what is not known."""

from __future__ import annotations

from dataclasses import dataclass, field

from kamal_forward_check.model.algorithms import Algorithms
from kamal_forward_check.model.source import Given, Problem, Span
from kamal_forward_check.model.words import Client, Purpose, Role

DEFAULT_PORT = 22

ROUTES = "the SSH routes"
"""What is skipped where none of them is walked."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What one client offers one hop, in the order of offering: agent (and identities), data, files."""

    files: tuple[Given[str], ...] = ()
    data: tuple[Given[str], ...] = field(default=(), repr=False)
    identities: tuple[Given[str], ...] = field(default=(), repr=False)
    """--identity paths or ssh-private-key texts: they stand for the keys in the deploying machine's agent."""
    agent: str | None = None
    """The agent's socket, or None where this client asks none."""
    only_named: bool = False
    """keys_only / IdentitiesOnly: of the agent's keys, just those that `files` name."""
    missing: str = ""
    """Why a key that Kamal would offer is not here (a secret behind `$(...)`): then a refused login proves nothing."""


@dataclass(frozen=True, slots=True)
class HostKeyRule:
    """How a client treats a host's key: `names` are looked up in `files`; an unknown key may be accepted."""

    names: tuple[str, ...]
    files: tuple[str, ...]
    accept_unknown: bool
    accept_changed: bool = False
    lines: str = ""
    """known_hosts text that came as text (ssh-known-hosts), read beside `files`."""
    also: tuple[str, ...] = ()
    """Names whose key makes the host known as well; another key there proves nothing (ssh's name without the port)."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One SSH server on a route, and all that Kamal's client would use to enter it."""

    role: Role
    host: Given[str]
    port: Given[int]
    user: Given[str]
    dialled_by: Client
    address: str
    """What is dialled: ssh_config's HostName, else the host."""
    keys: Keys
    host_key_rule: HostKeyRule
    proxy_command: Given[str] | None = None
    """A command whose stdin and stdout carry the connection, its tokens already expanded."""
    proposes: Algorithms | None = field(default=None, compare=False, repr=False)
    """What Kamal's client would propose to this server; None where that was not worked out."""

    @property
    def origin(self) -> Span | None:
        """The line that put this hop on the route."""
        return self.host.at

    @property
    def name(self) -> str:
        """The hop as a person writes it: `user@host`, with the port where it is not 22."""
        host = f"[{self.host}]" if ":" in self.host.value and self.port.value != DEFAULT_PORT else str(self.host)
        return f"{self.user}@{host}" + ("" if self.port.value == DEFAULT_PORT else f":{self.port}")


@dataclass(frozen=True, slots=True)
class Route:
    """One way that Kamal goes: jumps in dialling order, then the target that is to listen on `port`."""

    purpose: Purpose
    hops: tuple[Hop, ...]
    listen: str
    port: int
    ssh: tuple[str, ...] = ()
    """The ssh that Kamal calls for the jumps, word by word; empty where there are none."""
    identities: tuple[Given[str], ...] = field(default=(), repr=False)
    """The keys given for the check: a command that leads to a hop finds them in its agent."""

    @property
    def jumps(self) -> tuple[Hop, ...]:
        """The hops before the target, in dialling order."""
        return self.hops[:-1]

    @property
    def target(self) -> Hop:
        """The hop that is asked for the forward."""
        return self.hops[-1]


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that was not looked at, and why. `needed` makes the verdict incomplete."""

    what: str
    why: str
    needed: bool = True


@dataclass(frozen=True, slots=True)
class Forwarding:
    """Whether Kamal needs a forward at all, for which port, and what decides that."""

    needed: bool
    port: int | None
    reason: str
    at: Span | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What Kamal would open: whether a forward is needed, the routes, and what could not be worked out."""

    forwarding: Forwarding
    routes: tuple[Route, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    problems: tuple[Problem, ...] = ()
