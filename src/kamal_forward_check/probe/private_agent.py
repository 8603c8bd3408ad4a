"""An ssh-agent for the commands that we start: keys in this process's memory, asked for by a socket of our own.

It has the keys of the agent that is there already, first, and then the given ones. OpenSSH's own ssh-agent can't hold
another agent's keys, and would live on where this process is killed. The protocol: draft-ietf-sshm-ssh-agent.
"""

from __future__ import annotations

import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import paramiko
from paramiko import Message

_FAILURE = b"\x05"
_REQUEST_IDENTITIES, _IDENTITIES_ANSWER = b"\x0b", b"\x0c"
_SIGN_REQUEST, _SIGN_RESPONSE = b"\x0d", b"\x0e"
_EXTENSION = b"\x1b"  # ssh tells an agent which session it is asked for (session-bind@openssh.com)
_RSA_BY_FLAG = {2: "rsa-sha2-256", 4: "rsa-sha2-512"}
_LARGEST, _MOST_KEYS = 256 * 1024, 2048  # as OpenSSH has them


class PrivateAgent:
    """It answers from the moment it is made until `close`. Nobody else's processes can reach its socket."""

    def __init__(self, keys: Mapping[str, Sequence[paramiko.PKey]], beside: str | None) -> None:
        """Hold `keys`, by the names they are shown by, beside those of the agent at the socket `beside`.

        Raises OSError where no socket can be made.
        """
        self._held = {_blob(key): (name, key) for name, several in keys.items() for key in several}
        self._beside = beside or ""
        self._folder = Path(tempfile.mkdtemp(prefix="kamal-forward-check-"))  # of mode 0700
        self.path = self._folder / "agent"
        self._listener = socket.socket(socket.AF_UNIX)
        try:
            self._listener.bind(str(self.path))
            self._listener.listen()
        except OSError:
            self.close()
            raise
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        """Answer nobody any more, and leave nothing behind."""
        shutil.rmtree(self._folder, ignore_errors=True)
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # on Linux close() alone does not end an accept()
        self._listener.close()

    def _listen(self) -> None:
        with suppress(OSError):  # it was closed
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        # The agent that is there already gets a connection for each of ours, as ssh itself would open it.
        with client, socket.socket(socket.AF_UNIX) as other, suppress(OSError, EOFError):
            with suppress(OSError, ValueError):
                other.connect(self._beside)
            while True:
                _put(client, self._answer(_packet(client), other))

    def _answer(self, request: bytes, other: socket.socket) -> bytes:
        kind = request[:1]
        if kind == _REQUEST_IDENTITIES:
            return self._identities(_asked(other, request))
        if kind == _SIGN_REQUEST:
            wanted = Message(request[1:])
            blob, data, flags = wanted.get_binary(), wanted.get_binary(), wanted.get_int()
            return self._signed(blob, data, flags) if blob in self._held else _asked(other, request)
        return _asked(other, request) if kind == _EXTENSION else _FAILURE  # nothing is added, removed or locked

    def _identities(self, of_other: bytes) -> bytes:
        known = dict(_listed(of_other))
        known |= {blob: name.encode() for blob, (name, _) in self._held.items() if blob not in known}
        rows = (_string(blob) + _string(name) for blob, name in known.items())
        return b"".join((_IDENTITIES_ANSWER, len(known).to_bytes(4), *rows))

    def _signed(self, blob: bytes, data: bytes, flags: int) -> bytes:
        _, key = self._held[blob]
        algorithm = _RSA_BY_FLAG.get(flags) if key.get_name() == "ssh-rsa" else None
        try:
            return _SIGN_RESPONSE + _string(key.sign_ssh_data(data, algorithm).asbytes())
        except Exception:  # noqa: BLE001 - whatever the library says, ssh hears that there is no signature
            return _FAILURE


def _blob(key: paramiko.PKey) -> bytes:
    """What a key is asked for by: its certificate where it has one."""
    return bytes(key.public_blob.key_blob if key.public_blob else key.asbytes())


def _listed(answer: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The keys, and their names, in an agent's answer."""
    said = Message(answer[1:])
    for _ in range(min(said.get_int(), _MOST_KEYS) if answer[:1] == _IDENTITIES_ANSWER else 0):
        yield said.get_binary(), said.get_binary()


def _string(data: bytes) -> bytes:
    return len(data).to_bytes(4) + data


def _asked(other: socket.socket, request: bytes) -> bytes:
    with suppress(OSError, EOFError):
        _put(other, request)
        return _packet(other)
    return _FAILURE


def _put(connection: socket.socket, packet: bytes) -> None:
    connection.sendall(_string(packet))


def _packet(connection: socket.socket) -> bytes:
    """The next packet. Raises EOFError where there is none, or none that an agent would take."""
    length = int.from_bytes(connection.recv(4, socket.MSG_WAITALL))
    packet = connection.recv(length, socket.MSG_WAITALL) if 0 < length <= _LARGEST else b""
    if not packet:
        raise EOFError
    return packet
