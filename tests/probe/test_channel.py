"""A close that comes while data is on its way goes after it: sshd ends the whole connection otherwise."""

from __future__ import annotations

from typing import Any

import paramiko
import pytest
from paramiko.common import MSG_CHANNEL_CLOSE, MSG_CHANNEL_DATA, MSG_CHANNEL_EOF

from kamal_forward_check.probe.channel import OrderedChannel


class Wire:
    """A transport that is asked to close the channel, as by another thread, just when its data is to be sent."""

    active = True

    def __init__(self, channel: Any) -> None:
        self.channel = channel
        self.sent: list[int] = []
        channel.transport, channel.remote_chanid, channel.active = self, 5, True
        channel.out_window_size = channel.out_max_packet_size = 1 << 16

    def _send_user_message(self, message: paramiko.Message) -> None:
        kind = message.asbytes()[0]
        if kind == MSG_CHANNEL_DATA:
            self.channel.close()
        self.sent.append(kind)

    def _unlink_channel(self, number: int) -> None:
        pass


def test_a_close_waits_for_the_data_that_is_on_its_way() -> None:
    channel = OrderedChannel.of(paramiko.Channel(0))
    wire = Wire(channel)
    assert channel.send(b"data") == 4
    assert wire.sent == [MSG_CHANNEL_DATA, MSG_CHANNEL_EOF, MSG_CHANNEL_CLOSE]
    with pytest.raises(OSError, match="closed"):
        channel.send(b"more")
    channel.close()
    assert wire.sent == [MSG_CHANNEL_DATA, MSG_CHANNEL_EOF, MSG_CHANNEL_CLOSE]


def test_a_close_alone_goes_at_once() -> None:
    channel = OrderedChannel.of(paramiko.Channel(0))
    wire = Wire(channel)
    channel.close()
    assert wire.sent == [MSG_CHANNEL_EOF, MSG_CHANNEL_CLOSE]


def test_paramikos_own_channel_sends_data_after_its_close() -> None:
    """The reason for all this: once this fails, paramiko has mended it."""
    channel = paramiko.Channel(0)
    wire = Wire(channel)
    channel.send(b"data")
    assert wire.sent == [MSG_CHANNEL_EOF, MSG_CHANNEL_CLOSE, MSG_CHANNEL_DATA]
