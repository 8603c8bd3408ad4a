"""An SSH server that lets everybody in, grants nothing, and says what it is told to, in all the ways that SSH has."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import paramiko
from paramiko.common import AUTH_SUCCESSFUL, OPEN_SUCCEEDED, cMSG_DEBUG, cMSG_DISCONNECT
from paramiko.message import Message

LONGEST_VERSION = 200
_ALWAYS_DISPLAY, _PROTOCOL_ERROR = b"\1", b"\0\0\0\2"


class _Says(paramiko.ServerInterface):
    """What it says to one client: `texts` never ends."""

    def __init__(self, texts: Iterator[str], transport: Any, *, hangs_up: bool) -> None:
        self.texts, self.transport, self.hangs_up = texts, transport, hangs_up

    def said(self) -> bytes:
        return next(self.texts).encode("utf-8", "surrogatepass")

    def get_banner(self) -> tuple[Any, str]:
        return self.said(), "en"

    def get_allowed_auths(self, username: str) -> str:  # noqa: ARG002 - paramiko's signature
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:  # noqa: ARG002
        if self.hangs_up:
            self._send(cMSG_DISCONNECT, _PROTOCOL_ERROR)
        for _ in range(3):
            self._send(cMSG_DEBUG, _ALWAYS_DISPLAY)
        return AUTH_SUCCESSFUL

    def check_channel_request(self, kind: str, chanid: int) -> int:  # noqa: ARG002
        return OPEN_SUCCEEDED

    def check_port_forward_request(self, address: str, port: int) -> bool:  # noqa: ARG002
        for _ in range(3):
            self._send(cMSG_DEBUG, _ALWAYS_DISPLAY)
        return False

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:  # noqa: ARG002
        threading.Thread(target=self._answer, args=(channel,), daemon=True).start()
        return True

    def _answer(self, channel: paramiko.Channel) -> None:
        with contextlib.suppress(OSError, EOFError):
            channel.sendall(self.said() + b"\n" + self.said())
            channel.sendall_stderr(self.said())
            channel.send_exit_status(1)
            channel.close()

    def _send(self, kind: bytes, first: bytes) -> None:
        message = Message()
        message.add_byte(kind)
        message.add_bytes(first)
        message.add_string(self.said())
        message.add_string("")
        self.transport._send_message(message)  # noqa: SLF001 - what no server should say


@contextlib.contextmanager
def saying(texts: Iterator[str]) -> Iterator[int]:
    """Serve on every address of the loopback; gives the port. Every third client is hung up on."""
    key = paramiko.ECDSAKey.generate()
    lock = threading.Lock()

    def one_at_a_time() -> Iterator[str]:
        while True:
            with lock:
                text = next(texts)
            yield text

    def serve(connection: socket.socket, number: int) -> None:
        own = one_at_a_time()
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            said = next(own).replace("\n", " ").encode("utf-8", "replace")[:LONGEST_VERSION]
            connection.sendall(said + b"\r\n")
            transport = paramiko.Transport(connection)
            version = next(own).replace("\n", " ").replace("\r", " ").encode("utf-8", "replace")
            transport.local_version = "SSH-2.0-" + version[:LONGEST_VERSION].decode("utf-8", "ignore")
            transport.add_server_key(key)
            transport.start_server(threading.Event(), _Says(own, transport, hangs_up=number % 3 == 2))
            transport.join()

    def accept(server: socket.socket) -> None:
        number = 0
        with contextlib.suppress(OSError):
            while True:
                connection, _ = server.accept()
                threading.Thread(target=serve, args=(connection, number), daemon=True).start()
                number += 1

    with socket.create_server(("0.0.0.0", 0)) as server:  # noqa: S104 - every address of the loopback
        threading.Thread(target=accept, args=(server,), daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
