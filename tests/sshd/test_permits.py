"""PermitListen and PermitOpen: the whole of what was measured on real sshd's (8.2 to 10.5)."""

from __future__ import annotations

import pytest

from kamal_forward_check.sshd.permits import listen_allowed, open_allowed

V4, V6 = "127.0.0.1", "::1"


LISTEN = [
    ("any", V4, 5555, True),
    ("none", V4, 5555, False),
    ("", V4, 5555, False),
    ("5555", V4, 5555, True),
    ("5555", "localhost", 5555, True),
    ("5556", V4, 5555, False),
    ("*:5555", V4, 5555, True),
    ("*:5556", V4, 5555, False),
    ("127.0.0.1:5555", V4, 5555, True),
    ("127.0.0.1:*", V4, 5555, True),
    ("[127.0.0.1]:5555", V4, 5555, True),
    ("127.0.0.*:5555", V4, 5555, True),
    ("127.0.0.?:5555", V4, 5555, True),
    ("127.0.0.?:5555", "127.0.0.10", 5555, False),
    ("127.0.0.2:5555", V4, 5555, False),
    ("localhost:5555", V4, 5555, False),
    ("127.0.0.1:5555", "localhost", 5555, False),
    ("localhost:5555", "LocalHost", 5555, True),
    ("LOCALHOST:5555", "localhost", 5555, False),
    ("0.0.0.0:5555", V4, 5555, False),
    ("0.0.0.0:5555", "0.0.0.0", 5555, True),  # noqa: S104 - as a list may say
    ("[::1]:5555", V6, 5555, True),
    ("[::1]:5555", V4, 5555, False),
    ("localhost:5555 127.0.0.1:5555", V4, 5555, True),
    ("*:1111 *:5556 localhost:80", V4, 5555, False),
    ("127.0.0.[1]:5555", V4, 5555, False),
    ("55555", V4, 5555, False),
    ("5555", V4, 0, False),
    ("127.0.0.1:*", V4, 0, True),
    ("any", V4, 0, True),
]
OPEN = [
    ("any", "127.0.9.5", 22, True),
    ("none", "127.0.9.5", 22, False),
    ("", "127.0.9.5", 22, False),
    ("127.0.9.5:22", "127.0.9.5", 22, True),
    ("127.0.9.5:*", "127.0.9.5", 22, True),
    ("127.0.9.5:2222", "127.0.9.5", 22, False),
    ("*:22", "web-1", 22, True),
    ("*:*", "web-1", 22, True),
    ("127.0.9.*:22", "127.0.9.5", 22, False),
    ("web-1:22", "127.0.9.5", 22, False),
    ("127.0.9.5:22", "web-1", 22, False),
    ("Web-1:22", "web-1", 22, False),
    ("web-1:22", "Web-1", 22, False),
    ("[2001:db8::5]:22", "2001:db8::5", 22, True),
    ("127.0.9.5:22 127.0.9.6:22", "127.0.9.6", 22, True),
]


@pytest.mark.parametrize(("values", "host", "port", "allowed"), LISTEN)
def test_permit_listen(values: str, host: str, port: int, allowed: bool) -> None:  # noqa: FBT001
    assert listen_allowed(values, host, port) is allowed


@pytest.mark.parametrize(("values", "host", "port", "allowed"), OPEN)
def test_permit_open(values: str, host: str, port: int, allowed: bool) -> None:  # noqa: FBT001
    assert open_allowed(values, host, port) is allowed
