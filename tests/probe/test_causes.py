"""The table from what the libraries raise to what was seen: nothing is missing, and nothing is misread."""

from __future__ import annotations

import errno
import inspect
import socket
from types import SimpleNamespace

import paramiko
import pytest
from paramiko import ssh_exception

from kamal_forward_check.model import Cause, Stage
from kamal_forward_check.probe import causes
from kamal_forward_check.probe.causes import TABLE, ChannelRefusedError, cause_of

OURS = [kind for _, kind in inspect.getmembers(causes, inspect.isclass) if issubclass(kind, Exception)]
PARAMIKOS = [kind for _, kind in inspect.getmembers(ssh_exception, inspect.isclass) if issubclass(kind, Exception)]


@pytest.mark.parametrize("kind", PARAMIKOS, ids=lambda kind: kind.__name__)
def test_every_exception_of_paramiko_has_a_row(kind: type[Exception]) -> None:
    rest = paramiko.SSHException  # the last row of all, for what is not known
    assert kind is rest or any(issubclass(kind, row[0]) for row in TABLE if row[0] is not rest)


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
def test_every_exception_of_ours_has_a_row_or_is_judged_apart(kind: type[Exception]) -> None:
    assert kind in (ChannelRefusedError, causes.HostKeyError) or any(row[0] is kind for row in TABLE)


def test_no_row_is_hidden_by_one_above_it() -> None:
    for at, (kind, text, _) in enumerate(TABLE):
        assert not any(issubclass(kind, above) and other in text for above, other, _ in TABLE[:at]), (kind, text)


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (paramiko.SSHException("Error reading SSH protocol banner"), Cause.CLOSED_EARLY),
        (
            paramiko.SSHException("Error reading SSH protocol banner[Errno 104] Connection reset by peer"),
            Cause.CLOSED_EARLY,
        ),
        (paramiko.SSHException('Indecipherable protocol version "SSH-9"'), Cause.NOT_SSH),
        (paramiko.SSHException("Timeout opening channel."), Cause.TIMED_OUT),
        (paramiko.SSHException("something new"), Cause.UNEXPECTED),
        (paramiko.ssh_exception.IncompatiblePeer("no acceptable kex"), Cause.NO_COMMON_ALGORITHM),
        (socket.gaierror(-2, "Name or service not known"), Cause.NAME_UNKNOWN),
        (UnicodeError("label too long"), Cause.NAME_UNKNOWN),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), Cause.REFUSED),
        (TimeoutError("timed out"), Cause.TIMED_OUT),
        (OSError(errno.EHOSTUNREACH, "No route to host"), Cause.NO_ROUTE),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), Cause.NO_ROUTE),
        (ConnectionResetError(errno.ECONNRESET, "reset"), Cause.CLOSED_EARLY),
        (EOFError(), Cause.CLOSED_EARLY),
        (ValueError("a bug"), Cause.UNEXPECTED),
    ],
)
def test_on_the_way_to_a_host(error: Exception, cause: Cause) -> None:
    assert cause_of(error, Stage.REACH) is cause


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (paramiko.AuthenticationException("Authentication failed."), Cause.LOGIN_REFUSED),
        (paramiko.BadAuthenticationType("Bad authentication type", ["password"]), Cause.LOGIN_REFUSED),
        (
            paramiko.AuthenticationException("Authentication failed: transport shut down or saw EOF"),
            Cause.LOST,
        ),
        (paramiko.AuthenticationException("Authentication timeout."), Cause.TIMED_OUT),
        (paramiko.SSHException("No existing session"), Cause.LOST),
        (EOFError(), Cause.LOST),
        (causes.HalfLoginError("x"), Cause.LOGIN_PARTIAL),
        (causes.NoKeyError("x"), Cause.NO_KEY),
    ],
)
def test_at_the_login(error: Exception, cause: Cause) -> None:
    assert cause_of(error, Stage.LOGIN) is cause


@pytest.mark.parametrize(
    ("code", "text", "cause"),
    [
        (1, "open failed", Cause.PROHIBITED),
        (1, "", Cause.PROHIBITED),
        (2, "Connection refused", Cause.REFUSED),
        (2, "Connection timed out", Cause.TIMED_OUT),
        (2, "No route to host", Cause.NO_ROUTE),
        (2, "Name or service not known", Cause.NAME_UNKNOWN),
        (2, "Temporary failure in name resolution", Cause.NAME_UNKNOWN),
        (2, "No address associated with hostname", Cause.NAME_UNKNOWN),
        (2, "open failed", Cause.NO_ROUTE),
        (2, "dial tcp 10.0.0.5:22: connect: connection refused", Cause.REFUSED),
        (2, "dial tcp: lookup web-1: no such host", Cause.NAME_UNKNOWN),
        (2, "dial tcp 10.0.0.5:22: i/o timeout", Cause.TIMED_OUT),
        (2, "", Cause.UNEXPECTED),
        (2, "words of another server", Cause.UNEXPECTED),
        (3, "unknown channel type", Cause.UNEXPECTED),
        (4, "resource shortage", Cause.UNEXPECTED),
    ],
)
def test_a_jump_that_opens_no_channel(code: int, text: str, cause: Cause) -> None:
    assert cause_of(ChannelRefusedError(code, text), Stage.REACH) is cause


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ([], Cause.CLOSED_EARLY),
        ([""], Cause.CLOSED_EARLY),
        (["Exceeded MaxStartups"], Cause.CLOSED_EARLY),
        (["Not allowed at this time"], Cause.CLOSED_EARLY),
        (["HTTP/1.1 400 Bad Request"], Cause.NOT_SSH),
        (["", "220 mail ESMTP"], Cause.NOT_SSH),
    ],
)
def test_what_is_said_before_the_banner_tells_an_sshd_from_another_server(said: list[str], cause: Cause) -> None:
    transport = SimpleNamespace(before_banner=said, disconnect=None)
    error = paramiko.SSHException("Error reading SSH protocol banner")
    assert cause_of(error, Stage.REACH, transport) is cause  # type: ignore[arg-type]


def test_the_good_bye_tells_too_many_keys() -> None:
    transport = SimpleNamespace(before_banner=[], disconnect=(2, "Too many authentication failures"))
    error = paramiko.SSHException("No existing session")
    assert cause_of(error, Stage.LOGIN, transport) is Cause.TOO_MANY_FAILURES  # type: ignore[arg-type]
