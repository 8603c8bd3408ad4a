"""What can be seen of the hosts from outside: their files, listening sockets and processes, to be compared."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator

from lab.lab import Lab

_SETTLED_WITHIN = 10.0
_LISTENERS = ("ss", "-Hlntu")
_PROCESSES = ("ps", "-eo", "user,args", "--no-headers")
_LOCAL = 4  # the column of `ss -Hlntu` that holds the own address

State = frozenset[tuple[str, str, str]]
"""(host, kind, what): a file with its content's digest and its times, a listener, a process."""


def state(lab: Lab) -> State:
    """The state of all hosts, and of the deployer's files."""
    return frozenset([*_files(lab), *(seen for host in lab.hosts for seen in _running(lab, host))])


def changed(lab: Lab, before: State) -> set[tuple[str, str, str]]:
    """What is otherwise than `before`, once what a login leaves for a moment (its own processes) is gone."""
    until = time.monotonic() + _SETTLED_WITHIN
    while (found := set(before ^ state(lab))) and time.monotonic() < until:
        time.sleep(0.05)
    return found


def _files(lab: Lab) -> Iterator[tuple[str, str, str]]:
    for top in ("hosts", "homes"):
        for path in (lab.folder / top).rglob("*"):
            if path.is_file():
                facts = path.stat()
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                host, _, name = str(path.relative_to(lab.folder / top)).partition("/")
                yield host, "file", f"/{name} {digest} {facts.st_mtime_ns} {facts.st_mode}"


def _running(lab: Lab, host: str) -> Iterator[tuple[str, str, str]]:
    for line in lab.on(host, _LISTENERS).stdout.splitlines():
        words = line.split()
        yield host, "listener", f"{words[0]} {words[_LOCAL]}"
    for line in lab.on(host, _PROCESSES).stdout.splitlines():
        if not line.rstrip().endswith((" ".join(_PROCESSES), "<defunct>")):  # process 1, a shell, reaps late
            yield host, "process", line.strip()
