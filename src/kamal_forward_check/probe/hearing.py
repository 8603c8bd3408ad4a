"""A paramiko Transport that keeps what the server says and paramiko drops.

sshd tells its client why it refuses a forward in SSH_MSG_DEBUG (RFC 4253 §11.3), whatever its LogLevel;
the text of a refused channel (RFC 4254 §5.1) and of a disconnect are dropped by paramiko as well.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from enum import Enum
from typing import TYPE_CHECKING, Any

import paramiko
from paramiko.common import cMSG_GLOBAL_REQUEST
from paramiko.message import Message

from kamal_forward_check.model import Algorithms, Heard
from kamal_forward_check.probe.channel import OrderedChannel
from kamal_forward_check.probe.offer import Offer

# Without a handler, logging prints the server's raw texts on stderr; so does the one that INVOKE_DEBUG sets up.
logging.getLogger("paramiko").addHandler(logging.NullHandler())
logging.getLogger("paramiko").propagate = False

_PRE_BANNER = "Banner: "
_MOST_TEXTS, _LONGEST_TEXT = 1000, 8192
"""Far more than an sshd says: one that never stops is not to fill this machine's memory."""

_KEXINIT_LISTS = (
    "kex_algo_list",
    "server_key_algo_list",
    "client_encrypt_algo_list",
    "server_encrypt_algo_list",
    "client_mac_algo_list",
    "server_mac_algo_list",
)


class _Pending(Enum):
    PENDING = "no reply yet"


_PENDING = _Pending.PENDING

if TYPE_CHECKING:

    class _Steps(paramiko.Transport):
        """paramiko's own steps, of which its stubs know nothing."""

        def _send_user_message(self, data: Message) -> None: ...
        def _next_channel(self) -> int: ...
        def _parse_channel_open_failure(self, m: Message) -> None: ...
        def _parse_request_success(self, m: Message) -> None: ...
        def _parse_request_failure(self, m: Message) -> None: ...
        def _parse_disconnect(self, m: Message) -> None: ...
        def _really_parse_kex_init(self, m: Message) -> dict[str, Any]: ...
        def _log(self, level: int, msg: Any, *args: Any) -> None: ...

else:
    _Steps = paramiko.Transport


