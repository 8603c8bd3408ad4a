"""The first connection of a route: a socket to the first hop, or a command's stdin and stdout."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence

# Only Linux has it; macOS answers small packets without it.
_QUICKACK = getattr(socket, "TCP_QUICKACK", None)
_LAST_MOMENT = 0.2
_LAST_WORDS = 1.0


class PromptSocket(socket.socket):
    """A socket that acknowledges at once.

    sshd leaves Nagle's algorithm on until a session runs: each of its small replies would wait for our
    delayed ACK, 40 ms every time.
    """

    def recv(self, *args: int) -> bytes:
        """As socket.recv, and then ask for a quick ACK again, since Linux forgets."""
        data = super().recv(*args)
        if _QUICKACK is not None:
            self.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
        return data


def dial(host: str, port: int, limit: float) -> socket.socket:
    """A connection to host:port within `limit` seconds. Raises OSError, gaierror and UnicodeError."""
    plain = socket.create_connection((host, port), limit)
    prompt = PromptSocket(fileno=plain.detach())
    prompt.settimeout(limit)
    prompt.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return prompt


class CommandSocket:
    """A command's stdin and stdout as a socket, with its stderr kept: paramiko's ProxyCommand loses it.

    The command runs as net-ssh and ssh run it: through `sh`, as `exec COMMAND`.
    """

    def __init__(self, command: str, environ: Mapping[str, str]) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._child = subprocess.Popen(  # noqa: S603 - ssh.proxy_command is a shell command by definition
                ["/bin/sh", "-c", f"exec {command}"],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.PIPE,
                start_new_session=True,
                env=environ,
            )
        self.socket = ours
        self._said: list[bytes] = []
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self._child.stderr is not None  # noqa: S101 - it was asked for
        with self._child.stderr as stderr:
            for line in stderr:
                self._said.append(line)
                del self._said[:-50]

    def heard_out(self) -> None:
        """Wait, for a moment, until the command has said its last."""
        self._listener.join(_LAST_WORDS)

    @property
    def said(self) -> str:
        """The last lines of the command's stderr."""
        return b"".join(self._said).decode("utf-8", "replace").strip()

    def close(self) -> None:
        """End the connection and the command with all that it started, which is given a moment to end by itself."""
        close_all([self])

    def hang_up(self) -> None:
        """End the connection, and ask the command to end."""
        self.socket.close()
        if self._child.returncode is None:
            self._signal(signal.SIGTERM)

    def end(self, until: float) -> None:
        """End the command, once it has had until this moment to do so itself."""
        if self._child.returncode is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(max(until - time.monotonic(), 0))
            self._signal(signal.SIGKILL)
            self._child.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):  # all of its group has ended
            os.killpg(self._child.pid, number)


def close_all(commands: Sequence[CommandSocket]) -> None:
    """Close several at once: stubborn ones take together no longer than one."""
    for command in commands:
        command.hang_up()
    until = time.monotonic() + _LAST_MOMENT
    for command in commands:
        command.end(until)
