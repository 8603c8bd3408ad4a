"""The target tried without its jump, on real sshd's: what is concluded, and what is never offered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kamal_forward_check.model import Given, Role, Route, Stage, Status, Trace, Vantage
from kamal_forward_check.probe.direct import compare
from kamal_forward_check.rules import Facts, judge
from tests.probe.servers import Servers, Sshd, listening


def compared(servers: Servers, *routes: Route, seconds: float = 20) -> tuple[Trace, ...]:
    return compare(servers.walk(*routes), servers.system, Vantage.LOCAL, seconds)


def said(trace: Trace) -> list[str]:
    return [finding.code for finding in judge(Facts(traces=(trace,))) if finding.code.startswith("KF8")]


def test_a_target_that_decides_by_address_works_without_the_jump(servers: Servers) -> None:
    jump = servers.sshd()
    # All logins come from 127.0.0.1 here: the target tells the two ways apart by its own address.
    target = servers.sshd(
        "ListenAddress 127.0.0.3", "ListenAddress 127.0.0.4", "Match LocalAddress 127.0.0.3", "AllowTcpForwarding no"
    )
    route = servers.route(jump, target)
    [trace] = servers.walk(route)
    elsewhere = replace(trace.route.target, address="127.0.0.4")
    trace = replace(trace, route=replace(route, hops=(*route.jumps, elsewhere)))
    [trace] = compare([trace], servers.system, Vantage.LOCAL, 20)
    assert trace.direct
    assert trace.direct.status is Status.PASS
    assert said(trace) == ["KF801"]
    assert listening(route.port) == []


def test_a_target_that_refuses_everyone_refuses_without_the_jump(servers: Servers) -> None:
    route = servers.route(servers.sshd(), servers.sshd("AllowTcpForwarding no"))
    [trace] = compared(servers, route)
    assert said(trace) == ["KF802"]


def test_another_machine_at_the_address_is_offered_no_login(servers: Servers) -> None:
    jump, target, other = servers.sshd(), servers.sshd("AllowTcpForwarding no"), servers.sshd()
    [trace] = servers.walk(servers.route(jump, target))
    there = replace(trace.route.target, address=other.host, port=Given(other.port, "ssh.port"))
    trace = replace(trace, route=replace(trace.route, hops=(trace.route.jumps[0], there)))
    [trace] = compare([trace], servers.system, Vantage.LOCAL, 20)
    assert said(trace) == ["KF803"]
    assert trace.direct
    assert trace.direct.at(Stage.LOGIN) is None
    other.waits_for("do_cleanup", 2)
    assert "userauth-request" not in other.log


def test_where_the_jump_let_no_key_be_seen_there_is_no_login(servers: Servers) -> None:
    target = servers.sshd()
    [trace] = compared(servers, servers.route(servers.sshd("AllowTcpForwarding no"), target))
    [finding] = [each for each in judge(Facts(traces=(trace,))) if each.code == "KF803"]
    assert "SSH answers" in finding.message
    target.waits_for("do_cleanup", 2)
    assert "userauth-request" not in target.log


def test_a_target_that_is_not_reached_proves_nothing(servers: Servers) -> None:
    route = servers.route(servers.sshd(), servers.sshd("AllowTcpForwarding no"))
    [trace] = servers.walk(route)
    away = replace(trace.route.target, address="does-not-exist.invalid")
    [trace] = compare(
        [replace(trace, route=replace(route, hops=(*route.jumps, away)))], servers.system, Vantage.LOCAL, 20
    )
    assert said(trace) == ["KF803"]


@pytest.mark.parametrize("known", ["another", "the same"])
def test_a_changed_host_key_is_not_tried_again(servers: Servers, known: str) -> None:
    """Kamal stops there: whatever the key is without the jump, no login may be offered."""
    jump, target = servers.sshd(), servers.sshd()
    pin = target.pin if known == "the same" else target.pin.replace(target.pin.split()[2], jump.pin.split()[2])
    hop = servers.hop(target, Role.TARGET, known=pin)
    [trace] = compared(servers, servers.route(jump, target=hop))
    assert trace.direct is None


def test_what_works_and_what_has_no_jump_is_not_compared(servers: Servers) -> None:
    refuses: Sshd = servers.sshd("AllowTcpForwarding no")
    well, direct = servers.route(servers.sshd(), servers.sshd()), servers.route(refuses)
    assert [trace.direct for trace in compared(servers, well, direct)] == [None, None]


def test_without_time_nothing_is_compared(servers: Servers) -> None:
    route = servers.route(servers.sshd(), servers.sshd("AllowTcpForwarding no"))
    [trace] = compared(servers, route, seconds=0)
    assert trace.direct is None
