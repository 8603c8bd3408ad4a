"""What is said in the end: findings with the line that decides and its fix, and the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kamal_forward_check.model.route import Forwarding, Hop, Skipped
from kamal_forward_check.model.seen import OwnPort, Trace
from kamal_forward_check.model.source import KamalVersion, Span
from kamal_forward_check.model.words import Certainty, Severity, Vantage, Verdict


@dataclass(frozen=True, slots=True)
class Change:
    """One line to change on one host. `line` is None where a line is to be added, or where no file has it.

    Of a line of authorized_keys (`of_key`) the texts are its options, as far as they may be shown.
    """

    host: str
    file: str
    line: int | None
    current: str
    change_to: str
    of_key: bool = False


@dataclass(frozen=True, slots=True)
class Daemon:
    """The sshd of a host that has to read its files again: the port that it listens on there, and its command.

    `command` is its program and the options that say which settings count: -f and -o.
    """

    host: str
    port: int
    command: tuple[str, ...] = ("sshd",)


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
class Way:
    """Another way to the same end: what it is, the file that it wants changed or made, and the lines that go there."""

    title: str
    file: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fix:
    """What to do: one sentence, every line that must change together, and commands to type on the host.

    `daemons` are to read their files again: after the changes, or, where there are none, as the files stand.
    `besides` says what must change as well, and is no line that was seen; `undone_by`, who would undo the change;
    `example`, how the like looks in deploy.yml.
    """

    summary: str
    changes: tuple[Change, ...] = ()
    commands: tuple[str, ...] = ()
    daemons: tuple[Daemon, ...] = ()
    besides: tuple[str, ...] = ()
    undone_by: str = ""
    ways: tuple[Way, ...] = ()
    example: tuple[str, ...] = ()


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
    own_port: tuple[OwnPort, ...] = ()
    total_ms: float = 0.0
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What no text here has in it any more, and a runner is to mask."""

    @property
    def failing_hops(self) -> tuple[Hop, ...]:
        """The hops that stop a route, in route order, each once."""
        hops = [trace.failing.hop for trace in self.traces if trace.failing]
        return tuple(dict.fromkeys(hops))
