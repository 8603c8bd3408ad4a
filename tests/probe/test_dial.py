"""The first connection: prompt sockets, and commands whose words and children are not lost."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import replace
from pathlib import Path

import pytest

from kamal_forward_check.model import Cause, Given, Hop, Purpose, Role, Route, Stage, Trace, Verdict
from kamal_forward_check.probe.dial import CommandSocket, dial
from kamal_forward_check.rules import Facts, judge
from tests.probe.servers import Servers, codes, free_port, silent, stop


def test_a_connection_sends_and_acknowledges_at_once() -> None:
    with silent() as server, dial("127.0.0.1", server.getsockname()[1], 5) as connection:
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        peer, _ = server.accept()
        with peer:
            peer.sendall(b"hello")
            assert connection.recv(5) == b"hello"


def test_a_connection_that_nobody_takes() -> None:
    with pytest.raises(ConnectionRefusedError):
        dial("127.0.0.1", free_port(), 5)


def talk(command: str) -> tuple[bytes, CommandSocket]:
    """What a command prints, until it ends."""
    connection = CommandSocket(command, os.environ)
    connection.socket.settimeout(10)
    said = b""
    while more := connection.socket.recv(100):
        said += more
    return said, connection


def test_a_commands_output_is_the_connection_and_its_stderr_is_kept() -> None:
    said, connection = talk("sh -c 'echo out; echo err >&2'")
    assert said == b"out\n"
    _until(lambda: connection.said == "err")
    connection.close()


def test_a_command_hears_what_is_sent() -> None:
    connection = CommandSocket("cat", os.environ)
    connection.socket.sendall(b"hello")
    assert connection.socket.recv(5) == b"hello"
    connection.close()


def test_a_command_that_says_much_is_kept_in_its_last_lines() -> None:
    _, connection = talk("sh -c 'i=0; while [ $i -lt 300 ]; do echo line $i >&2; i=$((i+1)); done'")
    _until(lambda: connection.said.endswith("line 299"))
    assert "line 0\n" not in connection.said
    connection.close()


@pytest.mark.parametrize(
    "command",
    ["sleep 600", "sh -c 'sleep 600 & wait'", "sh -c 'trap \"\" TERM; sleep 600 & sleep 600; sleep 600'"],
    ids=["one", "with a child", "that ignores the first signal"],
)
def test_nothing_of_a_command_is_left_when_it_is_closed(command: str) -> None:
    connection = CommandSocket(command, os.environ)
    group = connection._child.pid  # noqa: SLF001 - whose end is awaited
    connection.close()
    _until(lambda: not _lives(group))


def test_to_close_a_command_twice_does_no_harm() -> None:
    connection = CommandSocket("true", os.environ)
    connection.close()
    connection.close()


def _lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return any(
        (stat := path.read_text(encoding="ascii").rpartition(")")[2].split())[0] != "Z" and int(stat[2]) == group
        for path in Path("/proc").glob("[0-9]*/stat")
        if path.exists()
    )


def _until(fulfilled: object, seconds: float = 10) -> None:
    assert callable(fulfilled)
    end = time.monotonic() + seconds
    while not fulfilled():
        assert time.monotonic() < end
        time.sleep(0.005)


# As a hop's way


def by_command(servers: Servers, command: str) -> tuple[Hop, Trace]:
    """A walk to a target by a proxy command, in which PORT stands for its port."""
    server = servers.sshd()
    expanded = command.replace("PORT", str(server.port)).replace("HOST", server.host)
    hop = replace(servers.hop(server, Role.TARGET), proxy_command=Given(expanded, "ssh.proxy_command"))
    [trace] = servers.walk(Route(Purpose.PULL, (hop,), "127.0.0.1", free_port()))
    return hop, trace


BRIDGE = (
    "python3 -c 'import os, socket, threading\n"
    's = socket.create_connection(("HOST", PORT))\n'
    "def pump():\n"
    "    while (d := os.read(0, 65536)): s.sendall(d)\n"
    "threading.Thread(target=pump, daemon=True).start()\n"
    "while (d := s.recv(65536)): os.write(1, d)'"
)


def test_a_hop_is_reached_by_a_command(servers: Servers) -> None:
    _, trace = by_command(servers, BRIDGE)
    assert trace.verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("sh -c 'echo no credentials >&2; exit 3'", "no credentials"),
        ("no-such-program-at-all HOST", "no-such-program-at-all"),
        ("sh -c 'echo Starting session; cat'", ""),
    ],
    ids=["it fails", "it is not there", "it opens a shell"],
)
def test_what_a_failing_command_said_is_kept(servers: Servers, command: str, said: str) -> None:
    hop, trace = by_command(servers, command)
    assert stop(trace) == (hop.host.value, Stage.REACH, Cause.PROXY_COMMAND)
    assert trace.failing
    assert trace.failing.stopped
    assert said in trace.failing.stopped.detail
    assert codes(trace) == ["KF208"]


def test_a_session_managers_shell_is_told_from_a_connection(servers: Servers) -> None:
    _, trace = by_command(servers, "sh -c 'echo; echo Starting session with SessionId: me-0a1b; printf \"$ \"; cat'")
    [finding] = judge(Facts(traces=(trace,)))
    assert finding.code == "KF208"
    assert finding.fix
    assert "AWS-StartSSHSession" in finding.fix.summary


def test_an_interrupt_at_the_keyboard_is_for_us_not_for_the_command() -> None:
    connection = CommandSocket("cat", os.environ)
    assert os.getpgid(connection._child.pid) != os.getpgrp()  # noqa: SLF001 - whose group is asked
    connection.close()
