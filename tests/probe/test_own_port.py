"""The registry's port of this machine, with all sorts of programs on it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from kamal_forward_check.check import check
from kamal_forward_check.model import Answers, OwnPort, Vantage, Verdict
from kamal_forward_check.probe import own_port
from kamal_forward_check.probe.own_port import Look
from kamal_forward_check.rules import Facts, judge
from kamal_forward_check.settings import Settings, from_flags
from tests.probe.servers import ME, Servers, free_port


@contextmanager
def listening(*says: bytes, host: str = "127.0.0.1", hangs: bool = False) -> Iterator[int]:
    """A program on a port of this machine: it hears a client out and answers in pieces; `hangs` keeps it silent."""

    def serve() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            clients.append(client)
            if not hangs:
                with client, suppress(OSError):  # who asked may have gone: its time was up
                    client.recv(4096)
                    for piece in says:
                        client.sendall(piece)

    clients: list[socket.socket] = []
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server:
        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    for client in clients:
        client.close()


def of_ipv4(port: int) -> OwnPort:
    return next(seen for seen in Look(port).finish() if seen.address == "127.0.0.1")


@pytest.mark.parametrize(
    ("says", "answers", "said"),
    [
        ([b"HTTP/1.1 200 OK\r\nDocker-Distribution-Api-Version: registry/2.0\r\n\r\n{}"], Answers.REGISTRY, "HTTP 200"),
        ([b"HTTP/1.1 401 No\r\ndocker-distribution-api-", b"version:registry/2.0\r\n\r\n"], Answers.REGISTRY, "401"),
        (
            [b"HTTP/1.1 403 Forbidden\r\nServer: AirTunes/7\r\n\r\n"],
            Answers.OTHER,
            "HTTP 403, Server: AirTunes/7",
        ),
        ([b"HTTP/1.1 200 OK\r\n\r\n<html>"], Answers.OTHER, "answers HTTP 200"),
        ([b"\x15\x03\x01\x00\x02\x02\x16"], Answers.OTHER, "speaks TLS"),
        ([b"SSH-2.0-OpenSSH_9.2\r\n"], Answers.OTHER, 'says "SSH-2.0-OpenSSH_9.2"'),
        ([b"-ERR unknown \x1b[31m command\r\n"], Answers.OTHER, 'says "-ERR unknown [31m command"'),
        ([], Answers.OTHER, "closes the connection without a word"),
        ([b"HTTP/"], Answers.OTHER, "answers HTTP"),
    ],
)
def test_what_answers_is_named(says: list[bytes], answers: Answers, said: str) -> None:
    with listening(*says) as port:
        seen = of_ipv4(port)
    assert seen.answers is answers
    assert said in seen.said


def test_a_program_that_says_nothing_is_not_waited_for() -> None:
    with listening(hangs=True) as port:
        start = time.monotonic()
        seen = of_ipv4(port)
    assert (seen.answers, seen.said) == (Answers.OTHER, "takes the connection and says nothing")
    assert time.monotonic() - start >= own_port.SECONDS / 2, "the registry of a slow machine needs its time"


def test_a_free_port_is_free_on_every_address() -> None:
    seen = Look(free_port()).finish()
    assert {each.answers for each in seen} == {Answers.NOBODY}


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
def test_what_localhost_is_first_counts() -> None:
    """On ::1 something listens, which is in the way only where localhost is ::1 before it is 127.0.0.1."""
    with listening(b"HTTP/1.1 404 No\r\n\r\n", host="::1") as port:
        for addresses, order, codes in (
            (["::1", "127.0.0.1"], ["::1", "127.0.0.1"], ["KF610"]),
            (["127.0.0.1", "::1"], ["127.0.0.1", "::1"], []),
            (["127.0.0.1"], ["127.0.0.1"], []),
        ):
            found: list[Any] = [(0, 0, 0, "", (address, port)) for address in addresses]
            seen = Look(port, lambda *_, found=found: found).finish()
            assert [each.address for each in seen] == order
            assert [finding.code for finding in judge(Facts(own_port=seen))] == codes


@pytest.mark.parametrize("vantage", Vantage)
def test_in_a_container_it_is_not_looked_at(servers: Servers, vantage: Vantage) -> None:
    """The container's localhost is not the runner's; that it was not looked at is said, and takes nothing away."""
    target = servers.sshd()
    port = free_port()
    text = (
        f"service: a\nimage: a\nservers: [{target.host}]\nssh: {{user: {ME}, port: {target.port}}}\n"
        f"registry: {{server: 'localhost:{port}'}}\nbuilder: {{arch: amd64}}\n"
    )
    (servers.home / "config").mkdir()
    (servers.home / "config" / "deploy.yml").write_text(text, encoding="utf-8")
    settings = Settings(identities=(str(servers.key),), known_hosts=target.pin)
    report = check(settings, servers.system, vantage)
    assert report.verdict is Verdict.PASS
    why = [item.why for item in report.skipped if item.what == f"localhost:{port} of the runner"]
    if vantage is Vantage.CONTAINER:
        assert (report.own_port, len(why)) == ((), 1)
    else:
        assert {seen.answers for seen in report.own_port} == {Answers.NOBODY}
        assert not why


def test_the_comparison_is_a_switch() -> None:
    assert from_flags({"compare_direct": True}).compare_direct is True
    assert from_flags({"compare_direct": False}).compare_direct is False
