"""What was seen on a route, hop by hop: observations, never reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kamal_forward_check.model.algorithms import Algorithms
from kamal_forward_check.model.route import Hop, Route
from kamal_forward_check.model.words import Cause, Role, Stage, Status, Verdict


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen at one stage of one hop. `detail` is the library's, or the server's, own words."""

    stage: Stage
    status: Status
    ms: float = 0.0
    cause: Cause | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class HostKey:
    """The key that a host showed: `line` is what to pin in known_hosts."""

    kind: str
    fingerprint: str
    line: str
    known: bool


class Beside(StrEnum):
    """What a probe of data meets on a target that granted the forward, and Docker's own pull will meet as well."""

    OTHER_ON_IPV6 = "other-on-ipv6"  # `localhost` is ::1 too, and another program listens on the port there
    NO_DOCKER = "no-docker"  # no program of that name on the login's PATH
    DOCKER_ELSEWHERE = "docker-elsewhere"  # the login's rootless dockerd has a network, and a loopback, of its own


class Answers(StrEnum):
    """Who answers on the registry's port of the deploying machine."""

    NOBODY = "nobody"
    REGISTRY = "registry"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class OwnPort:
    """The registry's port of the deploying machine, on one of the addresses that `localhost` has there."""

    address: str
    port: int
    answers: Answers
    said: str = ""
    """What answers, as a person names it: `HTTP 403, Server: AirTunes/700`, `TLS`."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a server said in passing (RFC 4253 §11): its version, SSH_MSG_DEBUG texts, its good-bye."""

    version: str = ""
    debug: tuple[str, ...] = ()
    before_banner: tuple[str, ...] = ()
    disconnect: str = ""
    algorithms: Algorithms | None = None
    """The server's lists, where it came to name them."""


@dataclass(frozen=True, slots=True)
class LoginTrace:
    """What was offered at a login, and what the server had to say to it."""

    offered: tuple[str, ...] = ()
    """The keys in the order of offering, the one that opened it being the last: `NAME SHA256:…`."""
    unsigned: tuple[str, ...] = ()
    """Of these, keys of the agent that the server would take, and with which the agent did not sign."""
    methods: tuple[str, ...] = ()
    """The methods that the server would still take when it refused the last of them."""
    banner: str = ""
    """What it says to whoever logs in (RFC 4252 §5.4)."""
    would_open: str = ""
    """The key that opens this jump, and that Kamal offers the target behind it alone."""


class Aside(StrEnum):
    """A harmless further question on the wire, asked of a hop that refused, to tell causes apart."""

    OWN_SSHD = "own-sshd"  # direct-tcpip to the host's own sshd
    STREAMLOCAL = "streamlocal"  # streamlocal-forward to a path that cannot be bound
    OTHER_PORT = "other-port"  # tcpip-forward on another port


@dataclass(frozen=True, slots=True)
class AsideAnswer:
    """The reply to an `Aside`: granted, or refused with a code (RFC 4254 §5.1) and debug texts."""

    granted: bool
    code: int | None = None
    debug: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HopTrace:
    """All that was seen of one hop. `host_said` holds the sections of the host's own answers, by name."""

    hop: Hop
    stages: tuple[Observation, ...] = ()
    heard: Heard = Heard()
    host_key: HostKey | None = None
    opened_by: str = ""
    """The credential that opened the login, as a person names it: `agent: deploy@laptop`, `~/.ssh/id_ed25519`."""
    opened_by_identity: bool = False
    """It was a stand-in for the agent (--identity, ssh-private-key)."""
    login: LoginTrace = LoginTrace()
    asides: Mapping[Aside, AsideAnswer] = field(default_factory=dict)
    host_said: Mapping[str, str] = field(default_factory=dict)
    not_asked: str = ""
    """Why the host was not asked, or could not answer."""
    held_ms: float = 0.0
    """How long the forward was up for the probe."""
    no_commands: str = ""
    """Why a login runs no commands, as far as the probe came to see it."""
    beside: frozenset[Beside] = frozenset()
    """What the probe met beside the forward."""

    def at(self, stage: Stage) -> Observation | None:
        """What was seen at `stage`, or None where it was not come to."""
        return next((seen for seen in self.stages if seen.stage is stage), None)

    @property
    def stopped(self) -> Observation | None:
        """The observation that stopped this hop, if one did."""
        return next((seen for seen in self.stages if seen.status is Status.FAIL), None)

    @property
    def status(self) -> Status:
        """Fail where a stage failed, skipped where the hop's own work was not come to, else pass."""
        if self.stopped:
            return Status.FAIL
        last = Stage.LISTEN if self.hop.role is Role.TARGET else Stage.FORWARD
        seen = self.at(last)
        return Status.PASS if seen and seen.status is Status.PASS else Status.SKIPPED


@dataclass(frozen=True, slots=True)
class Trace:
    """One route as it was walked: a HopTrace for each of its hops, in order."""

    route: Route
    hops: tuple[HopTrace, ...]
    direct: HopTrace | None = None
    """The target of a route that stopped, tried again without its jumps."""

    @property
    def failing(self) -> HopTrace | None:
        """The first hop in route order that stopped it."""
        return next((hop for hop in self.hops if hop.status is Status.FAIL), None)

    @property
    def verdict(self) -> Verdict:
        """Pass where the target granted the forward and no data was lost; incomplete where it was not asked."""
        if self.failing:
            return Verdict.FAIL
        return Verdict.PASS if self.hops[-1].status is Status.PASS else Verdict.INCOMPLETE
