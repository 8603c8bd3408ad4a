"""What ssh says when it does not get through its jumps, read as evidence (OpenSSH 8.2 to 10, at LogLevel VERBOSE)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kamal_forward_check.model import Cause, Stage
from kamal_forward_check.probe.causes import cause_of_connect

# (a line of ssh's, the stage at which it stops, the cause; None where the line's own rest tells it); the first line
# that fits a row counts: what comes after is what an ssh says whose ProxyJump has died.
TABLE: tuple[tuple[re.Pattern[str], Stage, Cause | None], ...] = tuple(
    (re.compile(pattern), stage, cause)
    for pattern, stage, cause in (
        (r"ssh: Could not resolve hostname ", Stage.REACH, Cause.NAME_UNKNOWN),
        (r"ssh: connect to (?:host|address) .+ port \d+: (?P<rest>.+)", Stage.REACH, None),
        (r"Connection timed out during banner exchange", Stage.REACH, Cause.TIMED_OUT),
        (r"Unable to negotiate with .+: no matching ", Stage.REACH, Cause.NO_COMMON_ALGORITHM),
        (r"kex_exchange_identification: banner line contains invalid", Stage.REACH, Cause.NOT_SSH),
        (r"Bad remote protocol version identification", Stage.REACH, Cause.NOT_SSH),
        (r"kex_exchange_identification: ", Stage.REACH, Cause.CLOSED_EARLY),
        (r"Bad stdio forwarding specification", Stage.REACH, Cause.UNEXPECTED),
        (r"Host key for .+ has changed and you have requested strict checking", Stage.HOST_KEY, Cause.HOST_KEY_CHANGED),
        (r"WARNING: REVOKED HOST KEY DETECTED!", Stage.HOST_KEY, Cause.HOST_KEY_CHANGED),
        (r"Host key verification failed", Stage.HOST_KEY, Cause.HOST_KEY_UNKNOWN),
        (r'Authenticated using "\S+" with partial success', Stage.LOGIN, Cause.LOGIN_PARTIAL),
        (r"Received disconnect from .+: Too many authentication failures", Stage.LOGIN, Cause.TOO_MANY_FAILURES),
        (r"\S+: Permission denied \(", Stage.LOGIN, Cause.LOGIN_REFUSED),
        (r"(?:Connection (?:closed|reset) by|Received disconnect from) ", Stage.LOGIN, Cause.LOST),
        (r"channel \d+: open failed: administratively prohibited", Stage.FORWARD, Cause.PROHIBITED),
        (r"channel \d+: open failed: connect failed: (?P<rest>.+)", Stage.FORWARD, None),
        (r"channel \d+: open failed: ", Stage.FORWARD, Cause.UNEXPECTED),
    )
)

_LOGGED_IN = "Authenticated to "
_OUR_END = "Killed by signal"


@dataclass(frozen=True, slots=True)
class Said:
    """Where ssh stopped: at the hop of this number on the way, at this stage, for this cause; its own words."""

    hop: int
    stage: Stage
    cause: Cause
    words: str


def read(stderr: str) -> Said | None:
    """Where ssh stopped, by its own words; None where they do not tell."""
    logins = 0
    for line in _lines(stderr):
        if line.startswith(_LOGGED_IN):
            logins += 1
        for pattern, stage, cause in TABLE:
            if not (found := pattern.match(line)):
                continue
            seen = cause or cause_of_connect(found["rest"])
            if stage is not Stage.FORWARD:
                return Said(logins, stage, seen, line)
            if not logins:  # a connection that was there before: whose words these are is not told
                return None
            if cause is None:
                return Said(logins, Stage.REACH, seen, line)
            return Said(logins - 1, stage, seen, line)
    return None


def last_words(stderr: str) -> str:
    """The last line that says why, for one who reads it; empty where there is none."""
    lines = [line for line in _lines(stderr) if not line.startswith(_LOGGED_IN)]
    return lines[-1] if lines else ""


def logins(stderr: str) -> int:
    """How many hops let ssh in, as far as it came."""
    return sum(line.startswith(_LOGGED_IN) for line in _lines(stderr))


def _lines(stderr: str) -> Iterator[str]:
    # ssh frames its warnings with @.
    yield from (text for line in stderr.splitlines() if (text := line.strip(" @\t\r")) and _OUR_END not in text)
