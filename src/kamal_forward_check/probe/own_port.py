"""The registry's port on this machine: what will Kamal's forwards end at?

Kamal starts its registry with `-p 127.0.0.1:PORT:5000` (Kamal 2.8, commands/registry.rb), and net-ssh connects every
channel of a forward to "localhost", which may be [::1] first. One GET is sent, to this machine alone.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

from kamal_forward_check.model import Answers, OwnPort
from kamal_forward_check.probe.pool import Pool

SECONDS = 0.7
"""The longest wait for all of it."""

_REGISTRYS = "127.0.0.1"
_ADDRESSES = (_REGISTRYS, "::1")
_HEADER = "docker-distribution-api-version"
_MOST_BYTES, _MOST_WORDS = 8192, 60
_TLS_ALERT = b"\x15\x03"
_STATUS = 2  # the words of a status line up to the number


T = TypeVar("T")


class Look:
    """A look at a port of this machine, under way from the start on."""

    def __init__(self, port: int, resolve: Callable[..., list[Any]] = socket.getaddrinfo) -> None:
        self._end = time.monotonic() + SECONDS
        pool = Pool(len(_ADDRESSES) + 1)
        self._names = pool.submit(resolve, "localhost", port, 0, socket.SOCK_STREAM)
        self._looks = {address: pool.submit(_look, address, port) for address in _ADDRESSES}

    def finish(self) -> tuple[OwnPort, ...]:
        """What was seen, in the order of localhost's addresses. What takes too long to see is left out."""
        named = [str(place[0]) for *_, place in self._in_time(self._names) or ()]
        order = dict.fromkeys([*(name for name in named if name in self._looks), _REGISTRYS])
        return tuple(seen for address in order if (seen := self._in_time(self._looks[address])))

    def _in_time(self, future: Future[T]) -> T | None:
        with contextlib.suppress(TimeoutError, OSError):
            return future.result(max(self._end - time.monotonic(), 0.0))
        return None


def _look(address: str, port: int) -> OwnPort:
    limit = SECONDS / 3
    try:
        with socket.create_connection((address, port), limit) as here:
            if here.getsockname() == here.getpeername():  # TCP may connect a port to itself
                return OwnPort(address, port, Answers.NOBODY)
            return OwnPort(address, port, *_named(_answer(here, port, limit * 2)))
    except TimeoutError:
        return OwnPort(address, port, Answers.OTHER, "takes no connection")
    except OSError:  # refused, or no such address here
        return OwnPort(address, port, Answers.NOBODY)


def _answer(here: socket.socket, port: int, limit: float) -> bytes | None:
    """The head of the answer to a registry's own request; None where nothing is said in time."""
    answer, end = b"", time.monotonic() + limit
    try:
        here.sendall(f"GET /v2/ HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n".encode())
        while b"\r\n\r\n" not in answer and len(answer) < _MOST_BYTES:
            here.settimeout(max(end - time.monotonic(), 0.001))
            if not (more := here.recv(_MOST_BYTES)):
                break
            answer += more
    except TimeoutError:
        return answer or None
    except OSError:  # it hung up on us
        return answer
    return answer


def _named(answer: bytes | None) -> tuple[Answers, str]:
    if answer is None:
        return Answers.OTHER, "takes the connection and says nothing"
    if not answer:
        return Answers.OTHER, "closes the connection without a word"
    if answer.startswith(b"HTTP/"):
        return _of_http(answer.decode("latin-1"))
    if answer.startswith(_TLS_ALERT):
        return Answers.OTHER, "speaks TLS"
    words = "".join(char if char.isprintable() else " " for char in answer.decode("utf-8", "replace"))
    return Answers.OTHER, f'says "{" ".join(words.split())[:_MOST_WORDS]}"'


def _of_http(answer: str) -> tuple[Answers, str]:
    first, *lines = answer.partition("\r\n\r\n")[0].splitlines()
    headers = dict(_headers(lines))
    status = " ".join(["HTTP", *first.split()[1:_STATUS]])
    said = f"{status}, Server: {headers['server'][:_MOST_WORDS]}" if headers.get("server") else status
    return (Answers.REGISTRY if _HEADER in headers else Answers.OTHER), f"answers {said}"


def _headers(lines: list[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            yield name.strip().lower(), value.strip()
