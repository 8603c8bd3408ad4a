"""Every frozen type that crosses a door between two rooms.

Lines and columns are 1-based, the way people and GitHub count them; an end column is exclusive.
Times are milliseconds as a float. Text that came from a server is kept raw here: the reports clean it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)


class Verdict(StrEnum):
    """What the whole check, or one route of it, comes to."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    INCOMPLETE = "incomplete"


class Severity(StrEnum):
    """How much a finding matters: an error stops the deploy, a warning may, a notice does not."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


class Vantage(StrEnum):
    """Where the check ran, and so what it could see of the deploying machine."""

    LOCAL = "local"
    RUNNER = "runner"
    CONTAINER = "container"


class Role(StrEnum):
    """What a hop is for: a jump passes the connection on, a target lends the registry's port."""

    JUMP = "jump"
    TARGET = "target"


class Client(StrEnum):
    """Who dials a hop when Kamal runs: the system's ssh (jumps) or net-ssh (targets)."""

    OPENSSH = "openssh"
    NET_SSH = "net-ssh"


class Purpose(StrEnum):
    """What a route is opened for: `build pull` on the servers, `build push` on a remote builder."""

    PULL = "pull"
    BUILD = "build"


class Certainty(StrEnum):
    """How a server's line is known: its own sshd named it, the wire proves the keyword, or neither."""

    EXACT = "exact"
    KEYWORD = "keyword"
    CANDIDATES = "candidates"


class Status(StrEnum):
    """How a stage, or a hop, ended."""

    PASS = "pass"  # noqa: S105 - a status, not a password
    FAIL = "fail"
    SKIPPED = "skipped"


class Stage(StrEnum):
    """The steps on one hop, in the order in which they are taken."""

    REACH = "reach"
    HOST_KEY = "host-key"
    LOGIN = "login"
    FORWARD = "forward"  # a jump opens a channel to the next hop
    LISTEN = "listen"  # a target grants tcpip-forward, RFC 4254 §7.1
    DATA = "data"  # bytes went from the target to our end and back


class Cause(StrEnum):
    """What was seen when a stage did not pass. Never why: that is for a rule to say."""

    NAME_UNKNOWN = "name-unknown"
    REFUSED = "refused"
    TIMED_OUT = "timed-out"
    NO_ROUTE = "no-route"
    CLOSED_EARLY = "closed-early"
    NOT_SSH = "not-ssh"
    NO_COMMON_ALGORITHM = "no-common-algorithm"
    HOST_KEY_UNKNOWN = "host-key-unknown"
    HOST_KEY_CHANGED = "host-key-changed"
    LOGIN_REFUSED = "login-refused"
    LOGIN_PARTIAL = "login-partial"
    TOO_MANY_FAILURES = "too-many-failures"
    NO_KEY = "no-key"
    PROHIBITED = "prohibited"
    LISTEN_DENIED = "listen-denied"
    LISTEN_BUSY = "listen-busy"
    NO_DATA = "no-data"
    CANNOT_RUN = "cannot-run"
    LOST = "lost"
    PROXY_COMMAND = "proxy-command"
    OUT_OF_TIME = "out-of-time"
    NOT_SEEN_FROM_HERE = "not-seen-from-here"
    UNEXPECTED = "unexpected"


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a file a person can open. `end_column` is exclusive; 0 means "the line alone"."""

    file: str
    line: int
    column: int = 1
    end_line: int = 0
    end_column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Given(Generic[T_co]):
    """A value and where it came from: a line of deploy.yml or ssh_config, a flag, or Kamal's default."""

    value: T_co
    source: str
    at: Span | None = None

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True, slots=True)
class Node:
    """A value of deploy.yml that knows where it stands.

    `value` is a dict of Nodes, a list of Nodes, or a scalar as Psych reads it. `unknown` says why the
    value can't be known (ERB that only Ruby could run); such a node fits any type.
    """

    value: Any
    at: Span
    key: Span | None = None
    unknown: str = ""

    def get(self, *path: str | int) -> Node | None:
        """The node at `path`, or None where it is absent."""
        node: Node | None = self
        for step in path:
            if node is None:
                return None
            inside = node.value
            if isinstance(inside, dict):
                node = inside.get(step)
            elif isinstance(inside, list) and isinstance(step, int) and 0 <= step < len(inside):
                node = inside[step]
            else:
                return None
        return node

    def items(self) -> Iterator[tuple[str, Node]]:
        """The pairs of a mapping; nothing for any other value."""
        if isinstance(self.value, dict):
            yield from self.value.items()

    def elements(self) -> Iterator[Node]:
        """The elements of a list; nothing for any other value."""
        if isinstance(self.value, list):
            yield from self.value


