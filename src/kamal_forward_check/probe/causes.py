"""One table from what the libraries raise to what was seen.

A test walks paramiko's exceptions and finds none without a row.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence

import paramiko
from paramiko import ssh_exception

from kamal_forward_check.model import Cause, HostKey, Stage

PROHIBITED_CODE = 1  # SSH_OPEN_ADMINISTRATIVELY_PROHIBITED, RFC 4254 §5.1
CONNECT_FAILED_CODE = 2  # SSH_OPEN_CONNECT_FAILED


class HostKeyError(paramiko.SSHException):
    """The client would not accept the key that the host showed."""

    def __init__(self, seen: HostKey) -> None:
        super().__init__(seen.fingerprint)
        self.seen = seen


class HostKeyUnknownError(HostKeyError):
    """The host's key is in no known_hosts, and this client does not accept that."""


class HostKeyChangedError(HostKeyError):
    """known_hosts has another key for this host, or has this one revoked."""


class HostKeyUncheckedError(HostKeyError):
    """Whether the client would accept the host's key is not to be seen with it alone."""


class NothingSharedError(paramiko.SSHException):
    """Kamal's client would find no algorithm of some kind that this server has: its keywords."""


class HalfLoginError(paramiko.SSHException):
    """The server took the key, and asks for more."""


class NoKeyError(paramiko.SSHException):
    """There is no key to offer."""


class UnsignedError(paramiko.SSHException):
    """The server would take a key of the agent, and the agent does not sign with it."""


