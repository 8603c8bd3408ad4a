"""Our end of the forward, over a real one: as a registry on `/v2/`, with the nonce in one place, and nothing else."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from typing import TYPE_CHECKING, cast

import pytest

from kamal_forward_check.model import Role
from kamal_forward_check.probe.live import Live
from kamal_forward_check.probe.registry_stub import PROOF, RegistryStub
from tests.probe.servers import Servers, free_port

if TYPE_CHECKING:
    import paramiko


@dataclass
class Forwarded:
    """A forward that is up, and the stub behind it."""

    live: Live
    stub: RegistryStub
    port: int

    def get(self, path: str, method: str = "GET") -> tuple[HTTPResponse, str]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path, headers={"User-Agent": "docker/27", "Host": f"localhost:{self.port}"})
        response = connection.getresponse()
        body = response.read().decode()
        connection.close()
        return response, body

    def send(self, *pieces: bytes) -> bytes:
        """What comes back for these bytes, until the other end closes."""
        with socket.create_connection(("127.0.0.1", self.port), 10) as connection:
            for piece in pieces:
                connection.sendall(piece)
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            try:
                while more := connection.recv(4096):
                    answer += more
            except ConnectionResetError:
                pass
            return answer


@pytest.fixture
def forwarded(servers: Servers) -> Iterator[Forwarded]:
    live, stub, port = servers.enter(servers.hop(servers.sshd(), Role.TARGET)), RegistryStub(), free_port()
    live.transport.on_forwarded(stub.handle)
    live.listen("127.0.0.1", port, 10)
    yield Forwarded(live, stub, port)
    live.stop_listening("127.0.0.1", port)
    assert live.answers()


def test_it_answers_as_a_registry_does(forwarded: Forwarded) -> None:
    response, body = forwarded.get("/v2/")
    assert (response.status, body) == (200, "{}")
    assert response.getheader("Docker-Distribution-Api-Version") == "registry/2.0"


def test_the_nonce_is_in_one_place(forwarded: Forwarded) -> None:
    response, body = forwarded.get(forwarded.stub.path)
    assert (response.status, body) == (200, f"{PROOF} {forwarded.stub.nonce}\n")


@pytest.mark.parametrize("path", ["/", "/v2", "/v2/shop/manifests/latest", "/v2/kamal-forward-check/", "*"])
def test_all_else_is_not_there_for_now(forwarded: Forwarded, path: str) -> None:
    response, body = forwarded.get(path)
    assert (response.status, body) == (503, "")
    assert forwarded.stub.nonce not in str(response.headers)


def test_no_two_stubs_share_a_path_or_a_nonce() -> None:
    one, other = RegistryStub(), RegistryStub()
    assert one.nonce != other.nonce
    assert one.path != other.path


def test_a_request_in_pieces_is_one_request(forwarded: Forwarded) -> None:
    path = forwarded.stub.path
    assert forwarded.stub.nonce.encode() in forwarded.send(b"GET ", f"{path} HTTP".encode(), b"/1.0\r\n", b"\r\n")


@pytest.mark.parametrize(
    "request_bytes",
    [b"", b"\r\n\r\n", b"\0\xff" * 50, b"GET", b"GET /v2/ " * 4000, b"SSH-2.0-x\r\n"],
    ids=["nothing", "blank", "noise", "half", "endless", "another protocol"],
)
def test_a_peer_that_speaks_no_http_harms_nobody(forwarded: Forwarded, request_bytes: bytes) -> None:
    assert forwarded.stub.nonce.encode() not in forwarded.send(request_bytes)
    assert forwarded.get("/v2/")[0].status == 200


def test_a_peer_that_hangs_up_harms_nobody(forwarded: Forwarded) -> None:
    for _ in range(20):
        socket.create_connection(("127.0.0.1", forwarded.port), 10).close()
    assert forwarded.get("/v2/")[0].status == 200


class _Cut:
    """A channel whose connection is cut under it, which a real one shows only now and then."""

    def settimeout(self, _seconds: float) -> None: ...

    def recv(self, _size: int) -> bytes:
        return b"GET /v2/ HTTP/1.0\r\n\r\n"

    def sendall(self, _data: bytes) -> None:
        raise OSError("Socket is closed")

    def close(self) -> None:
        raise EOFError


def test_a_connection_that_is_cut_under_an_answer_ends_it_in_silence() -> None:
    before = set(threading.enumerate())
    RegistryStub().handle(cast("paramiko.Channel", _Cut()), None, None)
    for thread in set(threading.enumerate()) - before:
        thread.join(10)  # what a thread raises, pytest takes for a failure


def test_a_peer_that_says_nothing_does_not_keep_others_waiting(forwarded: Forwarded) -> None:
    with socket.create_connection(("127.0.0.1", forwarded.port), 10):
        assert forwarded.get("/v2/")[0].status == 200
