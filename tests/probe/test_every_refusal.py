"""Every way in which sshd's settings and a key's options forbid a forward, together: what is concluded is never wrong.

One sshd with an address for each combination of settings (Match LocalAddress), and a key for each set of options.
Asked on the wire alone (ForceCommand lets nobody in), the truth is the conclusion or among the candidates; asked on
the host, every obstacle is named, and no other.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from kamal_forward_check.model import Certainty, Given, Keys, Role, Route, Trace
from kamal_forward_check.rules import Facts
from kamal_forward_check.sshd.why import Refusal, Why
from tests.probe.servers import Servers, Sshd, free_port, make_key, public

OTHER = "127.0.0.99:1"
KEYS = ("", "restrict", f'permitlisten="{OTHER}",permitopen="{OTHER}"')
NEEDED = {Role.TARGET: ("yes", "remote"), Role.JUMP: ("yes", "local")}
LISTS = {Role.TARGET: "PermitListen", Role.JUMP: "PermitOpen"}


@dataclass(frozen=True)
class Setting:
    """One combination of settings, on an address of its own."""

    address: str
    tcp: str
    disabled: str
    streamlocal: str
    listed: str

    def lines(self, role: Role, *, asked: bool) -> Iterator[str]:
        yield f"Match LocalAddress {self.address}"
        yield f"AllowTcpForwarding {self.tcp}"
        yield f"DisableForwarding {self.disabled}"
        yield f"AllowStreamLocalForwarding {self.streamlocal}"
        yield f"{LISTS[role]} {self.listed}"
        if not asked:
            yield "ForceCommand /bin/false"

    def obstacles(self, role: Role, key: str) -> set[str]:
        """All that forbids the forward, in the report's keywords."""
        found = {"restrict"} if key == "restrict" else set()
        found |= {"DisableForwarding"} if self.disabled == "yes" else set()
        found |= {"AllowTcpForwarding"} if self.tcp not in NEEDED[role] else set()
        found |= {LISTS[role]} if self.listed == OTHER else set()
        return found | ({LISTS[role].lower()} if "permit" in key else set())


def settings() -> list[Setting]:
    every = itertools.product(("yes", "no", "local", "remote"), ("no", "yes"), ("yes", "no"), ("any", OTHER))
    return [Setting(f"127.0.7.{number}", *each) for number, each in enumerate(every, 1)]


@pytest.mark.parametrize("asked", [False, True], ids=["wire", "host"])
@pytest.mark.parametrize("role", [Role.TARGET, Role.JUMP])
def test_every_refusal(servers: Servers, role: Role, asked: bool) -> None:  # noqa: FBT001
    every = settings()
    lines = (line for each in every for line in each.lines(role, asked=asked))
    server = Sshd(servers.folder / "sshd", servers.key, "0.0.0.0", tuple(lines))  # noqa: S104 - for Match LocalAddress
    servers.started.append(server)
    server.start()
    keys = {options: make_key(servers.folder / f"key-{n}") for n, options in enumerate(KEYS)}
    server.authorize(*(f"{options} {public(key)}".strip() for options, key in keys.items()))
    pairs = list(itertools.product(every, keys))
    routes = [_route(servers, server, role, each.address, str(keys[options])) for each, options in pairs]
    for (each, options), trace in zip(pairs, servers.walk(*routes, seconds=120), strict=True):
        refused = Facts(traces=(trace,)).refused
        obstacles = each.obstacles(role, options)
        assert bool(refused) is bool(obstacles), (each, options, _ends(trace))
        if refused:
            check = _named_all if asked else _not_wrong
            check(refused[0].refusal, obstacles)


def _route(servers: Servers, server: Sshd, role: Role, address: str, key: str) -> Route:
    """To `server` by this address, which is to listen; or over it, to where nobody is."""
    own = servers.hop(server, role, keys=Keys(files=(Given(key, "ssh.keys"),)), address=address)
    pin = replace(
        own.host_key_rule, names=(f"[{address}]:{server.port}",), lines=server.pin.replace(server.host, address)
    )
    hop = replace(own, host=Given(address, "servers"), host_key_rule=pin)
    nowhere = servers.route(server, to=("127.0.0.1", 1))
    return replace(nowhere, hops=(hop,) if role is Role.TARGET else (hop, nowhere.target), port=free_port())


def _ends(trace: Trace) -> list[str]:
    return [f"{seen.stage} {seen.status} {seen.cause} {seen.detail}" for hop in trace.hops for seen in hop.stages]


def _not_wrong(refusal: Refusal, obstacles: set[str]) -> None:
    named = {line.keyword for line in refusal.lines}
    possible = {"restrict" if each.keyword == "authorized_keys" else each.keyword for each in refusal.candidates}
    if refusal.why is Why.KEY:  # without a look at the line, sshd's word that it withholds
        named = {"restrict" if each == "port-forwarding" else each for each in named}
    assert refusal.lines or refusal.why is Why.UNDECIDED, refusal
    assert named <= obstacles, (refusal, obstacles)
    assert named or possible & obstacles, (refusal, obstacles)


def _named_all(refusal: Refusal, obstacles: set[str]) -> None:
    assert {line.keyword for line in refusal.lines} == obstacles, refusal
    assert {line.certainty for line in refusal.lines} == {Certainty.EXACT}, refusal
