"""Our end of the forward: as much of a registry as a probe needs (OCI distribution, GET /v2/)."""

from __future__ import annotations

import secrets
import threading
from contextlib import suppress
from typing import Any

import paramiko

_REQUEST_LIMIT = 8192
_SECONDS = 10.0
_GONE = (OSError, EOFError, paramiko.SSHException)

PROOF = "forward-proof"
"""Stands before the nonce, so that a script on the host knows an answer without knowing the nonce."""


class RegistryStub:
    """Answers every channel of the forward: `/v2/` as a registry does, `path` with `nonce`, all else with 503.

    The nonce tells our own end from whatever else may answer on the host's port.
    """

    def __init__(self) -> None:
        self.nonce = secrets.token_hex(16)
        self.path = f"/v2/kamal-forward-check/{secrets.token_hex(8)}"

    def handle(self, channel: paramiko.Channel, _origin: Any, _server: Any) -> None:
        """Take one channel; the answer is given by a thread of its own, never by the reading thread."""
        threading.Thread(target=self._answer, args=(channel,), daemon=True).start()

    def _answer(self, channel: paramiko.Channel) -> None:
        try:
            channel.settimeout(_SECONDS)
            request = b""
            while b"\r\n\r\n" not in request and len(request) < _REQUEST_LIMIT and (more := channel.recv(1024)):
                request += more
            channel.sendall(self._response(request))
            channel.shutdown_write()
        except _GONE:
            return  # the peer on the host went away: the probe sees that it got no nonce
        finally:
            with suppress(*_GONE):  # close() tells the peer, which may be gone with the whole connection
                channel.close()

    def _response(self, request: bytes) -> bytes:
        path = [*request.split(b" "), b"", b""][1].decode("ascii", "replace")
        status, body = "503 Service Unavailable", ""
        if path == self.path:
            status, body = "200 OK", f"{PROOF} {self.nonce}\n"
        elif path == "/v2/":
            status, body = "200 OK", "{}"
        return (
            f"HTTP/1.1 {status}\r\nDocker-Distribution-Api-Version: registry/2.0\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
        ).encode()
