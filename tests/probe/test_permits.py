"""What PermitListen and PermitOpen allow, asked of a real sshd: the tables that the program's own answers are held to.

One sshd listens on a port for each list, and a Match block gives that port its list.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from kamal_forward_check.model import Given, Role
from kamal_forward_check.probe.causes import ChannelRefusedError, ListenDeniedError
from kamal_forward_check.probe.live import Live
from kamal_forward_check.sshd.wire import PERMIT_REFUSED
from tests.probe.servers import Servers, free_port
from tests.sshd.test_permits import LISTEN, OPEN


def entered(servers: Servers, keyword: str, lists: list[str]) -> Iterator[tuple[str, Live]]:
    """Each list with a login to which it applies."""
    ports = {values: free_port() for values in lists}
    lines = [f"Port {port}" for port in ports.values()]
    for values, port in ports.items():
        lines += [f"Match LocalPort {port}", f"{keyword} {values}"]
    server = servers.sshd(*lines)
    for values, port in ports.items():
        yield values, servers.enter(replace(servers.hop(server, Role.TARGET), port=Given(port, "here")))


def test_permit_listen(servers: Servers) -> None:
    lists = list(dict.fromkeys(values for values, *_ in LISTEN if values))
    for values, live in entered(servers, "PermitListen", lists):
        for _, host, port, allowed in (row for row in LISTEN if row[0] == values):
            before = len(live.transport.debug_texts)
            with suppress(ListenDeniedError):  # allowed, the port may still be somebody's
                live.listen(host, port, 10)
            assert (PERMIT_REFUSED not in live.transport.debug_texts[before:]) is allowed, (values, host, port)
        live.close()


def test_permit_open(servers: Servers) -> None:
    rows = [row for row in OPEN if row[0] and _is_here(row[1])]
    for values, live in entered(servers, "PermitOpen", list(dict.fromkeys(row[0] for row in rows))):
        for _, host, port, allowed in (row for row in rows if row[0] == values):
            assert _opens(live, host, port) is allowed, (values, host, port)
        live.close()


def _is_here(host: str) -> bool:
    """No name is looked up, and no packet sent anywhere."""
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def _opens(live: Live, host: str, port: int) -> bool:
    try:
        live.channel_to(host, port, 10).close()
    except ChannelRefusedError as refused:
        return not refused.by_policy
    return True
