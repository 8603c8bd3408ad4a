"""A hop that let us in: a Fabric connection, and the few things that are asked through it."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import Any

import paramiko
from fabric import Config, Connection

from kamal_forward_check.model import Hop
from kamal_forward_check.probe.causes import ChannelRefusedError, ListenDeniedError
from kamal_forward_check.probe.hearing import HearingTransport
from kamal_forward_check.sshd.wire import KeyOptions, key_options

_OUTPUT_LIMIT = 1 << 20
PROMPT_SECONDS = 2.0
"""For what sshd answers at once."""


class HopConnection(Connection):  # type: ignore[misc]  # fabric has no stubs
    """Fabric's Connection to one hop, through another where there is one."""

    def __init__(self, hop: Hop, through: HopConnection | None, connect_kwargs: dict[str, Any]) -> None:
        # Lazy, and with an empty ssh_config: nothing of this machine is read behind our back, and no key
        # leaks from one hop into another through a shared configuration.
        super().__init__(
            hop.address,
            user=hop.user.value,
            port=hop.port.value,
            gateway=through or False,
            connect_kwargs=connect_kwargs,
            config=Config(lazy=True, ssh_config=paramiko.SSHConfig()),
        )

    def open_gateway(self) -> paramiko.Channel:
        """A channel through the jump. Raises ChannelRefusedError with the jump's own words."""
        if not self.gateway.is_connected:
            # Fabric would dial a jump that died again, once in every thread.
            raise ConnectionAbortedError("the jump's connection ended")
        try:
            channel: paramiko.Channel = super().open_gateway()
        except paramiko.SSHException as error:
            raise _refusal(self.gateway.transport, error) from error
        return channel


def _refusal(transport: HearingTransport, error: paramiko.SSHException) -> Exception:
    """paramiko's exception with the server's own code and text put back, where a server refused.

    paramiko keeps one exception a transport: of two threads whose channels are refused at once, one gets the
    other's, or none at all.
    """
    refused = transport.last_refusal()
    return ChannelRefusedError(*refused) if refused else error


@dataclass(slots=True)
class Live:
    """An open hop. Threads may share it: requests wait for one another, channels don't."""

    hop: Hop
    connection: HopConnection
    first: Any = None
    """The socket, or CommandSocket, under the first hop of a route: ours to close."""
    closed: bool = False

    @property
    def transport(self) -> HearingTransport:
        """The connection's transport."""
        return self.connection.client.get_transport()  # type: ignore[no-any-return]

    @property
    def key_options(self) -> KeyOptions | None:
        """What the key that opened this hop may do, as far as sshd said."""
        return key_options(self.transport.debug_texts)

    def answers(self) -> bool:
        """The connection lives, and all that it goes through: sshd answers, if only with a no (RFC 4254 §4)."""
        with contextlib.suppress(paramiko.SSHException, OSError, EOFError):
            self.transport.ask("keepalive@openssh.com", limit=PROMPT_SECONDS)
            return True
        return False

    def listen(self, host: str, port: int, limit: float) -> None:
        """Ask for tcpip-forward (RFC 4254 §7.1).

        Raises ListenDeniedError, TimeoutError, or EOFError where the connection ended.
        """
        if self.transport.ask("tcpip-forward", host, port, limit=limit) is None:
            raise ListenDeniedError(f"{host}:{port}")

    def stop_listening(self, host: str, port: int) -> None:
        """Cancel the forward; a dead connection has none."""
        with contextlib.suppress(paramiko.SSHException, OSError, EOFError):
            self.transport.ask("cancel-tcpip-forward", host, port, limit=PROMPT_SECONDS)

    def channel_to(self, host: str, port: int, limit: float) -> paramiko.Channel:
        """A direct-tcpip channel from the hop to host:port (RFC 4254 §7.2). Raises ChannelRefusedError."""
        try:
            return self.transport.open_channel("direct-tcpip", (host, port), ("127.0.0.1", 0), timeout=limit)
        except paramiko.SSHException as error:
            raise _refusal(self.transport, error) from error

    def run(self, script: str, limit: float) -> str:
        """What `/bin/sh`, fed with `script`, prints on the host (both streams), within `limit` seconds.

        The command is exactly `/bin/sh`: as a command line the script would break in a fish or csh login.
        Raises ChannelRefusedError where the host grants no session, TimeoutError when time is up.
        """
        end = time.monotonic() + limit
        try:
            session = self.transport.open_session(timeout=limit)
        except paramiko.SSHException as error:
            raise _refusal(self.transport, error) from error
        with contextlib.closing(session):
            session.set_combine_stderr(combine=True)
            session.settimeout(limit)
            session.exec_command("/bin/sh")
            with contextlib.suppress(OSError):  # a login that reads nothing has hung up already
                session.sendall(script.encode())
                session.shutdown_write()
            output = b""
            while len(output) < _OUTPUT_LIMIT and (more := session.recv(65536)):
                output += more
                session.settimeout(max(end - time.monotonic(), 0.001))
            # Bytes that are no UTF-8 are kept: a line has to be known by all that stands in it.
            return output.decode("utf-8", "surrogateescape")

    def close(self) -> None:
        """End the connection: also where the login failed, when Connection.close() would do nothing."""
        self.closed = True
        with contextlib.suppress(paramiko.SSHException, OSError, EOFError):  # what it goes through may be gone already
            self.connection.client.close()
        if self.first is not None:
            self.first.close()
