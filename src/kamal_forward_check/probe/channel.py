"""A channel whose close never overtakes its data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import paramiko
from paramiko.message import Message

Closing = tuple[Message | None, Message | None]
"""The EOF and the CLOSE of a channel, as far as they are still to be sent."""

if TYPE_CHECKING:

    class _Steps(paramiko.Channel):
        """paramiko's own steps, of which its stubs know nothing."""

        transport: Any

        def _send(self, s: bytes, m: Message) -> int: ...
        def _close_internal(self) -> Closing: ...

else:
    _Steps = paramiko.Channel


class OrderedChannel(_Steps):
    """paramiko's Channel, which sends its data outside of its lock: there a close of another thread may go before it.

    sshd takes data for a channel that is gone as a reason to end the whole connection, with all that others have on
    it; or gives it to the next channel of that number. So a close that meets data waits for it.
    """

    _sending = 0
    _closing: Closing = (None, None)

    @classmethod
    def of(cls, channel: paramiko.Channel) -> paramiko.Channel:
        """The same channel, as one of these: paramiko makes its channels itself."""
        channel.__class__ = cls
        return channel

    def _send(self, s: bytes, m: Message) -> int:
        with self.lock:
            self._sending += 1
        try:
            return super()._send(s, m)
        finally:
            with self.lock:
                self._sending -= 1
                now: Closing = (None, None)
                if not self._sending:
                    now, self._closing = self._closing, now
            for message in now:
                if message is not None:
                    self.transport._send_user_message(message)  # noqa: SLF001 - as paramiko's own close does

    def _close_internal(self) -> Closing:
        # Called with the lock held.
        closing = super()._close_internal()
        if not self._sending:
            return closing
        self._closing = closing if closing != (None, None) else self._closing
        return None, None
