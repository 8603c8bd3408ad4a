"""One connection shared by threads, on real sshd's: answers go to those who asked, and what is said is kept."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from paramiko.message import Message

from kamal_forward_check.model import Role
from kamal_forward_check.probe.causes import ChannelRefusedError, ListenDeniedError
from kamal_forward_check.probe.hearing import HearingTransport
from kamal_forward_check.probe.live import Live
from kamal_forward_check.sshd.wire import FORWARDING_DISABLED, PERMIT_REFUSED
from tests.probe.servers import Servers, free_port


@pytest.fixture
def entered(servers: Servers) -> Callable[..., Live]:
    """Enters a new sshd with these lines."""
    return lambda *lines, **more: servers.enter(servers.hop(servers.sshd(*lines, **more), Role.TARGET))


def refusal(live: Live, host: str, port: int) -> tuple[int, str]:
    """What the server says to a channel that it refuses."""
    with pytest.raises(ChannelRefusedError) as caught:
        live.channel_to(host, port, 10)
    return caught.value.code, caught.value.text


def test_what_sshd_says_in_debug_messages_is_kept(entered: Callable[..., Live]) -> None:
    live = entered("AllowTcpForwarding no")
    with pytest.raises(ListenDeniedError):
        live.listen("127.0.0.1", free_port(), 10)
    told, *said = live.transport.heard().debug
    assert "authorized_keys:1: key options:" in told
    assert said == [FORWARDING_DISABLED]
    assert live.transport.heard().version.startswith("SSH-2.0-OpenSSH")


def test_the_text_of_a_refused_channel_is_kept(entered: Callable[..., Live]) -> None:
    live = entered("PermitOpen 127.0.0.1:*")
    assert refusal(live, "127.0.0.1", free_port()) == (2, "Connection refused")
    assert refusal(live, "127.0.0.9", 22) == (1, "open failed")


def test_400_refused_channels_of_two_kinds_at_once_get_their_own_reasons(entered: Callable[..., Live]) -> None:
    live = entered("PermitOpen 127.0.0.1:*")
    closed = free_port()
    kinds = {0: ("127.0.0.1", closed, (2, "Connection refused")), 1: ("127.0.0.9", 22, (1, "open failed"))}
    at_once = threading.Barrier(20)

    def ask(number: int) -> bool:
        host, port, expected = kinds[number % 2]
        if number < 20:
            at_once.wait(10)
        return refusal(live, host, port) == expected

    with ThreadPoolExecutor(20) as pool:
        assert all(pool.map(ask, range(400)))


def test_two_threads_requests_on_one_connection_do_not_mix(entered: Callable[..., Live]) -> None:
    allowed = free_port()
    live = entered(f"PermitListen 127.0.0.1:{allowed}")
    at_once = threading.Barrier(2)

    def granted(port: int) -> list[bool]:
        at_once.wait(10)
        answers = []
        for _ in range(30):
            try:
                live.listen("127.0.0.1", port, 10)
                live.stop_listening("127.0.0.1", port)
                answers.append(True)
            except ListenDeniedError:
                answers.append(False)
        return answers

    with ThreadPoolExecutor(2) as pool:
        right, wrong = pool.map(granted, [allowed, allowed + 1])
    assert right == [True] * 30
    assert wrong == [False] * 30


def test_a_connection_that_dies_is_no_refusal(servers: Servers) -> None:
    server = servers.sshd()
    live = servers.enter(servers.hop(server, Role.TARGET))
    server.stop()
    with pytest.raises((EOFError, OSError)):
        live.listen("127.0.0.1", free_port(), 10)
    assert not live.answers()


def test_a_reply_that_comes_late_is_not_taken_for_that_to_the_next_request(servers: Servers) -> None:
    port = free_port()
    server = servers.sshd(f"PermitListen 127.0.0.1:{port}")
    live = servers.enter(servers.hop(server, Role.TARGET))
    server.signal(signal.SIGSTOP)
    with pytest.raises(TimeoutError):
        live.listen("127.0.0.1", port, 0.05)  # will be granted
    with ThreadPoolExecutor(1) as pool:
        denied = pool.submit(live.listen, "127.0.0.1", port + 1, 10)
        time.sleep(0.05)  # the request is on its way; were it not, the test would prove less, and not fail
        server.signal(signal.SIGCONT)
        with pytest.raises(ListenDeniedError):
            denied.result(10)
    assert PERMIT_REFUSED in live.transport.heard().debug


class _Gone(socket.socket):
    """Ends as a channel does through a jump that is gone."""

    def close(self) -> None:
        super().close()
        raise EOFError


def test_a_connection_whose_jump_is_gone_ends_in_silence_and_wakes_who_waits() -> None:
    """pytest makes an error of what a thread does not catch; outside it is a traceback on stderr."""
    ours, theirs = socket.socketpair()
    transport = HearingTransport(_Gone(fileno=ours.detach()))
    with theirs:
        transport.start_client(event=threading.Event())
        transport.completion_event = waits = threading.Event()
    transport.join(10)
    assert not transport.is_alive()
    assert waits.is_set()


def test_why_a_server_hangs_up_is_kept(servers: Servers) -> None:
    server = servers.sshd("MaxAuthTries 1")
    server.authorize()
    [trace] = servers.walk(servers.route(server))
    assert trace.failing
    assert "too many authentication failures" in trace.failing.heard.disconnect.lower()


def test_what_is_said_before_the_banner_is_kept(servers: Servers) -> None:
    server = servers.sshd("MaxStartups 1:100:1", "LoginGraceTime 0")
    with socket.create_connection((server.host, server.port)) as unfinished:
        unfinished.recv(100)
        [trace] = servers.walk(servers.route(server))
    assert trace.failing
    assert trace.failing.heard.before_banner in (("Exceeded MaxStartups",), ("Not allowed at this time",))


def test_a_server_that_never_stops_talking_does_not_fill_the_memory() -> None:
    ours, theirs = socket.socketpair()
    debug = Message()
    debug.add_boolean(False)  # noqa: FBT003 - paramiko's signature; "always display"
    debug.add_string("x" * 100_000)
    with ours, theirs:
        transport = HearingTransport(ours)
        for _ in range(20_000):
            debug.rewind()
            transport._parse_debug(debug)  # noqa: SLF001 - paramiko's own step for a message of that kind
    assert sum(map(len, transport.heard().debug)) < 10_000_000
