"""Does data really go through? From the target to our end of the forward, and back."""

from __future__ import annotations

import contextlib
import secrets
import time
from enum import Enum
from functools import cache
from importlib.resources import files

import paramiko

from kamal_forward_check.model import Beside
from kamal_forward_check.probe.causes import ChannelRefusedError
from kamal_forward_check.probe.live import Live
from kamal_forward_check.probe.notes import Notes
from kamal_forward_check.probe.registry_stub import PROOF, RegistryStub

_SECONDS = 3
_LOGIN_SECONDS = 6.0  # for a login and one tool: a forced command may never end

_EATEN = "the start-up files of the login read what its commands should"
"""Of our script, that is: commands that read nothing, as Kamal's, run all the same."""


@cache
def _script() -> str:
    return (files(__package__) / "data.sh").read_text(encoding="utf-8")


class Flow(Enum):
    """What came of it. `UNTRIED`: nothing could run on the host, and no channel goes back."""

    THROUGH = "through"
    STUCK = "stuck"
    UNTRIED = "untried"


def send(live: Live, notes: Notes, port: int, stub: RegistryStub, limit: float) -> tuple[Flow, str]:
    """Fetch the stub's nonce from the target's 127.0.0.1:port; the flow, and by what (or what went wrong).

    What else is met on the way is in `notes`. No command is run where the key names one of its own. Raises EOFError
    where the connection ended.
    """
    options, end = live.key_options, time.monotonic() + limit
    ran, said = False, "the key runs a command of its own"
    if options and options.command:
        notes.no_commands = said
    else:
        flow, said = _by_a_program(live, notes, port, stub, limit)
        if flow is Flow.THROUGH:
            return flow, said
        ran = flow is Flow.STUCK
    flow, words = _by_a_channel(live, port, stub, max(end - time.monotonic(), 0.001))
    if flow is Flow.UNTRIED and ran:
        return Flow.STUCK, said
    return flow, words if flow is Flow.THROUGH else f"{said}; {words}"


def _by_a_program(live: Live, notes: Notes, port: int, stub: RegistryStub, limit: float) -> tuple[Flow, str]:
    mark = secrets.token_hex(8)
    # The nonce itself is not in the script: a login that echoes its input would prove data that never flowed.
    variables = {
        "S": mark,
        "PORT": port,
        "PAGE": stub.path,
        "PROOF": PROOF,
        "SECONDS_EACH": _SECONDS,
    }
    script = "".join(f"{name}={value}\n" for name, value in variables.items()) + _script()
    try:
        output = live.run(script, min(limit, _LOGIN_SECONDS))
    except (ChannelRefusedError, paramiko.SSHException, OSError) as error:
        words = str(error) or type(error).__name__
        if isinstance(error, ChannelRefusedError):
            notes.no_commands = f"the host opens no session ({words})"
        return Flow.UNTRIED, f"no command could be run: {words}"
    words_of = [line.split() for line in output.splitlines()]
    tools = [words[1] for words in words_of if words[:1] == [mark] and len(words) > 1]
    notes.beside = frozenset(each for each in Beside if [f"{mark}/{each}"] in words_of)
    if stub.nonce in output:
        return Flow.THROUGH, tools[-1]
    if not tools and (mark in output or _EATEN in output):
        return Flow.UNTRIED, _EATEN
    if not tools:
        said = next((line.strip() for line in output.splitlines() if line.strip()), "")
        notes.no_commands = f'the login answers /bin/sh with "{said}"' if said else "the login runs nothing"
        return Flow.UNTRIED, "no command could be run on the host"
    if not (tried := tools[1:]):
        return Flow.UNTRIED, "the host has no tool that could send data"
    last = next((line for line in reversed(output.splitlines()) if line.strip() and mark not in line), "no answer")
    return Flow.STUCK, f"{', '.join(tried)}: {last.strip()}"


def _by_a_channel(live: Live, port: int, stub: RegistryStub, limit: float) -> tuple[Flow, str]:
    """Back through the connection itself: needs AllowTcpForwarding yes, so it is the second choice."""
    try:
        channel = live.channel_to("127.0.0.1", port, min(limit, _SECONDS))
    except ChannelRefusedError:
        return Flow.UNTRIED, "the host opens no channel back"
    except paramiko.SSHException as error:
        return Flow.STUCK, f"a channel back: {error}"
    answer = b""
    with contextlib.closing(channel), contextlib.suppress(TimeoutError, OSError):
        channel.settimeout(min(limit, _SECONDS))
        channel.sendall(f"GET {stub.path} HTTP/1.0\r\n\r\n".encode())
        while stub.nonce.encode() not in answer and (more := channel.recv(4096)):
            answer += more
    if stub.nonce.encode() in answer:
        return Flow.THROUGH, "a channel back"
    return Flow.STUCK, "a channel back brought no answer"
