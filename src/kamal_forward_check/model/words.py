"""The words that all rooms share: verdicts, roles, stages, causes."""

from __future__ import annotations

from enum import StrEnum


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
    UNSIGNED = "unsigned"
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