class ProblemKind(StrEnum):
    """What is wrong with deploy.yml, as far as a rule tells it apart."""

    SYNTAX = "syntax"  # not YAML that Psych reads
    TEMPLATE = "template"  # ERB that cannot be rendered by anyone
    UNKNOWN_KEY = "unknown-key"
    WRONG_TYPE = "wrong-type"
    MISSING = "missing"
    WRONG_VALUE = "wrong-value"
    TOO_NEW = "too-new"  # a key that this Kamal does not know yet
    KAMAL_1 = "kamal-1"
    OPAQUE = "opaque"  # ERB that only Ruby could run: validation went on without the value


@dataclass(frozen=True, slots=True)
class Problem:
    """Something Kamal would reject, or that could not be judged, in a file of the project."""

    kind: ProblemKind
    severity: Severity
    message: str
    at: Span
    path: str = ""  # Kamal's own way to name the place: `servers/web/hosts`
    hint: str = ""


@dataclass(frozen=True, slots=True)
class KamalVersion:
    """The Kamal whose rules apply, and how that is known: `input`, `Gemfile.lock:212` or `assumed`."""

    version: str
    source: str

    @property
    def parts(self) -> tuple[int, ...]:
        """The numbers of the version, for comparing."""
        return tuple(int(part) for part in self.version.split(".") if part.isdigit())


@dataclass(frozen=True, slots=True)
class DeployConfig:
    """deploy.yml with its destination merged in, and what is wrong with it.

    `root` is None where the text could not be read as YAML at all.
    """

    file: str
    destination: str | None
    kamal: KamalVersion
    root: Node | None
    problems: tuple[Problem, ...] = ()


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

    @property
    def origin(self) -> Span | None:
        """The line that put this hop on the route."""
        return self.host.at

    @property
    def name(self) -> str:
        """The hop as a person writes it: `user@host`, with the port where it is not 22."""
        host = f"[{self.host}]" if ":" in self.host.value and self.port.value != DEFAULT_PORT else str(self.host)
        return f"{self.user}@{host}" + ("" if self.port.value == DEFAULT_PORT else f":{self.port}")


DEFAULT_PORT = 22


@dataclass(frozen=True, slots=True)
class Route:
    """One way that Kamal goes: jumps in dialling order, then the target that is to listen on `port`."""

    purpose: Purpose
    hops: tuple[Hop, ...]
    listen: str
    port: int

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


@dataclass(frozen=True, slots=True)
class Heard:
    """What a server said in passing (RFC 4253 §11): its version, SSH_MSG_DEBUG texts, its good-bye."""

    version: str = ""
    debug: tuple[str, ...] = ()
    before_banner: tuple[str, ...] = ()
    disconnect: str = ""


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
    asides: Mapping[Aside, AsideAnswer] = field(default_factory=dict)
    host_said: Mapping[str, str] = field(default_factory=dict)
    not_asked: str = ""
    """Why the host was not asked, or could not answer."""
    held_ms: float = 0.0
    """How long the forward was up for the probe."""

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


@dataclass(frozen=True, slots=True)
class Change:
    """One line to change on one host. `line` is None where a line is to be added."""

    host: str
    file: str
    line: int | None
    current: str
    change_to: str


@dataclass(frozen=True, slots=True)
class ServerLine:
    """The line that decides, of sshd_config, a drop-in, or authorized_keys (there `keyword` is the option).

    `excerpt` holds the neighbouring lines as (number, text), for the terminal only.
    """

    host: str
    file: str
    line: int | None
    keyword: str
    current: str
    change_to: str
    certainty: Certainty
    excerpt: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A cause that fits what was seen, and the one command that would settle it."""

    keyword: str
    why: str
    settle: str


@dataclass(frozen=True, slots=True)
class Fix:
    """What to do: one sentence, every line that must change together, and commands to type on the host."""

    summary: str
    changes: tuple[Change, ...] = ()
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault, however many hosts it stops. `why` and `evidence` are for people, not for the JSON."""

    code: str
    name: str
    severity: Severity
    message: str
    hop: Hop | None = None
    affects: tuple[str, ...] = ()
    location: Span | None = None
    server_line: ServerLine | None = None
    candidates: tuple[Candidate, ...] = ()
    fix: Fix | None = None
    why: str = ""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """All that a check has to say. The formats in `report/` are functions of this and of nothing else."""

    tool_version: str
    vantage: Vantage
    kamal: KamalVersion
    file: str
    destination: str | None
    verdict: Verdict
    forwarding: Forwarding
    traces: tuple[Trace, ...] = ()
    findings: tuple[Finding, ...] = ()
    ignored: Mapping[str, int] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()
    total_ms: float = 0.0

    @property
    def failing_hops(self) -> tuple[Hop, ...]:
        """The hops that stop a route, in route order, each once."""
        hops = [trace.failing.hop for trace in self.traces if trace.failing]
        return tuple(dict.fromkeys(hops))
