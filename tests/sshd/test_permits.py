"""PermitListen and PermitOpen: the whole of what was measured on real sshd's (8.2 to 10.5)."""

from __future__ import annotations

import pytest

from kamal_forward_check.sshd.permits import listen_allowed, listen_remarks, open_allowed, open_remarks

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


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ("localhost:5555", "localhost is not 127.0.0.1"),
        ("localhost:*", "`ssh -R 5555:localhost:5555` asks for localhost, and so passes by hand"),
        ("LOCALHOST:5555", "LOCALHOST matches nothing"),
        ("0.0.0.0:5555", "0.0.0.0 stands for itself alone"),
        ("127.0.0.1:5556 80", "No listed address has port 5555"),
    ],
)
def test_what_looks_like_a_listen_that_is_allowed(values: str, told: str) -> None:
    [remark] = listen_remarks(values, "127.0.0.1", 5555)
    assert told in remark


@pytest.mark.parametrize("values", ["none", "[::1]:5555", "10.0.0.1:5555"])
def test_nothing_is_said_of_a_listen_that_does_not_look_allowed(values: str) -> None:
    assert list(listen_remarks(values, "127.0.0.1", 5555)) == []


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ("web-*:22", "web-* is no pattern here"),
        ("WEB-1:22", "Capitals count: Kamal asks for web-1"),
        ("10.0.0.11:22", "Kamal asks for web-1, and no name stands for its address here"),
    ],
)
def test_what_looks_like_a_connection_that_is_allowed(values: str, told: str) -> None:
    [remark] = open_remarks(values, "web-1", 22)
    assert told in remark


@pytest.mark.parametrize("values", ["none", "web-2:22", "10.0.0.11:2222", "web-1:80"])
def test_nothing_is_said_of_a_connection_that_does_not_look_allowed(values: str) -> None:
    assert list(open_remarks(values, "web-1", 22)) == []
