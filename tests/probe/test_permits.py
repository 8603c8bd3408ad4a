"""What permitlisten and permitopen allow, asked of a real sshd: the tables that the program's own answers are held to.

The options of a key are matched as sshd_config's lists are, and one sshd takes a new key line for every login.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from contextlib import suppress

from kamal_forward_check.model import Role
from kamal_forward_check.probe.causes import ChannelRefusedError, ListenDeniedError
from kamal_forward_check.probe.live import Live
from kamal_forward_check.sshd.wire import PERMIT_REFUSED
from tests.probe.servers import Servers, public
from tests.sshd.test_permits import LISTEN, OPEN

Row = tuple[str, str, int, bool]


def entered(servers: Servers, option: str, rows: Iterable[Row]) -> Iterator[tuple[Live, Row]]:
    """Each row of a table with a login to which its list applies. `any` and `none` are words of sshd_config alone."""
    server = servers.sshd()
    for row in rows:
        if row[0] not in ("", "any", "none"):
            options = ",".join(f'{option}="{value}"' for value in row[0].split())
            server.authorize(f"{options} {public(servers.key)}")
            live = servers.enter(servers.hop(server, Role.TARGET))
            yield live, row
            live.close()


def test_permitlisten(servers: Servers) -> None:
    for live, row in entered(servers, "permitlisten", LISTEN):
        _, host, port, allowed = row
        with suppress(ListenDeniedError):  # allowed, the port may still be somebody's
            live.listen(host, port, 10)
        assert (PERMIT_REFUSED not in live.transport.debug_texts) is allowed, row


def test_permitopen(servers: Servers) -> None:
    for live, row in entered(servers, "permitopen", (row for row in OPEN if _is_here(row[1]))):
        _, host, port, allowed = row
        assert _opens(live, host, port) is allowed, row


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