class ChannelRefusedError(Exception):
    """A hop refused a channel: `code` by RFC 4254 §5.1, and the server's own text."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text or f"refused, without a word (code {code})")
        self.code = code
        self.text = text

    @property
    def by_policy(self) -> bool:
        """The hop itself forbids the forward; otherwise it tried, and could not connect."""
        return self.code == PROHIBITED_CODE


class ListenDeniedError(Exception):
    """The target answered tcpip-forward with REQUEST_FAILURE (RFC 4254 §7.1)."""


# (type, part of the text or "", cause); the first row that fits counts.
TABLE: tuple[tuple[type[BaseException], str, Cause], ...] = (
    (HostKeyUnknownError, "", Cause.HOST_KEY_UNKNOWN),
    (HostKeyChangedError, "", Cause.HOST_KEY_CHANGED),
    (HostKeyUncheckedError, "", Cause.NOT_SEEN_FROM_HERE),
    (ssh_exception.BadHostKeyException, "", Cause.HOST_KEY_CHANGED),
    (NothingSharedError, "", Cause.NO_COMMON_ALGORITHM),
    (HalfLoginError, "", Cause.LOGIN_PARTIAL),
    (NoKeyError, "", Cause.NO_KEY),
    (UnsignedError, "", Cause.UNSIGNED),
    (ListenDeniedError, "", Cause.LISTEN_DENIED),
    (ssh_exception.PartialAuthentication, "", Cause.LOGIN_PARTIAL),
    (ssh_exception.AuthenticationException, "transport shut down", Cause.LOST),
    (ssh_exception.AuthenticationException, "timeout", Cause.TIMED_OUT),
    (ssh_exception.AuthenticationException, "", Cause.LOGIN_REFUSED),
    (ssh_exception.CouldNotCanonicalize, "", Cause.NAME_UNKNOWN),
    (ssh_exception.ConfigParseError, "", Cause.UNEXPECTED),
    (ssh_exception.MessageOrderError, "", Cause.UNEXPECTED),
    (ssh_exception.IncompatiblePeer, "", Cause.NO_COMMON_ALGORITHM),
    (ssh_exception.ProxyCommandFailure, "", Cause.PROXY_COMMAND),
    (ssh_exception.NoValidConnectionsError, "", Cause.REFUSED),
    (ssh_exception.ChannelException, "", Cause.PROHIBITED),
    (paramiko.SSHException, "Error reading SSH protocol banner", Cause.CLOSED_EARLY),
    (paramiko.SSHException, "Indecipherable protocol version", Cause.NOT_SSH),
    (paramiko.SSHException, "Invalid SSH banner", Cause.NOT_SSH),
    (paramiko.SSHException, "Timeout opening channel", Cause.TIMED_OUT),
    (paramiko.SSHException, "Negotiation failed", Cause.LOST),
    (paramiko.SSHException, "No existing session", Cause.LOST),
    (paramiko.SSHException, "Unable to open channel", Cause.LOST),
    (paramiko.SSHException, "SSH session not active", Cause.LOST),
    (paramiko.SSHException, "", Cause.UNEXPECTED),
    (socket.gaierror, "", Cause.NAME_UNKNOWN),
    (UnicodeError, "", Cause.NAME_UNKNOWN),  # a name that IDNA can't encode
    (TimeoutError, "", Cause.TIMED_OUT),
    (ConnectionRefusedError, "", Cause.REFUSED),
    (ConnectionError, "", Cause.LOST),
    (EOFError, "", Cause.LOST),
    (FileNotFoundError, "", Cause.PROXY_COMMAND),
    (PermissionError, "", Cause.NO_ROUTE),  # a local firewall's verdict on connect()
)

OVERLOAD_TEXTS = ("Exceeded MaxStartups", "Not allowed at this time")
"""What sshd says before it hangs up: up to 9.7, and from 9.8 on (PerSourcePenalties as well)."""

_NO_ROUTE_ERRORS = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EHOSTDOWN, errno.ENETDOWN}

# What sshd says when it may forward and could not connect (measured, 8.2 to 10.5); the text is strerror's. Servers
# written in Go say it in Go's words.
_CONNECT_TEXTS = (
    ("connection refused", Cause.REFUSED),
    ("timed out", Cause.TIMED_OUT),
    ("timeout", Cause.TIMED_OUT),
    ("no route to host", Cause.NO_ROUTE),
    ("unreachable", Cause.NO_ROUTE),
    ("open failed", Cause.NO_ROUTE),  # what is left of "Network is unreachable"
    ("not known", Cause.NAME_UNKNOWN),
    ("no such host", Cause.NAME_UNKNOWN),
    ("name resolution", Cause.NAME_UNKNOWN),
    ("no address associated", Cause.NAME_UNKNOWN),
)


def cause_of(error: BaseException, stage: Stage, transport: paramiko.Transport | None = None) -> Cause:
    """What `error` shows, seen at `stage`; `transport` tells a dead connection from an answer."""
    if isinstance(error, ChannelRefusedError):
        return _of_refused_channel(error)
    disconnect = getattr(transport, "disconnect", None)
    if disconnect and "too many authentication failures" in disconnect[1].lower():
        return Cause.TOO_MANY_FAILURES
    if isinstance(error, OSError) and error.errno in _NO_ROUTE_ERRORS:
        return Cause.NO_ROUTE
    cause = next((c for kind, text, c in TABLE if isinstance(error, kind) and text in str(error)), Cause.UNEXPECTED)
    if cause is Cause.LOST and stage is Stage.REACH:
        cause = Cause.CLOSED_EARLY
    if cause is Cause.CLOSED_EARLY and _spoke_otherwise(getattr(transport, "before_banner", [])):
        return Cause.NOT_SSH
    return cause


def _spoke_otherwise(before_banner: Sequence[str]) -> bool:
    """It said something in place of a banner, and it is none of sshd's own reasons to hang up."""
    said = [text for text in before_banner if text.strip()]
    return bool(said) and not any(reason in text for text in said for reason in OVERLOAD_TEXTS)


def _of_refused_channel(error: ChannelRefusedError) -> Cause:
    if error.by_policy:
        return Cause.PROHIBITED
    return cause_of_connect(error.text) if error.code == CONNECT_FAILED_CODE else Cause.UNEXPECTED


def cause_of_connect(text: str) -> Cause:
    """Why a connection failed, by the text of whoever tried it."""
    said = text.lower()
    return next((cause for words, cause in _CONNECT_TEXTS if words in said), Cause.UNEXPECTED)