class HearingTransport(_Steps):
    """paramiko's Transport, with the server's side of the conversation kept."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.debug_texts: list[str] = []
        self.spoke = threading.Event()
        self.before_banner: list[str] = []
        self.disconnect: tuple[int, str] | None = None
        self.algorithms: Algorithms | None = None
        self.offer: Offer | None = None
        self._refusals: dict[int, tuple[int, str]] = {}
        self._opener = threading.local()
        self._one_request = threading.Lock()
        self._taking = threading.Lock()
        self._reply: Message | _Pending | None = _PENDING
        self._given_up = 0
        super().__init__(*args, **kwargs)

    @property
    def let_in(self) -> bool:
        """The server granted the login, also where it ended the connection right after: paramiko then tells of that."""
        return bool(self.auth_handler and self.auth_handler.is_authenticated())

    def heard(self) -> Heard:
        """All that the server said so far."""
        return Heard(
            version=self.remote_version or "",
            debug=tuple(self.debug_texts),
            before_banner=tuple(self.before_banner),
            disconnect=self.disconnect[1] if self.disconnect else "",
            algorithms=self.algorithms,
        )

    def ask(self, kind: str, *data: str | int, limit: float) -> Message | None:
        """Send a global request (RFC 4254 §4); the reply, or None where the server says no.

        paramiko's own `global_request` waits for ever, mixes the replies of two threads up, and reports
        a connection that died as a refusal. Raises TimeoutError and EOFError for these.
        """
        message = Message()
        message.add_byte(cMSG_GLOBAL_REQUEST)
        message.add_string(kind)
        message.add_boolean(True)  # noqa: FBT003 - paramiko's signature; "want reply"
        message.add(*data)
        with self._one_request:
            self._reply = _PENDING
            self.completion_event = answered = threading.Event()
            self._send_user_message(message)
            while True:
                came = answered.wait(limit if self.is_active() else 0)
                answered.clear()
                with self._taking:
                    if not isinstance(self._reply, _Pending):
                        return self._reply
                    if not self.is_active():
                        raise EOFError(f"the connection ended during {kind}")
                    if not came:  # new session keys set the event as well
                        self._given_up += 1
                        raise TimeoutError(f"no answer to {kind}")

    def on_forwarded(self, handler: Any) -> None:
        """Hand every channel of a remote forward to `handler(channel, origin, server)`; None refuses them.

        The handler runs in the thread that reads the connection: it must neither block nor raise. It is
        set before the request is sent, for a peer on the host may connect before the reply is read.
        """
        self._tcp_handler = handler

    def last_refusal(self) -> tuple[int, str] | None:
        """(code, the server's own text) of the channel that this thread failed to open last."""
        return self._refusals.pop(getattr(self._opener, "channel", -1), None)

    def auth_publickey(self, username: str, key: paramiko.PKey, event: threading.Event | None = None) -> list[str]:
        """Offer a key, as paramiko does; an agent that does not sign raises UnsignedError, or is as a refused key."""
        answered = event or threading.Event()
        said = self.offer.says if self.offer else ""  # the server says it once
        self.auth_handler = self.offer = Offer(self)
        self.offer.says = said
        self.offer.auth_publickey(username, key, answered)
        return self.offer.wait_for_response(answered)

    # What follows overrides paramiko's own steps.

    def run(self) -> None:
        """Read the connection to its end.

        Behind a jump that is gone, paramiko fails to close its channel, prints that as a traceback, and wakes nobody.
        """
        try:
            with contextlib.suppress(EOFError, OSError, paramiko.SSHException):
                super().run()
        finally:
            self._wake()

    def open_channel(self, *args: Any, **kwargs: Any) -> paramiko.Channel:
        """As paramiko does. Threads may share what the channel carries."""
        return OrderedChannel.of(super().open_channel(*args, **kwargs))

    def _really_parse_kex_init(self, m: Message) -> dict[str, Any]:
        parsed = super()._really_parse_kex_init(m)
        self.algorithms = Algorithms(*(tuple(parsed[name]) for name in _KEXINIT_LISTS))
        return parsed

    def _parse_debug(self, m: Message) -> None:
        m.get_boolean()
        if len(self.debug_texts) < _MOST_TEXTS:
            self.debug_texts.append(m.get_string()[:_LONGEST_TEXT].decode("utf-8", "replace"))
        self.spoke.set()

    def _next_channel(self) -> int:
        # Called in the opener's own thread: how a refusal finds its way back to the one that asked.
        self._opener.channel = channel = super()._next_channel()
        return channel

    def _parse_channel_open_failure(self, m: Message) -> None:
        start = m.packet.tell()
        channel, code, text = m.get_int(), m.get_int(), m.get_string().decode("utf-8", "replace")
        self._refusals[channel] = (code, text)
        m.packet.seek(start)
        super()._parse_channel_open_failure(m)

    def _parse_request_success(self, m: Message) -> None:
        self._take(m)
        super()._parse_request_success(m)

    def _parse_request_failure(self, m: Message) -> None:
        self._take(None)
        super()._parse_request_failure(m)

    def _take(self, reply: Message | None) -> None:
        """Replies come in the requests' order (RFC 4254 §4): the late ones of those given up come first."""
        with self._taking:
            if self._given_up:
                self._given_up -= 1
            else:
                self._reply = reply

    def close(self) -> None:
        """End the connection, and every wait for a reply on it. What carried it may be gone already."""
        with contextlib.suppress(EOFError, OSError, paramiko.SSHException):
            super().close()
        self._wake()

    def _wake(self) -> None:
        if self.completion_event is not None:
            self.completion_event.set()

    def _parse_disconnect(self, m: Message) -> None:
        start = m.packet.tell()
        self.disconnect = (m.get_int(), m.get_string().decode("utf-8", "replace"))
        m.packet.seek(start)
        super()._parse_disconnect(m)

    def _log(self, level: int, msg: Any, *args: Any) -> None:
        if isinstance(msg, str) and msg.startswith(_PRE_BANNER):
            self.before_banner.append(msg.removeprefix(_PRE_BANNER).strip())
        super()._log(level, msg, *args)
