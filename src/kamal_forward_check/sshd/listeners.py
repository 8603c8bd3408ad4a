"""Who holds a port on a host: `ss -ltnp` and /proc/net/tcp read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

# A line of /proc/net/tcp or tcp6 (proc_net_tcp(5)) whose state is LISTEN.
_SOCKET = re.compile(
    r": (?P<address>[0-9A-F]{8,32}):[0-9A-F]{4} \S+ 0A \S+ \S+ \S+\s+(?P<uid>\d{1,10}) ", re.IGNORECASE
)
_LOCAL = 3  # the column of `ss -l` that holds the own address
_PROGRAM = re.compile(r'\("(?P<name>[^"]+)",pid=(?P<pid>\d{1,9})')
_LOOPBACK_OR_ANY = ("0100007F", "00000000", "0" * 32, "0000000000000000FFFF00000100007F")


_OF_CONTAINERS = ("docker-proxy", "rootlesskit", "rootlessport", "conmon", "slirp4netns", "pasta", "passt", "nerdctl")
"""Programs that hold a port for a container that publishes it."""


@dataclass(frozen=True, slots=True)
class Holder:
    """What listens on the port: its program where the login may see it, its owner's uid, the container's name."""

    program: str
    pid: int | None
    uid: int | None
    container: str = ""

    @property
    def of_container(self) -> bool:
        """It holds the port for a container."""
        return bool(self.container) or self.program.startswith(_OF_CONTAINERS)

    def __str__(self) -> str:
        if self.container:
            return f"the container {self.container}"
        if self.program and self.of_container:
            return f"a container ({self.program})"
        if self.program:
            return f"{self.program} (pid {self.pid})"
        owner = "root" if self.uid == 0 else f"uid {self.uid}"
        return f"a program of {owner}" if self.uid is not None else "a program that this login can't see"


def holder(said: Mapping[str, str]) -> Holder | None:
    """Who stands in the way of a listen on 127.0.0.1, by the sections `port` and `sockets`; None if nobody does."""
    sockets = _SOCKET.finditer(said.get("sockets", ""))
    uids = [int(found["uid"]) for found in sockets if found["address"].upper() in _LOOPBACK_OR_ANY]
    listed = [line for line in said.get("port", "").splitlines() if line.startswith("LISTEN")]
    lines = [line for line in listed if _in_the_way(line)]
    program = next((found for line in lines if (found := _PROGRAM.search(line))), None)
    # /proc shows [::] alike with IPv4 and without; where ss has told them apart, its word counts.
    if (listed and not lines) or (not uids and not program):
        return None
    return Holder(
        program=program["name"] if program else "",
        pid=int(program["pid"]) if program else None,
        uid=uids[0] if uids else None,
        container=said.get("container", "").partition("\n")[0].strip(),
    )


def _in_the_way(line: str) -> bool:
    """The socket of this line of `ss` takes 127.0.0.1: it prints `*` for [::] with IPv4, and [::] for IPv6 alone."""
    words = line.split()
    return len(words) > _LOCAL and words[_LOCAL].rpartition(":")[0] in ("127.0.0.1", "0.0.0.0", "*")  # noqa: S104


def is_own_forward(said: Mapping[str, str]) -> bool:
    """The holder is another SSH session's forward of this very login.

    sshd listens as the user after the login, and hides its files from that user: of all programs of one's own,
    `ss` can't name just this one. Without `ss` nothing is concluded.
    """
    found = holder(said)
    if not found:
        return False
    own_uid = said.get("who", "").split("\n")[0].strip()
    if found.program:
        return found.program.startswith("sshd") and (found.uid is None or str(found.uid) == own_uid)
    return "by ss" in said.get("port", "") and own_uid not in ("", "0") and str(found.uid) == own_uid
